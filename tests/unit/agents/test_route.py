"""The route job: every record of a desk's inputs ends as an answer, a counted repeat or a dead letter."""

import json
from typing import Any

from engine.agents.route import RouteJob
from engine.core.flow import Fold, InputRecord
from engine.core.messages import OwnerChanged, decode_inbox, encode
from engine.routing.desk import held_key
from tests.unit.routing.examples import request, routing

JOB = RouteJob(routing())


def record(value: bytes | None, offset: int = 0, topic: str = "routing-requests") -> InputRecord:
    return InputRecord(topic, 0, offset, 1_795_408_200_000, b"main", value, (("traceparent", b"00-1"), ("other", b"x")))


def fold(*values: bytes | None, rows: dict[bytes, bytes] | None = None) -> Fold:
    return JOB.fold(0, [record(value, offset) for offset, value in enumerate(values)], rows or {})


def events(folded: Fold, topic: str) -> list[dict[str, Any]]:
    return [json.loads(output.value or b"") for output in folded.outputs if output.topic == topic]


def test_an_assignment_goes_downstream_and_the_owner_to_the_profile() -> None:
    folded = fold(encode(request()))
    assigned, owner = folded.outputs
    event = json.loads(assigned.value or b"")
    assert (assigned.topic, assigned.key) == ("lead-assignments", b"ada")
    assert (event["type"], event["subject"]) == ("io.heatline.lead.assigned.v1", "ada")
    assert event["time"] == "2026-11-23T04:30:00.000Z"
    assert (event["data"]["rep"], event["data"]["alert"]) == ("andy", "a1")
    assert (owner.topic, owner.key, owner.partition) == ("lead-inbox", b"browser-of-ada", 3)
    asked = request()
    assert decode_inbox(owner.value) == OwnerChanged("ada", "browser-of-ada", "andy", 1_000, asked.cause)
    assert all(("traceparent", b"00-1") in output.headers for output in folded.outputs)
    assert all(("other", b"x") not in output.headers for output in folded.outputs)
    assert folded.urgent
    assert folded.tally == {("consumed", "routing-requests"): 1, ("assignment", "us", "assigned"): 1}


def test_requests_of_one_chunk_see_what_those_before_them_did() -> None:
    folded = fold(encode(request("ada")), encode(request("bob")), encode(request("ada", "a2")), encode(request("ada")))
    reps = [(event["subject"], event["data"]["rep"]) for event in events(folded, "lead-assignments")]
    assert reps == [("ada", "andy"), ("bob", "bea"), ("ada", "andy")]
    assert folded.tally["duplicate", "alert"] == 1


def test_how_a_log_is_cut_into_chunks_changes_nothing() -> None:
    """One chunk of all requests, and one chunk for each, give the same outputs and rows."""
    values = [encode(request(lead, alert)) for lead in ("ada", "bob", "cy") for alert in ("a1", "a2", "a1")]
    whole = fold(*values)
    rows: dict[bytes, bytes] = {}
    outputs = []
    for value in values:
        folded = fold(value, rows=rows)
        outputs += folded.outputs
        rows.update({key: row for key, row in folded.rows.items() if row is not None})
    assert outputs == whole.outputs
    assert rows == whole.rows


def test_the_profile_is_told_only_what_it_does_not_know() -> None:
    assert [output.topic for output in fold(encode(request(owner="bea"))).outputs] == ["lead-assignments"]


def test_ids_are_derived_from_the_lead_and_its_alert() -> None:
    ids = [
        events(fold(encode(one)), "lead-assignments")[0]["id"]
        for one in (request(), request(), request(alert="a2"), request("bob"))
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_a_queued_lead_is_an_answer_too_and_takes_the_owner_away() -> None:
    folded = fold(encode(request(known=False, traits={}, owner="carla")))
    assert events(folded, "lead-assignments")[0]["type"] == "io.heatline.lead.queued.v1"
    assert events(folded, "lead-inbox")[0]["owner"] is None
    assert folded.tally["assignment", "-", "queued"] == 1


def test_what_is_no_request_is_a_dead_letter_and_the_others_go_on() -> None:
    folded = fold(None, b"{", encode(request()).replace(b'"v":1', b'"v":2'), encode(request()))
    assert [event["data"]["failure"]["reason"] for event in events(folded, "dead-letters")] == ["schema"] * 3
    assert len(events(folded, "lead-assignments")) == 1
    assert folded.tally["rejected", "schema"] == 3
    assert not folded.errors


def test_feedback_is_a_dead_letter_that_says_so() -> None:
    folded = JOB.fold(0, [record(b'{"type": "rep.away"}', topic="rep-events")], {})
    failure = events(folded, "dead-letters")[0]["data"]["failure"]
    assert (failure["reason"], failure["message"]) == ("feedback", "this version does not read rep-events yet")
    assert folded.rows == {}
    assert not folded.urgent


def test_a_defect_stops_one_record_and_leaves_its_rows() -> None:
    """A row that cannot be read is such a defect: its request becomes a dead letter, with a trace for the log."""
    folded = fold(encode(request("ada")), encode(request("bob")), rows={held_key("ada"): b"\xc1"})
    assert events(folded, "dead-letters")[0]["data"]["failure"]["reason"] == "internal"
    assert [event["subject"] for event in events(folded, "lead-assignments")] == ["bob"]
    assert held_key("ada") not in folded.rows
    assert len(folded.errors) == 1
    assert "DecodeError" in folded.errors[0]
