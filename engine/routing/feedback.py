"""What reps say: of a lead, what became of it; of themselves, whether they are there."""

from collections.abc import Mapping

from msgspec.structs import replace

from engine.core.events import Rejected
from engine.core.flow import Record
from engine.core.instants import to_rfc3339
from engine.core.messages import FeedbackKind, LeadFeedback, OwnerChanged
from engine.core.reader import listed
from engine.core.records import Cause, LeadFeedbackRecord
from engine.routing.assigning import Told, Trigger, reassign
from engine.routing.config import Rep
from engine.routing.desk import Desk
from engine.routing.rows import OPEN, Clock, Held, State
from engine.routing.saying import AWAY, KINDS, Saying, shown_value
from engine.routing.sla import contact_clock, scheduled, stopped, timed

_LEFT: Mapping[FeedbackKind, State] = {
    "contacted": "contacted",
    "snoozed": "contacted",
    "qualified": "contacted",
    "opportunity": "contacted",
    "won": "closed",
    "lost": "closed",
    "disqualified": "closed",
    "recycled": "closed",
}
"""The state after feedback that says that the rep has been in touch with the lead, or is done with it."""
_REOPENING: frozenset[FeedbackKind] = frozenset({"qualified", "opportunity"})
_FREEING: frozenset[FeedbackKind] = frozenset({"disqualified", "recycled"})
"""After these the lead has no owner."""


def trigger_of(saying: Saying, record: Record, at_ms: int) -> Trigger:
    """The record as a cause; `at_ms` is the desk's time when it reads it."""
    cause = Cause(record.topic, record.partition, record.offset, None, saying.kind, to_rfc3339(saying.at_ms))
    return Trigger(cause, saying.at_ms, at_ms)


def hear(desk: Desk, saying: Saying, trigger: Trigger) -> list[Told]:
    """What comes of a saying. Raises `Rejected` where it cannot be accepted."""
    rep = _known(desk, saying)
    if saying.kind in KINDS:
        return _of_lead(desk, replace(saying, lead=desk.current(saying.lead)), rep, trigger)
    _of_rep(desk, saying, rep, trigger)
    return []


def _known(desk: Desk, saying: Saying) -> Rep:
    if saying.rep not in desk.routing.reps:
        known = listed(sorted(desk.routing.reps)) or "nobody"
        told = f"{shown_value(saying.rep)} is no rep; the configuration knows {known}"
        raise Rejected("feedback", "rep", told)
    return desk.routing.reps[saying.rep]


def _of_rep(desk: Desk, saying: Saying, rep: Rep, trigger: Trigger) -> None:
    """The rep is away, or back: clocks stop, or go on."""
    before, at_ms = desk.load(rep.id), trigger.at_ms
    if saying.kind == AWAY:
        if saying.until_ms is not None and saying.until_ms <= at_ms:
            told = f"until is {to_rfc3339(saying.until_ms)}; expected a time after {to_rfc3339(at_ms)}"
            raise Rejected("feedback", "until", told)
        # Who is away already, and says until when, has been away since.
        since_ms = before.away_from if before.is_away(at_ms) else at_ms
        after = replace(before, away_from=since_ms, away_until=saying.until_ms)
    else:
        after = replace(before, away_from=None, away_until=None)
    desk.set_load(rep.id, after)
    for lead, held in desk.leads_of(rep.id):
        clock = held.clock
        if clock is not None:
            clock = timed(stopped(clock, rep, before, at_ms), rep, after)
        row = scheduled(desk, replace(held, clock=clock))
        if row != held:
            desk.hold(lead, row)
    desk.freed.add(rep.id)


def _of_lead(desk: Desk, saying: Saying, rep: Rep, trigger: Trigger) -> list[Told]:
    held = _held(desk, saying.lead, rep.id)
    kind = KINDS[saying.kind]
    after = _after(desk, held, kind, saying, rep, trigger)
    clock = after.clock if kind == "accepted" else None
    messages: tuple[LeadFeedback | OwnerChanged, ...] = (_message(saying, kind, held, trigger),)
    if kind in _FREEING:
        messages += (OwnerChanged(saying.lead, held.profile, None, saying.at_ms, trigger.cause),)
    told = Told(
        saying.kind, saying.at_ms, _record(saying, clock, trigger), (trigger.identity,), messages, held.partition
    )
    if kind == "declined" and held.state in OPEN:
        left = replace(held, declined=[*held.declined, rep.id])
        return [told, reassign(desk, left, trigger, _declined(saying), begin=held.rule)]
    if after != held:
        desk.hold(saying.lead, scheduled(desk, after))
    return [told]


def _after(desk: Desk, held: Held, kind: FeedbackKind, saying: Saying, rep: Rep, trigger: Trigger) -> Held:
    """The lead's row once the rep has said so."""
    at_ms = trigger.at_ms
    if kind == "snoozed":
        held = replace(held, call_at=saying.until_ms)
    if kind == "accepted" and held.state == "assigned":
        clock = held.clock
        if clock is not None and clock.step == "accept":
            clock = contact_clock(desk, held.request, rep, at_ms)
        return replace(held, state="accepted", since_ms=at_ms, clock=clock)
    state = _LEFT.get(kind)
    if state is None or (held.state == "closed" and state != "closed" and kind not in _REOPENING):
        return held
    held = replace(held, state=state, since_ms=at_ms, clock=None, missed=[], declined=[])
    if state == "closed":
        held = replace(held, call_at=None)
    return held.without_rep() if kind in _FREEING else held


def _declined(saying: Saying) -> str:
    return f"{saying.rep} declined it" + (f": {saying.reason}" if saying.reason else "")


def _record(saying: Saying, clock: Clock | None, trigger: Trigger) -> LeadFeedbackRecord:
    return LeadFeedbackRecord(
        lead=saying.lead,
        rep=saying.rep,
        at=trigger.cause.time,
        until=None if saying.until_ms is None else to_rfc3339(saying.until_ms),
        channel=saying.channel,
        amount=saying.amount,
        currency=saying.currency,
        close_on=saying.close_on,
        text=saying.text,
        reason=saying.reason,
        cause=trigger.cause,
        due_at=None if clock is None or clock.due_at is None else to_rfc3339(clock.due_at),
    )


def _message(saying: Saying, kind: FeedbackKind, held: Held, trigger: Trigger) -> LeadFeedback:
    return LeadFeedback(
        lead=saying.lead,
        profile=held.profile,
        kind=kind,
        rep=saying.rep,
        at=saying.at_ms,
        until=saying.until_ms,
        amount=saying.amount,
        currency=saying.currency,
        reason=saying.reason,
        cause=trigger.cause,
    )


def _held(desk: Desk, lead: str, rep: str) -> Held:
    """The lead's row, where `rep` has the lead."""
    held = desk.held(lead)
    if held is None:
        told = f"no rep was ever asked for lead {shown_value(lead)}; expected one that was"
        raise Rejected("feedback", "lead", told)
    if held.rep is None:
        told = f"lead {shown_value(lead)} has no rep now; only the rep who has a lead can say something about it"
        raise Rejected("feedback", "lead", told)
    if held.rep != rep:
        told = f"lead {shown_value(lead)} is not {rep}'s; expected {held.rep}, who has it"
        raise Rejected("feedback", "rep", told)
    return held
