"""Reps who are away: their clocks stop, and for longer than the limit their leads go to others."""

from tests.build import DAY, HOUR, MINUTE
from tests.examples.harness import at, chats, reports, says, scoring, simulate
from tests.examples.test_routing_sla import DESK, HOT, OFFICE_HOURS, desk, story
from tests.unit.routing.office import Office


def test_away_stops_the_clock_and_the_reminder_until_the_rep_is_back() -> None:
    """An hour from 9:00, half of it for the reminder. Away from 9:20 to 11:00: 40 and 10 minutes are left."""
    office = desk("sla: {hot: {accept_within: 1h}, remind_at: 0.5}")
    office.ask("ann")
    office.say("away", "andy", at="2026-11-23T09:20", until="2026-11-23T11:00:00Z")
    assert story(office.until("2026-11-23T12:00")) == [("reminded", "andy", "11:10"), ("reassigned", "bea", "11:40")]


def test_who_is_away_until_nobody_knows_when_misses_nothing() -> None:
    """Back at 14:00, with 40 minutes left, away again at 14:10, back at 15:00: half an hour."""
    office = desk("sla: {hot: {accept_within: 1h}}")
    office.ask("ann")
    office.say("away", "andy", at="2026-11-23T09:20")
    office.say("available", "andy", at="2026-11-23T14:00")
    office.say("away", "andy", at="2026-11-23T14:10")
    office.say("available", "andy", at="2026-11-23T15:00")
    assert story(office.until("2026-11-24T09:00")) == [
        ("reassigned", "bea", "15:30"),
        ("reassigned", "carla", "16:30"),
        ("escalated", "dora", "17:30"),
    ]


def test_away_is_taken_off_working_time_only() -> None:
    """An hour from 16:30, away from 16:50 to 9:30: 20 minutes on Monday, 40 on Tuesday, until 10:10."""
    office = desk("sla: {hot: {accept_within: 1h}}", OFFICE_HOURS, "2026-11-23T16:30")
    office.ask("ann")
    office.say("away", "andy", at="2026-11-23T16:50", until="2026-11-24T09:30:00Z")
    assert story(office.until("2026-11-24T10:11")) == [("reassigned", "bea", "10:10")]


STICKY = HOT.replace("hot", "cold") + "sticky: {unless_away_for: 2d}\n"


def test_an_absence_with_a_known_end_beyond_the_limit_moves_leads_at_once() -> None:
    office = desk(STICKY)
    office.ask("ann")
    office.say("away", "andy", at="2026-11-23T10:00", until="2026-11-25T10:00:00.001Z")
    (moved,) = office.until("2026-11-23T10:01")
    assert (*moved.short, moved.time) == ("reassigned", "ann", "bea", "2026-11-23T10:00")
    assert moved.data["reason"].startswith("andy is away until 2026-11-25T10:00:00.001Z; rule us")


def test_one_of_just_the_limit_moves_none() -> None:
    office = desk(STICKY)
    office.ask("ann")
    office.say("away", "andy", at="2026-11-23T10:00", until="2026-11-25T10:00:00Z")
    assert office.until("2026-12-25T10:00") == []


def test_one_without_an_end_moves_leads_once_it_has_lasted_longer() -> None:
    office = desk(STICKY)
    office.ask("ann")
    office.say("away", "andy", at="2026-11-23T10:00")
    assert office.until("2026-11-25T10:00") == []
    (moved,) = office.until("2026-11-25T10:01")
    assert (*moved.short, moved.time) == ("reassigned", "ann", "bea", "2026-11-25T10:00:00.001Z")


def test_a_lead_that_was_contacted_moves_when_it_asks_again() -> None:
    office = desk(STICKY)
    office.ask("ann")
    office.say("contacted", "andy", "ann")
    office.say("away", "andy", at="2026-11-23T10:00")
    assert office.until("2026-11-26T10:00") == []
    assert office.ask("ann")[0].short == ("reassigned", "ann", "bea")


def test_who_got_it_anyway_while_away_keeps_it() -> None:
    config = DESK.replace("HOURS", "").replace("[andy, bea]}}", "[andy]}}").replace("next_rule", "assign_anyway")
    office = Office(config + STICKY)
    office.say("away", "andy", until="2026-12-23T10:00:00Z")
    assert office.ask("ann")[0].short == ("assigned", "ann", "andy")
    assert office.until("2026-12-22T10:00") == []


def test_who_is_away_already_and_says_until_when_has_been_away_since() -> None:
    """From Monday 10:00 to Wednesday 12:00 is longer than two days: said on Tuesday, it moves the lead then."""
    office = desk(STICKY)
    office.ask("ann")
    office.say("away", "andy", at="2026-11-23T10:00")
    assert office.until("2026-11-24T09:59") == []
    office.say("away", "andy", at="2026-11-24T10:00", until="2026-11-25T12:00:00Z")
    assert [one.short for one in office.until("2026-11-24T10:00")] == [("reassigned", "ann", "bea")]


def test_who_is_gone_for_long_does_not_get_it_anyway_while_another_can() -> None:
    """Outside her hours Bea gets it anyway; it is Andy's turn, who was picked longer ago, but he is gone."""
    config = DESK.replace("HOURS", "").replace("bea: {}", "bea: {hours: {sun: '09:00-10:00'}}")
    office = Office(config.replace("next_rule", "assign_anyway") + STICKY)
    assert office.ask("ann")[0].rep == "andy"
    office.say("away", "carla")
    office.say("contacted", "andy", "ann")
    office.say("away", "andy", at="2026-11-23T10:00", until="2026-12-23T10:00:00Z")
    assert office.ask("bob")[0].rep == "bea"
    (moved,) = office.ask("ann")
    assert moved.short == ("reassigned", "ann", "bea")
    assert moved.data["trace"][0]["why"] == "is away until 2026-12-23T10:00:00.000Z"


def test_end_to_end_a_week_away_moves_what_is_open_and_keeps_what_was_contacted_until_it_asks() -> None:
    """Andy has `a` and `c`, and has called `c`. At 1:00 he goes for a week: `a` is Bea's, `c` when it chats on day 2.

    On day 8 he is back, and `a`, which chats again, stays with Bea.
    """
    model = scoring(chats(85, decay="none"), alerts={"told": {"when": {"event": "chat"}, "cooldown": "1m"}})
    routing = {
        "assign_on": ["told"],
        "reps": {"andy": {}, "bea": {}},
        "teams": {"us": {"reps": ["andy", "bea"]}},
        "rules": [{"name": "us", "to": {"team": "us"}}],
        "sla": {"hot": {"accept_within": "2h"}},
        "sticky": {"unless_away_for": "2d"},
    }
    told = simulate(
        model,
        at(0, lead="a"),
        at(1, lead="b"),
        at(2, lead="c"),
        says(MINUTE, "contacted", "b", "bea"),
        says(MINUTE, "contacted", "c"),
        reports(HOUR, "away", until="2026-11-30T01:00:00Z"),
        says(2 * HOUR, "contacted", "a", "bea"),
        at(2 * DAY, lead="c"),
        says(2 * DAY + HOUR, "contacted", "c", "bea"),
        at(8 * DAY, lead="a"),
        desk=routing,
    )
    assert [one for one in told.assignments()[3:] if one[0] != "contacted"] == [
        ("reassigned", "a", "bea", HOUR),
        ("reassigned", "c", "bea", 2 * DAY),
        ("assigned", "a", "bea", 8 * DAY),
    ]
    assert told.on("lead-assignments")[-1]["due_at"] == "2026-12-01T02:00:00.000Z"
    assert told.owners("a", "b", "c") == ["bea", "bea", "bea"]
