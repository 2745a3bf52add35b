"""A toy job whose books can be checked, and a worker process that runs it.

Each event counts once for its key, in the lane that is the key's home; an event that arrives elsewhere is forwarded.
Each count is put out, so that nothing lost means rows that add up, and nothing doubled means each count put out once.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.core.agenda import Agenda
from engine.core.flow import Fold, Output, Record, Rows
from engine.core.partitioner import by_murmur2
from engine.stream.settings import StreamSettings
from engine.stream.worker import StreamWorker
from engine.stream.writer import Producer
from tests.alarms import Alarms, Timeless
from tests.unit.stream.notes import Notes


class Tally(Timeless):
    """The toy job of one table, with topics of the table's name; `slow_s` is what a fold takes."""

    def __init__(self, table: str, lanes: int, slow_s: float = 0.0) -> None:
        """`lanes`: partitions of the inputs and the changelog."""
        self.table = table
        self.inputs = (f"{table}-events", f"{table}-inbox")
        self.out = f"{table}-out"
        self.partitions = {**dict.fromkeys((*self.inputs, f"{table}-changelog"), lanes), self.out: 2}
        self.lanes = lanes
        self._slow_s = slow_s

    def fold(self, lane: int, records: Sequence[Record], rows: Rows, agenda: Agenda) -> Fold:
        """Count or forward each record; an event without a key is a bug of this job."""
        time.sleep(self._slow_s)
        counts: dict[bytes, int] = {}
        outputs = []
        for record in records:
            assert record.key is not None, "an event without a key"
            home = by_murmur2(record.key, self.lanes)
            if home != lane:
                outputs.append(Output(self.inputs[1], record.key, record.value, home))
                continue
            row = rows.get(record.key)
            count = counts[record.key] = (counts.get(record.key) or int(row or 0)) + 1
            outputs.append(Output(self.out, record.key, b"%d" % count))
        return Fold(outputs, {key: b"%d" % count for key, count in counts.items()}, urgent=bool(outputs), tally={})


class SlowAlarms(Alarms):
    """Alarms of a table, with topics of the table's name; `slow_s` is what a fold takes."""

    def __init__(self, table: str, lanes: int, slow_s: float = 0.0, stamp: bytes = b"a") -> None:
        """`lanes`: partitions of the inputs and the changelog."""
        super().__init__(table, (f"{table}-events", f"{table}-inbox"), f"{table}-out", stamp)
        self.partitions = {**dict.fromkeys((*self.inputs, f"{table}-changelog"), lanes), self.out: 2}
        self.lanes = lanes
        self.slow_s = slow_s

    def fold(self, lane: int, records: Sequence[Record], rows: Rows, agenda: Agenda) -> Fold:
        """As alarms do, slowly."""
        time.sleep(self.slow_s)
        return super().fold(lane, records, rows, agenda)


def unfence() -> None:
    """Give every process transactional ids of its own, so that nobody fences anybody."""
    start = Producer.start

    async def start_unfenced(self: Producer) -> None:
        self._transactional_id = f"{self._transactional_id}-{time.time_ns()}"
        await start(self)

    Producer.start = start_unfenced  # type: ignore[method-assign]


async def main(options: Mapping[str, object]) -> None:
    """Run the toy until SIGTERM; print a line at each assignment and failure."""
    if options["unfenced"]:
        unfence()
    kind = SlowAlarms if options["alarms"] else Tally
    job = kind(str(options["table"]), int(str(options["lanes"])), float(str(options["slow_s"])))
    settings = StreamSettings(
        bootstrap=str(options["bootstrap"]),
        app_id=str(options["app_id"]),
        data_dir=Path(str(options["data_dir"])),
        session_timeout_s=1.0,
        heartbeat_s=0.2,
        plain=bool(options["plain"]),
    )
    notes = Printing()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await StreamWorker([job], settings, job.partitions, notes).run(stop)


class Printing(Notes):
    """Tells its parent process what happens."""

    def assigned(self, lanes: Mapping[str, int]) -> None:
        print("assigned", json.dumps(lanes), flush=True)  # noqa: T201

    def failed(self, table: str, lane: int, reason: str) -> None:
        print("failed", lane, reason, flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
