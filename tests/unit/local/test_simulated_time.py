"""How time passes in a simulation: what falls due happens in its order, over all lanes, and before what comes later."""

import pytest

from engine.core.flow import InputRecord, Job, Output
from engine.local.simulate import Simulation
from tests.alarms import Alarms

EVENTS = "visitor-events"


def clocks(out: str = "out") -> Alarms:
    return Alarms("profiles", (EVENTS, "lead-inbox"), out)


def record(at_ms: int, key: bytes, alarms: bytes, partition: int = 0) -> InputRecord:
    return InputRecord(EVENTS, partition, 0, at_ms, key, alarms)


def told(outputs: list[Output]) -> list[tuple[str, bytes | None, bytes | None]]:
    return [(output.topic, output.key, output.value) for output in outputs]


def simulation(*jobs: Job, partitions: int = 1) -> Simulation:
    return Simulation(jobs, partitions)


def test_what_is_due_at_or_before_a_record_comes_before_it() -> None:
    """In the order in which it falls due, whatever order it was set in."""
    timed = simulation(clocks())
    assert told([*timed.record(record(0, b"a", b"20 10")), *timed.record(record(1, b"b", b"11"))]) == []
    assert told([*timed.record(record(9, b"c", b"50"))]) == []
    assert told([*timed.record(record(20, b"a", b"15"))]) == [
        ("out", b"a", b"10"),
        ("out", b"b", b"11"),
        ("out", b"a", b"20"),
    ]
    assert timed.rows["profiles"][0] == {b"a": b"a:15", b"c": b"a:50"}


def test_lanes_share_one_time() -> None:
    """Due time first, then the key, whatever lane it is in; a lane need get no record for that."""
    timed = simulation(clocks(), partitions=3)
    for key, alarms, partition in [(b"c", b"5 7", 0), (b"b", b"5 6", 1), (b"a", b"5 7", 2)]:
        assert not [*timed.record(record(0, key, alarms, partition))]
    rung = [*timed.record(record(7, b"d", b"", 1))]
    assert [(output.key, output.value) for output in rung] == [
        (b"a", b"5"), (b"b", b"5"), (b"c", b"5"), (b"b", b"6"), (b"a", b"7"), (b"c", b"7"),
    ]  # fmt: skip


def test_a_record_from_the_past_comes_after_what_has_fallen_due() -> None:
    """Time never goes back, and what such a record sets in the past rings before the next record."""
    timed = simulation(clocks())
    assert not [*timed.record(record(0, b"a", b"10"))]
    assert told([*timed.record(record(10, b"b", b"90"))]) == [("out", b"a", b"10")]
    assert told([*timed.record(record(5, b"c", b"3"))]) == []
    assert timed.clock_ms == 10
    assert told([*timed.record(record(10, b"d", b""))]) == [("out", b"c", b"3")]


def test_what_a_wake_up_sends_is_handled_before_the_next_one() -> None:
    """Also where that sets off something which is due already."""
    desk = Alarms("desk", ("rep-events", "routing-requests"), "answers")
    timed = simulation(clocks(out="routing-requests"), desk)
    assert not [*timed.record(record(0, b"a", b"10 12"))]
    assert told([*timed.advance(12)]) == [
        ("routing-requests", b"a", b"10"), ("answers", b"a", b"10"),
        ("routing-requests", b"a", b"12"), ("answers", b"a", b"12"),
    ]  # fmt: skip


def test_nothing_happens_behind_the_end_and_nothing_twice() -> None:
    timed = simulation(clocks())
    assert not [*timed.record(record(0, b"a", b"10 11"))]
    assert told([*timed.advance(10)]) == [("out", b"a", b"10")]
    assert not [*timed.advance(10)]
    assert told([*timed.advance(11)]) == [("out", b"a", b"11")]
    assert not [*timed.advance(10**15)]


@pytest.mark.parametrize("restarts", range(4))
def test_a_restart_forgets_nothing_and_repeats_nothing(restarts: int) -> None:
    """Rows alone say what is due."""
    timed = simulation(clocks(), partitions=2)
    came: list[Output] = []
    steps = [record(0, b"a", b"5 30"), record(1, b"b", b"7", 1), record(6, b"a", b"31")]
    for place, step in enumerate(steps):
        if place == restarts:
            timed.restart()
        came += timed.record(step)
    if restarts == len(steps):
        timed.restart()
    came += timed.advance(40)
    assert [(output.key, output.value) for output in came] == [(b"a", b"5"), (b"b", b"7"), (b"a", b"31")]
    assert timed.rows["profiles"] == {0: {}, 1: {}}
