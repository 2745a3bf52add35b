"""The arithmetic of one score, in numbers that a person can add up."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from math import fsum
from typing import NamedTuple

from engine.core.records import Clamp, Contribution, LeadScore
from engine.core.text import clean

WEIGHTS: Mapping[str, float] = {"engagement": 1.0, "fit": 1.0}
"""What `total` in config/model.yaml says by default. A score record does not carry its weights."""

_CENT = Decimal("0.01")
_TEXT_CHARS_MAX = 120


class Line(NamedTuple):
    """A summand, to two decimals: `rule` names the rule, clamp or part. The other texts may be empty."""

    points: Decimal
    rule: str
    label: str = ""
    note: str = ""
    last: str = ""


class Sum(NamedTuple):
    """`points` is the sum of the lines, digit by digit; where rounding alone would break that, a line says so."""

    name: str
    lines: list[Line]
    points: Decimal


class Explanation(NamedTuple):
    """`total.lines` begin with the weighted sums of the parts."""

    parts: list[Sum]
    total: Sum


def explain(score: LeadScore, weights: Mapping[str, float] = WEIGHTS) -> Explanation:
    """How the total of `score` comes about.

    A record that does not add up with these weights, to 1e-9 × max(1, Σ |contributions|), has a line
    `unexplained`: the weights are another model's, or the record is wrong.
    """
    parts: list[Sum] = []
    terms: list[Line] = []
    exact: list[float] = []
    for part in ("engagement", "fit"):
        lines = [_contribution(c) for c in score.contributions if c.part == part]
        clamps = [clamp for clamp in score.clamps if clamp.part == part]
        lines += [_clamp(clamp) for clamp in clamps]
        points = fsum([*(c.points for c in score.contributions if c.part == part), *(c.points for c in clamps)])
        parts.append(_sum(part, lines, points))
        weighted = weights[part] * points
        exact.append(weighted)
        note = "" if weights[part] == 1 else f"{parts[-1].points} * {weights[part]:g}"
        terms.append(Line(_rounded(weighted), part, note=note))
    for clamp in score.clamps:
        if clamp.part == "total":
            exact.append(clamp.points)
            terms.append(_clamp(clamp))
    missing = score.total - fsum(exact)
    if abs(missing) > 1e-9 * max(1.0, fsum(abs(c.points) for c in score.contributions)):
        terms.append(Line(_rounded(missing), "unexplained", note="with the weights of this model"))
    return Explanation(parts, _sum("total", terms, score.total))


def explain_text(score: LeadScore, weights: Mapping[str, float] = WEIGHTS) -> str:
    """`explain` for a terminal or a log: plain text, without any control character that a visitor sent."""
    told = explain(score, weights)
    who = f"{plain(score.lead)} ({'known' if score.known else 'anonymous'})"
    head = f"{who}: {_rounded(score.total)}, {plain(score.band)}, as of {plain(score.at)}, model {plain(score.model)}"
    facts = [f"grade {plain(score.grade)}", f"stage {plain(score.stage)}", f"owner {plain(score.owner or 'nobody')}"]
    if score.fast_track:
        facts.append("fast track")
    if score.next_band_at:
        facts.append(f"changes its band by {plain(score.next_band_at)} if nothing happens")
    return "\n".join([head, ", ".join(facts), *(line for part in [*told.parts, told.total] for line in _block(part))])


def plain(text: str) -> str:
    """Text of a stranger on one line: no control, escape or bidirectional characters, at most 120 characters."""
    return clean(text, _TEXT_CHARS_MAX)


def _block(part: Sum) -> list[str]:
    lines = [f"  {line.points:>+10}  {', '.join(_told(line))}" for line in part.lines]
    return ["", part.name, *lines, f"  {'-' * 10}", f"  {part.points:>10}"]


def _told(line: Line) -> list[str]:
    last = f"last {line.last}" if line.last else ""
    return [text for text in (line.rule, line.label, line.note, last) if text]


def _contribution(contribution: Contribution) -> Line:
    times = "once" if contribution.count == 1 else f"{contribution.count} times"
    notes = [times] if contribution.part == "engagement" else []
    if contribution.group:
        notes.append(f"group {plain(contribution.group)}")
    return Line(
        _rounded(contribution.points),
        plain(contribution.rule),
        plain(contribution.label or ""),
        ", ".join(notes),
        plain(contribution.last or ""),
    )


def _clamp(clamp: Clamp) -> Line:
    kind, _, name = clamp.clamp.partition(":")
    label = "never below 0" if kind == "floor" else f"limit of {kind} {plain(name)}" if name else f"limit of the {kind}"
    return Line(_rounded(clamp.points), plain(clamp.clamp), label)


def _sum(name: str, lines: list[Line], points: float) -> Sum:
    rounded = _rounded(points)
    rest = rounded - sum((line.points for line in lines), Decimal(0))
    return Sum(name, lines + ([Line(rest, "rounding")] if rest else []), rounded)


def _rounded(points: float) -> Decimal:
    # Adding zero turns a negative zero round.
    return Decimal(points).quantize(_CENT, ROUND_HALF_EVEN) + 0
