"""The clock of a lead: what it asks for, when it is up in the rep's hours, that it stops while the rep is away."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.routing.calendars import Calendar
from engine.routing.config import Limits, Rep, Sla
from engine.routing.desk import Desk
from engine.routing.rows import Clock, Held, Load
from engine.routing.sla import (
    FORGET_AFTER_MS,
    contact_clock,
    dues_of,
    first_clock,
    limits_of,
    scheduled,
    stopped,
    timed,
)
from tests.unit.routing.examples import request, routing
from tests.unit.routing.office import ms

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
OFFICE_HOURS = (((540, 720), (780, 1020)),) * 5 + ((),) * 2
"""On weekdays from nine to five, with an hour for lunch at noon."""
ANN = Rep("ann", "Ann", calendar=Calendar(ZoneInfo("UTC"), OFFICE_HOURS, None))
ZOE = Rep("zoe", "Zoe")
HOT, WARM, COOL = Limits(30 * MINUTE, HOUR), Limits(None, 2 * HOUR), Limits(HOUR, None)
SLA = Sla({"hot": HOT, "warm": WARM, "cool": COOL}, remind_at=0.5)
NINE = ms("2026-11-23T09:00")


def desk(sla: Sla = SLA, away_ms: int | None = None, loads: dict[str, Load] | None = None) -> Desk:
    plain = replace(routing(), reps={"ann": ANN, "zoe": ZOE}, sla=sla, away_ms=away_ms)
    made = Desk("main", plain, {}, lambda due_ms, key: None)
    for rep, load in (loads or {}).items():
        made.set_load(rep, load)
    return made


def held(**changes: Any) -> Held:
    usual = Held(None, "assigned", "ann", None, None, None, NINE, [], "ada", 0, b"")
    return msgspec.structs.replace(usual, **changes)


@pytest.mark.parametrize(
    ("band", "fast_track", "limits"),
    [("hot", False, HOT), ("warm", False, WARM), ("warm", True, HOT), ("cold", False, None), ("cold", True, HOT)],
)
def test_the_band_of_the_request_decides_and_the_fast_track_is_as_hot(
    band: str, fast_track: bool, limits: Limits | None
) -> None:
    assert limits_of(desk().routing, request(band=band, fast_track=fast_track)) == limits


def test_a_lead_is_first_to_be_accepted_then_to_be_contacted() -> None:
    """30 minutes from nine, reminder at half of them; accepted at 09:10, an hour from then."""
    first = first_clock(desk(), request(band="hot"), ANN, NINE)
    assert first == Clock("accept", NINE, 30 * MINUTE, 15 * MINUTE, NINE + 30 * MINUTE, NINE + 15 * MINUTE)
    then = NINE + 10 * MINUTE
    assert contact_clock(desk(), request(band="hot"), ANN, then) == Clock(
        "contact", then, HOUR, 30 * MINUTE, then + HOUR, then + 30 * MINUTE
    )


def test_where_only_the_contact_is_limited_its_clock_begins_with_the_assignment() -> None:
    clock = first_clock(desk(), request(band="warm"), ANN, NINE)
    assert clock is not None
    assert (clock.step, clock.due_at) == ("contact", NINE + 2 * HOUR)


def test_what_is_not_limited_has_no_clock() -> None:
    assert first_clock(desk(), request(band="cold"), ANN, NINE) is None
    assert contact_clock(desk(), request(band="cool"), ANN, NINE) is None
    assert first_clock(desk(Sla()), request(band="hot"), ANN, NINE) is None


def test_without_remind_at_nobody_is_reminded() -> None:
    clock = first_clock(desk(replace(SLA, remind_at=None)), request(band="hot"), ANN, NINE)
    assert clock is not None
    assert (clock.remind_ms, clock.remind_at) == (None, None)


@pytest.mark.parametrize(
    ("begin", "due", "remind"),
    [
        ("2026-11-23T11:45", "2026-11-23T13:15", "2026-11-23T12:00"),
        ("2026-11-23T12:30", "2026-11-23T13:30", "2026-11-23T13:15"),
        ("2026-11-27T16:50", "2026-11-30T09:20", "2026-11-30T09:05"),
    ],
)
def test_the_clock_runs_in_the_rep_s_hours(begin: str, due: str, remind: str) -> None:
    """30 minutes: 15 before lunch and 15 behind; all behind lunch; 10 on Friday and 20 on Monday."""
    clock = first_clock(desk(), request(band="hot"), ANN, ms(begin))
    assert clock is not None
    assert (clock.due_at, clock.remind_at) == (ms(due), ms(remind))


def test_a_rep_without_hours_always_works() -> None:
    clock = first_clock(desk(), request(band="hot"), ZOE, ms("2026-11-28T23:45"))
    assert clock is not None
    assert clock.due_at == ms("2026-11-29T00:15")


def test_a_clock_that_begins_while_the_rep_is_away_runs_from_the_return() -> None:
    """Away from 09:00 to 10:00: 30 minutes from ten. For who is away without an end nothing is due."""
    away = {"ann": Load(away_from=NINE, away_until=NINE + HOUR)}
    clock = first_clock(desk(loads=away), request(band="hot"), ANN, NINE)
    assert clock is not None
    assert (clock.due_at, clock.remind_at) == (NINE + 90 * MINUTE, NINE + 75 * MINUTE)
    gone = first_clock(desk(loads={"ann": Load(away_from=NINE)}), request(band="hot"), ANN, NINE)
    assert gone is not None
    assert (gone.left_ms, gone.due_at, gone.remind_at) == (30 * MINUTE, None, None)


def test_what_has_run_is_taken_off_when_the_rep_goes_and_the_rest_runs_from_the_return() -> None:
    """Ten of 30 minutes have run at 09:10. Back at 10:00, 20 are left, and 5 to the reminder."""
    clock = first_clock(desk(), request(band="hot"), ANN, NINE)
    assert clock is not None
    left = NINE + 10 * MINUTE
    away = Load(away_from=left)
    gone = timed(stopped(clock, ANN, Load(), left), ANN, away)
    assert gone == Clock("accept", left, 20 * MINUTE, 5 * MINUTE, None, None)
    back = timed(stopped(gone, ANN, away, NINE + HOUR), ANN, Load())
    assert back == Clock(
        "accept", NINE + HOUR, 20 * MINUTE, 5 * MINUTE, NINE + HOUR + 20 * MINUTE, NINE + HOUR + 5 * MINUTE
    )


def test_who_comes_back_before_the_stated_end_goes_on_from_then() -> None:
    """Away from 09:10 until 12:00, back at 09:30 already: 20 minutes from then."""
    clock = first_clock(desk(), request(band="hot"), ANN, NINE)
    assert clock is not None
    left = NINE + 10 * MINUTE
    away = Load(away_from=left, away_until=NINE + 3 * HOUR)
    gone = timed(stopped(clock, ANN, Load(), left), ANN, away)
    assert gone.due_at == ms("2026-11-23T13:20")
    back = timed(stopped(gone, ANN, away, NINE + 30 * MINUTE), ANN, Load())
    assert back.due_at == NINE + 50 * MINUTE


steps = st.lists(st.tuples(st.integers(1, 2 * 24 * 60), st.booleans(), st.none() | st.integers(1, 600)), max_size=6)


@given(st.integers(0, 3 * 24 * 60), steps)
def test_working_time_at_the_desk_is_what_a_clock_counts(start: int, steps: list[tuple[int, bool, int | None]]) -> None:
    """However often the rep goes and comes: at each instant the rest is the limit less the time worked there."""
    at_ms = NINE + start * MINUTE
    load, worked = Load(), 0
    clock = timed(Clock("accept", at_ms, 5 * HOUR, 2 * HOUR), ANN, load)
    for minutes, goes, lasts in steps:
        then = at_ms + minutes * MINUTE
        begin = at_ms if not load.is_away(at_ms) else load.away_until
        worked += 0 if begin is None else ANN.calendar.working_ms(begin, then)
        after = Load(away_from=then, away_until=None if lasts is None else then + lasts * MINUTE) if goes else Load()
        clock = timed(stopped(clock, ANN, load, then), ANN, after)
        assert clock.left_ms == max(0, 5 * HOUR - worked)
        assert clock.remind_ms == max(0, 2 * HOUR - worked)
        if not goes:
            assert clock.due_at == ANN.calendar.after_ms(then, clock.left_ms)
        at_ms, load = then, after


def test_a_row_is_due_when_the_first_of_its_dues_is() -> None:
    clock = Clock("accept", NINE, HOUR, 30 * MINUTE, NINE + HOUR, NINE + 30 * MINUTE)
    row = held(clock=clock, call_at=NINE + 45 * MINUTE)
    assert sorted(dues_of(desk(), row)) == [
        (NINE + 30 * MINUTE, "reminder"),
        (NINE + 45 * MINUTE, "call"),
        (NINE + HOUR + 1, "deadline"),
    ]
    assert scheduled(desk(), row).due == NINE + 30 * MINUTE
    assert scheduled(desk(), held()).due is None


@pytest.mark.parametrize(
    ("row", "dues"),
    [
        (held(state="closed"), [(NINE + FORGET_AFTER_MS, "forgotten")]),
        (held(state="moved", rep=None), [(NINE + FORGET_AFTER_MS, "forgotten")]),
        (held(state="waiting", rep=None), []),
        (held(state="contacted"), []),
        (held(state="closed", call_at=NINE + DAY), [(NINE + DAY, "call")]),
    ],
)
def test_what_sales_are_done_with_is_forgotten_ninety_days_later(row: Held, dues: list[tuple[int, str]]) -> None:
    """Not what waits, is open or will be called again."""
    assert FORGET_AFTER_MS == 90 * DAY
    assert dues_of(desk(), row) == dues


@pytest.mark.parametrize("state", ["assigned", "accepted"])
def test_a_lead_nobody_was_in_touch_with_is_due_when_its_rep_is_gone(state: str) -> None:
    """Away without an end since nine: gone a day and 1 ms later."""
    away = desk(away_ms=DAY, loads={"ann": Load(away_from=NINE)})
    assert dues_of(away, held(state=state)) == [(NINE + DAY + 1, "absence")]
    assert dues_of(away, held(state="contacted")) == []


def test_who_was_gone_already_when_the_lead_came_keeps_it() -> None:
    away = desk(away_ms=DAY, loads={"ann": Load(away_from=NINE - 2 * DAY)})
    assert dues_of(away, held()) == []
