"""What time does at a desk: reminders, deadlines, calls, reps who are gone, leads that waited, leads to forget."""

from collections.abc import Mapping

from msgspec.structs import replace

from engine.core.instants import to_rfc3339
from engine.routing.assigning import Told, Trigger, escalate, manager_of, reassign, record, wake_trigger
from engine.routing.availability import long_absence
from engine.routing.desk import Clock, Desk, Held
from engine.routing.sla import dues_of, scheduled

REMINDED = "lead.reminded"
CALL_DUE = "lead.call_due"
LATE_MS = 60_000
"""A desk that is later than this was down: what it does then counts from when it does it, since nobody could know."""
_UNDONE: Mapping[str, str] = {"accept": "accepted", "contact": "contacted"}


def wake_lead(desk: Desk, lead: str, held: Held, until_ms: int) -> list[Told]:
    """What is due first of a lead. `until_ms` is how far time has come."""
    dues = dues_of(desk, held)
    if not dues:
        desk.hold(lead, replace(held, due=None))
        return []
    look_ms, what = min(dues)
    due_ms = look_ms - 1 if what == "deadline" else look_ms
    trigger = wake_trigger(what, due_ms, at_instant(due_ms, until_ms))
    if what == "forgotten":
        desk.hold(lead, None)
        return []
    if what == "deadline":
        assert held.clock is not None
        return [_missed(desk, held, held.clock, trigger)]
    if what == "absence":
        return [_gone(desk, held, trigger)]
    return [_said(desk, lead, held, trigger, what)]


def at_instant(due_ms: int, until_ms: int) -> int:
    """The desk's time for what fell due at `due_ms` and is done once time has come to `until_ms`."""
    return due_ms if until_ms - due_ms <= LATE_MS else until_ms


def _said(desk: Desk, lead: str, held: Held, trigger: Trigger, what: str) -> Told:
    """A reminder, or a call that is due."""
    if what == "reminder":
        assert held.clock is not None
        after = replace(held, clock=replace(held.clock, remind_ms=None, remind_at=None))
        by = "" if held.clock.due_at is None else f" by {to_rfc3339(held.clock.due_at)}"
        kind, reason = REMINDED, f"to be {_UNDONE[held.clock.step]}{by}"
    else:
        after = replace(held, call_at=None)
        kind, reason = CALL_DUE, f"{held.rep} wanted to call now"
    desk.hold(lead, scheduled(desk, after))
    data = record(desk, after, held.request, reason, trigger, held.rep, [])
    return Told(kind, trigger.time_ms, data, (data.alert, trigger.identity), outcome=kind.removeprefix("lead."))


def _missed(desk: Desk, held: Held, clock: Clock, trigger: Trigger) -> Told:
    """A deadline has passed: the lead goes to the next rep, after too many misses to the region's manager."""
    rep = held.rep or ""
    why = f"{rep} has not {_UNDONE[clock.step]} it by {to_rfc3339(trigger.time_ms)}"
    held = replace(held, missed=[*held.missed, rep])
    if len(held.missed) >= desk.routing.sla.misses_max:
        manager = manager_of(desk, held)
        if manager is not None:
            return escalate(desk, held, trigger, f"{why}, the miss number {len(held.missed)}", manager)
    return reassign(desk, held, trigger, why, begin=held.rule, without={})


def _gone(desk: Desk, held: Held, trigger: Trigger) -> Told:
    """Who has the lead is gone for too long to get in touch with it."""
    rep = held.rep or ""
    why = long_absence(desk.routing.reps[rep], desk.load(rep), trigger.at_ms, desk.routing.away_ms) or "is away"
    return reassign(desk, held, trigger, f"{rep} {why}", begin=None, without={rep: why})
