"""When a lane's time is the clock's."""

from collections.abc import Mapping

import pytest

from engine.stream.chunk import Partition
from engine.stream.thread import Seen
from engine.stream.ticker import read_out_at
from tests.alarms import Alarms
from tests.unit.stream.bench import EVENTS, INBOX, Bench

READ = Seen(handed_over=5, position=7, end=7, at_ms=900)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({EVENTS: READ, INBOX: READ._replace(at_ms=800)}, 800),
        ({EVENTS: READ, INBOX: READ._replace(end=8)}, None),
        ({EVENTS: READ._replace(handed_over=6), INBOX: READ}, None),
        ({EVENTS: READ}, None),
    ],
    ids=["read to the end, behind the last record a control record", "more to fetch", "more to fold", "not known"],
)
async def test_the_clock_counts_once_every_input_is_read_and_folded_to_its_end(
    seen: Mapping[Partition, Seen], expected: int | None
) -> None:
    """As of the oldest answer of the broker."""
    bench = Bench(Alarms())
    await bench.lane.stop()
    bench.lane.shard.positions = {"events": 5, "inbox": 5}
    bench.start()
    assert read_out_at(bench.lane, seen.get) == expected
    await bench.lane.stop()
