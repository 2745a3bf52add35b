"""Random small sales organisations, as they are written in a file; what they mean is said once more, plainly."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from random import Random
from typing import Any, Protocol, TypeVar

from engine.core.messages import LeadRequested
from engine.routing.config import Routing
from engine.routing.routingfile import load_routing
from tests.laws.test_calendars import WEEKDAYS, Plan

T = TypeVar("T")


class Draw(Protocol):
    """One of some options, by chance: hypothesis or a seed."""

    def __call__(self, options: Sequence[T], /) -> T: ...


NAMES = ("ann", "bob", "cy", "di")
STATES = {"ma": "MA", "ny": "NY"}
PRODUCTS = ("loans", "cards")
TOTALS = (95.0, 40.0)
BANDS = ("hot", "hot", "warm", "cold")

_OFFICE = {day: [("09:00", "17:00")] for day in WEEKDAYS[:5]}
_SPLIT = {day: [("09:00", "12:30"), ("13:30", "17:30")] for day in WEEKDAYS[:5]}
_NIGHTS = {day: [("22:00", "02:00")] for day in WEEKDAYS}
_RARELY = {"tue": [("08:00", "10:00")]}
_HOURS: Sequence[dict[str, list[tuple[str, str]]]] = ({}, {}, {}, _OFFICE, _SPLIT, _NIGHTS, _RARELY)
_ZONES = ("UTC", "UTC", "America/New_York", "Asia/Kolkata")
_VACATIONS: Sequence[tuple[tuple[date, date], ...]] = (
    (),
    (),
    (),
    ((date(2026, 11, 24), date(2026, 11, 24)),),
    ((date(2026, 11, 23), date(2026, 11, 26)), (date(2026, 11, 30), date(2026, 12, 1))),
)
_LIMITS: Sequence[dict[str, str]] = (
    {"accept_within": "15m", "contact_within": "1h"},
    {"accept_within": "15m"},
    {"contact_within": "30m"},
)


@dataclass(frozen=True)
class Rep:
    """One who gets leads."""

    plan: Plan
    weight: float = 1
    open_max: int | None = None
    day_max: int | None = None
    products: tuple[str, ...] = PRODUCTS
    territories: tuple[str, ...] = ()

    def written(self) -> dict[str, Any]:
        """As in a file."""
        plan = self.plan
        hours = {day: [f"{start}-{end}" for start, end in spans] for day, spans in plan.hours.items()}
        capacity = {"open": self.open_max, "per_day": self.day_max}
        return _stated(
            time_zone=plan.zone,
            hours=hours,
            vacations=[f"{first}/{last}" for first, last in plan.vacations],
            weight=self.weight,
            capacity={name: most for name, most in capacity.items() if most is not None},
            skills={"product": list(self.products)} if self.products else {},
            territories=list(self.territories),
        )


@dataclass(frozen=True)
class Pool:
    """A team."""

    reps: tuple[str, ...]
    pick: str = "round_robin"
    nobody: str = "wait"
    after_absence: str = "parity"


@dataclass(frozen=True)
class Region:
    """Its reps hold its territories."""

    reps: tuple[str, ...]
    manager: str | None = None
    territories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """`to` is `territory`, or a kind and an id such as `team one`."""

    to: str
    above: float | None = None
    state: str | None = None
    override: bool = False
    needs: bool = False
    nobody: str | None = None

    def holds(self, request: LeadRequested) -> bool:
        """Whether it is for this lead."""
        above, state = self.above, self.state
        return (above is None or request.total > above) and (state is None or request.place.get("state") == state)

    def written(self, name: str) -> dict[str, Any]:
        """As in a file."""
        kind, _, one = self.to.partition(" ")
        when = _stated(total=None if self.above is None else {"gt": self.above}, state=self.state)
        needs = ["product"] if self.needs else []
        to = {kind: one} if one else kind
        return {"name": name, "to": to, **_stated(when=when, override=self.override, needs=needs, nobody=self.nobody)}


@dataclass(frozen=True)
class Organisation:
    """A routing.yaml. The last rule has no condition."""

    reps: dict[str, Rep]
    rules: tuple[Rule, ...]
    teams: dict[str, Pool] = field(default_factory=dict)
    regions: dict[str, Region] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    remind_at: float | None = None
    misses_max: int = 3
    away_for: str | None = None
    removed_reps: str = "reassign"

    @property
    def routing(self) -> Routing:
        """As it is read."""
        return _read(self.text())

    def text(self) -> str:
        """The file."""
        return json.dumps(
            {
                "assign_on": ["hot-lead"],
                "territories": {name: {"country": "US", "state": state} for name, state in STATES.items()},
                "reps": {name: rep.written() for name, rep in self.reps.items()},
                "teams": {name: vars(team) for name, team in self.teams.items()},
                "regions": {name: _stated(**vars(region)) for name, region in self.regions.items()},
                "rules": [rule.written(f"rule {number}") for number, rule in enumerate(self.rules)],
                "sla": _stated(hot=self.limits, remind_at=self.remind_at, misses_before_manager=self.misses_max),
                "removed_reps": self.removed_reps,
                **_stated(sticky=_stated(unless_away_for=self.away_for)),
            }
        )

    def members(self, rule: Rule, request: LeadRequested) -> tuple[str, ...]:
        """Whom a rule names."""
        kind, _, one = rule.to.partition(" ")
        if kind == "team":
            return self.teams[one].reps
        if kind == "region":
            return self.regions[one].reps
        return (one,) if kind == "rep" else self.holders(request)

    def holders(self, request: LeadRequested) -> tuple[str, ...]:
        """Whose territories hold the lead."""
        held = {name for name, state in STATES.items() if state == request.place.get("state")}
        of_regions = {rep for region in self.regions.values() if held & {*region.territories} for rep in region.reps}
        return tuple(name for name, rep in self.reps.items() if name in of_regions or held & {*rep.territories})

    def narrowed(self) -> "Organisation":
        """The same, whose last rule is for high scores only; all others go to team two."""
        first = replace(self.rules[-1], above=min(TOTALS))
        return replace(self, rules=(first, Rule("team two")))

    def nobody(self, rule: Rule) -> str:
        """What becomes of a lead for which the rule finds nobody."""
        kind, _, one = rule.to.partition(" ")
        last = "wait" if rule is self.rules[-1] else "next_rule"
        return rule.nobody or (self.teams[one].nobody if kind == "team" else last)

    def fits(self, rule: Rule, name: str, request: LeadRequested) -> bool:
        """Whether the rep has the skills that the rule asks for."""
        return not rule.needs or request.product is None or request.product in self.reps[name].products


def _stated(**entries: Any) -> dict[str, Any]:
    return {name: entry for name, entry in entries.items() if entry not in (None, [], (), {}, False)}


@cache
def _read(text: str) -> Routing:
    return load_routing(text, "routing.yaml")


@cache
def organisations(count: int) -> Sequence[Organisation]:
    """The first so many of a series of any."""
    return [organisation(Random(seed).choice) for seed in range(count)]


def organisation(draw: Draw) -> Organisation:
    """Any; small enough for its reps to be busy, off or gone often."""
    names = NAMES[: draw((4, 3, 2))]
    reps = {name: _rep(draw) for name in names}
    teams = {name: _team(draw, names) for name in ("one", "two")}
    east = Region(_some(draw, names), draw((names[0], None, names[-1])), draw(((), ("ny",))))
    last = Rule(draw(("team one", "team one", "team two", "region east", f"rep {names[0]}")))
    is_skilled = any(rep.products for rep in reps.values())
    rules = (*(_rule(draw, names, is_skilled=is_skilled) for _ in range(draw((1, 0, 2)))), last)
    return Organisation(
        reps,
        rules,
        teams,
        {"east": east},
        draw(({}, *_LIMITS)),
        draw((0.5, None)),
        draw((3, 1, 2)),
        draw((None, "4h", "2d")),
        draw(("reassign", "reassign", "keep")),
    )


def _rep(draw: Draw) -> Rep:
    return Rep(
        Plan(draw(_ZONES), draw(_HOURS), frozenset(), draw(_VACATIONS)),
        draw((1, 1, 2, 0.5)),
        draw((None, 1, 2)),
        draw((None, None, 1, 3)),
        draw((PRODUCTS, PRODUCTS[:1], ())),
        draw(((), ("ma",), ("ma", "ny"))),
    )


def _team(draw: Draw, names: Sequence[str]) -> Pool:
    return Pool(
        _some(draw, names),
        draw(("round_robin", "weighted", "least_loaded")),
        draw(("wait", "wait", "next_rule", "assign_anyway")),
        draw(("parity", "catch_up")),
    )


def _rule(draw: Draw, names: Sequence[str], *, is_skilled: bool) -> Rule:
    return Rule(
        draw(("team two", "territory", "region east", f"rep {names[-1]}")),
        draw((None, 50.0)),
        draw((None, "MA")),
        draw((False, True)),
        draw((False, True)) and is_skilled,
        draw((None, None, "wait", "assign_anyway")),
    )


def _some(draw: Draw, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if draw((True, True, False))) or (names[0],)
