"""Several desks: each lead asks the one it is for, and stays with it; reps, turns and queues know no other's."""

import json
from io import BytesIO
from typing import Any

import pytest

from engine.agents.route import RouteJob
from engine.core.agenda import Agenda
from engine.core.flow import InputRecord
from engine.local.simulate import run
from engine.routing.routingfile import load_routing
from tests.build import HOUR, MINUTE, T0
from tests.examples.harness import Line, Spec, Told, at, chats, configured, known, says, scoring, simulate

MODEL = scoring(
    chats(85, decay="none"), alerts={"hot": {"crosses": "hot"}, "again": {"when": {"event": "call"}, "cooldown": "1m"}}
)
EU: Spec = {
    "assign_on": ["hot", "again"],
    "reps": {"eva": {}, "franz": {}},
    "teams": {"dach": {"reps": ["eva", "franz"]}},
    "rules": [{"name": "dach", "to": {"team": "dach"}}],
    "sla": {"hot": {"accept_within": "2h"}},
}
ASIA: Spec = {
    "assign_on": ["again"],
    "reps": {"ravi": {"hours": {"mon-fri": "09:00-17:00"}}},
    "rules": [{"name": "all", "to": {"rep": "ravi"}}],
}
MAIN: Spec = {
    "assign_on": ["hot"],
    "reps": {"andy": {}, "bea": {}},
    "teams": {"us": {"reps": ["andy", "bea"]}},
    "rules": [{"name": "us", "to": {"team": "us"}}],
    "desks": {
        "eu": {"when": {"country": ["Germany", "FR"]}, "file": "routing-eu.yaml"},
        "asia": {"when": {"country": ["IN", "DE"]}, "file": "routing-asia.yaml"},
    },
}
FILES = {"routing-eu.yaml": json.dumps(EU), "routing-asia.yaml": json.dumps(ASIA)}


def told_of(*lines: Line, until: int | None = None) -> Told:
    return simulate(MODEL, *lines, desk=MAIN, files=FILES, until=until)


def in_country(country: str | None, after_ms: int, lead: str, name: str = "chat", **keys: Any) -> Line:
    location = {} if country is None else {"location": {"country": country}}
    return at(after_ms, name, lead, context=location, **keys)


def who(told: Told) -> list[tuple[str, str | None, str]]:
    """Which lead went to whom, at which desk."""
    return [(one["lead"], one["rep"], one["desk"]) for one in told.on("lead-assignments") if "desk" in one]


def test_each_lead_asks_the_first_desk_that_it_is_for_else_the_main_one() -> None:
    """Germany is named by two desks: the first has it. Who is nowhere is the main desk's."""
    told = told_of(
        in_country("DE", 0, "d"), in_country("France", 1, "f"), in_country("US", 2, "u"), in_country(None, 3, "n")
    )
    assert who(told) == [("d", "eva", "eu"), ("f", "franz", "eu"), ("u", "andy", "main"), ("n", "bea", "main")]
    assert told.owners("d", "f", "u", "n") == ["eva", "franz", "andy", "bea"]


def test_each_desk_says_itself_which_alerts_ask_it() -> None:
    """India's is asked by `again` only, the main one by `hot` only, the European one by both."""
    lines = [in_country(code, 9 * HOUR, code) for code in ("IN", "US", "DE")]
    calls = [in_country(code, 10 * HOUR, code, "call") for code in ("IN", "US", "DE")]
    told = told_of(*lines, *calls)
    assert who(told) == [("US", "andy", "main"), ("DE", "eva", "eu"), ("IN", "ravi", "asia"), ("DE", "eva", "eu")]


def test_each_desk_has_turns_deadlines_and_queues_of_its_own() -> None:
    """Europe has two hours, the main desk no limit, and in Asia the lead waits from 3:00 until 9:00."""
    told = told_of(
        in_country("IN", 3 * HOUR, "i", "call"),
        in_country("US", 3 * HOUR, "u"),
        in_country("FR", 3 * HOUR, "f"),
        until=9 * HOUR,
    )
    assert told.assignments() == [
        ("queued", "i", None, 3 * HOUR),
        ("assigned", "u", "andy", 3 * HOUR),
        ("assigned", "f", "eva", 3 * HOUR),
        ("reassigned", "f", "franz", 5 * HOUR),
        ("queued", "f", None, 7 * HOUR),
        ("assigned", "i", "ravi", 9 * HOUR),
    ]
    assert {one["lead"]: one["desk"] for one in told.on("lead-assignments")} == {"i": "asia", "u": "main", "f": "eu"}


def test_a_lead_stays_with_its_desk_wherever_it_goes_until_sales_are_done_with_it() -> None:
    """From France to the US: still Eva's. Disqualified by her it asks anew, and is for the main desk."""
    there = in_country("FR", 0, "x")
    moved = in_country("US", HOUR, "x", "call")
    told = told_of(there, moved)
    assert who(told) == [("x", "eva", "eu"), ("x", "eva", "eu")]
    done = says(HOUR, "disqualified", "x", "eva")
    told = simulate(
        MODEL, there, done, in_country("US", 2 * HOUR, "x", "call"), desk={**MAIN, "assign_on": ["again"]}, files=FILES
    )
    assert who(told) == [("x", "eva", "eu"), ("x", "andy", "main")]


def test_feedback_goes_to_the_desk_that_has_the_rep() -> None:
    told = told_of(
        in_country("FR", 0, "f"), says(MINUTE, "won", "f", "eva", amount=900), says(2 * MINUTE, "won", "f", "andy")
    )
    assert told.assignments()[1] == ("won", "f", "eva", MINUTE)
    assert (told.score("f")["stage"], told.owners("f")) == ("customer", ["eva"])
    assert told.rejected() == ["feedback"]


def test_a_browser_at_one_desk_that_is_a_person_at_another_is_released_there() -> None:
    """The browser in France is Eva's; then it is the person `u-1`, whom Andy has: hers is released, he keeps it."""
    told = told_of(
        known(0, "u-1", country="US"),
        at(0, "chat", "", userId="u-1"),
        in_country("FR", MINUTE, "browser"),
        {**known(2 * MINUTE, "u-1"), "anonymousId": "browser"},
    )
    assert told.assignments() == [
        ("assigned", "u-1", "andy", 0),
        ("assigned", "browser", "eva", MINUTE),
        ("released", "browser", None, 2 * MINUTE),
    ]
    released = told.on("lead-assignments")[-1]
    assert (released["previous"], released["desk"], released["reason"]) == ("eva", "eu", "merged: the lead is u-1 now")
    assert told.owners("u-1") == ["andy"]


def test_the_answer_reaches_each_lead_in_whatever_partition_it_lives() -> None:
    """The same leads in one partition and in five have the same owners and stages."""
    codes = ["US", "DE", "FR", None]
    hot = [in_country(codes[number % 4], number, f"lead-{number}") for number in range(24)]
    won = [says(HOUR, "won", f"lead-{number}", rep) for number, rep in ((0, "andy"), (1, "eva"), (2, "franz"))]
    ends = []
    for partitions in (1, 5):
        out = BytesIO()
        configuration = configured(json.dumps(MODEL), MAIN, {}, None, FILES)
        lines = [json.dumps(line).encode() for line in [*hot, *won]]
        run(configuration.model, configuration.jobs(partitions), lines, out, partitions=partitions, final=True)
        told = Told([json.loads(line) for line in out.getvalue().splitlines()])
        assert told.rejected() == []
        ends.append({f"lead-{number}": told.score(f"lead-{number}") for number in range(24)})
    shown = [[(lead, end["owner"], end["stage"]) for lead, end in one.items()] for one in ends]
    assert shown[0] == shown[1]
    assert shown[0][:5] == [
        ("lead-0", "andy", "customer"),
        ("lead-1", "eva", "customer"),
        ("lead-2", "franz", "customer"),
        ("lead-3", "bea", "subscriber"),
        ("lead-4", "andy", "subscriber"),
    ]


@pytest.mark.parametrize(("lane", "reason"), [(0, "feedback"), (1, None)])
def test_with_desks_in_partitions_of_their_own_a_word_to_the_wrong_one_is_told_the_right_key(
    lane: int, reason: str | None
) -> None:
    """The desk `eu` is in lane 1."""
    job = RouteJob(load_routing(json.dumps(MAIN), "routing.yaml", read=FILES.get), lambda desk: int(desk == "eu"))
    away = json.dumps({"type": "rep.away", "rep": "eva"}).encode()
    fold = job.fold(lane, [InputRecord("rep-events", lane, 0, T0, b"?", away)], {}, Agenda())
    failures = [json.loads(output.value or b"")["data"]["failure"] for output in fold.outputs]
    assert [failure["reason"] for failure in failures] == ([] if reason is None else [reason])
    if reason is not None:
        assert failures[0]["message"] == "'eva' is at desk eu; expected the key eu, which is partition 1"
    assert set(fold.rows) == (set() if reason else {b"eu/rep/eva"})
