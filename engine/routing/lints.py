"""What is not wrong in a routing file but surely not meant: each with its place and what to do about it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice

from engine.core.comparisons import Key
from engine.core.instants import DAY_MS, from_rfc3339
from engine.core.lints import is_empty
from engine.core.reader import Reader
from engine.core.source import Node, Problem
from engine.routing.calendarfile import read_calendar
from engine.routing.calendars import Calendar
from engine.routing.config import Region, Rep, Rule, Team
from engine.routing.overlaps import holders, overlaps
from engine.routing.routingfile import RoutingFile, nodes_under

OVERLAPS_MAX = 20
CALENDARS_MAX = 50
_WEEKS_MS = (from_rfc3339("2026-01-12T00:00:00Z"), from_rfc3339("2026-07-13T00:00:00Z"))
"""A week of winter and one of summer: zones of which only one saves daylight move against each other."""

Found = Iterator[tuple[Node | None, str]]


def lints(read: RoutingFile) -> tuple[Problem, ...]:
    """What to look at in a file without mistakes, in order of place, then in the files of other desks."""
    found = [
        *_unreached_rules(read),
        *_waiting_for_ever(read),
        *_unreached_reps(read),
        *_teams(read),
        *_territories(read),
        *_overlapping(read),
        *_deadlines(read),
    ]
    problems = [Problem.of_key(read.file, node, message) for node, message in found if node]
    beside = [problem for desk in read.desks.values() for problem in lints(desk)]
    return (*sorted(problems, key=lambda problem: (problem.line, problem.column)), *beside)


def _rules(read: RoutingFile) -> Iterator[tuple[Rule, Node]]:
    stated = read.root.value.get("rules") if isinstance(read.root.value, dict) else None
    nodes = stated.value if stated is not None and isinstance(stated.value, tuple) else ()
    return zip(read.routing.rules, nodes, strict=True)


def _unreached_rules(read: RoutingFile) -> Found:
    """Rules that no lead comes to, or that hold for none."""
    keeping: list[Rule] = []
    for rule, node in _rules(read):
        before = next((one for one in keeping if _is_wider(one, rule)), None)
        if rule.when is not None and is_empty(rule.when.key):
            yield node, "never matches: no number is within the bounds of its `when`"
        elif before is not None:
            takes = "takes every lead" if before.when is None else "takes every lead for which this one holds"
            yield node, f"never matches: rule `{before.name}` before it {takes}, and passes none on"
        elif not _pool(read, rule):
            yield node, "never gives a lead to anybody: no rep has a territory"
        elif _keeps(rule):
            keeping.append(rule)


def _keeps(rule: Rule) -> bool:
    """Whether every lead that comes to a rule for the first time ends there."""
    return rule.to is not None and (rule.nobody == "wait" or (rule.nobody == "assign_anyway" and not rule.needs))


def _is_wider(rule: Rule, than: Rule) -> bool:
    """Whether a rule surely holds wherever the other one does."""
    if rule.when is None:
        return True
    if than.when is None:
        return False
    asked = _parts("all", than.when.key)
    return all(any(_parts("any", one) <= _parts("any", wide) for one in asked) for wide in _parts("all", rule.when.key))


def _parts(word: str, key: Key) -> frozenset[Key]:
    match key:
        case (first, frozenset() as inner) if first == word:
            return inner
    return frozenset((key,))


def _pool(read: RoutingFile, rule: Rule) -> Sequence[str]:
    """Everybody to whom a rule can give a lead."""
    match rule.to:
        case Team() | Region() as pool:
            return pool.reps
        case Rep() as rep:
            return (rep.id,)
    held = frozenset[str]().union(*map(holders, read.territories))
    return [rep for rep in read.routing.reps if rep in held]


def _waiting_for_ever(read: RoutingFile) -> Found:
    """Rules that keep a lead for a skill that nobody in their pool has."""
    for rule, node in _rules(read):
        if rule.nobody != "wait":
            continue
        skills = [read.routing.reps[rep].skills for rep in _pool(read, rule)]
        missing = [name for name in rule.needs if not any(name in one for one in skills)]
        if missing:
            why = f"nobody whom it names has the skill `{missing[0]}`"
            yield node, f"{why}, and what they lack is waited for: give it to a rep, or state `nobody: next_rule`"


def _unreached_reps(read: RoutingFile) -> Found:
    reached = {rep for rule in read.routing.rules for rep in _pool(read, rule)}
    reached |= {region.manager for region in read.routing.regions.values() if region.manager}
    for name, node in nodes_under(read.root, "reps").items():
        if name not in reached:
            yield node, "no rule can reach this rep: name a team, a region or a territory of theirs in one"


def _teams(read: RoutingFile) -> Found:
    """Teams in which nobody ever works while another does."""
    reps = nodes_under(read.root, "reps")
    for name, node in nodes_under(read.root, "teams").items():
        members = read.routing.teams[name].reps
        calendars = [_weekly(reps[rep]) for rep in members]
        distinct = list(dict.fromkeys(calendars))
        alone = len(members) < 2 or len(distinct) < len(members) or len(distinct) > CALENDARS_MAX
        if not alone and not any(_meet(one, other) for one, other in combinations(distinct, 2)):
            yield (
                node,
                "no two of its reps ever work at the same time: whoever is there gets every lead, whatever `pick` is",
            )


def _weekly(node: Node) -> Calendar:
    """The hours of a rep, without holidays and vacations."""
    stated = node.value if isinstance(node.value, dict) else {}
    hours: Mapping[str, Node] = {key: stated[key] for key in ("time_zone", "hours") if key in stated}
    return read_calendar(Reader(""), hours, None)


def _meet(one: Calendar, other: Calendar) -> bool:
    """Whether there is an instant of the week at which both work."""
    return any(_meet_within(one, other, start_ms, start_ms + 7 * DAY_MS) for start_ms in _WEEKS_MS)


def _meet_within(one: Calendar, other: Calendar, at_ms: int, end_ms: int) -> bool:
    while at_ms < end_ms:
        first, second = one.opens_ms(at_ms), other.opens_ms(at_ms)
        if first is None or second is None:
            return False
        if first == second:
            return first < end_ms
        at_ms = max(first, second)
    return False


def _territories(read: RoutingFile) -> Found:
    asked = any(rule.to is None for rule in read.routing.rules)
    nodes = nodes_under(read.root, "territories")
    for territory in read.territories:
        if not holders(territory):
            yield nodes[territory.name], "nobody holds this territory: list it with a rep or a region"
    if read.territories and not asked and not any(region.territories for region in read.routing.regions.values()):
        yield next(iter(nodes.values())), "no rule has `to: territory`: territories decide nothing without one"


def _overlapping(read: RoutingFile) -> Found:
    nodes = nodes_under(read.root, "territories")
    found = list(islice(overlaps(read.territories), OVERLAPS_MAX + 1))
    for one in found[:OVERLAPS_MAX]:
        asked = f"the reps of both are asked ({one.reps})"
        shared = (
            f"shares {one.shared} with `{one.other}`" if one.other != one.territory else f"gives {one.shared} to two"
        )
        yield nodes[one.territory], f"{shared}: {asked}"
    if len(found) > OVERLAPS_MAX:
        yield nodes[found[-1].territory], "… and more territories share leads"


def _deadlines(read: RoutingFile) -> Found:
    """Limits that nobody has, and misses after which nobody comes."""
    routing = read.routing
    stated = read.root.value.get("sla") if isinstance(read.root.value, dict) else None
    if not routing.sla.bands:
        return
    if not routing.assign_on:
        yield stated, "no alert asks for a rep: without `assign_on` no lead has a deadline"
    for name, node in nodes_under(read.root, "regions").items():
        if routing.regions[name].manager is None:
            after = f"after {routing.sla.misses_max} missed deadlines a lead of this region goes to nobody else"
            yield node, f"{after}: name a `manager`"
