"""Canaries through both jobs: answered at each stage, and nothing else is changed by any of them, whoever sends it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.agents.route import RouteJob
from engine.agents.score import ScoreJob
from engine.core.agenda import Agenda
from engine.core.canary import ANSWERED_MAX, name_of, value_of
from engine.core.desks import Desk, Desks
from engine.core.flow import Fold, InputRecord, Output
from engine.core.messages import CanaryAsked, decode_request, encode
from engine.core.records import Cause
from tests.build import T0, model, page, record
from tests.unit.routing.examples import routing

MODEL = model({"engagement": {"view": {"when": {"event": "page_view"}, "points": 40}}, "publish_from": "cold"})
DESKS = Desks([Desk("eu", 1, ()), Desk("main", 0, ())])
SCORE = ScoreJob(MODEL, lambda key: 0, DESKS)
TRACE = ("traceparent", b"00-1")
NONCE = "0123456789abcdef"


def canary(nonce: str = NONCE, lane: int = 0, offset: int = 0) -> InputRecord:
    value = value_of(lane, nonce, T0)
    return InputRecord("visitor-events", lane, offset, T0 + 5, name_of(lane).encode(), value, (TRACE, ("other", b"x")))


def fold(*records: InputRecord, rows: dict[bytes, bytes] | None = None, lane: int = 0) -> Fold:
    return SCORE.fold(lane, records, rows or {}, Agenda())


def events(outputs: Sequence[Output], topic: str) -> list[dict[str, Any]]:
    return [json.loads(output.value or b"") for output in outputs if output.topic == topic]


def test_a_canary_is_told_of_and_asked_about_at_once_and_nothing_more() -> None:
    """One record for the world, one for the desk, committed at once; no row, no score, no event counted."""
    folded = fold(canary(lane=3, offset=7), lane=3)
    cause = Cause("visitor-events", 3, 7, NONCE, "canary", "2026-11-23T00:00:00.005Z")
    told, asked = folded.outputs
    event = json.loads(told.value or b"")
    assert (told.topic, told.key, told.headers[-1]) == ("lead-alerts", b"heatline-canary-3", TRACE)
    assert (event["type"], event["subject"]) == ("io.heatline.canary.scored.v1", "heatline-canary-3")
    assert event["data"] == {"nonce": NONCE, "cause": json.loads(encode(CanaryAsked(NONCE, cause)))["cause"]}
    assert decode_request(asked.value) == CanaryAsked(NONCE, cause)
    assert asked.headers == (TRACE,)
    assert folded.urgent
    assert folded.rows == {}
    assert {kind: n for kind, n in folded.tally.items() if n} == {("canary", "scored"): 1}


def test_every_desk_is_asked_by_some_lane() -> None:
    """Lanes take turns: with as many lanes as desks no desk stands still unseen."""
    asked = [fold(canary(lane=lane), lane=lane).outputs[1] for lane in range(4)]
    assert [(output.key, output.partition) for output in asked] == [(b"eu", 1), (b"main", 0)] * 2


@pytest.mark.parametrize("desk_partition", [0, 1])
def test_a_desk_answers_without_a_rep_or_a_row(desk_partition: int) -> None:
    """Wherever it is asked, also in a partition that is not its own; what is told comes of the same cause."""
    asked = fold(canary()).outputs[1]
    request = InputRecord("routing-requests", desk_partition, 0, T0, asked.key, asked.value, asked.headers)
    folded = RouteJob(routing()).fold(desk_partition, [request], {}, Agenda())
    (told,) = folded.outputs
    (event,) = events([told], "lead-assignments")
    assert event["type"] == "io.heatline.canary.routed.v1"
    assert event["data"]["nonce"] == NONCE
    assert told.headers[-1] == TRACE
    assert folded.urgent
    assert folded.rows == {}
    assert {kind: n for kind, n in folded.tally.items() if n} == {
        ("consumed", "routing-requests"): 1,
        ("canary", "routed"): 1,
    }


def test_more_canaries_in_a_chunk_than_anybody_waits_for_are_dropped_and_counted() -> None:
    """A stranger who floods a lane with them gets a bounded number of answers a chunk."""
    folded = fold(*(canary(f"n{number}", offset=number) for number in range(1_000)))
    assert len(folded.outputs) == 2 * ANSWERED_MAX
    assert {kind: n for kind, n in folded.tally.items() if n} == {
        ("canary", "scored"): ANSWERED_MAX,
        ("dropped", "canary"): 1_000 - ANSWERED_MAX,
    }


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=80),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=9), inner, max_size=2),
        max_leaves=3,
    ),
    st.integers(-(2**63), 2**63 - 1) | st.just(T0),
)
def test_a_hostile_canary_is_answered_or_a_dead_letter(nonce: object, recorded_ms: int) -> None:
    """Whatever stands where its nonce should, and whenever: exactly one of both, and no row."""
    value = json.dumps({"type": "canary", "messageId": nonce}).encode()
    folded = fold(InputRecord("visitor-events", 0, 0, recorded_ms, None, value))
    assert not folded.errors
    assert folded.rows == {}
    assert sorted(output.topic for output in folded.outputs) in (["lead-alerts", "routing-requests"], ["dead-letters"])


@pytest.mark.parametrize("nonce", [None, "", "a" * 65, "two words", "ü", "\x1b[31m"])
def test_a_nonce_that_is_none_is_said_to_be_wrong(nonce: str | None) -> None:
    """The field, what stands there, and what would be right."""
    value = json.dumps({"type": "canary", "messageId": nonce}).encode()
    (letter,) = events(fold(InputRecord("visitor-events", 0, 0, T0, None, value)).outputs, "dead-letters")
    failure = letter["data"]["failure"]
    assert (failure["reason"], failure["field"]) == ("schema", "messageId")
    assert failure["message"].endswith("expected that of a canary, 1 to 64 of A-Z a-z 0-9 . _ -")


def test_a_lead_called_like_a_canary_is_a_lead_and_canaries_leave_it_alone() -> None:
    """Not the id makes a canary but the type; neither dedupe nor score of who shares its ids sees one."""
    visit = {**page("/", T0, name_of(0)), "messageId": NONCE}
    alone = fold(record(visit, T0))
    beside = fold(canary(), record(visit, T0), canary())
    assert beside.rows == alone.rows
    assert set(alone.rows) == {name_of(0).encode()}
    assert beside.tally["scored",] == 1
    assert beside.tally["consumed", "visitor-events"] == 1
