"""Heatline as its users run it: the command in processes of its own, with topics and settings of the test's own."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.structs import TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from engine.configuration import Configuration, load_folder
from engine.core.flow import InputRecord
from engine.stream import catalog
from engine.stream.shard import RESERVED
from tests.servers.process import HOST, Server, free_port

ROOT = Path(__file__).parents[3]
HEATLINE = str(Path(sys.executable).with_name("heatline"))
TIMELESS = (sys.executable, str(Path(__file__).with_name("timeless.py")))
"""A program of which a replay of the records is the oracle: its lanes never follow the clock."""
CO_PARTITIONED = ("visitor-events", "lead-inbox", "profiles-changelog")
COMMAND_TIMEOUT_S = 60.0
SILENCE_S_MAX = 30.0


class Program(Server):
    """A command that serves at `port`; ready once `ready_path` answers there."""

    name = "heatline"

    def __init__(self, directory: Path, command: Sequence[str], port: int, ready_path: str) -> None:
        """Nothing runs before `start`."""
        super().__init__(directory, port)
        self._command = list(command)
        self._ready_path = ready_path

    def command(self) -> list[str]:
        """The same at every start."""
        return self._command

    def answers(self) -> bool:
        """It says itself that it is ready."""
        return self.get(self._ready_path)[0] == 200

    def get(self, path: str, token: str | None = None) -> tuple[int, str]:
        """Status and body of a GET, by whoever has the token."""
        who = {} if token is None else {"Authorization": f"Bearer {token}"}
        asked = urllib.request.Request(f"http://{HOST}:{self.port}{path}", headers=who)
        try:
            with urllib.request.urlopen(asked, timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self) -> dict[str, float]:
        """Every sample by its name, with the values of its labels: `heatline_events_rejected_total json`."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        samples = (sample for family in families for sample in family.samples)
        return {" ".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}

    def ended(self, timeout_s: float = COMMAND_TIMEOUT_S) -> int:
        """The status it ends with by itself."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to end: its status, and how many seconds it took."""
        assert self._process is not None
        began_s = time.monotonic()
        self._process.send_signal(number)
        return self._process.wait(COMMAND_TIMEOUT_S), time.monotonic() - began_s

    def logged(self) -> str:
        """All that it has written."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Deployment:
    """A folder with configuration and the settings of one installation on one broker."""

    def __init__(self, bootstrap: str, folder: Path, partitions: int = 4, **settings: object) -> None:
        """The shipped configuration, on topics of `partitions` partitions that keep every record; nothing applied yet.

        `settings` with `__` for the dot: `kafka__app_id="mine"`.
        """
        self.bootstrap = bootstrap
        self.folder = folder
        self.partitions = partitions
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("model.yaml", "routing.yaml", "events.yaml"):
            (folder / name).write_text((ROOT / "config" / name).read_text())
        self.change_catalog(lambda topics: _resized(topics, partitions))
        self.settings: dict[str, object] = {
            "kafka.bootstrap": bootstrap,
            **{f"paths.{name}": folder / f"{name}.yaml" for name in ("model", "routing", "events", "catalog")},
            "paths.data_dir": folder / "data",
            **{key.replace("__", "."): value for key, value in settings.items()},
        }

    def change_catalog(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the topics as they stand in this installation's catalog."""
        file = self.folder / "catalog.yaml"
        yaml = YAML()
        tree = yaml.load(file if file.exists() else ROOT / "topics" / "catalog.yaml")
        change(tree["topics"])
        yaml.dump(tree, file)

    def change_model(self, old: str, new: str) -> None:
        """Change the text of this installation's model."""
        file = self.folder / "model.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def configuration(self) -> Configuration:
        """What this installation's files say."""
        return load_folder(self.folder)

    def counts(self) -> dict[str, int]:
        """The number of partitions of each topic."""
        return catalog.read(self.folder / "catalog.yaml").partitions

    def flags(self, **more: object) -> list[str]:
        """The settings as arguments."""
        settings = {**self.settings, **{key.replace("__", "."): value for key, value in more.items()}}
        return [f"--{key}={value}" for key, value in settings.items()]

    def run(self, *arguments: str, status: int | None = 0, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        """Run a command to its end; it must end with `status` unless that is None."""
        command = [HEATLINE, *arguments, *self.flags()]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=COMMAND_TIMEOUT_S, check=False)
        assert status in (None, done.returncode), (arguments, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done

    def worker(self, name: str = "worker", *, command: Sequence[str] = (HEATLINE,), **settings: object) -> Program:
        """A worker that is not running yet; `command` is the program and what precedes `worker`."""
        port = free_port()
        flags = self.flags(worker__ops_port=port, **settings)
        return Program(self.folder / name, [*command, "worker", *flags], port, "/readyz")

    def projector(self) -> Program:
        """A projector that is not running yet."""
        port = free_port()
        return Program(
            self.folder / "projector", [HEATLINE, "projector", *self.flags(worker__ops_port=port)], port, "/readyz"
        )

    def notifier(self) -> Program:
        """A notifier that is not running yet."""
        port = free_port()
        return Program(
            self.folder / "notifier", [HEATLINE, "notifier", *self.flags(worker__ops_port=port)], port, "/readyz"
        )

    def board(self) -> Program:
        """A board that is not running yet."""
        port = free_port()
        return Program(self.folder / "board", [HEATLINE, "board", *self.flags(board__port=port)], port, "/login")

    async def produce(self, records: Iterable[InputRecord]) -> None:
        """Write records as they stand, each to its partition (-1: by its key); their offsets are the broker's."""
        async with AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, enable_idempotence=True, max_request_size=12 * 2**20, linger_ms=2
        ) as producer:
            for record in records:
                content = {"key": record.key, "value": record.value, "headers": list(record.headers)}
                if record.key is None and record.value is None:
                    # Kafka takes such a record, aiokafka's `send` does not.
                    batch = producer.create_batch()
                    batch.append(timestamp=record.timestamp, **content)
                    await producer.send_batch(batch, record.topic, partition=record.partition)
                    continue
                partition = None if record.partition < 0 else record.partition
                await producer.send(record.topic, partition=partition, timestamp_ms=record.timestamp, **content)
            await producer.flush()

    async def read(self, topic: str) -> list[ConsumerRecord]:
        """All that a committed reader finds in a topic now, in the order of the partitions."""
        tps = [TopicPartition(topic, number) for number in range(self.counts()[topic])]
        async with AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=16 * 2**20,
        ) as consumer:
            consumer.assign(tps)
            ends = await consumer.end_offsets(tps)
            await consumer.seek_to_beginning(*tps)
            return sorted(await _read_to(consumer, ends), key=lambda record: (record.partition, record.offset))

    async def rows(self) -> dict[bytes, bytes]:
        """The rows of `profiles` as the changelog has them."""
        rows = {record.key: record.value for record in await self.read("profiles-changelog")}
        return {key: row for key, row in rows.items() if row is not None and not key.startswith(RESERVED)}

    async def values(self, topic: str) -> list[dict[str, Any]]:
        """The CloudEvents in an output topic, tombstones left out."""
        return [json.loads(record.value) for record in await self.read(topic) if record.value is not None]


async def _read_to(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> list[ConsumerRecord]:
    records: list[ConsumerRecord] = []
    heard_s = time.monotonic()
    behind = set(ends)
    while behind := {place for place in behind if await consumer.position(place) < ends[place]}:
        fetched = await consumer.getmany(*behind, timeout_ms=200)
        for batch in fetched.values():
            records += batch
        if fetched:
            heard_s = time.monotonic()
        assert time.monotonic() - heard_s < SILENCE_S_MAX, f"{behind} cannot be read to the end"
    return records


def _resized(topics: dict[str, Any], partitions: int) -> None:
    for name, topic in topics.items():
        if name in CO_PARTITIONED or name.startswith("lead-"):
            topic["partitions"] = partitions
        if "retention" in topic:
            topic["retention"] = "forever"


def eventually(condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """What `condition` comes to once that is true. Raises AssertionError naming `what` where it does not in time."""
    deadline_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline_s, f"timed out: {what}"
        time.sleep(0.1)
    return found
