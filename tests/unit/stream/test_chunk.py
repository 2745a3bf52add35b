"""What may wait, in bytes."""

from hypothesis import given
from hypothesis import strategies as st

from engine.stream.chunk import Backlog, Partition

A, B = Partition("events", 0), Partition("events", 1)


def test_a_partition_stops_when_its_lane_is_full_and_goes_on_when_it_is_half_empty() -> None:
    """The other lanes are fetched meanwhile."""
    backlog = Backlog(lane_max=100, total_max=1_000)
    assert not backlog.add(A, 99)
    assert backlog.add(A, 1)
    assert not backlog.add(B, 10)
    assert backlog.remove(A, 49) == []
    assert backlog.remove(A, 1) == [A]


def test_every_partition_that_brings_more_stops_when_the_worker_is_full() -> None:
    """Until the worker, too, is half empty."""
    backlog = Backlog(lane_max=100, total_max=150)
    assert backlog.add(A, 100)
    assert backlog.add(B, 50)
    assert backlog.remove(A, 70) == []
    assert sorted(backlog.remove(B, 10)) == [A, B]


def test_dropping_everything_frees_everything() -> None:
    """As a rebalance does."""
    backlog = Backlog(lane_max=100, total_max=150)
    backlog.add(A, 100)
    backlog.clear()
    assert backlog.total == 0
    assert backlog.remove(A, 100) == []
    assert backlog.total == 0
    assert not backlog.add(A, 99)


@given(st.lists(st.tuples(st.sampled_from([A, B]), st.integers(1, 120)), max_size=60))
def test_whoever_stopped_goes_on_once_all_is_taken(sizes: list[tuple[Partition, int]]) -> None:
    """No partition is left behind, whatever was added and in whatever order it is taken."""
    backlog = Backlog(lane_max=100, total_max=150)
    stopped = {partition for partition, size in sizes if backlog.add(partition, size)}
    resumed: set[Partition] = set()
    for partition, size in reversed(sizes):
        resumed.update(backlog.remove(partition, size))
    assert resumed == stopped
    assert backlog.total == 0
