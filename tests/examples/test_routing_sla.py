"""Deadlines: accept, then get in touch, within so much of the rep's working time; reminders, misses, the manager."""

from typing import Any

import pytest

from tests.build import HOUR, MINUTE
from tests.examples.harness import at, chats, reports, says, scoring, simulate
from tests.unit.routing.office import Office, Seen

DESK = """
assign_on: [hot-lead]
reps: {andy: {HOURS}, bea: {}, carla: {}, dora: {hours: {sun: '09:00-10:00'}}}
teams: {us: {reps: [andy, bea]}}
regions: {east: {manager: dora, reps: [andy, bea, carla]}}
rules:
  - {name: us, to: {team: us}, nobody: next_rule}
  - {name: rest, to: {rep: carla}}
"""
HOT = "sla: {hot: {accept_within: 15m, contact_within: 1h}, warm: {accept_within: 2h, contact_within: 1d}}\n"
OFFICE_HOURS = "hours: {mon-fri: '09:00-17:00'}"


def desk(sla: str = HOT, hours: str = "name: Andy", at: str = "2026-11-23T09:00") -> Office:
    return Office(DESK.replace("HOURS", hours) + sla, at)


def story(told: list[Seen]) -> list[tuple[str, str | None, str]]:
    """What happened, to whom it went, and when (the day left out)."""
    return [(one.kind, one.rep, one.time.partition("T")[2]) for one in told]


def clock(time: str | None) -> str | None:
    return None if time is None else time.partition("T")[2].removesuffix(":00.000Z")


def due(told: list[Seen]) -> str | None:
    """By when the next step is to be done."""
    return clock(told[-1].data["due_at"])


def test_a_lead_is_to_be_accepted_after_its_assignment_and_contacted_after_its_acceptance() -> None:
    """9:00 + 15 min; accepted at 9:10, + 1 h."""
    office = desk()
    assert due(office.ask("ann")) == "09:15"
    assert due(office.say("accepted", "andy", "ann", at="2026-11-23T09:10")) == "10:10"
    assert office.until("2026-11-23T10:10") == []
    (missed,) = office.until("2026-11-23T10:11")
    assert (*missed.short, missed.time) == ("reassigned", "ann", "bea", "2026-11-23T10:10")
    assert missed.data["reason"].startswith("andy has not contacted it by 2026-11-23T10:10:00.000Z; rule us")


def test_where_only_a_contact_is_limited_it_is_from_the_assignment_on() -> None:
    office = desk("sla: {hot: {contact_within: 1h}}")
    assert due(office.ask("ann")) == "10:00"
    assert due(office.say("accepted", "andy", "ann", at="2026-11-23T09:30")) == "10:00"
    assert story(office.until("2026-11-23T10:01")) == [("reassigned", "bea", "10:00")]


def test_where_only_the_acceptance_is_limited_nothing_is_due_after_it() -> None:
    office = desk("sla: {hot: {accept_within: 15m}}")
    office.ask("ann")
    assert due(office.say("accepted", "andy", "ann")) is None
    assert office.until("2027-11-23T09:00") == []


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"band": "hot"}, "09:15"),
        ({"band": "warm"}, "11:00"),
        ({"band": "warm", "fast_track": True}, "09:15"),
        ({"band": "cold", "fast_track": True}, "09:15"),
        ({"band": "cold"}, None),
    ],
)
def test_the_limit_is_that_of_the_band_and_the_fast_track_counts_as_hot(changes: dict[str, Any], at: str) -> None:
    assert due(desk().ask("ann", **changes)) == at


@pytest.mark.parametrize(("at", "in_time"), [("2026-11-23T09:15:00.000Z", True), ("2026-11-23T09:15:00.001Z", False)])
def test_at_the_deadline_is_in_time_and_a_millisecond_later_is_not(at: str, in_time: bool) -> None:
    """Who is late does not have the lead any more: what they say is refused."""
    office = desk()
    office.ask("ann")
    told = office.say("accepted", "andy", "ann", at=at)
    assert [one.kind for one in told] == (["accepted"] if in_time else ["reassigned"])
    assert [failure["reason"] for failure in office.rejected] == ([] if in_time else ["feedback"])


def test_what_was_said_in_time_and_is_read_late_is_late() -> None:
    """The order of the desk's log decides, not what a record says of itself."""
    office = desk()
    office.ask("ann")
    told = office.read(
        "rep-events",
        b'{"type": "lead.accepted", "rep": "andy", "lead": "ann", "at": "2026-11-23T09:10:00Z"}',
        "2026-11-23T09:16",
    )
    assert story(told) == [("reassigned", "bea", "09:15")]
    assert office.rejected[0]["message"] == "lead 'ann' is not andy's; expected bea, who has it"


def test_a_limit_is_working_time_of_who_has_the_lead() -> None:
    """Andy until 17:00: assigned at 16:50, ten minutes are left, the other five are the next morning until 9:05.

    Bea works day and night: 9:05 + 15 min.
    """
    office = desk(hours=OFFICE_HOURS, at="2026-11-23T16:50")
    (assigned,) = office.ask("ann")
    assert assigned.data["due_at"] == "2026-11-24T09:05:00.000Z"
    (missed,) = office.until("2026-11-24T09:06")
    assert (missed.rep, missed.time, clock(missed.data["due_at"])) == ("bea", "2026-11-24T09:05", "09:20")


def test_a_reminder_comes_at_its_share_of_the_working_time_of_each_step() -> None:
    """Half of 2 h from 16:30: half an hour until 17:00, and from 9:00 to 9:30. Accepted at 9:50: half of a day of 24 h.

    A working day has 8 h: 7 h 10 min on Tuesday, 4 h 50 min on Wednesday, until 13:50; all 24 h are up on Friday, 9:50.
    """
    sla = "sla: {warm: {accept_within: 2h, contact_within: 1d}, remind_at: 0.5}"
    office = desk(sla, OFFICE_HOURS, "2026-11-23T16:30")
    (assigned,) = office.ask("ann", band="warm")
    assert (assigned.data["remind_at"], assigned.data["due_at"]) == (
        "2026-11-24T09:30:00.000Z",
        "2026-11-24T10:30:00.000Z",
    )
    (reminded,) = office.until("2026-11-24T09:50")
    assert (*reminded.short, reminded.time) == ("reminded", "ann", "andy", "2026-11-24T09:30")
    assert reminded.data["reason"] == "to be accepted by 2026-11-24T10:30:00.000Z"
    assert (reminded.data["due_at"], reminded.data["remind_at"]) == ("2026-11-24T10:30:00.000Z", None)
    (accepted,) = office.say("accepted", "andy", "ann")
    assert accepted.data["due_at"] == "2026-11-27T09:50:00.000Z"
    (again,) = office.until("2026-11-27T09:50")
    assert (again.kind, again.time) == ("reminded", "2026-11-25T13:50")
    assert again.data["reason"] == "to be contacted by 2026-11-27T09:50:00.000Z"


def test_who_did_it_before_the_reminder_is_not_reminded() -> None:
    office = desk("sla: {hot: {accept_within: 1h}, remind_at: 0.5}")
    office.ask("ann")
    office.say("accepted", "andy", "ann", at="2026-11-23T09:29")
    assert office.until("2026-11-24T09:00") == []


@pytest.mark.parametrize(("share", "at"), [("0", "09:00"), ("0.8", "09:48"), ("1", "10:00")])
def test_a_reminder_may_come_at_once_or_with_the_deadline(share: str, at: str) -> None:
    office = desk(f"sla: {{hot: {{accept_within: 1h}}, remind_at: {share}}}")
    assert clock(office.ask("ann")[0].data["remind_at"]) == at
    assert story(office.until("2026-11-23T10:00")) == [("reminded", "andy", at)]


def test_a_miss_goes_to_the_pool_then_to_the_next_rule_and_the_third_to_the_manager() -> None:
    """15 minutes each. Dora works on Sundays only, and gets it on Monday all the same, without a deadline."""
    office = desk()
    office.ask("ann")
    told = office.until("2026-11-30T09:00")
    assert story(told) == [
        ("reassigned", "bea", "09:15"),
        ("reassigned", "carla", "09:30"),
        ("escalated", "dora", "09:45"),
    ]
    assert [(one.data["attempt"], one.data["previous"], one.data["rule"], due([one])) for one in told] == [
        (2, "andy", "us", "09:30"),
        (3, "bea", "rest", "09:45"),
        (4, "carla", "rest", None),
    ]
    assert told[-1].data["reason"] == (
        "carla has not accepted it by 2026-11-23T09:45:00.000Z, the miss number 3; to dora, manager of region east"
    )


def test_a_miss_does_not_go_back_to_a_rule_before() -> None:
    """At 9:00 Erin, who comes first, is not there yet; at 9:15 she is, but the lead goes on in the team, to Bea."""
    config = DESK.replace("HOURS", "").replace("reps: {andy", "reps: {erin: {hours: {mon: '09:10-17:00'}}, andy", 1)
    office = Office(config.replace("rules:\n", "rules:\n  - {name: first, to: {rep: erin}}\n") + HOT)
    assert office.ask("ann")[0].rep == "andy"
    assert story(office.until("2026-11-23T09:16")) == [("reassigned", "bea", "09:15")]


def test_after_how_many_misses_is_configurable() -> None:
    office = desk(HOT.replace("sla: {", "sla: {misses_before_manager: 1, "))
    office.ask("ann")
    assert story(office.until("2026-11-23T12:00")) == [("escalated", "dora", "09:15")]


def test_it_is_the_manager_s_as_soon_as_nobody_else_is_left_and_the_trace_says_who_was_asked() -> None:
    """Of the rules only `rest` is left, which does not hold for this lead: both of the team missed it."""
    config = DESK.replace("HOURS", "").replace("{name: rest,", "{name: rest, when: {known: false},")
    office = Office(config + HOT)
    office.ask("ann")
    told = office.until("2026-11-23T12:00")
    assert story(told) == [("reassigned", "bea", "09:15"), ("escalated", "dora", "09:30")]
    assert told[-1].data["reason"] == (
        "bea has not accepted it by 2026-11-23T09:30:00.000Z; nobody else is left; to dora, manager of region east"
    )
    assert [(step["candidate"], step["why"]) for step in told[-1].data["trace"]] == [
        ("us", "has no condition"),
        ("andy", "missed a deadline of this lead"),
        ("bea", "missed a deadline of this lead"),
        ("rest", "does not hold: known = true"),
        ("dora", "manager of region east"),
    ]


def test_without_a_manager_it_waits_with_a_reason_and_never_goes_back_to_who_missed_it() -> None:
    config = DESK.replace("HOURS", "").replace("manager: dora, ", "")
    office = Office(config + HOT)
    office.ask("ann")
    told = office.until("2027-11-23T09:00")
    assert story(told)[2:] == [("queued", None, "09:45")]
    assert told[-1].data["reason"] == (
        "carla has not accepted it by 2026-11-23T09:45:00.000Z; nobody is left whom the rules name"
    )
    assert office.say("away", "andy") + office.say("available", "andy") == []


def test_an_owner_whom_only_the_profile_knew_misses_it_like_anybody() -> None:
    """No rule gave it to Andy: his miss goes through all rules, and to the manager of his region where none holds."""
    config = DESK.replace("HOURS", "").replace("to: {team: us}", "when: {known: false}, to: {team: us}")
    office = Office(config.replace("{name: rest,", "{name: rest, when: {known: false},") + HOT)
    office.ask("ann", owner="andy")
    assert story(office.until("2026-11-23T12:00")) == [("escalated", "dora", "09:15")]


def test_a_miss_while_the_others_are_not_there_waits_for_them() -> None:
    """Andy missed it. Bea and Carla are away until 11:00 and 12:00: it is Bea's at 11:00, though Andy is there."""
    office = desk()
    office.say("away", "bea", until="2026-11-23T11:00:00Z")
    office.say("away", "carla", until="2026-11-23T12:00:00Z")
    office.ask("ann")
    assert story(office.until("2026-11-23T11:00")) == [("queued", None, "09:15"), ("assigned", "bea", "11:00")]


def test_a_contact_that_is_missed_counts_as_a_miss_and_the_next_has_to_accept_anew() -> None:
    """Andy accepts at 9:10 and does not call by 10:10. Bea has 15 minutes."""
    office = desk()
    office.ask("ann")
    office.say("accepted", "andy", "ann", at="2026-11-23T09:10")
    (moved,) = office.until("2026-11-23T10:11")
    assert (moved.rep, clock(moved.data["due_at"])) == ("bea", "10:25")


@pytest.mark.parametrize("kind", ["contacted", "snoozed", "qualified", "opportunity", "won", "lost"])
def test_who_has_been_in_touch_has_nothing_due_any_more(kind: str) -> None:
    office = desk()
    office.ask("ann")
    assert [one.kind for one in office.say(kind, "andy", "ann", at="2026-11-23T09:15")] == [kind]
    assert office.until("2026-12-23T09:00") == []


def test_a_note_is_no_contact() -> None:
    office = desk()
    office.ask("ann")
    office.say("noted", "andy", "ann", text="nice", at="2026-11-23T09:10")
    assert story(office.until("2026-11-23T09:16")) == [("reassigned", "bea", "09:15")]


def test_a_lead_that_asks_again_keeps_its_deadline_unless_the_new_one_is_sooner() -> None:
    """Warm at 9:00: 11:00. Hot at 9:30: 9:45. Warm again at 9:40 would be 11:40, so 9:45 stays."""
    office = desk()
    assert due(office.ask("ann", band="warm")) == "11:00"
    assert due(office.ask("ann", "2026-11-23T09:30", band="hot")) == "09:45"
    assert due(office.ask("ann", "2026-11-23T09:40", band="warm")) == "09:45"
    assert story(office.until("2026-11-23T09:46")) == [("reassigned", "bea", "09:45")]


def test_who_has_accepted_a_lead_that_asks_again_need_not_accept_it_again() -> None:
    """Accepted at 9:10, so it is to be contacted by 10:10; asked again at 9:30, 15 min to accept would be sooner."""
    office = desk()
    office.ask("ann")
    office.say("accepted", "andy", "ann", at="2026-11-23T09:10")
    assert due(office.ask("ann", at="2026-11-23T09:30")) == "10:10"
    assert story(office.until("2026-11-23T10:11")) == [("reassigned", "bea", "10:10")]


def test_one_that_asks_again_after_a_contact_is_to_be_accepted_anew() -> None:
    office = desk()
    office.ask("ann")
    office.say("contacted", "andy", "ann", at="2026-11-23T09:05")
    (kept,) = office.ask("ann", "2026-11-24T09:00")
    assert (kept.short, due([kept])) == (("assigned", "ann", "andy"), "09:15")
    assert story(office.until("2026-11-24T09:16")) == [("reassigned", "bea", "09:15")]


def test_misses_of_the_last_time_are_forgotten_after_a_contact() -> None:
    """Andy missed it once; Bea got in touch. When Bea misses it the next time, it may be Andy's again."""
    office = desk()
    office.ask("ann")
    office.until("2026-11-23T09:16")
    office.say("contacted", "bea", "ann")
    office.ask("ann", "2026-11-24T09:00")
    assert story(office.until("2026-11-24T09:16")) == [("reassigned", "andy", "09:15")]


def test_deadlines_are_exact_after_a_restart() -> None:
    office = desk(HOT.replace("sla: {", "sla: {remind_at: 0.4, "))
    office.ask("ann")
    office.restart()
    assert story(office.until("2026-11-23T09:10")) == [("reminded", "andy", "09:06")]
    office.restart()
    assert story(office.until("2026-11-23T09:16")) == [("reassigned", "bea", "09:15")]


def test_end_to_end_reminded_missed_accepted_and_contacted() -> None:
    """Hot at 9:00: Andy, reminded at 9:07:30, misses it at 9:15. Bea is due at 9:30, away from 9:20 to 10:00: 10:10.

    She accepts at 10:10, is due at 11:10, and gets in touch then. The owner follows in the scores; no stage moves.
    """
    model = scoring(chats(85, decay="none"), alerts={"hot": {"crosses": "hot"}})
    routing = {
        "assign_on": ["hot"],
        "reps": {"andy": {}, "bea": {}},
        "teams": {"us": {"reps": ["andy", "bea"]}},
        "rules": [{"name": "us", "to": {"team": "us"}}],
        "sla": {"hot": {"accept_within": "15m", "contact_within": "1h"}, "remind_at": 0.5},
    }
    nine, ten = 9 * HOUR, 10 * HOUR
    told = simulate(
        model,
        at(nine),
        reports(nine + 20 * MINUTE, "away", "bea", until="2026-11-23T10:00:00Z"),
        says(ten + 10 * MINUTE, "accepted", rep="bea"),
        says(ten + 70 * MINUTE, "contacted", rep="bea", channel="phone"),
        until=48 * HOUR,
        desk=routing,
    )
    assert told.assignments() == [
        ("assigned", "ada", "andy", nine),
        ("reminded", "ada", "andy", nine + 7 * MINUTE + 30_000),
        ("reassigned", "ada", "bea", nine + 15 * MINUTE),
        ("reminded", "ada", "bea", ten + 2 * MINUTE + 30_000),
        ("accepted", "ada", "bea", ten + 10 * MINUTE),
        ("reminded", "ada", "bea", ten + 40 * MINUTE),
        ("contacted", "ada", "bea", ten + 70 * MINUTE),
    ]
    dues = [(one["due_at"] or "")[11:16] for one in told.on("lead-assignments")]
    assert dues == ["09:15", "09:15", "09:30", "10:10", "11:10", "11:10", ""]
    owners = [one["owner"] for one in told.on("lead-scores", "ada")]
    assert list(dict.fromkeys(owners)) == [None, "andy", "bea"]
    assert told.score()["stage"] == "subscriber"


def test_end_to_end_three_misses_of_a_demo_request_end_with_the_manager() -> None:
    """A demo request of 25 points is cold, and fast: the hot limit of 15 minutes holds. Misses at 15, 30 and 45."""
    demo = {"when": {"event": "demo_request"}, "points": 25, "fast_track": True}
    model = scoring(demo, alerts={"fast": {"fast_track": True}})
    routing = {
        "assign_on": ["fast"],
        "reps": {"andy": {}, "bea": {}, "carla": {}, "dora": {}},
        "regions": {"east": {"manager": "dora", "reps": ["andy", "bea", "carla"]}},
        "rules": [{"name": "east", "to": {"region": "east"}}],
        "sla": {"hot": {"accept_within": "15m"}},
    }
    told = simulate(model, at(0, "demo_request"), until=48 * HOUR, desk=routing)
    assert told.assignments() == [
        ("assigned", "ada", "andy", 0),
        ("reassigned", "ada", "bea", 15 * MINUTE),
        ("reassigned", "ada", "carla", 30 * MINUTE),
        ("escalated", "ada", "dora", 45 * MINUTE),
    ]
    assert [one["band"] for one in told.on("lead-assignments")] == ["cold"] * 4
    assert told.owners("ada") == ["dora"]
