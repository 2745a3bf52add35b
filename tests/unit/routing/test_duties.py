"""What time does at a desk: each duty once, from its own instant, or from when a desk that was down does it."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from engine.routing.assigning import Told
from engine.routing.config import Limits, Region, Sla
from engine.routing.desk import Desk
from engine.routing.duties import LATE_MS, at_instant, fall_due, first_due
from engine.routing.rows import Clock, Held, Load, pack
from engine.routing.sla import FORGET_AFTER_MS, scheduled
from tests.unit.routing.examples import request, routing
from tests.unit.routing.office import Office, ms

NINE = ms("2026-11-23T09:00")
MINUTE, DAY = 60_000, 86_400_000
DUE = NINE + 30 * MINUTE
CLOCK = Clock("accept", NINE, 30 * MINUTE, 15 * MINUTE, DUE, NINE + 15 * MINUTE)
PLAIN = routing("""
assign_on: []
reps: {a: {}, b: {}, boss: {}}
teams: {t: {reps: [a, b]}}
rules: [{name: r, to: {team: t}}]
""")
SLA = Sla({"hot": Limits(30 * MINUTE)}, misses_max=2)
EAST = {"east": Region("east", ("a", "b"), "boss")}


def row(**changes: Any) -> Held:
    asked = pack(request("x"))
    usual = Held(None, "assigned", "a", "t", "r", "east", NINE, ["a1"], "at-x", 3, asked, clock=CLOCK)
    return msgspec.structs.replace(usual, **changes)


def desk(held: Held, *, regions: bool = True, away_ms: int | None = None, **loads: Load) -> Desk:
    config = replace(PLAIN, sla=SLA, regions=EAST if regions else {}, away_ms=away_ms)
    made = Desk("main", config, {}, lambda due_ms, key: None)
    for rep, load in loads.items():
        made.set_load(rep, load)
    made.hold("x", scheduled(made, held))
    return made


def due(at: Desk, until_ms: int) -> list[Told]:
    """What falls due of the lead first, at or before `until_ms`."""
    held = now(at)
    trigger = first_due(at, held, until_ms)
    return [] if trigger is None else fall_due(at, "x", held, trigger)


def now(at: Desk) -> Held:
    held = at.held("x")
    assert held is not None
    return held


def brief(told: list[Told]) -> list[tuple[str, str | None, int]]:
    return [(one.kind, one.data.rep, one.time_ms) for one in told]


@pytest.mark.parametrize(("late_ms", "at_ms"), [(0, DUE), (LATE_MS, DUE), (LATE_MS + 1, DUE + LATE_MS + 1)])
def test_up_to_a_minute_late_counts_from_the_instant_itself(late_ms: int, at_ms: int) -> None:
    assert at_instant(DUE, DUE + late_ms) == at_ms


def test_a_reminder_is_told_once_to_who_has_the_lead_and_nothing_else_changes() -> None:
    at = desk(row())
    before = now(at)
    assert due(at, NINE + 15 * MINUTE - 1) == []
    (told,) = due(at, NINE + 15 * MINUTE)
    assert brief([told]) == [("lead.reminded", "a", NINE + 15 * MINUTE)]
    assert (told.data.reason, getattr(told.data, "remind_at", 0)) == (
        "to be accepted by 2026-11-23T09:30:00.000Z",
        None,
    )
    assert now(at) == msgspec.structs.replace(
        before, due=DUE + 1, clock=msgspec.structs.replace(CLOCK, remind_ms=None, remind_at=None)
    )
    assert due(at, DUE) == []


def test_a_deadline_is_missed_right_behind_its_instant_and_counts_from_it() -> None:
    """The next has the whole limit from the instant that was missed."""
    at = desk(row(clock=msgspec.structs.replace(CLOCK, remind_at=None)))
    assert due(at, DUE) == []
    (told,) = due(at, DUE + 1)
    assert brief([told]) == [("lead.reassigned", "b", DUE)]
    assert told.data.reason == "a has not accepted it by 2026-11-23T09:30:00.000Z; rule r, next in turn in team t"
    after = now(at)
    assert (after.rep, after.attempt, after.missed, after.since_ms) == ("b", 2, ["a"], DUE)
    assert after.clock is not None
    assert after.clock.due_at == DUE + 30 * MINUTE
    assert (at.load("a").open, at.load("b").open) == (0, 1)


def test_a_desk_that_was_down_gives_the_next_the_whole_limit_from_when_it_is_up() -> None:
    at = desk(row(clock=msgspec.structs.replace(CLOCK, remind_at=None)))
    (told,) = due(at, DUE + 10 * MINUTE)
    after = now(at)
    assert (told.time_ms, after.since_ms) == (DUE, DUE + 10 * MINUTE)
    assert after.clock is not None
    assert after.clock.due_at == DUE + 40 * MINUTE


MISSED = row(rep="b", missed=["a"], attempt=2, clock=msgspec.structs.replace(CLOCK, remind_at=None))


def test_after_too_many_misses_the_manager_has_it_without_a_clock() -> None:
    at = desk(MISSED)
    (told,) = due(at, DUE + 1)
    assert brief([told]) == [("lead.escalated", "boss", DUE)]
    assert told.data.reason == (
        "b has not accepted it by 2026-11-23T09:30:00.000Z, the miss number 2; to boss, manager of region east"
    )
    assert (now(at).clock, now(at).due, now(at).attempt) == (None, None, 3)


def test_the_manager_gets_it_whatever_the_hours() -> None:
    assert brief(due(desk(MISSED, boss=Load(away_from=0)), DUE + 1)) == [("lead.escalated", "boss", DUE)]


def test_without_a_manager_it_waits_with_the_reason() -> None:
    at = desk(MISSED, regions=False)
    (told,) = due(at, DUE + 1)
    assert brief([told]) == [("lead.queued", None, DUE)]
    assert (told.data.reason or "").endswith("nobody is left whom the rules name")
    assert now(at).state == "waiting"
    assert [message for message in told.messages if getattr(message, "owner", "") is None]


def test_a_call_is_due_once_and_takes_capacity_again() -> None:
    at = desk(row(state="contacted", clock=None, call_at=NINE + DAY))
    assert at.load("a").open == 0
    assert brief(due(at, NINE + DAY)) == [("lead.call_due", "a", NINE + DAY)]
    assert (at.load("a").open, now(at).call_at, now(at).due) == (1, None, None)
    assert due(at, NINE + 9 * DAY) == []


def test_a_lead_whose_rep_is_gone_goes_to_another_and_not_as_a_miss() -> None:
    """Away since ten o'clock without an end, the limit is a day: gone 1 ms after it."""
    at = desk(row(clock=None), away_ms=DAY, a=Load(away_from=NINE + 60 * MINUTE))
    gone_ms = NINE + 60 * MINUTE + DAY + 1
    assert due(at, gone_ms - 1) == []
    (told,) = due(at, gone_ms)
    assert brief([told]) == [("lead.reassigned", "b", gone_ms)]
    assert told.data.reason == "a is away; rule r, next in turn in team t"
    assert (now(at).missed, now(at).declined) == ([], [])


def test_what_sales_are_done_with_is_gone_after_its_time() -> None:
    at = desk(row(state="closed", clock=None))
    assert due(at, NINE + FORGET_AFTER_MS - 1) == []
    assert due(at, NINE + FORGET_AFTER_MS) == []
    assert at.held("x") is None


def test_of_two_duties_the_earlier_comes_first() -> None:
    """Behind a long stop both are due: the reminder, then the deadline."""
    at = desk(row())
    assert brief(due(at, DUE + DAY)) == [("lead.reminded", "a", NINE + 15 * MINUTE)]
    assert brief(due(at, DUE + DAY)) == [("lead.reassigned", "b", DUE)]


ESCALATING = """
assign_on: []
reps: {a: {}, boss: {}}
regions: {east: {reps: [a], manager: boss}}
rules: [{name: r, to: {region: east}}]
sla: {hot: {accept_within: 1h}, misses_before_manager: 1}
"""


def test_a_lead_that_asks_again_is_still_the_manager_s_without_a_clock() -> None:
    """Nobody comes after the manager: with a deadline it would be nobody's in the end."""
    office = Office(ESCALATING, at="2026-11-23T09:00")
    office.ask("x")
    assert [seen.short for seen in office.until("2026-11-23T10:30")] == [("escalated", "x", "boss")]
    (again,) = office.ask("x")
    assert (again.short, again.data["due_at"]) == (("assigned", "x", "boss"), None)
    assert office.until("2026-11-30T09:00") == []


def test_once_in_touch_the_manager_has_deadlines_like_anybody() -> None:
    office = Office(ESCALATING, at="2026-11-23T09:00")
    office.ask("x")
    office.until("2026-11-23T10:30")
    office.say("contacted", "boss", "x")
    assert [seen.data["due_at"] for seen in office.ask("x")] == ["2026-11-23T11:30:00.000Z"]
