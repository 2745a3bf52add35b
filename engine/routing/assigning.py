"""What a decision comes to: the lead's row, the record that tells of it, and the new owner for the lead's profile."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from engine.core.instants import to_rfc3339
from engine.core.messages import LeadFeedback, LeadRequested, OwnerChanged
from engine.core.origins import identity_of
from engine.core.records import Cause, LeadAssignment, LeadFeedbackRecord, TraceStep
from engine.routing.availability import with_assigned
from engine.routing.config import Rep
from engine.routing.decide import Choice, choose
from engine.routing.desk import Desk
from engine.routing.rows import ALERTS_MAX, PENDING, Clock, Held, Wait, pack
from engine.routing.sla import comes_last, first_clock, scheduled
from engine.routing.territories import TERRITORIES_TOLD_MAX

ASSIGNED = "lead.assigned"
REASSIGNED = "lead.reassigned"
QUEUED = "lead.queued"
ESCALATED = "lead.escalated"
RELEASED = "lead.released"

NOBODY_LEFT = "nobody else is left"


class Trigger(NamedTuple):
    """What sets something off at the desk: its cause, the event time of it and the desk's own, both in ms."""

    cause: Cause
    time_ms: int
    at_ms: int

    @property
    def identity(self) -> str:
        """What tells it from another, the same on every replay."""
        return identity_of(self.cause) if self.cause.topic else f"{self.cause.name}/{self.time_ms}"


class Told(NamedTuple):
    """A record for downstream, by its type, event time in ms and what tells it from others, and messages to the lead.

    The messages are for the lead's profile, in `partition` of `lead-inbox`. `outcome` is a word for metrics.
    """

    kind: str
    time_ms: int
    data: LeadAssignment | LeadFeedbackRecord
    identity: tuple[str, ...]
    messages: tuple[LeadFeedback | OwnerChanged, ...] = ()
    partition: int = 0
    outcome: str | None = None


def wake_trigger(name: str, due_ms: int, at_ms: int) -> Trigger:
    """The time alone, as a cause: `name` fell due at `due_ms`."""
    return Trigger(Cause(None, None, None, None, name, to_rfc3339(due_ms)), due_ms, at_ms)


def answer(desk: Desk, request: LeadRequested, trigger: Trigger) -> Told | None:
    """What comes of a request; None where its alert was answered before.

    The desk knows the owner better than the request, whose sender learns it later. A lead that nobody has been in touch
    with yet does not go back to who missed or declined it, unless nobody else is left.
    """
    lead = desk.current(request.lead)
    held = desk.held(lead)
    if held is not None and lead != request.lead:
        request = replace(request, lead=lead, profile=held.profile, partition=held.partition)
    if held is not None and request.alert in held.alerts:
        return None
    alerts = [*([] if held is None else held.alerts), request.alert][-ALERTS_MAX:]
    asked = pack(request)
    if held is None:
        held = Held(None, "closed", request.owner, None, None, None, trigger.at_ms, alerts, "", 0, asked)
    goes_on = held.state in PENDING or held.state == "waiting"
    held = replace(
        held,
        alerts=alerts,
        asked=asked,
        profile=request.profile,
        partition=request.partition,
        attempt=held.attempt if goes_on else 0,
        missed=held.missed if goes_on else [],
        declined=held.declined if goes_on else [],
    )
    choice = choose(desk, request, trigger.at_ms, owner=held.rep, excluded=passed(held))
    if choice.hopeless and passed(held):
        # It would wait for nobody: what the lead has done since is worth another look by whoever had it.
        held = replace(held, attempt=0, missed=[], declined=[])
        choice = choose(desk, request, trigger.at_ms, owner=held.rep)
        choice = choice._replace(reason=f"{NOBODY_LEFT}, so all begins anew; {choice.reason}")
    identity = (request.alert,)
    return settle(desk, held, request, choice, trigger, identity=identity, knows=request.owner)


def reassign(
    desk: Desk,
    held: Held,
    trigger: Trigger,
    why: str,
    *,
    begin: str | None = None,
    gone: Mapping[str, str] = {},
) -> Told:
    """The lead goes from its rep to the next one, tried from the rule `begin` on; to nobody where there is none.

    Not to who had it for the same cause; `gone` are reps who cannot take it now, and why. Where nobody else is left it
    goes to the manager of its region.
    """
    request = held.request
    choice = choose(desk, request, trigger.at_ms, excluded=passed(held), gone=gone, begin=begin)
    if choice.hopeless and passed(held):
        manager = manager_of(desk, held)
        if manager is not None:
            return escalate(desk, held, trigger, f"{why}; {NOBODY_LEFT}", manager, choice.trace)
    if choice.rep is None and begin is not None:
        # For what waits every rule counts.
        choice = choose(desk, request, trigger.at_ms, excluded=passed(held), gone=gone)
    return settle(desk, held, request, choice._replace(reason=f"{why}; {choice.reason}"), trigger)


def escalate(
    desk: Desk, held: Held, trigger: Trigger, why: str, manager: Rep, considered: Sequence[TraceStep] = ()
) -> Told:
    """The lead goes to the manager of its region, without a clock: nobody comes after. `considered` are the others."""
    trace = [*considered, TraceStep("manager", manager.id, "picked", f"manager of region {held.region}")]
    reason = f"{why}; to {manager.id}, manager of region {held.region}"
    choice = Choice(manager.id, False, held.rule, held.team, held.region, reason, trace)
    return settle(desk, held, held.request, choice, trigger, kind=ESCALATED)


def manager_of(desk: Desk, held: Held) -> Rep | None:
    """The manager of the lead's region, None where there is none or it had the lead already."""
    region = desk.routing.regions.get(held.region or "")
    manager = None if region is None or region.manager is None else desk.routing.reps.get(region.manager)
    return None if manager is None or manager.id in passed(held) else manager


def passed(held: Held) -> dict[str, str]:
    """Who had the lead for the same cause, and why not again."""
    return {
        **dict.fromkeys(held.declined, "declined this lead"),
        **dict.fromkeys(held.missed, "missed a deadline of this lead"),
    }


def settle(
    desk: Desk,
    held: Held,
    request: LeadRequested,
    choice: Choice,
    trigger: Trigger,
    *,
    kind: str | None = None,
    identity: tuple[str, ...] | None = None,
    knows: str | None = None,
) -> Told:
    """Take over a choice: the lead's row, the rep's load, and what is told of it.

    `held` is the row so far; `kind` another type than the usual; `knows` is whom the lead's profile takes for the
    owner, where that is not the one in `held`.
    """
    previous = held.rep
    row = _row(desk, held, request, choice, trigger, clocked=kind != ESCALATED)
    desk.hold(request.lead, row)
    if choice.rep is None:
        usual, outcome = QUEUED, "queued"
    elif choice.kept:
        usual, outcome = ASSIGNED, "kept"
    elif previous is None:
        usual, outcome = ASSIGNED, "assigned"
    else:
        usual, outcome = REASSIGNED, "reassigned"
    data = record(desk, row, request, choice.reason, trigger, previous, choice.trace)
    # A profile that takes the new owner for the owner may be about to hear of the one in between.
    is_known = choice.rep == previous and (identity is None or choice.rep == knows)
    at = trigger.at_ms if identity is None else request.at
    changed = OwnerChanged(request.lead, row.profile, choice.rep, at, trigger.cause)
    return Told(
        kind or usual,
        trigger.time_ms,
        data,
        identity or (request.alert, trigger.identity),
        () if is_known else (changed,),
        row.partition,
        "escalated" if kind == ESCALATED else outcome,
    )


def record(
    desk: Desk,
    held: Held,
    request: LeadRequested,
    reason: str,
    trigger: Trigger,
    previous: str | None,
    trace: list[TraceStep],
) -> LeadAssignment:
    """The record of a lead as its row says; its territories follow from its `request`, and no row repeats them."""
    clock = held.clock
    return LeadAssignment(
        lead=request.lead,
        rep=held.rep,
        team=held.team,
        rule=held.rule,
        attempt=max(1, held.attempt),
        previous=previous,
        due_at=None if clock is None or clock.due_at is None else to_rfc3339(clock.due_at),
        reason=reason,
        trace=trace,
        alert=request.alert,
        score=request.total,
        band=request.band,
        desk=desk.name,
        region=held.region,
        remind_at=None if clock is None or clock.remind_at is None else to_rfc3339(clock.remind_at),
        cause=trigger.cause,
        territories=[*desk.routing.territories.holding(request).names[:TERRITORIES_TOLD_MAX]],
    )


def _row(
    desk: Desk,
    held: Held,
    request: LeadRequested,
    choice: Choice,
    trigger: Trigger,
    *,
    clocked: bool,
) -> Held:
    at_ms = trigger.at_ms
    if choice.rep is None:
        began_ms = at_ms if held.wait is None else held.wait.since_ms
        wait = Wait(None, request.total, began_ms, choice.sort)
        row = replace(
            held,
            state="waiting",
            rep=None,
            team=choice.team,
            rule=choice.rule,
            region=choice.region,
            since_ms=began_ms,
            clock=None,
            wait=wait,
            due=None,
        )
        look_by(desk, choice.back_ms)
        return row
    rep = desk.routing.reps[choice.rep]
    if choice.kept:
        return _kept(desk, held, request, rep, choice.region, at_ms)
    load = with_assigned(rep, desk.load(rep.id), at_ms)
    desk.set_load(rep.id, load)
    row = replace(
        held,
        state="assigned",
        rep=rep.id,
        team=choice.team,
        rule=choice.rule,
        region=choice.region,
        since_ms=at_ms,
        attempt=held.attempt + 1,
        wait=None,
        clock=first_clock(desk, request, rep, at_ms) if clocked else None,
    )
    return scheduled(desk, row)


def _kept(desk: Desk, held: Held, request: LeadRequested, rep: Rep, region: str | None, at_ms: int) -> Held:
    """The row of a lead that its owner keeps: what was due first stays due, and else the clock begins anew.

    Who has accepted it need not do so again while the time to get in touch with it runs.
    """
    clock = None if comes_last(desk, held) else first_clock(desk, request, rep, at_ms)
    row = replace(held, attempt=max(1, held.attempt), region=held.region or region)
    is_accepted = held.state == "accepted"
    if held.clock is not None and (is_accepted or clock is None or not _sooner(clock, held.clock)):
        return scheduled(desk, row)
    if clock is not None or held.state == "closed":
        row = replace(row, state="assigned", since_ms=at_ms, clock=clock)
    return scheduled(desk, row)


def _sooner(clock: Clock, than: Clock) -> bool:
    return clock.due_at is not None and (than.due_at is None or clock.due_at < than.due_at)


def look_by(desk: Desk, back_ms: int | None) -> None:
    """Look after those who wait at `back_ms`, if not before; None: something else has to happen first."""
    due = desk.queue.due
    if back_ms is not None and (due is None or back_ms < due):
        desk.look_at_queue(back_ms)
