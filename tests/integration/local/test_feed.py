import asyncio
import io
import json
import re
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from rich.console import Console

from engine.core.flow import Record
from engine.core.instants import from_rfc3339
from engine.core.partitioner import by_murmur2
from engine.local.errors import LocalError
from engine.local.feed import Pace, feed
from engine.local.reading import wall_clock_ms
from tests.servers.kafka import KafkaServer
from tests.unit.local.real_log import REAL_LOGS

PARTITIONS = 3
AGENTS = ["one", "two", "three", "four"]


def line(second: int, agent: str) -> str:
    return f'a - - [17/May/2015:10:05:{second:02} +0000] "GET /p{second} HTTP/1.1" 200 1 "-" "{agent}"'


def console() -> Console:
    return Console(file=io.StringIO(), width=200)


async def new_topic(kafka: KafkaServer, configs: Mapping[str, str] | None = None) -> str:
    topic = f"feed-{uuid4()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1, topic_configs=dict(configs or {}))])
    # The controller knows it at once, the metadata a little later.
    while topic not in await admin.list_topics():  # noqa: ASYNC110  nothing else tells
        await asyncio.sleep(0.02)
    await admin.close()
    return topic


async def records_of(kafka: KafkaServer, topic: str, count: int) -> list[Record]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(60):
            return [await consumer.getone() for _ in range(count)]
    finally:
        await consumer.stop()


def said(shown: Console) -> str:
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue()


async def test_each_line_is_a_record_of_its_visitor_and_time(kafka: KafkaServer, tmp_path: Path) -> None:
    """Its key is the anonymousId, its partition that of any Kafka client, its timestamp the event's time.

    The latest is now; each visitor's records keep the file's order; a JSON line without a time has that of sending.
    """
    seconds = [5, 9, 7, 30, 2, 12]
    lines = [line(second, AGENTS[n % 2]) for n, second in enumerate(seconds)]
    path = tmp_path / "log"
    path.write_text("\n".join([*lines, "broken", '{"userId": "u", "type": "page"}']))
    topic = await new_topic(kafka)

    before_ms, shown = wall_clock_ms(), console()
    fed = await feed(str(path), kafka.bootstrap, shown, topic=topic)
    after_ms = wall_clock_ms()

    assert (fed.read, fed.sent, fed.unparsed) == (8, 7, 1)
    assert f"8 lines read = 7 sent to {topic} + 1 that do not parse" in said(shown)
    *records, untimed = sorted(await records_of(kafka, topic, 7), key=lambda record: record.key == b"u")
    assert untimed.value == b'{"userId": "u", "type": "page"}'
    assert before_ms <= untimed.timestamp <= after_ms
    events = [json.loads(record.value or b"") for record in records]
    assert [record.key for record in records] == [event["anonymousId"].encode() for event in events]
    assert [record.partition for record in records] == [by_murmur2(record.key or b"", PARTITIONS) for record in records]
    assert [record.timestamp for record in records] == [from_rfc3339(event["timestamp"]) for event in events]
    latest_ms = max(record.timestamp for record in records)
    assert before_ms <= latest_ms <= after_ms
    for agent in AGENTS[:2]:
        own = [record for record, event in zip(records, events, strict=True) if event["context"]["userAgent"] == agent]
        assert [30 - (latest_ms - record.timestamp) / 1000 for record in own] == seconds[AGENTS.index(agent) :: 2]


async def test_kept_times_need_a_topic_without_time_retention(kafka: KafkaServer, tmp_path: Path) -> None:
    """Elsewhere the feed names the setting and sends nothing."""
    path = tmp_path / "log"
    path.write_text(line(3, "x"))
    deletes = await new_topic(kafka, {"retention.ms": "604800000"})
    keeps = await new_topic(kafka, {"retention.ms": "-1"})
    with pytest.raises(LocalError, match=r"without time retention, and feed-.* has retention.ms=604800000 \(7 d\)"):
        await feed(str(path), kafka.bootstrap, console(), topic=deletes, keep_times=True)
    await feed(str(path), kafka.bootstrap, console(), topic=keeps, keep_times=True)
    (record,) = await records_of(kafka, keeps, 1)
    assert record.timestamp == from_rfc3339("2015-05-17T10:05:03Z")


async def test_a_log_longer_than_the_topic_keeps_is_said(kafka: KafkaServer, tmp_path: Path) -> None:
    """Its oldest lines would be deleted before somebody reads them."""
    path = tmp_path / "log"
    path.write_text("\n".join([line(0, "x"), line(59, "x")]))
    topic, shown = await new_topic(kafka, {"retention.ms": "30000"}), console()
    await feed(str(path), kafka.bootstrap, shown, topic=topic)
    assert "longer than" in said(shown)


async def test_a_pace_holds_events_back(kafka: KafkaServer, tmp_path: Path) -> None:
    """At a rate none leaves before it is due."""
    path = tmp_path / "log"
    path.write_text("\n".join('{"userId": "u"}' for _ in range(6)))
    topic = await new_topic(kafka)
    began_ms = time.time_ns() // 1_000_000
    await feed(str(path), kafka.bootstrap, console(), topic=topic, pace=Pace(rate=20))
    times = [record.timestamp for record in await records_of(kafka, topic, 6)]
    assert all(at_ms - began_ms >= number * 50 for number, at_ms in enumerate(times))
    assert all(earlier <= later for earlier, later in pairwise(times))


async def test_a_missing_topic_and_a_missing_broker_are_one_clear_error(kafka: KafkaServer, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(line(3, "x"))
    with pytest.raises(LocalError, match=r"there is no topic nowhere at .*: `heatline topics apply` creates it"):
        await feed(str(path), kafka.bootstrap, console(), topic="nowhere")
    with pytest.raises(LocalError, match=r"no Kafka broker answers at 127\.0\.0\.1:1:"):
        await feed(str(path), "127.0.0.1:1", console())


async def test_a_record_that_the_broker_refuses_is_one_clear_error(kafka: KafkaServer, tmp_path: Path) -> None:
    """The sum says what was sent before."""
    path = tmp_path / "log"
    path.write_text('{"userId": "u", "x": "%s"}' % ("x" * 20_000))
    topic, shown = await new_topic(kafka, {"max.message.bytes": "10000"}), console()
    with pytest.raises(LocalError, match=f"{topic} does not take a record: .*[Tt]oo"):
        await feed(str(path), kafka.bootstrap, shown, topic=topic)
    assert "1 lines read = 0 sent" in said(shown)


@pytest.mark.parametrize("path", REAL_LOGS, ids=str)
async def test_a_real_log_arrives_to_the_line(kafka: KafkaServer, path: Path) -> None:
    """All 9,999 events of 10,000 lines, each visitor's in the order of the file."""
    topic = await new_topic(kafka)
    fed = await feed(str(path), kafka.bootstrap, console(), topic=topic)
    assert (fed.read, fed.sent, fed.unparsed) == (10_000, 9_999, 1)
    records = await records_of(kafka, topic, fed.sent)
    assert len({json.loads(record.value or b"")["messageId"] for record in records}) == 9_980


async def test_an_interrupted_feed_says_how_far_it_came(kafka: KafkaServer, tmp_path: Path) -> None:
    """What it says was sent is there, to the line."""
    path = tmp_path / "log"
    path.write_text("\n".join('{"userId": "u"}' for _ in range(200)))
    topic, shown = await new_topic(kafka), console()
    feeding = asyncio.create_task(feed(str(path), kafka.bootstrap, shown, topic=topic, pace=Pace(rate=20)))
    await records_of(kafka, topic, 3)
    feeding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await feeding
    match = re.search(r"(\d+) lines read = (\d+) sent to .* \+ (\d+) not sent", said(shown))
    assert match, said(shown)
    read, sent, not_sent = map(int, match.groups())
    assert read == sent + not_sent
    assert len(await records_of(kafka, topic, sent)) == sent >= 3
