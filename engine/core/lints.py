"""What is not wrong in a model file but surely not meant: each with its place and what to do about it."""

import difflib
from collections.abc import Iterator, Mapping
from math import inf

from engine.core.comparisons import Key
from engine.core.model import Model, Rule
from engine.core.modelfile import ModelFile
from engine.core.names import CANONICAL
from engine.core.rowsize import MODEL_BYTES, row_parts, too_large
from engine.core.source import Node, Problem
from engine.core.triggers import Crosses, FallsBelow

_ALIKE = 0.85


def lints(read: ModelFile, file: str) -> tuple[Problem, ...]:
    """What to look at in `file`, in order of place."""
    found = [
        *_never_holding(read),
        *_names(read),
        *_doubles(read),
        *_deductions(read),
        *_groups(read),
        *_bounds(read),
        *_bands(read),
        *_size(read),
    ]
    problems = [Problem.of_key(file, node, message) for node, message in found if node]
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))


Found = Iterator[tuple[Node | None, str]]


def _at(read: ModelFile, *path: str) -> Node | None:
    """The node at `path`, None where the file does not have it."""
    node: Node | None = read.root
    for key in path:
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return node


def _size(read: ModelFile) -> Found:
    problem = too_large(row_parts(read.model), MODEL_BYTES)
    if problem is not None:
        yield _at(read, "engagement"), problem


def _never_holding(read: ModelFile) -> Found:
    for path, when in read.whens.items():
        node = _at(read, *path, "when")
        if when.events == frozenset() and not when.signals:
            yield node, "can never hold: nothing is this event and this signal, or these events, at once"
        elif is_empty(when.key):
            yield node, "can never hold: no number is within these bounds"


def is_empty(key: Key) -> bool:
    """Whether the condition of this key asks for a number where there is none."""
    match key:
        case ("not", _):
            return False
        case ("all", frozenset() as parts) | ("every", frozenset() as parts):
            return any(is_empty(part) for part in parts)
        case (str(), ("between", float() as above, float() as lower, float() as below, float() as upper)):
            least, most = max(above, lower), min(below, upper)
            return least > most or (least == most and (above == least or below == most))
        case (str(), inner):
            return is_empty(inner)
    return False


def _names(read: ModelFile) -> Found:
    """Events that have another name here, or nearly that of one that is known."""
    known = CANONICAL | read.names.targets
    for path, when in read.whens.items():
        node = _at(read, *path, "when")
        for name in sorted(when.events or ()):
            called = read.names.canonical(name)
            if name in known:
                continue
            if called != name:
                yield node, f"no event is called `{name}`: it becomes `{called}` (config/events.yaml)"
            elif near := difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE):
                yield node, f"`{name}` is none of the common names of events; did you mean `{near[0]}`?"


def _doubles(read: ModelFile) -> Found:
    first: dict[Key, str] = {}
    for (part, rule), key in read.keys.items():
        stated = _at(read, part, rule)
        counts = stated.value.get("times") if stated is not None and isinstance(stated.value, dict) else None
        sources = read.model.rules[rule].sources if part == "engagement" else None
        other = first.setdefault((part, key, sources, None if counts is None else counts.written), rule)
        if other != rule:
            yield (
                _at(read, part, rule),
                f"has the same condition as `{other}`: give one rule the points of both, or tell them apart",
            )


def _deductions(read: ModelFile) -> Found:
    for rule in read.model.rules.values():
        if rule.points < 0 and rule.max is None and not rule.once:
            such = f"max: {2 * abs(rule.points):g}"
            yield (
                _at(read, "engagement", rule.id),
                f"a deduction without `max` can bury a lead for good: give it one, such as {such}",
            )


def _groups(read: ModelFile) -> Found:
    for name, bound in read.model.groups.items():
        node = _at(read, "groups", name)
        points = [abs(rule.points) for rule in read.model.rules.values() if rule.group == name and not rule.times]
        if not any(rule.group == name for rule in read.model.rules.values()):
            yield node, "no rule is in this group: give one `group: " + name + "`, or leave it out"
        elif points and bound < min(points):
            each = f"each rule in this group gives {min(points):g} or more at once"
            yield node, f"max {bound:g} caps everything: {each}; expected a larger max, or fewer points"


def _bounds(read: ModelFile) -> Found:
    """Score alerts that can never fire, or only once."""
    reach = _reach(read.model)
    for alert in read.model.alerts:
        trigger = alert.trigger
        if not isinstance(trigger, Crosses | FallsBelow):
            continue
        node = _at(read, "actions" if alert.is_action else "alerts", alert.id)
        most = reach[trigger.score]
        if isinstance(trigger, Crosses) and trigger.bound > most:
            yield node, f"can never fire: all rules together reach {most:g} of {trigger.score}, not {trigger.bound:g}"
        elif isinstance(trigger, FallsBelow) and trigger.rearm_above > most:
            armed = f"it is armed at {trigger.rearm_above:g} of {trigger.score}, and all rules together reach {most:g}"
            yield node, f"can never fire: {armed}; expected a lower rearm_above"
        elif isinstance(trigger, Crosses) and trigger.score != "fit":
            weight = read.model.engagement_weight if trigger.score == "total" else 1.0
            lowest = trigger.bound - weight * (_passing(read.model) + _deducted(read.model))
            if lowest >= trigger.rearm_below:
                lasting = f"of a score of {trigger.bound:g} at least {lowest:g} is fit and rules that never decay"
                rearm = f"which is not below {trigger.rearm_below:g}; expected a higher rearm_below"
                yield node, f"can never re-arm: {lasting}, {rearm}"


def _reach(model: Model) -> Mapping[str, float]:
    """The most that each score can be, by what the rules may give at most."""
    engagement = min(_sum(model, {rule.id: _most(rule) for rule in model.rules.values()}), model.scale)
    fit = min(sum(rule.points for rule in model.fit if rule.points > 0), model.scale)
    total = model.engagement_weight * engagement + model.fit_weight * fit
    return {"engagement": engagement, "fit": fit, "total": min(total, model.scale)}


def _passing(model: Model) -> float:
    """The most that rules which decay can give at once."""
    decaying = {rule.id: _most(rule) for rule in model.rules.values() if _decays(rule)}
    return min(_sum(model, decaying), model.scale)


def _deducted(model: Model) -> float:
    """The most that deductions can take."""
    losses = [rule for rule in model.rules.values() if rule.points < 0]
    return sum(rule.max if rule.max is not None else abs(rule.points) if rule.once else inf for rule in losses)


def _sum(model: Model, most: Mapping[str, float]) -> float:
    grouped: dict[str | None, float] = {}
    for rule, points in most.items():
        group = model.rules[rule].group
        grouped[group] = grouped.get(group, 0.0) + points
    return sum(points if name is None else min(points, model.groups[name]) for name, points in grouped.items())


def _most(rule: Rule) -> float:
    """The most points of one rule at once; infinite where nothing bounds them."""
    if rule.points <= 0:
        return 0.0
    return min(inf if rule.max is None else rule.max, rule.points if rule.once else inf)


def _decays(rule: Rule) -> bool:
    return rule.window_days is not None or rule.half_life_ms != inf


def _bands(read: ModelFile) -> Found:
    for band in read.model.bands[1:]:
        if band.bound > read.model.scale:
            bound = f"band {band.name} begins at {band.bound:g}, above the scale: state `bands`"
            yield _at(read, "scale"), bound
