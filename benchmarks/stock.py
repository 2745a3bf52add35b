"""The same job as an ordinary Faust agent: one event at a time, a Faust table, Faust's own transport and commits.

It folds with the very job that a worker runs, so what differs is the plumbing. It promises less: a crash can lose or
double what was in flight. `python -m benchmarks.stock BOOTSTRAP LANES FOLDER` says ten times a second how far it is.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import faust

from benchmarks.throughput import PROGRESS
from engine.app.worker import keep_collector_rare
from engine.configuration import load_folder
from engine.core.agenda import Agenda
from engine.core.flow import InputRecord
from tests.servers.install import ROOT

SAYS_EVERY_S = 0.1


def make_app(bootstrap: str, lanes: int, folder: Path) -> Any:
    """An app that starts at the beginning of `visitor-events`."""
    app = faust.App(
        "stock", broker=f"kafka://{bootstrap}", store="memory://", datadir=str(folder), web_enabled=False,
        topic_partitions=lanes, table_standby_replicas=0, worker_redirect_stdouts=False,
    )  # fmt: skip
    job = load_folder(ROOT / "config").jobs(lanes)[0]
    raw: Mapping[str, Any] = {
        "key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw",
    }  # fmt: skip
    topics: dict[str, Any] = {}
    agendas = [Agenda() for _ in range(lanes)]
    profiles = app.Table("profiles", key_type=bytes, value_type=bytes, partitions=lanes)
    done = 0

    def topic(name: str) -> Any:
        return topics.get(name) or topics.setdefault(name, app.topic(name, **raw))

    async def score(events: Any) -> None:
        nonlocal done
        async for event in events.events():
            message = event.message
            timestamp_ms = int(message.timestamp * 1000)
            record = InputRecord(message.topic, message.partition, message.offset, timestamp_ms, event.key, event.value)
            fold = job.fold(message.partition, [record], profiles, agendas[message.partition])
            for key, row in fold.rows.items():
                profiles[key] = row
            for output in fold.outputs:
                await topic(output.topic).send(key=output.key, value=output.value, partition=output.partition)
            done += 1

    async def tell() -> None:
        while True:
            print(f"{PROGRESS}{done}", flush=True)
            await asyncio.sleep(SAYS_EVERY_S)

    app.agent(app.topic("visitor-events", **raw))(score)
    app.task(tell)
    return app


def main() -> None:
    """Run until killed."""
    bootstrap, lanes, folder = sys.argv[1:]
    Path(folder).mkdir()
    app = make_app(bootstrap, int(lanes), Path(folder))
    keep_collector_rare()
    # Any other level lets Faust's start-up set the root logger to DEBUG.
    faust.Worker(
        app, loglevel="info", quiet=False, override_logging=True, workdir=Path.cwd()
    ).execute_from_commandline()


if __name__ == "__main__":
    main()
