"""What reps say: each kind of feedback told on, with what becomes of owner, stage, deadline, capacity and calls."""

from typing import Any

import pytest

from tests.build import DAY, HOUR, MINUTE
from tests.examples.harness import Line, Spec, Told, at, chats, known, reports, says, scoring, simulate
from tests.unit.routing.office import Office, Seen

DESK = """
assign_on: [hot-lead]
reps: {andy: {capacity: {open: 1}}, bea: {}, dora: {}}
teams: {us: {reps: [andy, bea]}}
regions: {east: {manager: dora, reps: [andy, bea]}}
rules: [{name: us, to: {team: us}}]
sla: {hot: {accept_within: 1h, contact_within: 1h}}
"""
KINDS = "accepted declined contacted snoozed qualified disqualified opportunity won lost recycled noted".split()


def with_andy(at: str = "2026-11-23T09:00") -> Office:
    """Andy has `ann`."""
    office = Office(DESK, at)
    assert office.ask("ann")[0].rep == "andy"
    return office


def short(told: list[Seen]) -> list[tuple[str, str, str | None]]:
    return [one.short for one in told]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("accepted", {}),
        ("declined", {"reason": "on leave"}),
        ("contacted", {"channel": "phone"}),
        ("snoozed", {"until": "2027-05-23T09:00:00.000Z", "text": "call again in six months"}),
        ("qualified", {}),
        ("disqualified", {"reason": "a student"}),
        ("opportunity", {"amount": 1200.5, "close_on": "2026-12-31"}),
        ("won", {"amount": 900.0, "currency": "EUR"}),
        ("lost", {"reason": "too dear"}),
        ("recycled", {}),
        ("noted", {"text": "nice"}),
    ],
)
def test_each_accepted_one_is_told_with_what_was_said(kind: str, said: dict[str, Any]) -> None:
    """Accepting it says besides by when it is to be contacted: 9:00 + 1 h."""
    told = with_andy().say(kind, "andy", "ann", **said)[0]
    assert told.short == (kind, "ann", "andy")
    empty = dict.fromkeys(("until", "channel", "amount", "currency", "close_on", "text", "reason", "due_at"))
    expected = {**empty, **said, "due_at": "2026-11-23T10:00:00.000Z" if kind == "accepted" else None}
    assert {name: told.data[name] for name in expected} == expected
    cause = {"topic": "rep-events", "partition": 0, "offset": 0, "event": None, "name": f"lead.{kind}"}
    assert told.data["cause"] == {**cause, "time": "2026-11-23T09:00:00.000Z"}


def test_declined_goes_to_the_next_of_the_pool_and_does_not_count_as_a_miss() -> None:
    """Misses end with the manager after one here: Andy's word sends it to Bea, Bea's silence to Dora."""
    office = Office(DESK.replace("sla: {", "sla: {misses_before_manager: 1, "))
    office.ask("ann")
    declined, moved = office.say("declined", "andy", "ann", reason="on leave")
    assert declined.short == ("declined", "ann", "andy")
    assert (moved.short, moved.data["previous"], moved.data["attempt"]) == (("reassigned", "ann", "bea"), "andy", 2)
    assert moved.data["reason"] == "andy declined it: on leave; rule us, next in turn in team us"
    assert moved.data["due_at"] == "2026-11-23T10:00:00.000Z"
    assert short(office.until("2026-11-23T10:01")) == [("escalated", "ann", "dora")]


def test_what_everybody_declined_is_the_manager_s() -> None:
    office = with_andy()
    office.say("declined", "andy", "ann")
    _, escalated = office.say("declined", "bea", "ann")
    assert escalated.short == ("escalated", "ann", "dora")
    assert escalated.data["reason"] == "bea declined it; nobody else is left; to dora, manager of region east"
    _, queued = office.say("declined", "dora", "ann")
    assert queued.short == ("queued", "ann", None)
    assert queued.data["reason"] == "dora declined it; nobody is left whom the rules name"


def test_a_lead_that_sales_are_done_with_can_be_declined_without_going_to_anybody() -> None:
    office = with_andy()
    office.say("lost", "andy", "ann")
    assert short(office.say("declined", "andy", "ann")) == [("declined", "ann", "andy")]


@pytest.mark.parametrize("kind", KINDS)
def test_what_gives_a_place_back_lets_who_waits_have_it(kind: str) -> None:
    """Andy, who takes one lead at a time, has `ann`; `bob` waits for him."""
    config = DESK.replace("reps: [andy, bea]}}\nregions", "reps: [andy]}}\nregions")
    office = Office(config)
    office.ask("ann")
    office.ask("bob")
    more = {"until": "2027-05-23T09:00:00Z"} if kind == "snoozed" else {}
    told = short(office.say(kind, "andy", "ann", **more))
    frees = kind in ("declined", "snoozed", "disqualified", "won", "lost", "recycled")
    assert (("assigned", "bob", "andy") in told) == frees
    assert office.load("andy").open == 1


def test_call_again_in_six_months_comes_back_then_and_takes_a_place_again() -> None:
    office = with_andy()
    office.say("snoozed", "andy", "ann", until="2027-05-23T09:30:00Z", text="call again in six months")
    assert office.load("andy").open == 0
    assert office.until("2027-05-23T09:29") == []
    (call,) = office.until("2027-05-23T09:30")
    assert (*call.short, call.time) == ("call_due", "ann", "andy", "2027-05-23T09:30")
    assert call.data["reason"] == "andy is to call again now"
    assert office.load("andy").open == 1
    assert office.until("2028-05-23T09:30") == []


def test_a_call_is_due_after_a_restart() -> None:
    office = with_andy()
    office.say("snoozed", "andy", "ann", until="2027-05-23T09:30:00Z")
    office.restart()
    assert short(office.until("2027-05-23T09:30")) == [("call_due", "ann", "andy")]


def test_a_call_is_put_off_again_by_another_word() -> None:
    office = with_andy()
    office.say("snoozed", "andy", "ann", until="2027-05-23T09:30:00Z")
    office.say("snoozed", "andy", "ann", until="2027-01-23T09:30:00Z")
    assert [one.time for one in office.until("2027-12-31T00:00")] == ["2027-01-23T09:30"]


@pytest.mark.parametrize("kind", ["won", "lost", "disqualified", "recycled"])
def test_when_sales_are_done_with_a_lead_no_call_is_due(kind: str) -> None:
    office = with_andy()
    office.say("snoozed", "andy", "ann", until="2026-12-23T09:30:00Z")
    office.say(kind, "andy", "ann")
    assert office.until("2027-01-31T00:00") == []


def test_a_call_is_due_to_whoever_has_the_lead_then() -> None:
    """Put off by Andy, who declines it later: Bea is told."""
    office = with_andy()
    office.say("snoozed", "andy", "ann", until="2026-12-23T09:30:00Z")
    assert short(office.say("declined", "andy", "ann"))[1] == ("reassigned", "ann", "bea")
    office.say("contacted", "bea", "ann")
    assert short(office.until("2026-12-31T00:00")) == [("call_due", "ann", "bea")]


@pytest.mark.parametrize(
    ("rep", "lead", "field", "message"),
    [
        ("andi", "ann", "rep", "'andi' is no rep; the configuration knows andy, bea, dora"),
        ("andy", "bob", "lead", "no rep was ever asked for lead 'bob'; expected one that was"),
        ("bea", "ann", "rep", "lead 'ann' is not bea's; expected andy, who has it"),
    ],
)
def test_only_who_has_a_lead_says_what_became_of_it(rep: str, lead: str, field: str, message: str) -> None:
    office = with_andy()
    assert office.say("won", rep, lead) == []
    (failure,) = office.rejected
    assert (failure["reason"], failure["field"], failure["message"]) == ("feedback", field, message)


@pytest.mark.parametrize("kind", ["disqualified", "recycled"])
def test_a_lead_without_an_owner_goes_by_the_rules_when_it_asks_again(kind: str) -> None:
    office = with_andy()
    office.say(kind, "andy", "ann")
    assert office.say("noted", "andy", "ann") == []
    assert office.rejected[0]["message"].startswith("lead 'ann' has no rep now")
    (again,) = office.ask("ann")
    assert (again.short, again.data["previous"]) == (("assigned", "ann", "bea"), None)


@pytest.mark.parametrize("kind", ["won", "lost"])
def test_a_lead_that_was_won_or_lost_comes_back_to_its_owner(kind: str) -> None:
    office = with_andy()
    office.say(kind, "andy", "ann")
    (again,) = office.ask("ann")
    assert (again.short, again.data["reason"]) == (("assigned", "ann", "andy"), "andy owns the lead")
    assert again.data["due_at"] == "2026-11-23T10:00:00.000Z"
    assert office.load("andy").open == 1


MODEL = scoring(
    chats(85, decay="none"),
    alerts={"hot": {"crosses": "hot"}},
    stages={"lead": {"known": True}, "marketingqualifiedlead": {"total": {"gte": 80}}},
    cycle="30d",
)
ROUTING: Spec = {
    "assign_on": ["hot"],
    "reps": {"andy": {}, "bea": {}},
    "teams": {"us": {"reps": ["andy", "bea"]}},
    "rules": [{"name": "us", "to": {"team": "us"}}],
    "sla": {"hot": {"accept_within": "1h"}},
}


def told_of(*lines: Line, until: int | None = None) -> Told:
    return simulate(MODEL, *lines, desk=ROUTING, until=until)


@pytest.mark.parametrize(
    ("kind", "stage", "owner"),
    [
        ("accepted", "marketingqualifiedlead", "andy"),
        ("declined", "marketingqualifiedlead", "bea"),
        ("contacted", "marketingqualifiedlead", "andy"),
        ("snoozed", "marketingqualifiedlead", "andy"),
        ("qualified", "salesqualifiedlead", "andy"),
        ("disqualified", "disqualified", None),
        ("opportunity", "opportunity", "andy"),
        ("won", "customer", "andy"),
        ("lost", "disqualified", "andy"),
        ("recycled", "recycled", None),
        ("noted", "marketingqualifiedlead", "andy"),
    ],
)
def test_end_to_end_each_moves_stage_and_owner_as_it_says(kind: str, stage: str, owner: str | None) -> None:
    """Hot and qualified at 0:00, said at 0:30 by who has it; the stage moves then."""
    more = {"until": "2027-05-23T09:00:00Z"} if kind == "snoozed" else {}
    told = told_of(at(0), says(30 * MINUTE, kind, **more))
    assert told.assignments()[:2] == [("assigned", "ada", "andy", 0), (kind, "ada", "andy", 30 * MINUTE)]
    assert told.score()["stage"] == stage
    assert told.owners("ada") == [owner]
    moved = [("marketingqualifiedlead", stage, 30 * MINUTE)] if stage != "marketingqualifiedlead" else []
    assert told.moves() == [("subscriber", "marketingqualifiedlead", 0), *moved]
    assert told.rejected() == []


@pytest.mark.parametrize(
    ("kind", "open_leads"), [("contacted", 0), ("snoozed", 0), ("qualified", 1), ("opportunity", 1)]
)
def test_a_word_on_a_lead_that_was_won_opens_it_again_only_where_there_is_more_to_sell(
    kind: str, open_leads: int
) -> None:
    office = with_andy()
    office.say("won", "andy", "ann")
    assert [one.kind for one in office.say(kind, "andy", "ann")] == [kind]
    assert office.load("andy").open == open_leads


def test_end_to_end_from_the_call_to_the_sale() -> None:
    """Accepted, contacted, qualified, an opportunity, won: a customer, and a conversion of 900 EUR named `won`."""
    steps = ["accepted", "contacted", "qualified", "opportunity"]
    told = told_of(
        at(0),
        *(says(number * 10 * MINUTE, kind) for number, kind in enumerate(steps, 1)),
        says(HOUR, "won", amount=900.0, currency="EUR"),
        until=60 * DAY,
    )
    assert told.assignments() == [
        ("assigned", "ada", "andy", 0),
        *((kind, "ada", "andy", number * 10 * MINUTE) for number, kind in enumerate(steps, 1)),
        ("won", "ada", "andy", HOUR),
    ]
    assert told.moves() == [
        ("subscriber", "marketingqualifiedlead", 0),
        ("marketingqualifiedlead", "salesqualifiedlead", 30 * MINUTE),
        ("salesqualifiedlead", "opportunity", 40 * MINUTE),
        ("opportunity", "customer", HOUR),
    ]
    (sale,) = told.on("lead-conversions")
    assert (sale["conversion"], sale["revenue"], sale["currency"]) == ("won", 900.0, "EUR")


def test_end_to_end_a_call_in_six_months_of_a_lead_that_has_cooled_down() -> None:
    told = told_of(at(0), says(HOUR, "snoozed", until="2027-05-23T09:00:00Z"), until=200 * DAY)
    assert told.assignments()[1:] == [
        ("snoozed", "ada", "andy", HOUR),
        ("call_due", "ada", "andy", 181 * DAY + 9 * HOUR),
    ]
    assert (told.owners("ada"), told.score()["stage"]) == (["andy"], "marketingqualifiedlead")


def test_end_to_end_a_lead_that_is_recycled_by_itself_is_released() -> None:
    """Accepted, and nobody gets in touch: 30 days after it qualified the cycle is over, and it is nobody's."""
    told = told_of(at(0), says(HOUR, "accepted"), until=40 * DAY)
    assert told.assignments() == [
        ("assigned", "ada", "andy", 0),
        ("accepted", "ada", "andy", HOUR),
        ("released", "ada", None, 30 * DAY),
    ]
    released = told.on("lead-assignments")[-1]
    assert (released["previous"], released["reason"]) == ("andy", "recycled")
    assert (told.owners("ada"), told.score()["stage"]) == ([None], "recycled")


def test_end_to_end_a_lead_that_was_contacted_is_not() -> None:
    told = told_of(at(0), says(HOUR, "contacted"), until=40 * DAY)
    assert told.assignments()[2:] == []
    assert (told.owners("ada"), told.score()["stage"]) == (["andy"], "marketingqualifiedlead")


def test_end_to_end_of_a_lead_that_is_another_by_now_the_word_is_taken_for_that() -> None:
    """Andy got the browser `ada`, which is the person `u-1` from 0:10 on; his screen still shows `ada` at 0:20."""
    identify = {**known(10 * MINUTE, "u-1"), "anonymousId": "ada"}
    told = told_of(at(0), identify, says(20 * MINUTE, "qualified"))
    assert told.assignments() == [("assigned", "ada", "andy", 0), ("qualified", "u-1", "andy", 20 * MINUTE)]
    assert (told.owners("u-1"), told.score("u-1")["stage"]) == (["andy"], "salesqualifiedlead")


def test_end_to_end_away_and_back_decide_who_gets_the_next() -> None:
    told = told_of(
        reports(0, "away"),
        at(MINUTE, lead="a"),
        at(2 * MINUTE, lead="b"),
        reports(3 * MINUTE, "available"),
        at(4 * MINUTE, lead="c"),
    )
    assert told.owners("a", "b", "c") == ["bea", "bea", "andy"]


def test_end_to_end_what_cannot_be_accepted_is_a_dead_letter_and_changes_nothing() -> None:
    told = told_of(at(0), says(MINUTE, "won", rep="bea"), says(MINUTE, "won", "bob"), says(MINUTE, "won", rep="eve"))
    assert told.rejected() == ["feedback"] * 3
    assert (told.owners("ada"), told.score()["stage"]) == (["andy"], "marketingqualifiedlead")
