"""What a plain reader makes of what a desk tells: who has a lead, who had it for the same cause, who is there."""

from collections.abc import Iterator
from dataclasses import replace

from engine.core.messages import LeadRequested
from engine.routing.rows import Load
from tests.laws.test_calendars import wall
from tests.routing.days import Erase, Go, Life, Moment, Recycle, Reload, Told
from tests.routing.organisations import Organisation, Rule

GIVEN = ("assigned", "reassigned", "escalated")
TAKEN = ("queued", "released", "disqualified", "recycled")
_OVER = ("contacted", "snoozed", "qualified", "opportunity", "won", "lost", "disqualified", "recycled")
"""Feedback with which the cause for which a lead was given to a rep is over."""


class Books:
    """Kept by reading on: `has` is who has a lead, `passed` who missed or declined it for the same cause."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.has: dict[str, str] = {}
        self.passed: dict[str, set[str]] = {}
        self.away: dict[str, tuple[int, int | None]] = {}
        self.days: dict[str, tuple[int, int]] = {}
        """By rep: a local date, and how many leads were assigned on it."""

    def read(self, moment: Moment) -> Iterator[Told]:
        """Read on: each record before it counts."""
        self._said(moment)
        for told in moment.told:
            if is_answer(told) and (told.rep is None or is_new(told)):
                self._begins_anew(told)
            yield told
            self._count(told, moment.at_ms)
            if told.kind in GIVEN and told.rep is not None:
                self.has[told.lead] = told.rep
            elif told.kind in TAKEN:
                self.has.pop(told.lead, None)
        self._happened(moment)

    def is_away(self, rep: str, at_ms: int) -> bool:
        """Whether the rep has said so."""
        if rep not in self.away:
            return False
        since_ms, until_ms = self.away[rep]
        return since_ms <= at_ms and (until_ms is None or at_ms < until_ms)

    def works(self, rep: str, at_ms: int) -> bool:
        """Whether the rep is at work: by the wall clock, and not away."""
        return not self.is_away(rep, at_ms) and self.life.organisation.reps[rep].plan.works(at_ms)

    def is_absent(self, rep: str, at_ms: int) -> bool:
        """Whether the rep is away or on vacation."""
        plan = self.life.organisation.reps[rep].plan
        return self.is_away(rep, at_ms) or not replace(plan, hours={}).works(at_ms)

    def today(self, rep: str, at_ms: int) -> int:
        """How many leads the rep got on the local date."""
        day, count = self.days.get(rep, (0, 0))
        return count if day == self._day(rep, at_ms) else 0

    def can_take(self, rep: str, load: Load, at_ms: int) -> bool:
        """Whether the rep can take a lead with so many open ones."""
        stated = self.life.organisation.reps[rep]
        return (
            (stated.open_max is None or load.open < stated.open_max)
            and (stated.day_max is None or self.today(rep, at_ms) < stated.day_max)
            and self.works(rep, at_ms)
        )

    def _day(self, rep: str, at_ms: int) -> int:
        return wall(self.life.organisation.reps[rep].plan.zone, at_ms).toordinal()

    def _count(self, told: Told, at_ms: int) -> None:
        passed = self.passed.setdefault(told.lead, set())
        if told.previous is not None and told.data["cause"]["name"] in ("deadline", "lead.declined"):
            passed.add(told.previous)
        if told.kind in _OVER or told.kind == "released":
            passed.clear()
        if is_new(told) and told.rep is not None:
            self.days[told.rep] = self._day(told.rep, at_ms), self.today(told.rep, at_ms) + 1

    def _begins_anew(self, told: Told) -> None:
        """Where nobody else is left for a lead that asks, it may go to anybody again."""
        request, passed = self.life.held()[told.lead].request, self.passed.get(told.lead, set())
        if not is_anybody_left(self.life.organisation, request, passed):
            passed.clear()

    def _said(self, moment: Moment) -> None:
        act = moment.act
        if not isinstance(act, Go) or act.rep not in self.life.organisation.reps:
            return
        since_ms = self.away[act.rep][0] if self.is_away(act.rep, moment.at_ms) else moment.at_ms
        self.away.pop(act.rep, None)
        if act.kind == "away":
            self.away[act.rep] = since_ms, None if act.for_ms is None else moment.at_ms + act.for_ms

    def _happened(self, moment: Moment) -> None:
        life, act = self.life, moment.act
        for other, lead in life.moved.items():
            if other in self.has:
                rep = self.has.pop(other)
                self.has.setdefault(lead, rep)
            if other in self.passed:
                self.passed.pop(other)
                self.passed.pop(lead, None)
        if isinstance(act, Recycle):
            self.passed.pop(act.lead, None)
        if isinstance(act, Erase):
            for lead in {*self.has, *self.passed} - {*life.held()}:
                self.has.pop(lead, None)
                self.passed.pop(lead, None)
        if isinstance(act, Reload):
            # What is known of a rep who is no more is forgotten with the row.
            for rep in [rep for rep in {*self.away, *self.days} if rep not in life.loads()]:
                self.away.pop(rep, None)
                self.days.pop(rep, None)


def is_new(told: Told) -> bool:
    """Whether somebody gets a lead who did not have it."""
    return told.kind in GIVEN and told.rep != told.previous


def is_answer(told: Told) -> bool:
    """Whether it answers an alert, which on these days is called after the event that caused it."""
    cause = told.data["cause"]
    return cause["topic"] == "visitor-events" and told.data.get("alert") == f"alert-{cause['offset']}"


def is_anybody_left(organisation: Organisation, request: LeadRequested, passed: set[str]) -> bool:
    """Whether the rules that are tried for a lead name somebody for it, there or not, who did not pass it on."""
    for rule in organisation.rules:
        if rule.holds(request):
            left = [rep for rep in organisation.members(rule, request) if rep not in passed]
            if any(organisation.fits(rule, rep, request) for rep in left):
                return True
            if left and organisation.nobody(rule) == "wait":
                return False
    return False


def takers(books: Books, request: LeadRequested, passed: set[str], at_ms: int, *, asks: bool) -> set[str]:
    """Who could take a lead now, by the first rule that has somebody; `asks`: it begins to wait right now."""
    organisation = books.life.organisation
    loads = books.life.loads()
    for rule in organisation.rules:
        if not rule.holds(request):
            continue
        left = [rep for rep in organisation.members(rule, request) if rep not in passed]
        fitting = [rep for rep in left if organisation.fits(rule, rep, request)]
        nobody = organisation.nobody(rule)
        able = [rep for rep in fitting if books.can_take(rep, loads.get(rep, Load()), at_ms)]
        if not able and nobody == "assign_anyway" and asks:
            # Whoever is gone for long may have had it; then it waits until somebody is there.
            able = [rep for rep in fitting if not books.is_absent(rep, at_ms)]
        if able:
            return {*able}
        if left and nobody == "wait":
            break
    return set()


def rule_of(organisation: Organisation, told: Told) -> Rule | None:
    """The rule by which a lead was given."""
    name = told.data["rule"]
    return None if name is None else organisation.rules[int(name.split()[1])]
