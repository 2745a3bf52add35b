"""The clock of a lead that a rep has: accept it, then get in touch with it, within so much working time."""

from typing import Literal

from msgspec.structs import replace

from engine.core.messages import LeadRequested
from engine.routing.availability import gone_from_ms
from engine.routing.config import Limits, Rep, Routing
from engine.routing.desk import Desk
from engine.routing.rows import OPEN, PENDING, Clock, Held, Load

FAST_TRACK_AS = "hot"
FORGET_AFTER_MS = 90 * 86_400_000
"""How long a lead that sales are done with is remembered: longer than anything is told again."""


def limits_of(routing: Routing, request: LeadRequested) -> Limits | None:
    """The limits of the request's band; who is on the fast track counts as hot."""
    return routing.sla.bands.get(FAST_TRACK_AS if request.fast_track else request.band)


def first_clock(desk: Desk, request: LeadRequested, rep: Rep, at_ms: int) -> Clock | None:
    """The clock of a lead that the rep gets at that instant; None where nothing is limited."""
    limits = limits_of(desk.routing, request)
    if limits is None:
        return None
    if limits.accept_ms is not None:
        return _started(desk, "accept", limits.accept_ms, rep, at_ms)
    return contact_clock(desk, request, rep, at_ms)


def contact_clock(desk: Desk, request: LeadRequested, rep: Rep, at_ms: int) -> Clock | None:
    """The clock of a lead that the rep accepted at that instant."""
    limits = limits_of(desk.routing, request)
    if limits is None or limits.contact_ms is None:
        return None
    return _started(desk, "contact", limits.contact_ms, rep, at_ms)


def _started(desk: Desk, step: Literal["accept", "contact"], limit_ms: int, rep: Rep, at_ms: int) -> Clock:
    share = desk.routing.sla.remind_at
    remind_ms = None if share is None else round(limit_ms * share)
    return timed(Clock(step, at_ms, limit_ms, remind_ms), rep, desk.load(rep.id))


def timed(clock: Clock, rep: Rep, load: Load) -> Clock:
    """The clock with its instants as they follow from the rep's hours and absence."""
    begin_ms = _runs_from_ms(clock, load)
    if begin_ms is None:
        return replace(clock, due_at=None, remind_at=None)
    after = rep.calendar.after_ms
    remind_at = None if clock.remind_ms is None else after(begin_ms, clock.remind_ms)
    return replace(clock, due_at=after(begin_ms, clock.left_ms), remind_at=remind_at)


def stopped(clock: Clock, rep: Rep, load: Load, at_ms: int) -> Clock:
    """The clock as of that instant, at which the rep goes away or comes back: what has run is taken off."""
    begin_ms = _runs_from_ms(clock, load)
    ran_ms = 0 if begin_ms is None or begin_ms >= at_ms else rep.calendar.working_ms(begin_ms, at_ms)
    remind_ms = None if clock.remind_ms is None else max(0, clock.remind_ms - ran_ms)
    left_ms = max(0, clock.left_ms - ran_ms)
    return replace(clock, since_ms=max(clock.since_ms, at_ms), left_ms=left_ms, remind_ms=remind_ms)


def _runs_from_ms(clock: Clock, load: Load) -> int | None:
    """From when the clock runs in the rep's hours; None while nobody knows."""
    if not load.is_away(clock.since_ms):
        return clock.since_ms
    return load.away_until


def scheduled(desk: Desk, held: Held) -> Held:
    """The lead's row with the instant at which time alone changes it."""
    return replace(held, due=min((due_ms for due_ms, _ in dues_of(desk, held)), default=None))


def dues_of(desk: Desk, held: Held) -> list[tuple[int, str]]:
    """What falls due, and when it is looked at: a deadline right behind its instant, at which one is still in time."""
    rep = desk.routing.reps.get(held.rep or "")
    dues: list[tuple[int, str]] = []
    if held.clock is not None and held.clock.remind_at is not None:
        dues.append((held.clock.remind_at, "reminder"))
    if held.clock is not None and held.clock.due_at is not None:
        dues.append((held.clock.due_at + 1, "deadline"))
    if held.call_at is not None and held.rep is not None:
        dues.append((held.call_at, "call"))
    if held.state in PENDING and rep is not None and not comes_last(desk, held):
        gone_ms = gone_from_ms(rep, desk.load(rep.id), held.since_ms, desk.routing.away_ms)
        # Whoever was gone already has it because somebody must.
        if gone_ms is not None and gone_ms > held.since_ms:
            dues.append((gone_ms, "absence"))
    if held.state not in OPEN and held.state != "waiting" and held.call_at is None:
        dues.append((held.since_ms + FORGET_AFTER_MS, "forgotten"))
    return dues


def comes_last(desk: Desk, held: Held) -> bool:
    """Whether the lead is with the manager of its region since nobody else was left."""
    region = desk.routing.regions.get(held.region or "")
    return region is not None and region.manager == held.rep and bool(held.missed or held.declined)
