"""How time passes in a lane, and how its rows come under a new job."""

import asyncio
from collections.abc import Iterable

import pytest

from engine.core.agenda import Agenda
from engine.core.flow import Fold, InputRecord, Rows
from engine.stream import lane
from engine.stream.errors import JobFailed, WriteFailed
from engine.stream.lane import FOLD_RECORDS, FOLD_SPAN_MS, slice_end
from engine.stream.shard import POSITIONS, STAMP
from tests.alarms import Alarms
from tests.unit.stream.bench import Bench, settle

MINUTE = 60_000


async def test_what_is_due_comes_before_the_record_whose_time_has_come_so_far() -> None:
    """Record time, whatever the clock says; alarms of rows that were there at the start as well."""
    bench = Bench(Alarms(), {b"old": b"a:15"})
    bench.put_events((b"k", b"10 20", 0), (b"l", b"99", 14))
    await settle()
    assert bench.outputs == [b"10"]
    bench.put_events((b"l", b"98", 19))
    await settle()
    assert bench.outputs == [b"10", b"15"]
    assert bench.lane.shard.rows == {b"k": b"a:20", b"l": b"a:98"}
    assert bench.lane.shard.time_ms == 19
    await bench.lane.stop()


async def test_records_of_the_other_input_carry_no_time() -> None:
    """They may be far ahead of the lane's own backlog."""
    bench = Bench(Alarms(), {b"old": b"a:15"})
    bench.put_inbox(b"k", b"3 40", 1_000)
    await settle()
    assert bench.outputs == []
    bench.put_events((b"l", b"", 15))
    await settle()
    assert bench.outputs == [b"3", b"15"]
    await bench.lane.stop()


async def test_a_record_from_the_future_lets_nothing_fall_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can write one; it carries time as far as the clock has come, before it and among others."""
    monkeypatch.setattr(lane, "wall_ms", lambda: 50)
    bench = Bench(Alarms(), {b"old": b"a:40 60"})
    bench.put_events((b"k", b"70", 10**12), (b"l", b"45 80", 7), (b"m", b"90", 10**12))
    await settle()
    assert bench.outputs == [b"40", b"45"]
    assert bench.lane.shard.time_ms == 50
    assert bench.lane.shard.rows == {b"old": b"a:60", b"k": b"a:70", b"l": b"a:80", b"m": b"a:90"}
    await bench.lane.stop()


async def test_the_clock_wakes_a_lane_to_which_no_record_comes() -> None:
    """At once where somebody waits; and nothing twice."""
    bench = Bench(Alarms(), {b"k": b"a:10 20"}, commit_after_s=1_000.0)
    bench.lane.tick(9)
    await settle()
    assert bench.outputs == []
    for now_ms in (10, 10, 19, 25, 5, 25):
        bench.lane.tick(now_ms)
        await settle()
    assert bench.outputs == [b"10", b"20"]
    assert (bench.lane.shard.rows, bench.lane.shard.time_ms, bench.lane.woken) == ({}, 25, 2)
    await bench.lane.stop()


async def test_what_nobody_waits_for_is_committed_after_a_while() -> None:
    """A wake-up is folded like any other input."""
    bench = Bench(Alarms(urgent=False), {b"k": b"a:10"})
    bench.lane.tick(10)
    await settle()
    assert bench.outputs == []
    await asyncio.sleep(0.1)
    assert bench.outputs == [b"10"]
    await bench.lane.stop()


async def test_a_tick_at_which_nothing_is_due_writes_nothing() -> None:
    """An idle lane costs the broker no transaction."""
    bench = Bench(Alarms(stamp=b"toy"), {b"k": b"toy:100000"}, commit_after_s=0.0)
    await settle()
    written = len(bench.desk.written)
    for now_ms in (1, MINUTE, 99_999):
        bench.lane.tick(now_ms)
        await settle()
    assert len(bench.desk.written) == written
    await bench.lane.stop()


@pytest.mark.parametrize("failing", [False, True], ids=["stopped", "failed"])
async def test_what_was_dropped_falls_due_again_and_what_was_committed_does_not(failing: bool) -> None:
    """Rows and positions are written together, and the agenda is made of the rows."""
    bench = Bench(Alarms(), {b"k": b"a:10 20 30"})
    bench.lane.tick(10)
    await settle()
    bench.desk.fault = WriteFailed("fenced", "taken over") if failing else None
    bench.desk.gate.clear()
    bench.lane.tick(20)
    await settle()
    if failing:
        bench.desk.gate.set()
        await settle()
        assert bench.failures == [bench.desk.fault]
    await bench.lane.stop(patience_s=0)
    assert bench.outputs == [b"10"]
    bench.desk.fault = None
    bench.desk.gate.set()
    bench.start()
    bench.lane.tick(20)
    await settle()
    assert bench.outputs == [b"10", b"20"]
    assert bench.lane.shard.rows == {b"k": b"a:30"}
    await bench.lane.stop()


async def test_much_that_is_due_takes_many_transactions_and_lets_others_run() -> None:
    """After a long downtime: every row wakes once, in order, before the record that brought the time."""
    rows = {b"%05d" % number: b"a:%d" % number for number in range(1, 1_001)}
    bench = Bench(Alarms(urgent=False), rows, commit_records=300, commit_after_s=0.0)
    await settle()
    bench.desk.written.clear()
    turns = 0
    bench.put_events((b"k", b"9000", 5_000), (b"l", b"9000", 5_001))
    while bench.lane.next["events"] < 2:
        await asyncio.sleep(0)
        turns += 1
    await settle()
    assert turns >= 4
    assert bench.outputs == [b"%d" % number for number in range(1, 1_001)]
    assert all(len(values) <= 300 + FOLD_RECORDS for values, _ in bench.desk.written)
    first = bench.desk.written[0][1]
    assert first[POSITIONS] == b'{"events":0,"inbox":0}', "the record is not folded yet"
    assert bench.lane.shard.positions == {"events": 2, "inbox": 0}
    await bench.lane.stop()


async def test_a_commit_between_two_slices_has_the_position_between_them() -> None:
    """A worker that dies there reads on behind the records whose rows are written."""
    rows = {b"%05d" % number: b"a:%d" % (MINUTE * 3) for number in range(FOLD_RECORDS)}
    bench = Bench(Alarms(urgent=False), rows, commit_records=FOLD_RECORDS, commit_after_s=0.0)
    await settle()
    bench.desk.written.clear()
    bench.put_events((b"k", b"", 0), (b"l", b"", 1), (b"k", b"", MINUTE * 3))
    await settle()
    assert [changelog[POSITIONS] for _, changelog in bench.desk.written] == [
        b'{"events":2,"inbox":0}',
        b'{"events":3,"inbox":0}',
    ]
    await bench.lane.stop()


def test_a_fold_has_few_records_and_little_time() -> None:
    """What falls due between two records is folded with them, so there must not be much."""

    def ends(*times: int) -> list[int]:
        records = [InputRecord("events", 0, 0, at_ms, None, None) for at_ms in times]
        found, begin = [], 0
        while begin < len(records):
            begin = slice_end(records, begin)
            found.append(begin)
        return found

    assert ends(*range(2 * FOLD_RECORDS + 1)) == [FOLD_RECORDS, 2 * FOLD_RECORDS, 2 * FOLD_RECORDS + 1]
    assert ends(0, FOLD_SPAN_MS, FOLD_SPAN_MS + 1) == [1, 3]
    assert ends(*range(0, 4 * FOLD_SPAN_MS, FOLD_SPAN_MS + 1)) == [1, 2, 3, 4]
    assert ends(9 * FOLD_SPAN_MS, 0, 1) == [3]


async def test_rows_of_another_stamp_are_brought_up_before_anything_is_folded() -> None:
    """And the new stamp is written with the last of them."""
    rows = {b"%05d" % number: b"a:9000" for number in range(FOLD_RECORDS * 2)}
    bench = Bench(Alarms(stamp=b"b", urgent=False), rows, commit_records=FOLD_RECORDS)
    bench.put_events((b"k", b"", 9_000))
    await asyncio.sleep(0.1)
    walked = [output for output in bench.outputs if output == b"b"]
    assert len(walked) == len(rows)
    assert bench.outputs[: len(rows)] == walked
    assert bench.outputs[len(rows) :] == [b"9000"] * len(rows)
    stamped = [changelog.get(STAMP) for _, changelog in bench.desk.written]
    assert stamped[:3] == [None, None, b"b"]
    assert set(stamped[3:]) == {None}
    assert bench.lane.shard.stamp == b"b"
    await bench.lane.stop()


async def test_a_walk_that_is_cut_short_begins_again() -> None:
    """Rows that were brought up stay as they are."""
    rows = {b"%05d" % number: b"a:9000" for number in range(FOLD_RECORDS * 2)}
    bench = Bench(Alarms(stamp=b"b"), rows, commit_records=FOLD_RECORDS)
    while not bench.desk.written:  # noqa: ASYNC110  until its first transaction, and not a step further
        await asyncio.sleep(0)
    bench.desk.fault = WriteFailed("fenced", "taken over")
    await settle()
    assert (len(bench.outputs), bench.lane.shard.stamp) == (FOLD_RECORDS, None)
    bench.desk.fault = None
    await bench.lane.stop()
    bench.start()
    await asyncio.sleep(0.05)
    assert bench.outputs == [b"b"] * len(rows)
    assert bench.lane.shard.stamp == b"b"
    await bench.lane.stop()


async def test_an_empty_lane_is_under_the_jobs_stamp_from_its_first_transaction() -> None:
    """Nothing is written for the stamp alone."""
    bench = Bench(Alarms(stamp=b"b"))
    await settle()
    assert bench.desk.written == []
    bench.put_events((b"k", b"5", 0), (b"l", b"", 5))
    await settle()
    assert bench.desk.written[0][1][STAMP] == b"b"
    await bench.lane.stop()


class Noting(Alarms):
    """Notes the stamp and the time that it is told when it brings rows up."""

    def __init__(self, stamp: bytes) -> None:
        """Nothing told yet."""
        super().__init__(stamp=stamp, urgent=False)
        self.told: list[tuple[bytes | None, int]] = []

    def restate(
        self, lane: int, keys: Iterable[bytes], rows: Rows, agenda: Agenda, stamp: bytes | None, at_ms: int
    ) -> Fold:
        """As alarms do."""
        self.told.append((stamp, at_ms))
        return super().restate(lane, keys, rows, agenda, stamp, at_ms)


async def test_a_new_job_takes_over_between_two_folds_and_hears_the_stamp_before_and_the_lanes_time() -> None:
    """What was staged is committed under the old one; what comes later is the new one's."""
    bench = Bench(Alarms(urgent=False), commit_after_s=1_000.0)
    bench.put_events((b"k", b"100", 7))
    await settle()
    assert bench.desk.written == []
    bench.lane.tick(50)
    job = Noting(b"b")
    bench.lane.reload(job)
    await settle()
    assert job.told == [(b"a", 50)]
    assert [changelog.get(STAMP) for _, changelog in bench.desk.written] == [b"a", b"b"]
    assert bench.lane.shard.rows == {b"k": b"b:100"}
    bench.lane.tick(100)
    await settle()
    bench.lane.reload(Noting(b"b"))
    await settle()
    assert bench.outputs == [b"b", b"100"]
    assert len(bench.desk.written) == 3, "a job of the same stamp has nothing to bring up"
    await bench.lane.stop()


async def test_a_lane_that_is_down_when_a_new_job_comes_takes_it_at_its_start_with_the_time_it_had() -> None:
    """Its time was written with its positions."""
    bench = Bench(Alarms())
    bench.put_events((b"k", b"5 100", 0), (b"l", b"", 7))
    await settle()
    await bench.lane.stop()
    job = Noting(b"b")
    bench.lane.reload(job)
    bench.start()
    await settle()
    assert job.told == [(b"a", 7)]
    await bench.lane.stop()


class Broken(Alarms):
    """Raises where it is woken."""

    def wake(self, lane: int, until_ms: int, rows: Rows, agenda: Agenda, at_most: int) -> Fold:
        """A bug."""
        raise ValueError("a bug")


async def test_a_job_that_raises_when_it_is_woken_is_named() -> None:
    bench = Bench(Broken(), {b"k": b"a:10"})
    bench.lane.tick(10)
    await settle()
    (failure,) = bench.failures
    assert isinstance(failure, JobFailed)
    assert str(failure) == "the alarms job raised ValueError: a bug; it was waking what was due at 10"
