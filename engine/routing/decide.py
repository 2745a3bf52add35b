"""Who gets the lead: `(request, desk rows) → (assignment, changed rows)`."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from engine.core.conditions import Condition
from engine.core.messages import LeadRequested, StageChanged
from engine.core.records import LeadAssignment, TraceStep
from engine.core.source import shown
from engine.routing.config import FIELDS, Rep, Routing, Team
from engine.routing.desk import ALERTS_MAX, Held, Read, Turns, due, held_key, pack, turns_key, unpack_held, unpack_turns

ASSIGNED = "lead.assigned"
REASSIGNED = "lead.reassigned"
QUEUED = "lead.queued"
WHY_FIELDS_MAX = 5


class Decision(NamedTuple):
    """What becomes of a request: the record's type and data, the desk's changed rows, and one word for metrics."""

    kind: str
    outcome: str
    assignment: LeadAssignment
    rows: Mapping[bytes, bytes]


class _Choice(NamedTuple):
    rep: str | None
    team: str | None
    rule: str | None
    reason: str
    rows: dict[bytes, bytes]


def decide(routing: Routing, request: LeadRequested, read: Read) -> Decision | None:
    """Answers `request`; None where its alert was answered before.

    A lead that a rep owns stays there. Else the first rule that holds decides, and of a team who got a lead longest
    ago. Where none holds, the lead is queued: with nobody, and that is written down. `read` gives the desk's row of a
    key; the desk knows the owner better than the request, whose sender learns it later. The trace names everything
    that was considered, in order.
    """
    held = unpack_held(read(held_key(request.lead)))
    if held is not None and request.alert in held.alerts:
        return None
    owner = request.owner if held is None else held.rep
    trace: list[TraceStep] = []
    choice = _keep(routing, owner, held, trace) or _by_rules(routing, request, read, trace)
    answered = [*([] if held is None else held.alerts), request.alert][-ALERTS_MAX:]
    row = Held(choice.rep, choice.team, choice.rule, request.at, answered, request.profile, request.partition)
    if choice.rep is None:
        kind, outcome = QUEUED, "queued"
    elif choice.rep == owner:
        kind, outcome = ASSIGNED, "kept"
    elif owner is None:
        kind, outcome = ASSIGNED, "assigned"
    else:
        kind, outcome = REASSIGNED, "reassigned"
    assignment = LeadAssignment(
        lead=request.lead,
        rep=choice.rep,
        team=choice.team,
        rule=choice.rule,
        attempt=1,
        previous=owner,
        due_at=None,
        reason=choice.reason,
        trace=trace,
        alert=request.alert,
        score=request.total,
        band=request.band,
        desk=request.desk,
        region=None,
        remind_at=None,
        cause=request.cause,
    )
    return Decision(kind, outcome, assignment, {**choice.rows, held_key(request.lead): pack(row)})


def released(message: StageChanged, read: Read) -> Mapping[bytes, bytes]:
    """The desk's changed rows once a lead has been recycled by itself: nobody owns it any more."""
    held = unpack_held(read(held_key(message.lead)))
    if held is None or held.rep is None or message.stage != "recycled":
        return {}
    return {held_key(message.lead): pack(replace(held, rep=None, team=None, rule=None))}


def _keep(routing: Routing, owner: str | None, held: Held | None, trace: list[TraceStep]) -> _Choice | None:
    """The owner again, if the lead has one who still is a rep."""
    if owner is None:
        return None
    if owner not in routing.reps:
        trace.append(TraceStep("owner", owner, "passed over", "is no rep any more"))
        return None
    trace.append(TraceStep("owner", owner, "kept", "owns the lead"))
    team, rule = (None, None) if held is None else (held.team, held.rule)
    return _Choice(owner, team, rule, f"{owner} owns the lead", {})


def _by_rules(routing: Routing, request: LeadRequested, read: Read, trace: list[TraceStep]) -> _Choice:
    for rule in routing.rules:
        if rule.when is None or rule.when.holds(request):
            why = "has no condition" if rule.when is None else f"holds: {_values(rule.when, request)}"
            trace.append(TraceStep("rule", rule.name, "matched", why))
            return _picked(rule.name, rule.to, read, trace)
        trace.append(TraceStep("rule", rule.name, "passed over", f"does not hold: {_values(rule.when, request)}"))
    return _Choice(None, None, None, "no rule matches" if routing.rules else "there are no rules", {})


def _picked(rule: str, to: Team | Rep, read: Read, trace: list[TraceStep]) -> _Choice:
    if isinstance(to, Rep):
        trace.append(TraceStep("rep", to.id, "picked", f"rule {rule} names this rep"))
        return _Choice(to.id, None, rule, f"rule {rule}", {})
    key = turns_key(to.id)
    rep, *others = due(unpack_turns(read(key)), to.reps)
    trace.append(TraceStep("rep", rep, "picked", f"next in turn in team {to.id}"))
    return _Choice(rep, to.id, rule, f"rule {rule}, next in turn in team {to.id}", {key: pack(Turns([*others, rep]))})


def _values(condition: Condition, request: LeadRequested) -> str:
    """What `condition` saw, for people: the first five fields that it reads."""
    seen = []
    for name in sorted(condition.fields)[:WHY_FIELDS_MAX]:
        getter = FIELDS(name)
        seen.append(f"{name} = {shown(None if isinstance(getter, str) else getter(request))}")
    return ", ".join(seen) + (", …" if len(condition.fields) > WHY_FIELDS_MAX else "")
