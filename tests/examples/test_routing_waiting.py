"""What becomes of a lead for which nobody is there: it waits with a stated reason and goes out by score, then age."""

import pytest

from engine.core.messages import LeadGone
from tests.build import HOUR, MINUTE, T0
from tests.examples.harness import at, chats, known, says, scoring, simulate, since
from tests.unit.routing.office import Office, Seen, ms

DAYS = """
assign_on: [hot-lead]
reps:
  andy: {hours: {mon-fri: '09:00-17:00'}, capacity: {open: 1}}
rules: [{name: all, to: {rep: andy}}]
"""
VACATION = """
assign_on: [hot-lead]
reps:
  andy: {hours: {mon-fri: '09:00-17:00'}, vacations: [2026-12-01/2026-12-10]}
rules: [{name: all, to: {rep: andy}}]
sticky: {unless_away_for: 2d}
"""
TWO = """
assign_on: [hot-lead]
reps: {andy: {}, bea: {}}
teams: {us: {reps: [andy, bea]}}
rules: [{name: us, to: {team: us}}]
"""


def short(told: list[Seen]) -> list[tuple[str, str, str | None]]:
    return [one.short for one in told]


def went(told: list[Seen]) -> list[tuple[str, str | None, str]]:
    """Which lead went to whom, and when."""
    return [(one.lead, one.rep, one.time) for one in told]


def test_who_waits_goes_out_the_minute_the_first_rep_is_there_by_score_then_age() -> None:
    """Saturday: 85, 90, 85 and 95 ask, an hour apart. On Monday at nine: 95, 90, the older 85, the other."""
    office = Office(DAYS.replace(", capacity: {open: 1}", ""), "2026-11-28T10:00")
    for hour, (lead, total) in enumerate((("zoe", 85.0), ("bob", 90.0), ("ann", 85.0), ("dan", 95.0)), 10):
        (queued,) = office.ask(lead, f"2026-11-28T{hour}:00", total=total)
        assert queued.short == ("queued", lead, None)
        assert queued.data["reason"] == "rule all: nobody of andy is there before 2026-11-30T09:00:00.000Z"
    assert office.until("2026-11-30T08:59") == []
    assert went(office.until("2026-11-30T09:00")) == [
        (lead, "andy", "2026-11-30T09:00") for lead in ("dan", "bob", "zoe", "ann")
    ]


def test_one_place_that_becomes_free_is_for_the_best_of_those_who_wait() -> None:
    office = Office(DAYS, "2026-11-23T09:00")
    assert short(office.ask("ann")) == [("assigned", "ann", "andy")]
    (queued,) = office.ask("bob", total=81.0)
    assert queued.data["reason"] == "rule all: nobody of andy is there"
    assert queued.data["trace"][-1]["why"] == "has 1 open leads of 1"
    office.ask("cid", total=99.0)
    assert short(office.say("won", "andy", "ann", at="2026-11-23T10:00")) == [
        ("won", "ann", "andy"),
        ("assigned", "cid", "andy"),
    ]
    assert short(office.say("snoozed", "andy", "cid")) == [("snoozed", "cid", "andy")]


def test_a_place_that_becomes_free_outside_hours_is_taken_when_they_begin() -> None:
    """Won at 20:00, when Andy has long gone home: the lead that waits for him goes out the next morning."""
    office = Office(DAYS, "2026-11-23T09:00")
    office.ask("ann")
    office.ask("bob")
    assert short(office.say("won", "andy", "ann", at="2026-11-23T20:00")) == [("won", "ann", "andy")]
    assert went(office.until("2026-11-30T00:00")) == [("bob", "andy", "2026-11-24T09:00")]


def test_who_says_to_be_back_outside_hours_gets_what_waits_when_they_begin() -> None:
    office = Office(DAYS, "2026-11-23T16:00")
    office.say("away", "andy")
    (queued,) = office.ask("ann")
    assert queued.data["reason"] == "rule all: nobody of andy is there"
    assert office.say("available", "andy", at="2026-11-23T20:00") == []
    assert went(office.until("2026-11-30T00:00")) == [("ann", "andy", "2026-11-24T09:00")]


def test_who_comes_back_sooner_than_said_gets_what_waits_then() -> None:
    office = Office(TWO, "2026-11-23T09:00")
    office.say("away", "andy", until="2026-11-25T09:00:00Z")
    office.say("away", "bea", until="2026-11-24T09:00:00Z")
    (queued,) = office.ask("ann")
    assert queued.data["reason"] == "rule us: nobody of team us is there before 2026-11-24T09:00:00.000Z"
    assert office.say("away", "andy", until="2026-11-23T12:00:00Z", at="2026-11-23T10:00") == []
    assert went(office.until("2026-11-30T00:00")) == [("ann", "andy", "2026-11-23T12:00")]


def test_back_at_once_gets_it_at_once() -> None:
    office = Office(TWO, "2026-11-23T09:00")
    for rep in ("andy", "bea"):
        office.say("away", rep)
    office.ask("ann")
    assert office.until("2026-12-23T09:00") == []
    assert short(office.say("available", "bea")) == [("assigned", "ann", "bea")]


def test_a_lead_of_who_is_gone_for_long_waits_for_the_return_where_there_is_nobody_else() -> None:
    """Assigned on 30 November at 16:55; on vacation from the 1st to the 10th, more than two days: back on the 11th."""
    office = Office(VACATION, "2026-11-30T16:55")
    office.ask("ann")
    (queued,) = office.until("2026-12-10T23:59")
    assert (*queued.short, queued.time) == ("queued", "ann", None, "2026-12-01T00:00")
    assert queued.data["previous"] == "andy"
    assert queued.data["reason"] == (
        "andy on vacation until 2026-12-10; rule all: nobody of andy is there before 2026-12-11T09:00:00.000Z"
    )
    assert went(office.until("2026-12-31T00:00")) == [("ann", "andy", "2026-12-11T09:00")]


def test_so_does_one_that_asks_anew_while_its_owner_is_gone() -> None:
    office = Office(VACATION, "2026-11-30T16:00")
    office.ask("ann")
    office.say("contacted", "andy", "ann")
    assert office.until("2026-12-05T10:00") == []
    assert short(office.ask("ann")) == [("queued", "ann", None)]
    assert went(office.until("2026-12-31T00:00")) == [("ann", "andy", "2026-12-11T09:00")]


def test_a_place_that_an_erased_lead_leaves_is_taken() -> None:
    office = Office(DAYS, "2026-11-23T09:00")
    office.ask("ann")
    office.ask("bob")
    office.send(LeadGone("ann", office.at_ms), "2026-11-23T10:00")
    assert went(office.until("2026-11-23T10:00")) == [("bob", "andy", "2026-11-23T10:00")]


NOBODY = """
assign_on: [hot-lead]
reps:
  andy: {hours: {mon-fri: '09:00-17:00'}, capacity: {per_day: 1}}
  bea: {hours: {mon-fri: '10:00-18:00'}}
  ravi: {}
teams: {us: {reps: [andy, bea]}, india: {reps: [ravi]}}
rules:
  - {name: us, to: {team: us}, nobody: NOBODY}
  - {name: india, to: {team: india}}
"""


@pytest.mark.parametrize(
    ("nobody", "told"),
    [
        ("wait", ("queued", "ann", None)),
        ("assign_anyway", ("assigned", "ann", "andy")),
        ("next_rule", ("assigned", "ann", "ravi")),
    ],
)
def test_where_nobody_is_there_a_rule_says_what_becomes_of_the_lead(nobody: str, told: tuple[str, str, str]) -> None:
    """At 03:00 both are outside their hours."""
    office = Office(NOBODY.replace("NOBODY", nobody), "2026-11-23T03:00")
    assert short(office.ask("ann")) == [told]


def test_a_team_waits_unless_it_says_otherwise_and_the_rule_s_word_counts_before_the_team_s() -> None:
    silent = NOBODY.replace(", nobody: NOBODY", "")
    assert short(Office(silent, "2026-11-23T03:00").ask("ann")) == [("queued", "ann", None)]
    of_team = silent.replace("reps: [andy, bea]", "reps: [andy, bea], nobody: next_rule")
    assert short(Office(of_team, "2026-11-23T03:00").ask("ann")) == [("assigned", "ann", "ravi")]
    of_rule = NOBODY.replace("NOBODY", "wait").replace("reps: [andy, bea]", "reps: [andy, bea], nobody: next_rule")
    assert short(Office(of_rule, "2026-11-23T03:00").ask("ann")) == [("queued", "ann", None)]


def test_other_rules_go_on_to_the_next_and_the_last_one_waits() -> None:
    config = """
assign_on: [hot-lead]
reps: {andy: {hours: {mon: '09:00-10:00'}}, bea: {hours: {mon: '11:00-12:00'}}}
rules: [{name: first, to: {rep: andy}}, {name: last, to: {rep: bea}}]
"""
    office = Office(config, "2026-11-23T08:00")
    (queued,) = office.ask("ann")
    assert [(step["candidate"], step["outcome"]) for step in queued.data["trace"]] == [
        ("first", "matched"),
        ("andy", "passed over"),
        ("last", "matched"),
        ("bea", "passed over"),
    ]
    assert went(office.until("2026-11-24T00:00")) == [("ann", "andy", "2026-11-23T09:00")]


def test_anyway_says_so_and_takes_turns_and_is_no_licence_while_somebody_is_there() -> None:
    """At 03:00 Andy, then Bea. At 09:30 only Andy is there, at 09:31 he has had the one lead of his day: Bea again."""
    office = Office(NOBODY.replace("NOBODY", "assign_anyway"), "2026-11-21T03:00")
    (first,) = office.ask("ann")
    assert first.data["reason"] == "rule us, next in turn in team us, though nobody is there"
    assert first.data["trace"][-2]["why"] == "nobody is there: off on Saturday, but anyway"
    assert short(office.ask("bob")) == [("assigned", "bob", "bea")]
    assert short(office.ask("cid", "2026-11-23T09:30")) == [("assigned", "cid", "andy")]
    assert short(office.ask("dan", "2026-11-23T10:30")) == [("assigned", "dan", "bea")]


def test_a_lead_that_waits_is_told_of_once_however_often_somebody_looks_in_vain() -> None:
    """Andy has one lead a day. Of three who wait on Saturday one goes out each morning, the best first."""
    office = Office(NOBODY.replace("NOBODY", "wait").replace("[andy, bea]", "[andy]"), "2026-11-21T10:00")
    for lead, total in (("ann", 81.0), ("bob", 82.0), ("cid", 83.0)):
        assert short(office.ask(lead, total=total)) == [("queued", lead, None)]
    assert went(office.until("2026-11-30T00:00")) == [
        ("cid", "andy", "2026-11-23T09:00"),
        ("bob", "andy", "2026-11-24T09:00"),
        ("ann", "andy", "2026-11-25T09:00"),
    ]


def test_a_lead_that_asks_again_while_it_waits_is_told_of_again_and_keeps_its_place() -> None:
    office = Office(DAYS, "2026-11-21T10:00")
    office.ask("ann")
    office.ask("bob")
    assert short(office.ask("ann", "2026-11-22T10:00")) == [("queued", "ann", None)]
    assert went(office.until("2026-11-23T09:00")) == [("ann", "andy", "2026-11-23T09:00")]


def test_a_better_lead_that_waits_for_somebody_else_holds_nobody_up() -> None:
    """Ann, 95 points, waits for Bea alone; Bob, 81, for Andy or Bea, and Andy is back first."""
    config = """
assign_on: [hot-lead]
reps: {andy: {}, bea: {}}
teams: {us: {reps: [andy, bea]}, loans: {reps: [bea]}}
rules: [{name: loans, when: {product: loans}, to: {team: loans}}, {name: us, to: {team: us}}]
"""
    office = Office(config)
    for rep in ("andy", "bea"):
        office.say("away", rep)
    office.ask("ann", total=95.0, product="loans")
    office.ask("bob", total=81.0)
    assert short(office.say("available", "andy")) == [("assigned", "bob", "andy")]
    assert short(office.say("available", "bea")) == [("assigned", "ann", "bea")]


def test_however_many_wait_all_go_out_at_the_same_minute_the_best_first() -> None:
    """700 leads with 81, 81.01, 81.02, … points, more than go out at once."""
    office = Office(DAYS.replace(", capacity: {open: 1}", ""), "2026-11-22T10:00")
    for number in range(700):
        office.ask(f"lead-{number}", total=81 + number / 100)
    told = office.until("2026-11-23T09:00")
    assert went(told) == [(f"lead-{number}", "andy", "2026-11-23T09:00") for number in reversed(range(700))]


def test_who_gets_a_lead_anyway_has_the_limit_within_the_hours() -> None:
    """Assigned at 03:00; fifteen minutes of working time are up at 9:15."""
    config = NOBODY.replace("NOBODY", "assign_anyway") + "sla: {hot: {accept_within: 15m}}\n"
    (assigned,) = Office(config, "2026-11-23T03:00").ask("ann")
    assert (assigned.rep, assigned.data["due_at"]) == ("andy", "2026-11-23T09:15:00.000Z")


def test_those_who_wait_are_there_after_a_restart() -> None:
    office = Office(DAYS, "2026-11-21T10:00")
    office.ask("ann")
    office.restart()
    assert went(office.until("2026-11-23T09:00")) == [("ann", "andy", "2026-11-23T09:00")]


def test_a_lead_that_nobody_may_have_says_why() -> None:
    config = TWO.replace("{name: us,", "{name: us, when: {total: {gt: 90}},")
    (queued,) = Office(config).ask("ann", total=90.0)
    assert (queued.data["reason"], queued.data["rule"]) == ("no rule matches", None)


def test_end_to_end_a_lead_asks_at_night_and_has_an_owner_in_the_morning() -> None:
    """T0 is a Monday. Hot at 02:00, so queued without an owner; at 09:00 assigned, due 09:15; accepted at 09:05.

    The second lead, with 90 points, asks an hour later and goes out first; Andy takes one at a time, so the other
    waits until the first is won at 10:00, and is his at 10:00, due 10:15.
    """
    model = scoring(
        chats(85, decay="none"), chats(5, when={"event": "call"}, decay="none"), alerts={"hot": {"crosses": "hot"}}
    )
    desk = {
        "assign_on": ["hot"],
        "reps": {"andy": {"hours": {"mon-fri": "09:00-17:00"}, "capacity": {"open": 1}}},
        "rules": [{"name": "all", "to": {"rep": "andy"}}],
        "sla": {"hot": {"accept_within": "15m"}},
    }
    told = simulate(
        model,
        known(0, "ada"),
        at(2 * HOUR, "chat", "", userId="ada"),
        known(2 * HOUR + 1, "bob"),
        at(3 * HOUR, "call", "", userId="bob"),
        at(3 * HOUR, "chat", "", userId="bob"),
        says(9 * HOUR + 5 * MINUTE, "accepted", "bob"),
        says(10 * HOUR, "won", "bob", amount=900, currency="EUR"),
        until=10 * HOUR,
        desk=desk,
    )
    lines = [line["value"] for line in told.lines if line["topic"] == "lead-assignments"]
    seen = [
        (line["type"].split(".")[3], line["subject"], line["data"]["rep"], since(line["time"]), line["data"]["due_at"])
        for line in lines
    ]
    assert seen == [
        ("queued", "ada", None, 2 * HOUR, None),
        ("queued", "bob", None, 3 * HOUR, None),
        ("assigned", "bob", "andy", 9 * HOUR, "2026-11-23T09:15:00.000Z"),
        ("accepted", "bob", "andy", 9 * HOUR + 5 * MINUTE, None),
        ("won", "bob", "andy", 10 * HOUR, None),
        ("assigned", "ada", "andy", 10 * HOUR, "2026-11-23T10:15:00.000Z"),
    ]
    assert ms("2026-11-23T09:00") == T0 + 9 * HOUR
    owners = [(line["key"], line["value"]["data"]["owner"]) for line in told.lines if line["topic"] == "lead-scores"]
    assert owners.index(("bob", "andy")) < owners.index(("ada", "andy"))
    assert {lead: (told.score(lead)["owner"], told.score(lead)["stage"]) for lead in ("ada", "bob")} == {
        "ada": ("andy", "subscriber"),
        "bob": ("andy", "customer"),
    }
