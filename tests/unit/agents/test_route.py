"""The route job: every record of a desk's inputs ends as an answer, feedback, a counted repeat or a dead letter."""

import json
from typing import Any, NamedTuple

import msgspec

from engine.agents.route import RouteJob
from engine.core.agenda import Agenda
from engine.core.flow import Fold, InputRecord
from engine.core.messages import LeadFeedback, LeadGone, OwnerChanged, decode_inbox, encode
from engine.routing.desk import Held, held_key, pack, unpack_held
from tests.unit.routing.examples import request, routing

JOB = RouteJob(routing())


class Said(NamedTuple):
    """A value for `rep-events`; a bare one is for `routing-requests`."""

    value: bytes


def said(kind: str, **more: Any) -> Said:
    """What Andy says about Ada, a minute before its record's time."""
    usual = {"type": f"lead.{kind}", "rep": "andy", "lead": "ada", "at": "2026-11-23T04:29:00Z"}
    return Said(json.dumps({**usual, **more}).encode())


def record(value: bytes | Said | None, offset: int = 0) -> InputRecord:
    topic, value = ("rep-events", value.value) if isinstance(value, Said) else ("routing-requests", value)
    return InputRecord(topic, 0, offset, 1_795_408_200_000, b"main", value, (("traceparent", b"00-1"), ("other", b"x")))


def fold(*values: bytes | Said | None, rows: dict[bytes, bytes] | None = None) -> Fold:
    return JOB.fold(0, [record(value, offset) for offset, value in enumerate(values)], rows or {}, Agenda())


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


def test_feedback_of_the_assignee_goes_downstream_and_to_the_profile() -> None:
    """The desk learned from the request who has the lead and where its profile is."""
    folded = fold(encode(request()), said("contacted", channel="phone"))
    told, inbox = folded.outputs[2:]
    event = json.loads(told.value or b"")
    assert (told.topic, told.key) == ("lead-assignments", b"ada")
    assert (event["type"], event["time"]) == ("io.heatline.lead.contacted.v1", "2026-11-23T04:29:00.000Z")
    assert (event["data"]["rep"], event["data"]["channel"]) == ("andy", "phone")
    assert event["data"]["cause"] == {
        "topic": "rep-events",
        "partition": 0,
        "offset": 1,
        "event": None,
        "name": "lead.contacted",
        "time": "2026-11-23T04:29:00.000Z",
    }
    assert (inbox.topic, inbox.key, inbox.partition) == ("lead-inbox", b"browser-of-ada", 3)
    message = decode_inbox(inbox.value)
    assert isinstance(message, LeadFeedback)
    assert (message.kind, message.at) == ("contacted", 1_795_408_140_000)
    assert ("traceparent", b"00-1") in told.headers
    assert inbox.headers == (("traceparent", b"00-1"),)
    assert folded.urgent


def test_each_feedback_has_an_id_of_its_own_and_the_same_on_every_replay() -> None:
    values: list[bytes | Said] = [encode(request()), said("noted", text="a"), said("noted", text="a"), said("accepted")]
    ids = [event["id"] for event in events(fold(*values), "lead-assignments")]
    assert ids == [event["id"] for event in events(fold(*values), "lead-assignments")]
    assert len(set(ids)) == 4


def test_a_recycled_lead_has_no_owner_and_goes_by_the_rules_again() -> None:
    """Andy had it; the team's next in turn is Bea."""
    folded = fold(encode(request()), said("recycled"), said("noted"), encode(request(alert="a2")))
    owners = [event["owner"] for event in events(folded, "lead-inbox") if event["type"] == "lead.owner_changed"]
    assert owners == ["andy", None, "bea"]
    assert [event["data"]["failure"]["field"] for event in events(folded, "dead-letters")] == ["rep"]
    assert [event["type"] for event in events(folded, "lead-inbox")][1:3] == ["lead.feedback", "lead.owner_changed"]
    row = unpack_held(folded.rows[held_key("ada")])
    assert row is not None
    assert (row.rep, row.alerts, row.profile, row.partition) == ("bea", ["a1", "a2"], "browser-of-ada", 3)


def test_feedback_that_cannot_be_is_a_dead_letter_with_field_and_sentence() -> None:
    """It changes no row and nobody waits for it."""
    rows = {held_key("ada"): pack(Held("andy", "us", "us", 1_000, ["a1"], "browser-of-ada", 3))}
    values = [
        said("accepted", rep="bea"),
        said("accepted", rep=7),
        Said(b"{"),
        said("accepted", at="2026-11-23T04:36:00Z"),
    ]
    folded = fold(*values, rows=rows)
    failures = [event["data"]["failure"] for event in events(folded, "dead-letters")]
    assert [(failure["reason"], failure["field"]) for failure in failures] == [
        ("feedback", "rep"),
        ("schema", "rep"),
        ("json", None),
        ("time", "at"),
    ]
    assert failures[0]["message"] == "lead 'ada' is not bea's; expected andy, who has it"
    assert len(folded.outputs) == 4
    assert folded.rows == {}
    assert not folded.urgent
    assert not folded.errors


def test_rows_of_versions_that_did_not_note_the_profile_still_unpack() -> None:
    """Their lead's next alert notes it."""
    row = msgspec.msgpack.encode(["andy", "us", "us", 1_000, ["a1"]])
    assert unpack_held(row) == Held("andy", "us", "us", 1_000, ["a1"], None, 0)
    folded = fold(said("accepted"), encode(request(alert="a2")), said("accepted"), rows={held_key("ada"): row})
    assert [event["data"]["failure"]["reason"] for event in events(folded, "dead-letters")] == ["feedback"]
    assert len([event for event in events(folded, "lead-inbox") if event["type"] == "lead.feedback"]) == 1


def test_of_who_is_erased_the_desk_keeps_nothing() -> None:
    """Neither the row, which frees the rep, nor those of ids that it had before, however many; nobody is told."""
    moved = {"browser": "email:a@b.de", "email:a@b.de": "ada", "other": "bob"}
    rows = {held_key(lead): pack(Held(None, None, None, 1, [], moved=to)) for lead, to in moved.items()}
    rows |= {
        held_key("ada"): pack(Held("andy", None, None, 1, ["a1"])),
        held_key("bob"): pack(Held("ada", None, "", 1, [])),
    }
    gone = encode(LeadGone("ada", 2_000))
    folded = fold(gone, gone, said("accepted"), rows=rows)
    assert folded.rows == {held_key(lead): None for lead in ("ada", "email:a@b.de", "browser")}
    assert [output.topic for output in folded.outputs] == ["dead-letters"]
    assert fold(encode(request()), gone).rows[held_key("ada")] is None


def test_a_defect_stops_one_record_and_leaves_its_rows() -> None:
    """A row that cannot be read is such a defect: its request becomes a dead letter, with a trace for the log."""
    folded = fold(encode(request("ada")), encode(request("bob")), rows={held_key("ada"): b"\xc1"})
    assert events(folded, "dead-letters")[0]["data"]["failure"]["reason"] == "internal"
    assert [event["subject"] for event in events(folded, "lead-assignments")] == ["bob"]
    assert held_key("ada") not in folded.rows
    assert len(folded.errors) == 1
    assert "DecodeError" in folded.errors[0]
