"""A whole access log through Kafka and a worker: every line accounted for, every score that of the oracle."""

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random

import pytest
from aiokafka import ConsumerRecord

from engine.core.crawlers import is_crawler
from engine.core.events import SIGNALS
from engine.core.flow import InputRecord
from engine.core.model import Model
from engine.core.outputs import Profile, score_output
from engine.core.packing import unpack
from engine.local.simulate import PROFILES, Simulation, final_scores, output_line
from tests.integration.worker.deployment import TIMELESS, Deployment, eventually
from tests.servers.kafka import KafkaServer
from tests.unit.local.real_log import REAL_LOGS

GENERATED_LINES = 2_000
PARTITIONS = 4
pytestmark = pytest.mark.timeout(300)


def access_log(folder: Path) -> Path:
    """The real log where it is there, else one that is made up: the same format, visitors who return, broken lines."""
    if REAL_LOGS:
        return REAL_LOGS[0]
    draw = Random(7)
    lines = []
    for number in range(GENERATED_LINES):
        visitor = int(300 * draw.random() ** 2)
        path = draw.choice(["/", "/pricing", "/careers/clerk", "/blog/a%20b", "/files/guide.pdf", "/style.css"])
        second = number // 3 - (draw.randrange(40) if number > 200 else 0)
        moment = f"17/May/2015:{10 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02} +0000"
        agent = '"Mozilla/5.0 (X11; Linux x86_64)"' if draw.random() > 0.005 else '"cut off'
        lines.append(
            f'10.0.{visitor // 250}.{visitor % 250} - - [{moment}] "GET {path} HTTP/1.1" 200 {draw.randrange(9_999)} '
            f'"http://www.example.com/" {agent}'
        )
    file = folder / "access.log"
    file.write_text("\n".join(lines) + "\n")
    return file


@dataclass(frozen=True)
class Run:
    """What became of the log."""

    deployment: Deployment
    lines: int
    sent: int
    unparsed: int
    metrics: dict[str, float]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The log fed at its own times, and a worker that has read it to its end and stopped."""
    folder = tmp_path_factory.mktemp("real")
    kafka = KafkaServer(folder / "kafka").start()
    try:
        deployment = Deployment(kafka.bootstrap, folder / "heatline", PARTITIONS)
        deployment.change_model("publish_from: warm", "publish_from: cold")
        deployment.run("topics", "apply")
        told = deployment.run("feed", "--keep-times", str(access_log(folder))).stderr.decode()
        counts = re.match(r"([\d,]+) lines read = ([\d,]+) sent to visitor-events \+ ([\d,]+) that do not parse", told)
        assert counts, told
        lines, sent, unparsed = (int(count.replace(",", "")) for count in counts.groups())
        # By the clock these visitors have been gone for years, and would be given up.
        worker = deployment.worker(command=TIMELESS).start()
        consumed = "heatline_events_consumed_total visitor-events"
        eventually(lambda: worker.metrics()[consumed] >= sent, "everything is read")
        metrics = worker.metrics()
        assert worker.end()[0] == 0
        yield Run(deployment, lines, sent, unparsed, metrics)
    finally:
        kafka.kill()


async def test_every_line_is_scored_ignored_or_dead_lettered(run: Run) -> None:
    """To the line, from the metrics and from the topics."""
    events = await run.deployment.read("visitor-events")
    letters = await run.deployment.read("dead-letters")
    counted: Counter[str] = Counter()
    for name, value in run.metrics.items():
        counted[name.partition(" ")[0].removeprefix("heatline_events_").removesuffix("_total")] += int(value)
    assert run.lines == run.sent + run.unparsed
    assert run.unparsed > 0
    assert run.sent == len(events) == counted["consumed"]
    ended = ("scored", "duplicate", "dropped", "rejected", "bot")
    assert counted["consumed"] == sum(counted[how] for how in ended)
    assert counted["bot"] > 1_000
    assert counted["rejected"] == len(letters)
    assert counted["forwarded"] == 0
    simulation = simulated(run, events)
    assert counted["scored"] == sum(unpack_counts(row) for rows in simulation.values() for row in rows.values())


async def test_every_row_gives_the_same_line_as_simulate_final(run: Run) -> None:
    """Byte for byte, from the same records: keys, partitions, timestamps, offsets."""
    configuration = run.deployment.configuration()
    events = await run.deployment.read("visitor-events")
    rows = await run.deployment.rows()
    simulation = Simulation(configuration.jobs(PARTITIONS), PARTITIONS)
    theirs = [
        output_line(output._replace(partition=simulation.partition_of(output.topic, output.key)))
        for output in final_scores(configuration.model, rows.items(), None)
    ]
    config = str(run.deployment.folder)
    stdin = b"".join(line(record) for record in events)
    arguments = ("simulate", "--final", "--config", config, "--partitions", str(PARTITIONS))
    printed = run.deployment.run(*arguments, stdin=stdin).stdout.splitlines(keepends=True)
    assert printed[-len(rows) :] == theirs
    assert rows.keys() == {record.key for record in events if not is_robots(configuration.model, record)}


async def test_every_published_score_is_the_oracles_at_its_instant(run: Run) -> None:
    """Each record of lead-scores is the lead's score after the event that its id names, to the last digit."""
    configuration = run.deployment.configuration()
    simulation = Simulation(configuration.jobs(PARTITIONS), PARTITIONS)
    oracle: dict[str, bytes] = {}
    for record in await run.deployment.read("visitor-events"):
        list(simulation.record(plain(record)))
        key = record.key
        if is_robots(configuration.model, record):
            continue
        row = unpack(simulation.rows[PROFILES][record.partition][key])
        profile = Profile(key.decode(), row)
        identity = f"{record.topic}/{record.partition}/{record.offset}"
        time_ms = configuration.model.decoder.decode(record).time_ms
        value = score_output(configuration.model, profile, row.now_ms, time_ms, identity).value or b""
        oracle[json.loads(value)["id"]] = value
    published = await run.deployment.read("lead-scores")
    assert {record.key for record in published} == set(await run.deployment.rows())
    for record in published:
        assert record.value == oracle[json.loads(record.value)["id"]]


def is_robots(model: Model, record: ConsumerRecord) -> bool:
    """Whether it is known crawlers' doing, of which a real log is full."""
    return is_crawler(model.decoder.decode(record))


def plain(record: ConsumerRecord) -> InputRecord:
    """The record as the oracle takes it."""
    return InputRecord(
        record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers
    )


def line(record: ConsumerRecord) -> bytes:
    """The record as `heatline simulate` takes it."""
    stated = {
        "topic": record.topic,
        "key": record.key.decode(),
        "value_base64": b64encode(record.value).decode(),
        "timestamp": record.timestamp,
        "headers": [(name, value.decode()) for name, value in record.headers],
        "partition": record.partition,
    }
    return json.dumps(stated).encode() + b"\n"


def simulated(run: Run, events: list[ConsumerRecord]) -> dict[int, dict[bytes, bytes]]:
    """The rows that the core makes of `events`."""
    simulation = Simulation(run.deployment.configuration().jobs(PARTITIONS), PARTITIONS)
    list(chain.from_iterable(simulation.record(plain(record)) for record in events))
    return simulation.rows[PROFILES]


def unpack_counts(row: bytes) -> int:
    """How many events a row has counted, signals left out."""
    return sum(count for name, count in unpack(row).counts.items() if name not in SIGNALS)
