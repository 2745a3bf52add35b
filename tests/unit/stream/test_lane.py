"""A lane's own rules, with a writer that keeps what it is given."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from engine.core.agenda import Agenda
from engine.core.flow import Fold, Output, Record, Rows
from engine.stream.errors import DeliveryHole, JobFailed, WriteFailed
from engine.stream.shard import POSITIONS, STAMP
from tests.alarms import Timeless
from tests.unit.stream.bench import Bench, settle


class Sum(Timeless):
    """Adds the values of each key; the value `!` is urgent, `?` a bug, `#` a record at which the job fails alone."""

    table = "sums"
    inputs = ("events",)

    def fold(self, lane: int, records: Sequence[Record], rows: Rows, agenda: Agenda) -> Fold:
        """Put each new sum out."""
        sums: dict[bytes, bytes | None] = {}
        outputs = []
        for record in records:
            key, value = record.key or b"", record.value or b""
            if value == b"?":
                raise ValueError("a bug")
            if value == b"#":
                continue
            row = sums.get(key) or rows.get(key) or b"0"
            sums[key] = b"%d" % (int(row) + (1 if value == b"!" else int(value)))
            outputs.append(Output("out", key, sums[key]))
        urgent = any(record.value == b"!" for record in records)
        errors = ["the trace" for record in records if record.value == b"#"]
        return Fold(outputs, sums, urgent, tally={}, errors=errors)


def summing(**changes: Any) -> Bench:
    """A lane that adds."""
    return Bench(Sum(), **changes)


async def test_what_nobody_waits_for_is_committed_together_after_a_while() -> None:
    """Chunks that arrive meanwhile are folded at once, and see each other's rows."""
    bench = summing()
    bench.put(b"1")
    await settle()
    bench.put(b"2")
    await settle()
    assert bench.notes.folds == 2
    assert bench.desk.written == []
    await asyncio.sleep(0.1)
    assert bench.desk.written == [([b"1", b"3"], {b"k": b"3", STAMP: b"toy", POSITIONS: b'{"events":2}'})]
    assert bench.lane.shard.rows == {b"k": b"3"}
    await bench.lane.stop()


@pytest.mark.parametrize(
    ("changes", "values"),
    [({}, [b"!"]), ({"commit_records": 3}, [b"1"] * 3), ({"commit_bytes": 10}, [b"1"])],
    ids=["somebody waits", "many records", "many bytes"],
)
async def test_a_lane_commits_at_once_when_it_must(changes: dict[str, object], values: list[bytes]) -> None:
    """For people, and for the sake of the broker and of memory."""
    bench = summing(commit_after_s=1_000.0, **changes)
    bench.put(*values)
    await settle()
    assert len(bench.desk.written) == 1
    await bench.lane.stop()


async def test_rows_are_taken_over_only_when_committed_and_nothing_is_folded_meanwhile() -> None:
    """One transaction at a time."""
    bench = summing()
    bench.desk.gate.clear()
    bench.put(b"!")
    bench.put(b"!")
    await settle()
    bench.put(b"!")
    await settle()
    assert (bench.notes.folds, bench.lane.shard.rows) == (2, {})
    bench.desk.gate.set()
    await settle()
    assert [outputs for outputs, _ in bench.desk.written] == [[b"1", b"2"], [b"3"]]
    assert bench.lane.shard.positions == {"events": 3}
    await bench.lane.stop()


async def test_stopping_lets_the_transaction_end_and_drops_what_is_staged_or_waits() -> None:
    """The rest is read again by whoever has the lane next."""
    bench = summing()
    bench.desk.gate.clear()
    bench.put(b"!")
    await settle()
    bench.put(b"!")
    stopping = asyncio.create_task(bench.lane.stop())
    await settle()
    assert not stopping.done()
    bench.desk.gate.set()
    await stopping
    assert bench.lane.shard.positions == {"events": 1}
    bench.put(b"!")
    await settle()
    assert len(bench.desk.written) == 1


async def test_a_failed_write_stops_the_lane_and_leaves_no_trace() -> None:
    """It is reported once, and nothing is folded until the lane is opened anew."""
    bench = summing()
    bench.desk.fault = WriteFailed("fenced", "taken over")
    bench.put(b"!")
    await settle()
    bench.put(b"!")
    await settle()
    assert bench.failures == [bench.desk.fault]
    assert bench.notes.failures == ["fenced"]
    assert (bench.notes.folds, bench.lane.shard.rows) == (1, {})


async def test_a_stale_chunk_is_dropped_and_a_hole_is_not_folded() -> None:
    """A chunk of an earlier epoch was sought back; one that skips records was not."""
    bench = summing()
    bench.put(b"!", epoch=0)
    await settle()
    assert (bench.notes.folds, bench.failures) == (0, [])
    bench.next = 0
    bench.put(b"!", skip=1)
    await settle()
    (failure,) = bench.failures
    assert isinstance(failure, DeliveryHole)
    assert str(failure) == "events[0] was delivered from position 1; 0 was due"
    assert (bench.notes.folds, bench.notes.failures) == (0, ["hole"])


async def test_a_job_that_raises_is_named_with_its_records() -> None:
    """And nothing of its fold is written."""
    bench = summing()
    bench.put(b"1", b"?")
    await settle()
    (failure,) = bench.failures
    assert isinstance(failure, JobFailed)
    assert str(failure) == (
        "the sums job raised ValueError: a bug; it was folding events[0] offset 0 to events[0] offset 1"
    )
    assert bench.desk.written == []


async def test_a_lane_keeps_its_rows_if_nobody_had_it_and_it_has_not_failed() -> None:
    """A MARK that can be committed proves the one; a failure leaves open what was written."""
    bench = summing()
    bench.put(b"!")
    await settle()
    await bench.lane.stop()
    await bench.lane.open(keep=True)
    assert (bench.lane.shard.rows, bench.lane.shard.mark, bench.desk.opened) == ({b"k": b"1"}, 10, 0)
    await bench.lane.open(keep=False)
    assert (bench.lane.shard.rows, bench.lane.shard.mark, bench.desk.opened) == ({}, 0, 1)


async def test_a_lane_that_was_fenced_is_opened_anew() -> None:
    """Also where the fence shows only at the next rebalance."""
    bench = summing()
    bench.put(b"!")
    await settle()
    await bench.lane.stop()
    bench.desk.fault = WriteFailed("fenced", "taken over")
    await bench.lane.open(keep=True)
    assert (bench.lane.shard.rows, bench.lane.shard.recovered, bench.desk.opened) == ({}, False, 1)


async def test_a_defect_at_one_record_is_logged_with_its_trace(caplog: pytest.LogCaptureFixture) -> None:
    """The record is a dead letter already; its neighbours are folded and written."""
    bench = summing()
    bench.put(b"1", b"#", b"!")
    await settle()
    assert [record.levelname for record in caplog.records if "the trace" in record.getMessage()] == ["ERROR"]
    assert bench.desk.written[0][0] == [b"1", b"2"]
    await bench.lane.stop()
