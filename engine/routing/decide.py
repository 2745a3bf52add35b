"""Who gets the lead: the rules in order, and of those whom a rule names one who can take it now."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

from engine.core.instants import to_rfc3339
from engine.core.messages import LeadRequested
from engine.core.records import TraceStep
from engine.core.source import shown
from engine.routing.availability import back_ms, long_absence, why_not
from engine.routing.config import Region, Rep, Rule, Team
from engine.routing.desk import Desk
from engine.routing.leadfields import FIELDS
from engine.routing.picking import METHODS, least_loaded, picked
from engine.routing.territories import Holding

TRACE_STEPS_MAX = 2_000
"""What an assignment tells of rules and reps at most: 200 KB or so, of the megabyte that the broker takes."""
WHY_FIELDS_MAX = 5


class Choice(NamedTuple):
    """Who gets a lead, by which rule, team and region, and why; `kept`: the owner again.

    Where `rep` is None the lead waits: `back_ms` is when time alone may bring somebody back, and leads with the same
    `sort` wait for the same reps. `hopeless`: nobody whom the rules name comes into question.
    """

    rep: str | None
    kept: bool
    rule: str | None
    team: str | None
    region: str | None
    reason: str
    trace: list[TraceStep]
    back_ms: int | None = None
    sort: bytes = b""
    hopeless: bool = False


def choose(
    desk: Desk,
    request: LeadRequested,
    at_ms: int,
    *,
    owner: str | None = None,
    excluded: Mapping[str, str] = {},
    gone: Mapping[str, str] = {},
    begin: str | None = None,
) -> Choice:
    """Who gets the lead of `request` at that instant; turns are taken in `desk`.

    A lead that `owner` has stays, unless the owner is gone or a rule before the first other one that holds overrides
    it. `excluded` are reps who do not come into question for the lead, and why; `gone` those who do not now, not even
    where somebody is to get it anyway. With `begin` the rules before that one are not tried.
    """
    choosing = _Choosing(desk, request, at_ms, excluded, dict(gone))
    if owner is not None:
        taken = choosing.overridden(owner) or choosing.keep(owner)
        if taken is not None:
            return taken
    rules = desk.routing.rules
    first = 0
    if begin is not None:
        first = next((place for place, rule in enumerate(rules) if rule.name == begin), 0)
    return choosing.by_rules(rules[first:])


class _Need(NamedTuple):
    """The skills of which a rep must have one, if there are any; `key` tells them from others, `lacks` who has none."""

    name: str
    skills: frozenset[str]
    key: str
    lacks: str


class _Choosing:
    def __init__(
        self, desk: Desk, request: LeadRequested, at_ms: int, excluded: Mapping[str, str], gone: dict[str, str]
    ) -> None:
        self.routing = desk.routing
        self.desk = desk
        self.request = request
        self.at_ms = at_ms
        self.excluded = excluded
        self.gone = gone
        self.trace: list[TraceStep] = []
        self.waited: dict[str, None] = {}
        """Reps who may take it later."""
        self.asked: list[str] = []
        """What tells the leads that wait for the same reps."""
        self.shortlist = desk.routing.shortlist.of(request)
        self.seen: dict[frozenset[str], tuple[str, str]] = {}
        self.needs: dict[str, _Need] = {}
        self.absences: dict[str, str | None] = {}
        self.holders: tuple[Sequence[str], str] | None = None

    @cached_property
    def holding(self) -> Holding:
        """The territories that hold the lead."""
        return self.routing.territories.holding(self.request)

    def overridden(self, owner: str) -> Choice | None:
        """Whom a rule gives the lead that `owner` has, None where none does."""
        last = max((place for place, rule in enumerate(self.routing.rules) if rule.override), default=-1)
        for rule in self.routing.rules[: last + 1]:
            if not self.matches(rule):
                continue
            if not rule.override:
                return None
            members, _ = self.members(rule)
            if owner in members and owner in self.routing.reps:
                return None
            taken = self.take(rule)
            if taken is not None:
                return taken
        return None

    def keep(self, owner: str) -> Choice | None:
        """The owner again, if it still is a rep and not gone for long."""
        rep = self.routing.reps.get(owner)
        if rep is None:
            self.tell("owner", owner, "passed over", "is no rep any more")
            return None
        gone = long_absence(rep, self.desk.load(owner), self.at_ms, self.routing.away_ms)
        if gone is not None:
            self.gone[owner] = gone
            self.tell("owner", owner, "passed over", gone)
            return None
        self.tell("owner", owner, "kept", "owns the lead")
        return self.choice(owner, None, f"{owner} owns the lead", kept=True)

    def by_rules(self, rules: Sequence[Rule]) -> Choice:
        """Whom the first rule that holds gives it, or who has to be waited for."""
        for rule in rules:
            if not self.matches(rule):
                continue
            taken = self.take(rule)
            if taken is not None:
                return taken
            if rule.nobody == "wait" and self.is_anybody_left(rule):
                waits = self.queued(rule, f"rule {rule.name}: nobody of {_called(rule)} is there")
                return waits._replace(hopeless=not self.waited)
        if self.waited:
            return self.queued(None, "nobody whom the rules name is there")
        why = "no rule matches" if self.routing.rules else "there are no rules"
        return self.queued(None, "nobody is left whom the rules name" if self.asked else why)._replace(hopeless=True)

    def matches(self, rule: Rule) -> bool:
        """Whether the rule is for this lead."""
        if rule.when is None:
            self.tell("rule", rule.name, "matched", "has no condition")
            return True
        fails, holds = self.seen.get(rule.when.fields) or self.look(rule.when.fields)
        if rule.name in self.shortlist and rule.when.holds(self.request):
            self.tell("rule", rule.name, "matched", holds)
            return True
        self.tell("rule", rule.name, "passed over", fails)
        return False

    def look(self, fields: frozenset[str]) -> tuple[str, str]:
        """That a condition does not hold, and that it does, for people, with the first five of the fields it reads.

        Most rules read the same few.
        """
        seen = [f"{name} = {shown(self.value(name))}" for name in sorted(fields)[:WHY_FIELDS_MAX]]
        told = ", ".join(seen) + (", …" if len(fields) > WHY_FIELDS_MAX else "")
        self.seen[fields] = f"does not hold: {told}", f"holds: {told}"
        return self.seen[fields]

    def members(self, rule: Rule) -> tuple[Sequence[str], str]:
        """Whom a rule names, and what their pool is called."""
        match rule.to:
            case Team() as team:
                return team.reps, f"team/{team.id}"
            case Region() as region:
                return region.reps, f"region/{region.id}"
            case Rep() as rep:
                return (rep.id,), f"rep/{rep.id}"
        if self.holders is None:
            holders = self.holding.reps
            self.holders = holders, f"territory/{_digest(holders).hex()}"
        return self.holders

    def take(self, rule: Rule) -> Choice | None:
        """Whom a rule that holds gives the lead; None where nobody of its reps can take it."""
        members, pool = self.members(rule)
        if not members:
            self.tell("territory", rule.name, "passed over", "no territory that a rep has holds the lead")
            return None
        why, missing = self.sift(rule, members)
        able = [member for member, reason in missing.items() if reason is None]
        anyway = not able and rule.nobody == "assign_anyway"
        if anyway:
            able = [member for member in missing if member not in self.gone]
        why |= {member: reason for member, reason in missing.items() if reason is not None and member not in able}
        self.asked.append(f"{rule.name}\0{pool}\0{[self.need(name).key for name in rule.needs]}")
        self.waited |= dict.fromkeys(missing)
        if not able:
            self.tell_all(members, why)
            return None
        rep, reason = self.pick(rule, pool, members, able, why)
        self.tell_all(members, why, rep, f"nobody is there: {missing[rep]}, but anyway" if anyway else reason)
        team = rule.to.id if isinstance(rule.to, Team) else None
        by = f"rule {rule.name}" if isinstance(rule.to, Rep) else f"rule {rule.name}, {reason}"
        return self.choice(rep, rule, f"{by}, though nobody is there" if anyway else by, team=team)

    def pick(
        self, rule: Rule, pool: str, members: Sequence[str], able: Sequence[str], why: Mapping[str, str]
    ) -> tuple[str, str]:
        """One of those who can take it, and why that one."""
        if isinstance(rule.to, Rep):
            return able[0], f"rule {rule.name} names this rep"
        team = rule.to if isinstance(rule.to, Team) else None
        method = rule.pick or (team.pick if team else "round_robin")
        row = self.desk.pool(f"{method}/{pool}")
        reps = self.routing.reps
        if method == "least_loaded":
            loads = {rep: self.desk.load(rep).open / reps[rep].weight for rep in able}
            winner, row = least_loaded(row, members, able, loads)
        else:
            weights = {rep: reps[rep].weight if method == "weighted" else 1.0 for rep in able}
            unavailable = [rep for rep in why if rep not in self.excluded or self.absent(rep)]
            winner, row = picked(row, members, able, unavailable, weights, team.after_absence if team else "parity")
        self.desk.set_pool(f"{method}/{pool}", row)
        return winner, f"{METHODS[method]} in {_called(rule)}"

    def sift(self, rule: Rule, members: Sequence[str]) -> tuple[dict[str, str], dict[str, str | None]]:
        """Of members why they do not come into question, and of the others why they cannot take it now, if so."""
        unfit: dict[str, str] = {}
        missing: dict[str, str | None] = {}
        reps, excluded = self.routing.reps, self.excluded
        needs = [need for name in rule.needs if (need := self.need(name)).skills]
        for member in members:
            if member in excluded:
                unfit[member] = excluded[member]
                continue
            skills = reps[member].skills
            for name, wanted, _, lacks in needs:
                if wanted.isdisjoint(skills.get(name, ())):
                    unfit[member] = lacks
                    break
            else:
                missing[member] = self.absent(member)
        return unfit, missing

    def need(self, name: str) -> "_Need":
        """What a rep must have where a rule needs `name`."""
        if name not in self.needs:
            value = self.value(name)
            every = value if isinstance(value, list) else [] if value is None else [value]
            skills = frozenset(str(one).casefold() for one in every)
            self.needs[name] = _Need(name, skills, f"{sorted(skills)}", f"lacks {name} {shown(value)}")
        return self.needs[name]

    def value(self, name: str) -> object:
        getter = FIELDS(name)
        return None if isinstance(getter, str) else getter(self.request)

    def absent(self, member: str) -> str | None:
        """Why the rep cannot take it now. Several rules name the same reps."""
        if member not in self.absences:
            rep = self.routing.reps[member]
            # At night and on holidays this spares a look at what each of them has.
            closed = rep.calendar.closed(self.at_ms)
            self.absences[member] = closed or why_not(rep, self.desk.load(member), self.at_ms)
        return self.gone.get(member) or self.absences[member]

    def is_anybody_left(self, rule: Rule) -> bool:
        """Whether somebody whom the rule names may take it later."""
        return any(member not in self.excluded for member in self.members(rule)[0])

    def queued(self, rule: Rule | None, reason: str) -> Choice:
        """The lead waits, at `rule`."""
        backs = (back_ms(self.routing.reps[rep], self.desk.load(rep), self.at_ms) for rep in self.waited)
        first = min((back for back in backs if back is not None), default=None)
        if first is not None:
            reason += f" before {to_rfc3339(first)}"
        team = rule.to.id if rule is not None and isinstance(rule.to, Team) else None
        sort = _digest([*self.asked, "\0", *sorted(self.excluded)])
        return self.choice(None, rule, reason, team=team)._replace(back_ms=first, sort=sort)

    def choice(
        self, rep: str | None, rule: Rule | None, reason: str, *, team: str | None = None, kept: bool = False
    ) -> Choice:
        region = rule.to.id if rule is not None and isinstance(rule.to, Region) else self.region_of(rep)
        left_out = len(self.trace) - TRACE_STEPS_MAX
        if left_out > 0:
            self.trace[TRACE_STEPS_MAX:] = [TraceStep("trace", "", "left out", f"{left_out} more steps")]
        name = None if rule is None else rule.name
        return Choice(rep, kept, name, team, region, reason, self.trace)

    def region_of(self, rep: str | None) -> str | None:
        """The region of the rep, else the first whose territories hold the lead."""
        of_rep = self.routing.region_of.get(rep or "")
        regions = self.routing.regions.values()
        if of_rep is not None or not any(region.territories for region in regions):
            return of_rep
        held = set(self.holding.names)
        return next((region.id for region in regions if not held.isdisjoint(region.territories)), None)

    def tell(self, step: str, candidate: str, outcome: str, why: str) -> None:
        self.trace.append(TraceStep(step, candidate, outcome, why))

    def tell_all(
        self, members: Iterable[str], why: Mapping[str, str], winner: str | None = None, reason: str = ""
    ) -> None:
        """Say of each member why it was passed over, and of the winner why it was not."""
        first = f"{winner} comes first"
        self.trace += [
            TraceStep("rep", member, "picked", reason)
            if member == winner
            else TraceStep("rep", member, "passed over", why.get(member, first))
            for member in members
        ]


def _called(rule: Rule) -> str:
    """Whom a rule names, for people."""
    match rule.to:
        case Team() as team:
            return f"team {team.id}"
        case Region() as region:
            return f"region {region.id}"
        case Rep() as rep:
            return rep.id
    return "the territory"


def _digest(parts: Iterable[str]) -> bytes:
    return blake2b("\0".join(parts).encode(), digest_size=8).digest()
