"""Dead letters in a real Kafka: listed, shown, and sent again to the byte, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from engine.core.flow import InputRecord
from engine.core.records import Reason
from engine.core.rejects import TOPIC, VALUE_BYTES_MAX, reject
from engine.stream import deadletters
from engine.stream.admin import ClusterError, apply, counts
from engine.stream.catalog import SHIPPED, parse, read
from engine.stream.letters import RECEIPT, Wanted
from engine.stream.resend import fresh_sender
from engine.stream.settings import StreamSettings
from tests.servers.kafka import KafkaServer

SOURCE = "visitor-events"
RECORDS = [
    InputRecord(SOURCE, 1, 0, 1_700_000_000_123, b"anna", b"{oops", ()),
    InputRecord(SOURCE, 2, 7, 1_000, b"\xff\x00", b"\x00\xfe", (("h", None), ("h", b""), ("i", b"\xff"))),
    InputRecord(SOURCE, 3, 9, 1_700_000_000_456, b"", b"", (("traceparent", b"00-1"),)),
    InputRecord(SOURCE, 0, 2**40, 1_700_000_000_789, None, None, ()),
    InputRecord(SOURCE, 0, 5, -1, b"k", None, ()),
    InputRecord(SOURCE, 0, 6, 2**60, b"k", b"v", ()),
]


@pytest.fixture
def bootstrap(broker: KafkaServer) -> str:
    """The address of a broker whose topics each test makes anew."""
    return broker.bootstrap


@pytest.fixture
async def settings(bootstrap: str) -> AsyncIterator[StreamSettings]:
    """The catalog's topics with four lanes and nothing in them."""
    report = await apply(read().with_partitions({SOURCE: 4}), bootstrap)
    assert not report.problems
    yield StreamSettings(bootstrap=bootstrap)
    await delete_topics(bootstrap)


async def delete_topics(bootstrap: str) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        await client.delete_topics(list(read().topics))
        while set(read().topics) & set(await client.list_topics()):  # noqa: ASYNC110  a broker gives no sign
            await asyncio.sleep(0.02)
    finally:
        await client.close()


@asynccontextmanager
async def producer(settings: StreamSettings, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(**settings.client, acks="all", **options)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def rejected(settings: StreamSettings, *records: InputRecord, reason: Reason = "json") -> None:
    """Writes dead letters as a lane does: in a transaction."""
    async with producer(settings, transactional_id="test-lane") as client, client.transaction():
        for record in records:
            out = reject(record, reason, None, "not JSON", record.timestamp)
            await client.send_and_wait(out.topic, out.value, key=out.key, headers=list(out.headers))
    await stored(settings, TOPIC)


async def stored(settings: StreamSettings, topic: str) -> list[ConsumerRecord]:
    """Every committed record of a topic, once what was written is either committed or aborted."""
    everything = AIOKafkaConsumer(**settings.client)
    client = AIOKafkaConsumer(**settings.client, isolation_level="read_committed", auto_offset_reset="earliest")
    await everything.start()
    await client.start()
    try:
        places = [TopicPartition(topic, number) for number in range((await counts(settings.bootstrap))[topic])]
        client.assign(places)
        # The broker ends a transaction on each partition a little after it has told its producer so.
        ends = await everything.end_offsets(places)
        found: list[ConsumerRecord] = []
        while any([await client.position(place) < ends[place] for place in places]):
            for records in (await client.getmany(timeout_ms=100)).values():
                found += records
        return found
    finally:
        await everything.stop()
        await client.stop()


def bare(record: ConsumerRecord | InputRecord) -> tuple[object, ...]:
    """What a retry must give back, without the mark that it is one."""
    headers = tuple((name, value) for name, value in record.headers if name != RECEIPT)
    return record.partition, record.timestamp, record.key, record.value, headers


async def test_a_retry_gives_the_records_back_to_the_byte_and_only_once(settings: StreamSettings) -> None:
    """Partition, time, key, value and headers, null and empty apart; each says which dead letter it was."""
    await rejected(settings, *RECORDS)
    listing = await deadletters.listing(settings, Wanted())
    assert sorted(row.original for row in listing.rows) == sorted(
        f"{r.topic}/{r.partition}/{r.offset}" for r in RECORDS
    )
    assert not any(row.retried for row in listing.rows)

    dry = await deadletters.retry(settings, Wanted(), dry_run=True)
    assert sorted(dry.sent) == sorted(row.id for row in listing.rows)
    assert await stored(settings, SOURCE) == []

    done = await deadletters.retry(settings, Wanted())
    assert (sorted(done.sent), done.kept) == (sorted(dry.sent), [])
    sent = await stored(settings, SOURCE)
    assert sorted(map(repr, map(bare, sent))) == sorted(map(repr, map(bare, RECORDS)))
    marks = [dict(record.headers)[RECEIPT].decode() for record in sent]
    assert sorted(marks) == sorted(done.sent)

    second = await deadletters.retry(settings, Wanted())
    assert second.sent == []
    assert {why for _, why in second.kept} == {"already retried; --again sends it once more"}
    assert all(row.retried for row in (await deadletters.listing(settings, Wanted())).rows)
    assert len(await stored(settings, SOURCE)) == len(RECORDS)

    await deadletters.retry(settings, Wanted(place="visitor-events/1/0"), again=True)
    assert len(await stored(settings, SOURCE)) == len(RECORDS) + 1


async def test_one_letter_is_found_by_either_place(settings: StreamSettings) -> None:
    """By its own place in `dead-letters`, and by that of the record it holds."""
    await rejected(settings, RECORDS[1])
    (row,) = (await deadletters.listing(settings, Wanted())).rows
    for place in (row.id, row.original):
        (found,) = await deadletters.find(settings, place)
        assert (found.letter.id, found.retried) == (row.id, False)
    assert await deadletters.find(settings, "visitor-events/1/99") == []


async def test_a_record_rejected_again_names_only_its_latest_letter(settings: StreamSettings) -> None:
    """However often a record comes back, it does not grow."""
    await rejected(settings, RECORDS[0])
    first = (await deadletters.retry(settings, Wanted())).sent
    (back,) = await stored(settings, SOURCE)
    await rejected(settings, InputRecord(SOURCE, 1, back.offset, back.timestamp, back.key, back.value, back.headers))
    second = (await deadletters.retry(settings, Wanted())).sent
    assert first != second
    marks = [value.decode() for name, value in (await stored(settings, SOURCE))[-1].headers if name == RECEIPT]
    assert marks == second


async def test_filters_and_limits_narrow_what_is_listed_and_sent(settings: StreamSettings) -> None:
    """By reason and topic; the newest are listed, the oldest are sent first."""
    await rejected(settings, *RECORDS[:2], reason="size")
    await rejected(settings, *RECORDS[2:])
    sizes = await deadletters.listing(settings, Wanted(reason="size"))
    assert (sizes.matched, {row.reason for row in sizes.rows}) == (2, {"size"})
    assert (await deadletters.listing(settings, Wanted(topic="rep-events"))).rows == []
    assert len((await deadletters.listing(settings, Wanted(), limit=3)).rows) == 3
    assert len((await deadletters.retry(settings, Wanted(reason="size"), limit=1)).sent) == 1
    assert len((await deadletters.retry(settings, Wanted(reason="size"), limit=5)).sent) == 1


async def test_what_cannot_be_sent_again_is_kept_and_said(settings: StreamSettings) -> None:
    """Truncated, from a topic or partition that is gone, or refused by the broker: the rest goes on."""
    await rejected(
        settings,
        RECORDS[0]._replace(value=b"x" * (VALUE_BYTES_MAX + 1)),
        RECORDS[0]._replace(topic="gone"),
        RECORDS[0]._replace(partition=4),
        RECORDS[0]._replace(value=b"x" * 5_000),
        RECORDS[0],
    )
    small = SHIPPED.read_text(encoding="utf-8").replace(
        "retention: 7d", "retention: 7d\n    max_message_bytes: 2000", 1
    )
    assert (await apply(parse(small).with_partitions({SOURCE: 4}), settings.bootstrap)).altered
    done = await deadletters.retry(settings, Wanted())
    assert len(done.sent) == 1
    refused, *others = sorted(why for _, why in done.kept)
    assert refused.startswith("refused by the broker")
    assert others == [
        "the record was truncated: its original bytes are gone",
        "there is no topic gone",
        "topic visitor-events has no partition 4",
    ]
    assert list(map(bare, await stored(settings, SOURCE))) == [bare(RECORDS[0])]


async def test_of_two_retries_at_once_the_later_one_goes_on(settings: StreamSettings) -> None:
    """The earlier one is shut out before it can send what the later one has not seen."""
    await rejected(settings, RECORDS[0])
    (found,) = await deadletters.find(settings, "visitor-events/1/0")
    earlier = await fresh_sender(settings)
    await deadletters.retry(settings, Wanted())
    with pytest.raises(ClusterError):
        await earlier.send([found.letter])
    await earlier.close()
    assert len(await stored(settings, SOURCE)) == 1


async def test_records_of_others_in_the_topic_are_counted(settings: StreamSettings) -> None:
    """They stop neither list nor retry."""
    async with producer(settings) as client:
        await client.send_and_wait(TOPIC, b"hello")
        await client.send_and_wait(TOPIC, None, key=b"k")
    await rejected(settings, RECORDS[0])
    listing = await deadletters.listing(settings, Wanted())
    assert (listing.foreign, listing.matched) == (2, 1)
    assert len((await deadletters.retry(settings, Wanted())).sent) == 1


async def test_plain_brokers_get_records_and_receipts_without_transactions(settings: StreamSettings) -> None:
    """The same result, without the guarantee."""
    plain = StreamSettings(bootstrap=settings.bootstrap, plain=True)
    await rejected(settings, *RECORDS)
    assert len((await deadletters.retry(plain, Wanted())).sent) == len(RECORDS)
    assert (await deadletters.retry(plain, Wanted())).sent == []
    assert len(await stored(settings, SOURCE)) == len(RECORDS)


async def test_without_the_topic_or_the_cluster_one_line_says_so(bootstrap: str) -> None:
    """What is missing, where, and the command that mends it."""
    with pytest.raises(ClusterError, match=r"no topic dead-letters at .*`heatline topics apply`"):
        await deadletters.listing(StreamSettings(bootstrap=bootstrap), Wanted())
    with pytest.raises(ClusterError, match=r"no Kafka cluster can be reached at 127\.0\.0\.1:1"):
        await deadletters.listing(StreamSettings(bootstrap="127.0.0.1:1"), Wanted())
