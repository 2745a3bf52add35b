"""What time does at a desk: reminders, deadlines, calls, reps who are gone, leads that waited, leads to forget."""

from collections.abc import Mapping

from msgspec.structs import replace

from engine.core.instants import to_rfc3339
from engine.routing.assigning import Told, Trigger, escalate, manager_of, reassign, record, wake_trigger
from engine.routing.availability import long_absence
from engine.routing.desk import Desk
from engine.routing.rows import Clock, Held
from engine.routing.sla import dues_of, scheduled

REMINDED = "lead.reminded"
CALL_DUE = "lead.call_due"
LATE_MS = 60_000
"""A desk that is later than this was down: what it does then counts from when it does it, since nobody could know."""
_UNDONE: Mapping[str, str] = {"accept": "accepted", "contact": "contacted"}


def first_due(desk: Desk, held: Held, until_ms: int) -> Trigger | None:
    """What is due first of a lead, as a cause; `until_ms` is how far time has come. None: nothing is, yet."""
    look_ms, what = min(dues_of(desk, held), default=(None, ""))
    if look_ms is None or look_ms > until_ms:
        return None
    due_ms = look_ms - 1 if what == "deadline" else look_ms
    return wake_trigger(what, due_ms, at_instant(due_ms, until_ms))


def fall_due(desk: Desk, lead: str, held: Held, trigger: Trigger) -> list[Told]:
    """What comes of it that `trigger` is due of a lead."""
    match trigger.cause.name:
        case "forgotten":
            desk.hold(lead, None)
            return []
        case "deadline":
            assert held.clock is not None
            return [_missed(desk, held, held.clock, trigger)]
        case "absence":
            return [_gone(desk, held, trigger)]
        case "reminder":
            return [_reminded(desk, lead, held, trigger)]
    return [_call(desk, lead, held, trigger)]


def at_instant(due_ms: int, until_ms: int) -> int:
    """The desk's time for what fell due at `due_ms` and is done once time has come to `until_ms`."""
    return due_ms if until_ms - due_ms <= LATE_MS else until_ms


def _reminded(desk: Desk, lead: str, held: Held, trigger: Trigger) -> Told:
    """Tell the rep what is to be done, and by when."""
    clock = held.clock
    assert clock is not None
    after = replace(held, clock=replace(clock, remind_ms=None, remind_at=None))
    desk.hold(lead, scheduled(desk, after))
    by = "" if clock.due_at is None else f" by {to_rfc3339(clock.due_at)}"
    return _told(desk, REMINDED, after, f"to be {_UNDONE[clock.step]}{by}", trigger)


def _call(desk: Desk, lead: str, held: Held, trigger: Trigger) -> Told:
    """Tell the rep that it is time to call again."""
    after = replace(held, call_at=None)
    desk.hold(lead, scheduled(desk, after))
    return _told(desk, CALL_DUE, after, f"{held.rep} is to call again now", trigger)


def _told(desk: Desk, kind: str, held: Held, reason: str, trigger: Trigger) -> Told:
    data = record(desk, held, held.request, reason, trigger, held.rep, [])
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
    return reassign(desk, held, trigger, why, begin=held.rule)


def _gone(desk: Desk, held: Held, trigger: Trigger) -> Told:
    """Who has the lead is gone for too long to get in touch with it."""
    rep = held.rep or ""
    why = long_absence(desk.routing.reps[rep], desk.load(rep), trigger.at_ms, desk.routing.away_ms) or "is away"
    return reassign(desk, held, trigger, f"{rep} {why}", gone={rep: why})
