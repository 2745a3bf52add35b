"""The route job: every record of a desk's inputs ends as an answer, feedback, a counted repeat or a dead letter."""

import json
from typing import Any, NamedTuple

import msgspec

from engine.agents.route import RouteJob
from engine.core.agenda import Agenda
from engine.core.flow import Fold, InputRecord
from engine.core.messages import LeadFeedback, LeadGone, OwnerChanged, decode_inbox, decode_request, encode
from engine.routing.routingfile import load_routing
from engine.routing.rows import Clock, Held, Load, Queue, pack, unpack
from tests.unit.routing.examples import CONFIG, request, routing

JOB = RouteJob(routing())
DUE = Clock("accept", 0, 1_000, None, 1_000)


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


def key(lead: str, desk: str = "main") -> bytes:
    """Of the lead's row."""
    return f"{desk}/lead/{lead}".encode()


def held(folded: Fold, lead: str = "ada") -> Held | None:
    """The lead's row that a fold changed."""
    row = unpack(key(lead), {name: packed for name, packed in folded.rows.items() if packed is not None})
    assert row is None or isinstance(row, Held)
    return row


def row(rep: str | None = "andy", lead: str = "ada", **changes: Any) -> Held:
    asked = pack(request(lead))
    usual = Held(None, "assigned", rep, "us", "us", None, 1_000, ["a1"], f"browser-of-{lead}", 3, asked)
    return msgspec.structs.replace(usual, **changes)


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
    counted = {name: count for name, count in folded.tally.items() if count}
    assert counted == {("consumed", "routing-requests"): 1, ("assignment", "us", "assigned"): 1}


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
    assert [event["data"]["failure"]["field"] for event in events(folded, "dead-letters")] == ["lead"]
    assert [event["type"] for event in events(folded, "lead-inbox")][1:3] == ["lead.feedback", "lead.owner_changed"]
    after = held(folded)
    assert after is not None
    assert (after.rep, after.alerts, after.profile, after.partition) == ("bea", ["a1", "a2"], "browser-of-ada", 3)


def test_feedback_that_cannot_be_is_a_dead_letter_with_field_and_sentence() -> None:
    """It changes no row and nobody waits for it."""
    rows = {key("ada"): pack(row())}
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


def test_of_who_is_erased_the_desk_keeps_nothing() -> None:
    """Neither the row, which frees the rep, nor those of ids that it had before, however many; nobody is told."""
    moved = {"browser": "email:a@b.de", "email:a@b.de": "ada", "other": "bob"}
    rows = {key(lead): pack(row(None, lead, state="moved", moved=to)) for lead, to in moved.items()}
    rows |= {key("ada"): pack(row()), key("bob"): pack(row(None, "bob", state="closed"))}
    rows[b"main/rep/andy"] = pack(Load(open=1))
    gone = encode(LeadGone("ada", 2_000))
    folded = fold(gone, gone, said("accepted"), rows=rows)
    assert folded.rows == {
        b"main/rep/andy": pack(Load(open=0)),
        **{key(lead): None for lead in ("ada", "email:a@b.de", "browser")},
    }
    assert [output.topic for output in folded.outputs] == ["dead-letters"]
    assert fold(encode(request()), gone).rows[key("ada")] is None


def test_who_is_erased_while_waiting_waits_no_more() -> None:
    waiting = encode(request(known=False, traits={}))
    folded = fold(waiting, encode(LeadGone("ada", 2_000)))
    assert {name: packed for name, packed in folded.rows.items() if packed is not None} == {
        b"main/queue": pack(Queue(None, 0))
    }


def test_a_defect_stops_one_record_and_leaves_its_rows() -> None:
    """A row that cannot be read is such a defect: its request becomes a dead letter, with a trace for the log."""
    folded = fold(encode(request("ada")), encode(request("bob")), rows={key("ada"): b"\xc1"})
    assert events(folded, "dead-letters")[0]["data"]["failure"]["reason"] == "internal"
    assert [event["subject"] for event in events(folded, "lead-assignments")] == ["bob"]
    assert key("ada") not in folded.rows
    assert len(folded.errors) == 1
    assert "DecodeError" in folded.errors[0]


TWO_DESKS = CONFIG + "desks: {eu: {when: {traits.country: DE}, file: eu.yaml}}\n"
EU = "{assign_on: [hot-lead], reps: {otto: {}}, teams: {eu: {reps: [otto]}}, rules: [{name: eu, to: {team: eu}}]}"


def two_desks(lanes: int = 1) -> RouteJob:
    """Main and eu, in one lane or in two."""
    both = load_routing(TWO_DESKS, "routing.yaml", read=lambda name: EU)
    return RouteJob(both, lambda desk: 1 if desk == "eu" and lanes > 1 else 0)


JOB_OF_TWO = two_desks()


def test_desks_in_one_lane_keep_their_rows_apart() -> None:
    folded = JOB_OF_TWO.fold(0, [record(encode(request(desk=desk)), 0) for desk in ("main", "eu")], {}, Agenda())
    reps = [(event["data"]["desk"], event["data"]["rep"]) for event in events(folded, "lead-assignments")]
    assert reps == [("main", "andy"), ("eu", "otto")]
    assert {name for name in folded.rows if b"/lead/" in name} == {b"main/lead/ada", b"eu/lead/ada"}


def test_what_a_rep_says_is_heard_at_the_desk_that_has_the_rep() -> None:
    """Whatever the key of the record, as long as it comes to the desk's lane."""
    records = [record(encode(request(desk="eu"))), record(said("accepted", rep="otto"), 1)]
    folded = JOB_OF_TWO.fold(0, records, {}, Agenda())
    assert [event["type"] for event in events(folded, "lead-assignments")][1:] == ["io.heatline.lead.accepted.v1"]


def test_what_comes_to_another_desk_s_lane_is_refused_and_says_where_it_belongs() -> None:
    folded = two_desks(lanes=2).fold(0, [record(said("accepted", rep="otto"))], {}, Agenda())
    (letter,) = events(folded, "dead-letters")
    assert (letter["data"]["failure"]["reason"], letter["data"]["failure"]["field"]) == ("feedback", "key")
    assert letter["data"]["failure"]["message"] == "'otto' is at desk eu; expected the key eu, which is partition 1"


def test_a_request_for_a_desk_that_is_no_more_is_main_s() -> None:
    folded = fold(encode(request(desk="eu")))
    assert [event["data"]["desk"] for event in events(folded, "lead-assignments")] == ["main"]
    assert key("ada") in folded.rows


def test_and_goes_on_to_main_where_that_is_elsewhere() -> None:
    """One lane writes the rows of a desk: what was under way to a desk that is no more must not begin others."""
    moved = RouteJob(routing(), lambda desk: 0)
    arrived = record(encode(request(desk="eu")))
    folded = moved.fold(1, [arrived], {}, Agenda())
    (sent,) = folded.outputs
    assert (folded.rows, folded.urgent) == ({}, True)
    assert (sent.topic, sent.key, sent.partition) == ("routing-requests", b"main", 0)
    assert decode_request(sent.value) == request(desk="main")
    assert sent.headers == (("traceparent", b"00-1"),)


def test_erasure_reaches_every_desk_of_the_lane() -> None:
    rows = {key("ada", desk): pack(row(None, state="closed")) for desk in ("main", "eu")}
    folded = JOB_OF_TWO.fold(0, [record(encode(LeadGone("ada", 2_000)))], rows, Agenda())
    assert folded.rows == dict.fromkeys(rows)


def test_what_is_due_at_or_before_a_record_happens_before_it_and_what_is_due_later_does_not() -> None:
    """A deadline at 04:29:59.999 is missed when a record of 04:30 is read; a millisecond later it is still in time."""
    agenda = Agenda()
    limited = RouteJob(routing(CONFIG + "sla: {hot: {accept_within: 1h}}\n"))
    asked = record(encode(request()))._replace(timestamp=1_795_408_200_000 - 3_600_001)
    rows = {name: packed for name, packed in limited.fold(0, [asked], {}, agenda).rows.items() if packed is not None}
    late = limited.fold(0, [record(said("accepted", at="2026-11-23T04:30:00Z"))], rows, agenda)
    assert [event["type"] for event in events(late, "lead-assignments")] == ["io.heatline.lead.reassigned.v1"]
    assert len(events(late, "dead-letters")) == 1

    agenda = Agenda()
    asked = asked._replace(timestamp=asked.timestamp + 1)
    rows = {name: packed for name, packed in limited.fold(0, [asked], {}, agenda).rows.items() if packed is not None}
    in_time = limited.fold(0, [record(said("accepted", at="2026-11-23T04:30:00Z"))], rows, agenda)
    assert [event["type"] for event in events(in_time, "lead-assignments")] == ["io.heatline.lead.accepted.v1"]


def test_a_record_from_the_future_makes_nothing_fall_due_before_its_time() -> None:
    """Anybody can write one: the desk's time is at most the clock's."""
    limited = RouteJob(routing(CONFIG + "sla: {hot: {accept_within: 1h}}\n"))
    agenda = Agenda()
    now = record(encode(request()))
    agenda.clock_ms = now.timestamp
    ahead = record(encode(request("bob")))._replace(timestamp=now.timestamp * 2)
    folded = limited.fold(0, [now, ahead], {}, agenda)
    assert [event["type"] for event in events(folded, "lead-assignments")] == ["io.heatline.lead.assigned.v1"] * 2
    after = held(folded, "bob")
    assert after is not None
    assert after.since_ms == now.timestamp


def test_a_wake_folds_no_more_rows_than_it_may() -> None:
    """What is left is still due, and comes with the next."""
    limited = RouteJob(routing(CONFIG + "sla: {hot: {accept_within: 1h}}\n"))
    agenda = Agenda()
    rows: dict[bytes, bytes] = {}
    for lead in ("ada", "bob", "cy"):
        folded = limited.fold(0, [record(encode(request(lead)))], rows, agenda)
        rows.update({name: packed for name, packed in folded.rows.items() if packed is not None})
    until_ms = 1_795_408_200_000 + 3_600_001
    counts = []
    for _ in range(3):
        folded = limited.wake(0, until_ms, rows, agenda, 2)
        rows.update({name: packed for name, packed in folded.rows.items() if packed is not None})
        counts.append(len(events(folded, "lead-assignments")))
    assert counts == [2, 1, 0]


def test_a_defect_of_what_falls_due_is_told_and_stops_nothing_else() -> None:
    """Its row, which cannot be read, is left alone."""
    waits = row(None, "bob", state="closed", due=1_000, call_at=None, since_ms=0)
    rows = {key("bob"): pack(waits), key("ada"): pack(row(due=1_000, asked=b"\xc1", clock=DUE))}
    agenda = Agenda([(1_000, name) for name in rows])
    folded = JOB.wake(0, 90 * 86_400_000, rows, agenda, 10)
    assert len(folded.errors) == 1
    assert folded.rows == {key("bob"): None}
    assert JOB.wake(0, 90 * 86_400_000, rows, agenda, 10).errors == []
