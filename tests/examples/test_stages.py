"""Stages: where a lead goes by itself, how it is recycled and starts over, and what reps move."""

from typing import Any

import pytest

from tests.build import DAY, HOUR, MINUTE
from tests.examples.harness import DESK, Line, Spec, at, chats, known, near, says, scoring, simulate

MQL = "marketingqualifiedlead"
STAGES = {"lead": {"known": True}, MQL: {"any": [{"total": {"gte": 80}}, {"fast_track": True}]}}
STEADY = chats(40, decay="none")


def staged(*rules: Spec, **sections: Any) -> Spec:
    return scoring(*rules, **{"stages": STAGES, **sections})


def identified(after_ms: int) -> Line:
    return at(after_ms, "identify", userId="ada")


def test_every_lead_begins_as_subscriber_and_becomes_lead_when_it_is_known() -> None:
    told = simulate(staged(STEADY), at(0), identified(90 * MINUTE))
    assert told.moves() == [("subscriber", "lead", 90 * MINUTE)]
    merged, move = told.on("lead-stages")
    assert (merged["from"], merged["to"], merged["seconds_in_stage"]) == ("ada", "ada", 5400)
    assert (move["lead"], move["seconds_in_stage"], move["total"]) == ("ada", 90 * 60, 40)
    assert move["reason"]
    assert told.score()["stage"] == "lead"


def test_a_lead_goes_to_the_highest_stage_whose_condition_holds_in_one_step() -> None:
    """Known and at 80 with one event: from subscriber to MQL, and never lead in between."""
    told = simulate(staged(chats(80)), {**at(0), "anonymousId": "", "userId": "ada"})
    assert told.moves() == [("subscriber", MQL, 0)]


def test_time_in_a_stage_is_told_with_the_next_move() -> None:
    told = simulate(staged(STEADY), at(0), identified(MINUTE), at(HOUR))
    assert told.moves() == [("subscriber", "lead", MINUTE), ("lead", MQL, HOUR)]
    assert [move["seconds_in_stage"] for move in told.on("lead-stages")[1:]] == [60, 59 * 60]


def test_a_stage_never_goes_back_by_itself() -> None:
    """The score falls, the stage stays."""
    told = simulate(staged(chats(80, half_life="1d")), identified(0), at(0), until=90 * DAY)
    assert told.moves() == [("subscriber", "lead", 0), ("lead", MQL, 0)]
    assert (told.score()["stage"], told.score()["band"]) == (MQL, "cold")


def test_exactly_80_qualifies() -> None:
    assert simulate(staged(chats(79.9)), at(0)).moves() == []
    assert simulate(staged(chats(80)), at(0)).moves() == [("subscriber", MQL, 0)]


def test_at_the_end_of_its_cycle_a_lead_is_recycled_and_starts_over() -> None:
    """The record keeps the old score; engagement is 0, fast track and owner are gone."""
    fast = {"when": {"event": "demo_request"}, "points": 25, "decay": "none", "fast_track": True}
    spec = staged(fast, cycle="30d", alerts={"fast": {"fast_track": True}})
    desk = {**DESK, "assign_on": ["fast"]}
    told = simulate(spec, identified(0), at(DAY, "demo_request"), until=31 * DAY, desk=desk)
    assert told.moves() == [("subscriber", "lead", 0), ("lead", MQL, DAY), (MQL, "recycled", 31 * DAY)]
    recycled = told.on("lead-stages")[-1]
    assert (recycled["total"], recycled["seconds_in_stage"]) == (25, 30 * 86_400)
    assert recycled["cause"]["topic"] is None
    score = told.score()
    assert (score["stage"], score["total"], score["fast_track"], score["owner"]) == ("recycled", 0, False, None)
    before = simulate(spec, identified(0), at(DAY, "demo_request"), until=31 * DAY - 1, desk=desk).score()
    assert (before["stage"], before["total"], before["owner"]) == (MQL, 25, "andy")


def test_without_a_cycle_a_lead_stays_qualified() -> None:
    assert simulate(staged(STEADY), at(0), at(0), until=999 * DAY).score()["stage"] == MQL


@pytest.mark.parametrize(("kind", "days"), [("b2b", 180), ("shop", 14), (None, 14)])
def test_how_long_a_cycle_is_depends_on_the_lead(kind: str | None, days: int) -> None:
    cycle = [{"if": {"traits.company_type": "b2b"}, "for": "180d"}, {"for": "14d"}]
    traits = {} if kind is None else {"company_type": kind}
    chat = {**at(0), "anonymousId": "", "userId": "ada"}
    told = simulate(staged(chats(80), cycle=cycle), known(0, **traits), chat, until=300 * DAY)
    assert told.moves()[-1] == (MQL, "recycled", days * DAY)


def test_a_recycled_lead_qualifies_again_by_what_it_earns_anew() -> None:
    """Its condition was false after the fresh start; 40 + 40 make it true anew. What came before counts no more."""
    spec = staged(STEADY, cycle="30d")
    told = simulate(spec, at(0), at(0), at(40 * DAY), at(41 * DAY))
    assert told.moves() == [("subscriber", MQL, 0), (MQL, "recycled", 30 * DAY), ("recycled", MQL, 41 * DAY)]
    assert told.total() == 80


def test_a_condition_that_held_all_the_time_must_become_true_anew() -> None:
    """Qualified by fit, which is not lost; it qualifies again only after the trait had gone and come back."""
    spec = staged(fit={"ceo": {"when": {"traits.title": "CEO"}, "points": 80}}, cycle="30d")
    start = [known(0, title="CEO"), known(40 * DAY, title="CEO")]
    first = [("subscriber", MQL, 0), (MQL, "recycled", 30 * DAY)]
    assert simulate(spec, *start).moves() == first
    back = [known(41 * DAY, title="Cook"), known(42 * DAY, title="CEO")]
    assert simulate(spec, *start, *back).moves() == [*first, ("recycled", MQL, 42 * DAY)]


def test_an_event_from_before_the_fresh_start_counts_no_more() -> None:
    spec = staged(STEADY, cycle="2d")
    late = {"topic": "visitor-events", "key": "ada", "value": at(DAY), "timestamp": at(3 * DAY)["timestamp"]}
    told = simulate(spec, at(0), at(0), late)
    assert (told.moves()[-1], told.total()) == ((MQL, "recycled", 2 * DAY), 0)


ASSIGNED = {**DESK, "assign_on": ["hot"]}
SOLD = staged(STEADY, cycle="30d", alerts={"hot": {"crosses": "hot"}})
HOT = [identified(0), at(MINUTE), at(MINUTE)]
FIRST = [("subscriber", "lead", 0), ("lead", MQL, MINUTE)]


@pytest.mark.parametrize(
    ("kind", "stage"),
    [
        ("qualified", "salesqualifiedlead"),
        ("opportunity", "opportunity"),
        ("won", "customer"),
        ("lost", "disqualified"),
        ("disqualified", "disqualified"),
        ("recycled", "recycled"),
    ],
)
def test_feedback_moves_the_stage(kind: str, stage: str) -> None:
    told = simulate(SOLD, *HOT, says(HOUR, kind), desk=ASSIGNED)
    assert told.moves() == [*FIRST, (MQL, stage, HOUR)]
    move = told.on("lead-stages")[-1]
    assert (move["seconds_in_stage"], move["total"], move["cause"]["topic"]) == (59 * 60, 80, "rep-events")
    assert told.score()["stage"] == stage


@pytest.mark.parametrize(("kind", "owner"), [("won", "andy"), ("disqualified", None), ("recycled", None)])
def test_a_disqualified_or_recycled_lead_has_no_owner_any_more(kind: str, owner: str | None) -> None:
    assert simulate(SOLD, *HOT, says(HOUR, kind), desk=ASSIGNED).score()["owner"] == owner


@pytest.mark.parametrize("kind", ["accepted", "declined", "contacted", "snoozed", "noted"])
def test_other_feedback_moves_no_stage(kind: str) -> None:
    keys = {"until": "2026-12-24T00:00:00Z"} if kind == "snoozed" else {}
    assert simulate(SOLD, *HOT, says(HOUR, kind, **keys), desk=ASSIGNED).moves() == FIRST


@pytest.mark.parametrize(
    ("kind", "stops"),
    [
        ("contacted", True),
        ("snoozed", True),
        ("qualified", True),
        ("won", True),
        ("accepted", False),
        ("declined", False),
        ("noted", False),
    ],
)
def test_contact_snooze_and_closing_feedback_stop_the_cycle(kind: str, stops: bool) -> None:
    keys = {"until": "2026-12-24T00:00:00Z"} if kind == "snoozed" else {}
    told = simulate(SOLD, *HOT, says(HOUR, kind, **keys), until=90 * DAY, desk=ASSIGNED)
    assert ((MQL, "recycled", MINUTE + 30 * DAY) in told.moves()) is not stops


def test_from_where_sales_set_a_lead_sales_move_it() -> None:
    """The engine leaves a sales-qualified lead where it is, whatever it earns."""
    told = simulate(SOLD, *HOT, says(HOUR, "qualified"), at(DAY), until=90 * DAY, desk=ASSIGNED)
    assert told.moves() == [*FIRST, (MQL, "salesqualifiedlead", HOUR)]


def test_a_deal_goes_all_the_way() -> None:
    deal = [says(HOUR, "qualified"), says(2 * HOUR, "opportunity", amount=900), says(3 * HOUR, "won", amount=900)]
    told = simulate(SOLD, *HOT, *deal, desk=ASSIGNED)
    assert [to for _, to, _ in told.moves()] == ["lead", MQL, "salesqualifiedlead", "opportunity", "customer"]


def test_a_lead_that_sales_recycle_starts_over_and_can_qualify_again() -> None:
    told = simulate(SOLD, *HOT, says(HOUR, "recycled"), at(DAY), at(2 * DAY), desk=ASSIGNED)
    assert told.moves() == [*FIRST, (MQL, "recycled", HOUR), ("recycled", MQL, 2 * DAY)]
    assert told.total() == near(2 * 40)


def test_the_engagement_of_a_recycled_lead_starts_over_at_once() -> None:
    score = simulate(SOLD, *HOT, says(HOUR, "recycled"), desk=ASSIGNED).score()
    assert (score["total"], score["contributions"], score["owner"]) == (0, [], None)


def test_feedback_of_who_does_not_have_the_lead_moves_nothing() -> None:
    told = simulate(SOLD, *HOT, says(HOUR, "won", rep="bea"), says(HOUR, "won", lead="bob"), desk=ASSIGNED)
    assert (told.moves(), told.rejected()) == (FIRST, ["feedback", "feedback"])


def test_a_stages_own_name_is_for_people() -> None:
    spec = staged(chats(80), stage_names={MQL: "Prospect"}, alerts={"new": {"enters": MQL}})
    told = simulate(spec, at(0))
    assert told.moves() == [("subscriber", MQL, 0)]
    assert "Prospect" in told.on("lead-alerts")[0]["reason"]


def test_an_alert_on_entering_a_stage_fires_whoever_took_the_lead_there() -> None:
    """Sales by what they say, and time by the end of the cycle."""
    alerts = {"hot": {"crosses": "hot"}, "new": {"enters": "customer"}, "over": {"enters": "recycled"}}
    spec = staged(STEADY, cycle="30d", alerts=alerts)
    assert simulate(spec, *HOT, says(HOUR, "won"), desk=ASSIGNED).alerts() == [("hot", MINUTE), ("new", HOUR)]
    assert simulate(spec, *HOT, until=40 * DAY).alerts() == [("hot", MINUTE), ("over", 30 * DAY + MINUTE)]
