"""The arithmetic of one score, in numbers that a person can add up."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from math import fsum
from typing import NamedTuple

from engine.core.records import Clamp, Contribution, LeadScore, Page, Touch
from engine.core.text import clean

_DECIMALS = 2
_TEXT_CHARS_MAX = 120


class Line(NamedTuple):
    """A summand, rounded: `rule` names the rule, clamp or part. The other texts may be empty."""

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


def explain(score: LeadScore, weights: Mapping[str, float] | None = None, decimals: int = _DECIMALS) -> Explanation:
    """How the total of `score` comes about, rounded to so many decimals.

    A record does not carry the weights of its model. Where `weights` states them, the total begins with each part
    times its weight, and a record that does not add up, to 1e-9 × max(1, Σ |contributions|), has a line
    `unexplained`: the weights are another model's, or the record is wrong. Without them the total begins with the
    parts as they are, and a line `weights` says what weighing them made, if that is anything.
    """
    parts: list[Sum] = []
    terms: list[Line] = []
    exact: list[float] = []
    weighs = False
    for part in ("engagement", "fit"):
        lines = [_contribution(c, decimals) for c in score.contributions if c.part == part]
        clamps = [clamp for clamp in score.clamps if clamp.part == part]
        lines += [_clamp(clamp, decimals) for clamp in clamps]
        points = fsum([*(c.points for c in score.contributions if c.part == part), *(c.points for c in clamps)])
        parts.append(_sum(part, lines, points, decimals))
        weight = 1.0 if weights is None else weights[part]
        exact.append(weight * points)
        note = "" if weight == 1 else f"{parts[-1].points} * {weight:.15g}"
        terms.append(Line(_rounded(weight * points, decimals), part, note=note))
        weighs = weighs or (weights is None and points != 0)
    clamps = [clamp for clamp in score.clamps if clamp.part == "total"]
    missing = score.total - fsum([*exact, *(clamp.points for clamp in clamps)])
    if abs(missing) > 1e-9 * max(1.0, fsum(abs(c.points) for c in score.contributions)):
        rest = _rounded(missing, decimals)
        note = f"as model {plain(score.model)} weighs engagement and fit"
        terms.append(Line(rest, "weights", note=note) if weighs else Line(rest, "unexplained"))
    terms += [_clamp(clamp, decimals) for clamp in clamps]
    return Explanation(parts, _sum("total", terms, score.total, decimals))


def explain_text(score: LeadScore, weights: Mapping[str, float] | None = None, decimals: int = _DECIMALS) -> str:
    """`explain` for a terminal or a log: plain text, without any control character that a visitor sent."""
    told = explain(score, weights, decimals)
    lines = [*_head(score), *(line for part in [*told.parts, told.total] for line in _block(part, decimals + 8))]
    if score.pages:
        lines += ["", "pages", *map(_page, score.pages)]
    return "\n".join(lines)


def _head(score: LeadScore) -> list[str]:
    who = f"{plain(score.lead)} ({'known' if score.known else 'anonymous'})"
    head = f"{who}: {_rounded(score.total)}, {plain(score.band)}, as of {plain(score.at)}, model {plain(score.model)}"
    sums = f"engagement {_rounded(score.engagement)}, fit {_rounded(score.fit)}, grade {plain(score.grade)}"
    facts = [f"stage {plain(score.stage)}", f"owner {plain(score.owner or 'nobody')}"]
    interests = (("persona", score.persona), ("product", score.product))
    facts += [f"{name} {plain(value)}" for name, value in interests if value is not None]
    if score.fast_track:
        facts.append("fast track")
    seen = f"seen from {plain(score.first_seen)} to {plain(score.last_seen)}, sessions {score.sessions}"
    lines = [head, sums, ", ".join(facts), seen]
    lines += [_touch("first", score.first_touch)] if score.first_touch else []
    lines += [_touch("last", score.last_touch)] if score.last_touch else []
    if score.next_band_at:
        lines.append(f"changes its band by {plain(score.next_band_at)} if nothing happens")
    return lines


def _touch(which: str, touch: Touch) -> str:
    told = [touch.channel, touch.source, touch.medium, touch.campaign]
    return f"{which} touch {plain(touch.at)}: {', '.join(plain(text) for text in told if text)}"


def _page(page: Page) -> str:
    told = [plain(page.path), plain(page.title or ""), "" if page.seconds is None else f"read for {page.seconds:.0f} s"]
    return f"  {plain(page.at)}  {', '.join(text for text in told if text)}"


def plain(text: str) -> str:
    """Text of a stranger on one line: no control, escape or bidirectional characters, at most 120 characters."""
    return clean(text, _TEXT_CHARS_MAX)


def _block(part: Sum, width: int) -> list[str]:
    lines = [f"  {line.points:>+{width}f}  {', '.join(_told(line))}" for line in part.lines]
    return ["", part.name, *lines, f"  {'-' * width}", f"  {part.points:>{width}f}"]


def _told(line: Line) -> list[str]:
    last = f"last {line.last}" if line.last else ""
    return [text for text in (line.rule, line.label, line.note, last) if text]


def _contribution(contribution: Contribution, decimals: int) -> Line:
    times = "once" if contribution.count == 1 else f"{contribution.count} times"
    notes = [times] if contribution.part == "engagement" else []
    if contribution.group:
        notes.append(f"group {plain(contribution.group)}")
    return Line(
        _rounded(contribution.points, decimals),
        plain(contribution.rule),
        plain(contribution.label or ""),
        ", ".join(notes),
        plain(contribution.last or ""),
    )


def _clamp(clamp: Clamp, decimals: int) -> Line:
    kind, _, name = clamp.clamp.partition(":")
    label = "never below 0" if kind == "floor" else f"limit of {kind} {plain(name)}" if name else f"limit of the {kind}"
    return Line(_rounded(clamp.points, decimals), plain(clamp.clamp), label)


def _sum(name: str, lines: list[Line], points: float, decimals: int) -> Sum:
    rounded = _rounded(points, decimals)
    rest = rounded - sum((line.points for line in lines), Decimal(0))
    return Sum(name, lines + ([Line(rest, "rounding")] if rest else []), rounded)


def _rounded(points: float, decimals: int = _DECIMALS) -> Decimal:
    # Adding zero turns a negative zero round.
    return Decimal(points).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN) + 0
