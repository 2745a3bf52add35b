"""The score job: chunks of a lane, and every record ends as scored, forwarded, dropped or dead-lettered."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any, NoReturn

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.events import Event
from engine.core.flow import InputRecord
from engine.core.messages import INBOX_TOPIC, Arrival, LeadRequested, OwnerChanged, decode_request, encode, forwarded
from engine.core.model import Model, Readers
from engine.core.packing import due_of, pack, unpack
from engine.core.partitioner import by_murmur2
from engine.core.pointers import is_pointer
from engine.core.profile import Row
from engine.core.records import Cause
from engine.core.triggers import waiting_of
from tests.build import HOUR, SECOND, T0, Profiles, data_of, model, page, record, segment
from tests.stories import LAWFUL, RECORDED_MS, Seen, Spec, as_event, instants, specs, visits

SPEC: Spec = {
    "engagement": {"chat": {"when": {"event": "chat"}, "points": 50, "fast_track": True}},
    "alerts": {"hot": {"crosses": 50}, "fast": {"fast_track": True}},
}
CAUSE = Cause("visitor-events", 0, 7, None, "chat", "2026-11-23T00:00:00.000Z")
LEADS = ("ada", "bob", "cy")
logins = st.builds(Seen, st.just("identify"), instants, user=st.sampled_from(("u1", "u2")))
repeated = st.builds(Seen, st.just("chat"), instants, id=st.sampled_from("abc"))
logs = st.lists(st.tuples(st.sampled_from(LEADS), visits | logins | repeated), min_size=1, max_size=16)


def records(log: list[tuple[str, Seen]]) -> list[InputRecord]:
    return [record(as_event(seen, lead), RECORDED_MS, offset) for offset, (lead, seen) in enumerate(log)]


def unpublished(rows: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Rows without what they remember of `lead-scores`, which is told once a chunk."""
    return {
        key: row
        if is_pointer(row)
        else pack(msgspec.structs.replace(unpack(row), published=None, changed=False), due_of(row))
        for key, row in rows.items()
    }


def learned(rows: dict[bytes, bytes]) -> dict[bytes, Any]:
    """What the events of each row have said; not how far time has come in its lane, nor what that brought about."""
    return {key: row if is_pointer(row) else _learned(unpack(row)) for key, row in rows.items()}


def _learned(row: Row) -> Any:
    times = (row.first + row.born_ms, row.last + row.born_ms)
    return (row.ledger, row.counts, row.sessions, row.browsers, row.traits, row.recent_ids, times)


def told(profiles: Profiles) -> list[Any]:
    """Alerts, stages and requests for a rep, to the byte."""
    return [output for output in profiles.outputs if output.topic not in ("lead-scores", "lead-inbox")]


@LAWFUL
@given(specs(), logs, st.sets(st.integers(1, 15)))
def test_how_a_log_is_cut_into_chunks_changes_nothing(spec: Spec, log: list[tuple[str, Seen]], cuts: set[int]) -> None:
    """Each record in a chunk of its own, every row packed in between, or any other cut: the same rows and alerts.

    So it is with messages among the records: they come in the order in which they came.
    """
    single, cut = (Profiles(model(spec), assign_on=spec["alerts"], deliver=deliver) for deliver in (True, False))
    for one in records(log):
        single.fold(one)
    chunk: list[InputRecord] = []
    for number, one in enumerate(single.folded):
        if number in cuts:
            cut.fold(*chunk)
            chunk = []
        chunk.append(one)
    cut.fold(*chunk)
    assert unpublished(cut.lanes[0]) == unpublished(single.lanes[0])
    assert told(cut) == told(single)


@LAWFUL
@given(specs(), logs, st.integers(2, 5), st.data())
def test_events_sent_to_any_partition_end_in_the_same_ledgers_as_at_home(
    spec: Spec, log: list[tuple[str, Seen]], partitions: int, data: st.DataObject
) -> None:
    """Each lead's events keep their order; a forwarded event is scored in the lane of its lead, once."""
    routed, home = Profiles(model(spec), partitions), Profiles(model(spec), partitions)
    by_lead = {lead: data.draw(st.integers(0, partitions - 1)) for lead in LEADS}
    for (lead, _), one in zip(log, records(log), strict=True):
        at_home = by_murmur2(lead.encode(), partitions)
        home.fold(one._replace(partition=at_home), lane=at_home)
        away = by_lead[lead]
        fold = routed.fold(one._replace(partition=away), lane=away)
        if away != at_home and lead.encode() not in routed.lanes[away]:
            sent = [output.partition for output in fold.outputs if output.topic == INBOX_TOPIC]
            assert sent == [at_home]
    assert {lane: learned(rows) for lane, rows in routed.lanes.items()} == {
        lane: learned(rows) for lane, rows in home.lanes.items()
    }


def test_an_alert_of_a_forwarded_event_names_the_record_it_came_in() -> None:
    fed = Profiles(model(SPEC), partitions=2, deliver=False)
    home = by_murmur2(b"ada", 2)
    away = 1 - home
    came = record(segment("chat"), offset=41, partition=away, key=b"any", headers=(("traceparent", b"00-1"),))
    fold = fed.fold(came, lane=away)
    (message,) = fold.outputs
    assert (fold.urgent, fold.rows, fold.tally["forwarded",]) == (True, {}, 1)
    alert = fed.fold(fed.arrived(message)._replace(timestamp=T0 + HOUR), lane=home).outputs[0]
    assert (data_of(alert)["cause"]["partition"], data_of(alert)["cause"]["offset"]) == (away, 41)
    assert ("traceparent", b"00-1") in alert.headers
    assert not any(name.startswith("heatline") for name, _ in alert.headers)


def test_a_forwarded_event_is_never_forwarded_again() -> None:
    """Not even where its lead's home has moved since; and a dead letter of it is one of the record it came in."""
    fed = Profiles(failing(ZeroDivisionError()), partitions=2)
    away = 1 - by_murmur2(b"ada", 2)
    for path in ("/", "/boom"):
        message = forwarded(Arrival(record(page(path), offset=41, partition=7)), "ada", away, "-")
        fed.fold(fed.arrived(message), lane=away)
    assert fed.lanes[away].keys() == {b"ada"}
    (letter,) = [one["payload"] for one in fed.on("dead-letters")]
    assert (letter["topic"], letter["partition"], letter["offset"]) == ("visitor-events", 7, 41)


def test_bad_records_become_dead_letters_and_the_good_ones_around_them_are_scored() -> None:
    """Every record is counted in one way, and a dead letter holds the record's own bytes and place."""
    bad = [b"{", b'{"type":"page"}', b"\xff", None, json.dumps(segment("chat", 0)).encode(), b" " * 300_000]
    chunk = [record(segment("chat", messageId="m"), offset=0), record(segment("chat", messageId="m"), offset=1)]
    chunk += [record(value, offset=offset) for offset, value in enumerate(bad, 2)]
    chunk += [record(page("/", lead="bob"), offset=8)]
    fed = Profiles(model(SPEC))
    fold = fed.fold(*chunk)
    reasons = Counter({"json": 3, "identity": 1, "time": 1, "size": 1})
    assert Counter(one["failure"]["reason"] for one in fed.on("dead-letters")) == reasons
    assert [one["payload"]["offset"] for one in fed.on("dead-letters")] == [2, 3, 4, 5, 6, 7]
    assert {kind: count for (kind, *_), count in fold.tally.items() if kind in ("scored", "duplicate")} == {
        "scored": 2,
        "duplicate": 1,
    }
    assert fold.tally["consumed", "visitor-events"] == len(chunk)
    assert {reason: fold.tally["rejected", reason] for reason in reasons} == reasons
    assert sorted(fed.lanes[0]) == [b"ada", b"bob"]
    assert not fold.errors


def failing(fails: Any) -> Model:
    """A model whose one rule raises for events that `fails` names."""
    sound = model(SPEC)

    def holds(event: Event) -> bool:
        if event.page.path == "/boom":
            raise fails
        return True

    rule = replace(sound.rules["chat"], holds=holds)
    return replace(sound, rules={"chat": rule}, readers_by_event={}, readers_of_any=Readers((rule,)))


def test_a_record_on_which_the_core_fails_is_a_dead_letter_that_leaves_no_other_trace() -> None:
    """Reason `internal`, its row as it was, its trace for the log; the others of its chunk are scored."""
    boom = record(page("/boom", messageId="m"), offset=1)
    before, after = record(page("/", T0), offset=0), record(page("/", T0 + SECOND, messageId="m"), offset=2)
    failed, spared = Profiles(failing(ZeroDivisionError("oops"))), Profiles(failing(None))
    fold = failed.fold(before, boom, after)
    spared.fold(before, after)
    (letter,) = failed.on("dead-letters")
    assert (letter["failure"]["reason"], letter["payload"]["offset"]) == ("internal", 1)
    assert "oops" not in letter["failure"]["message"]
    assert "ZeroDivisionError: oops" in fold.errors[0]
    assert failed.lanes == spared.lanes
    assert [one for one in failed.outputs if one.topic != "dead-letters"] == spared.outputs


def test_running_out_of_memory_is_no_dead_letter() -> None:
    with pytest.raises(MemoryError):
        Profiles(failing(MemoryError())).fold(record(page("/boom")))


def test_a_record_whose_second_alert_fails_has_not_told_the_first() -> None:
    sound = model(SPEC)

    class Unprintable(str):
        """An id that nobody can encode."""

        __slots__ = ()

        def encode(self, *_: Any) -> NoReturn:
            raise RuntimeError

    hot, fast = sound.alerts
    alerts = (hot, replace(fast, id=Unprintable("fast")))
    fed = Profiles(replace(sound, alerts=alerts, waiting=waiting_of(alerts)), assign_on=("hot",))
    fold = fed.fold(record(segment("chat")))
    assert [one.topic for one in fold.outputs] == ["dead-letters"]
    assert (fold.rows, fold.urgent, fold.alerted) == ({}, False, [])


def test_an_alert_in_assign_on_asks_the_desk_for_a_rep() -> None:
    """With the alert's id, and the home of the profile, where the answer goes."""
    fed = Profiles(model(SPEC), assign_on=("hot",))
    fold = fed.fold(record(segment("chat"), offset=5))
    alert, request, fast, _ = fold.outputs
    asked = decode_request(request.value)
    assert isinstance(asked, LeadRequested)
    assert (request.topic, request.key, request.partition) == ("routing-requests", b"main", 0)
    assert (asked.lead, asked.profile, asked.partition, asked.alert_name) == ("ada", "ada", 0, "hot")
    assert (asked.alert, asked.total, asked.band) == (json.loads(alert.value or b"")["id"], 50.0, "warm")
    assert fast.topic == "lead-alerts"
    assert (fold.urgent, fold.alerted) == (True, [T0, T0])
    assert fold.tally["alert", "hot"] == fold.tally["alert", "fast"] == 1


def test_quiet_traffic_is_not_urgent_and_late_events_are_measured() -> None:
    fold = Profiles(model(SPEC)).fold(record(page("/", T0)), record(page("/", T0 - HOUR)))
    assert (fold.urgent, fold.late_ms) == (False, [HOUR])


def owner_of(profile: str, owner: str | None) -> InputRecord:
    message = OwnerChanged(profile, profile, owner, T0, CAUSE)
    return record(encode(message), topic="lead-inbox", key=profile.encode())


def test_the_desks_answer_is_the_rows_owner() -> None:
    """In the same chunk, in a later one, and gone again; for a row that is not there it is counted as dropped."""
    fed = Profiles(model(SPEC))
    fed.fold(record(segment("chat")), owner_of("ada", "andy"))
    assert fed.row().owner == "andy"
    fed.fold(owner_of("ada", None))
    assert fed.row().owner is None
    fold = fed.fold(owner_of("nobody", "andy"))
    assert (fold.rows, fold.tally["dropped", "no_profile"]) == ({}, 1)


@pytest.mark.parametrize("value", [None, b"", b"{}", b"[", b'{"type":"lead.merge"}'])
def test_an_internal_message_that_cannot_be_read_is_a_dead_letter(value: bytes | None) -> None:
    fed = Profiles(model(SPEC))
    fed.fold(record(value, topic="lead-inbox"))
    assert [one["failure"]["reason"] for one in fed.on("dead-letters")] == ["schema"]


def test_a_header_in_visitor_events_forwards_nothing() -> None:
    """What says it was forwarded counts in the internal topic only."""
    claimed = (("heatline-forwarded", b"2 1 - 9 9 0 0 visitor-events"),)
    fed = Profiles(model(SPEC), partitions=2, deliver=False)
    away = 1 - by_murmur2(b"ada", 2)
    fed.fold(record(segment("chat"), headers=claimed, partition=away), lane=away)
    assert [output.topic for output in fed.outputs] == ["lead-inbox"]


@pytest.mark.parametrize("more", [{"key": b"k" * 300_000}, {"headers": (("h", b"v" * 999_000),)}])
def test_what_is_too_large_to_forward_is_a_dead_letter(more: dict[str, Any]) -> None:
    """The lane drops an output that no broker takes: an event must not be lost with it."""
    fed = Profiles(model(SPEC), partitions=2)
    away = 1 - by_murmur2(b"ada", 2)
    fed.fold(record(segment("chat"), partition=away, **more), lane=away)
    assert [one["failure"]["reason"] for one in fed.on("dead-letters")] == ["size"]
    assert [output.topic for output in fed.outputs] == ["dead-letters"]


@pytest.mark.parametrize("traces", [(b"x" * 999_000,), (b"00-1", *(b"00-2",) * 9_000), (None,)])
def test_no_trace_makes_an_alert_too_large(traces: tuple[bytes | None, ...]) -> None:
    fed = Profiles(model(SPEC))
    fed.fold(record(segment("chat"), headers=tuple(("traceparent", trace) for trace in traces)))
    alert = next(output for output in fed.outputs if output.topic == "lead-alerts")
    kept = [header for header in alert.headers if header[0] == "traceparent"]
    assert kept == [("traceparent", trace) for trace in traces[:1] if trace is None or len(trace) < 512]
