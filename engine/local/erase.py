"""`heatline erase`: asks the workers to erase a person, waits for the receipt, and says what only time takes away."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from engine.core.cloudevents import kind_of
from engine.core.decode import ID_CHARS_MAX
from engine.core.identity import person_key, public_id
from engine.core.instants import to_duration, to_rfc3339
from engine.core.messages import INBOX_TOPIC, LeadErase, encode
from engine.core.partitioner import PARTITIONERS
from engine.core.records import LeadErased
from engine.core.text import clean
from engine.local.errors import LocalError
from engine.local.producer import connected_producer
from engine.stream.admin import counts
from engine.stream.catalog import Catalog
from engine.stream.settings import StreamSettings
from engine.stream.whole import topic_reader

RECEIPTS_TOPIC = "lead-stages"
REASON_CHARS_MAX = 500
_KIND = kind_of("lead.erased")
_POLL_MS = 200


class Receipt(NamedTuple):
    """What a worker says that it has erased: the record as it stands on `lead-stages`, and its data."""

    event: bytes
    data: LeadErased


class _Event(msgspec.Struct):
    type: str
    data: LeadErased


_events = msgspec.json.Decoder(_Event)


def lead_id(text: str) -> str:
    """The id that workers know a lead by, of which `text` is one spelling. Raises LocalError where none can be so."""
    lead = public_id(person_key(text))
    if not lead or lead != clean(lead, ID_CHARS_MAX):
        raise LocalError(f"{text[:100]!r} is no id of a lead: expected one as `heatline leads` shows it")
    return lead


def asked(lead: str, reason: str, catalog: Catalog, now_ms: int) -> LeadErase:
    """The message that asks for `lead`, an id as workers know it, to be erased."""
    retentions_ms = [topic.retention_ms for topic in catalog.topics.values() if topic.cleanup == "delete"]
    times_ms = [None if kept_ms is None else now_ms + kept_ms for kept_ms in retentions_ms]
    last_ms = None if None in times_ms else max((time for time in times_ms if time is not None), default=now_ms)
    until = None if last_ms is None else to_rfc3339(last_ms)
    return LeadErase(lead, now_ms, clean(reason, REASON_CHARS_MAX), until)


def kept_by_time(catalog: Catalog, at_ms: int) -> Iterator[str]:
    """A line for each topic that no compaction cleans: until when it may hold records of somebody erased at `at_ms`."""
    for topic in catalog.topics.values():
        if topic.cleanup == "delete" and topic.retention_ms is None:
            yield f"{topic.name}: forever, as its retention says"
        elif topic.cleanup == "delete" and topic.retention_ms is not None:
            until = to_rfc3339(at_ms + topic.retention_ms)
            yield f"{topic.name}: {to_duration(topic.retention_ms)}, until {until}"


async def erase(message: LeadErase, hashed: str, stream: StreamSettings, wait_s: float) -> Receipt | None:
    """Ask for it, and give the receipt for the id that has this keyed hash; None where none came within `wait_s`.

    Raises LocalError or ClusterError where it cannot be asked.
    """
    async with topic_reader(stream, RECEIPTS_TOPIC) as reader:
        # Before the message leaves, so that no receipt is missed.
        for place, end in (await reader.end_offsets(reader.assignment())).items():
            reader.seek(place, end)
        await _send(message, stream)
        try:
            return await asyncio.wait_for(_receipt(reader, hashed, to_rfc3339(message.at)), wait_s)
        except TimeoutError:
            return None


async def _send(message: LeadErase, stream: StreamSettings) -> None:
    partitions = (await counts(stream.bootstrap, stream.security)).get(INBOX_TOPIC)
    if partitions is None:
        raise LocalError(f"there is no topic {INBOX_TOPIC} at {stream.bootstrap}: `heatline topics apply` creates it")
    key = message.lead.encode()
    home = PARTITIONERS[stream.partitioner](key, partitions)
    async with connected_producer(stream.bootstrap, stream.security) as producer:
        try:
            await producer.send_and_wait(INBOX_TOPIC, encode(message), key=key, partition=home)
        except KafkaError as error:
            raise LocalError(f"{INBOX_TOPIC} does not take a record: {error}") from error


async def _receipt(reader: AIOKafkaConsumer, hashed: str, at: str) -> Receipt:
    while True:
        for records in (await reader.getmany(timeout_ms=_POLL_MS)).values():
            for record in records:
                found = receipt(record.value) if record.key == hashed.encode() else None
                # It is done as of what was asked for, or of the last that the lead's row has seen.
                if found is not None and found.data.at >= at:
                    return found


def receipt(value: bytes | None) -> Receipt | None:
    """The receipt that a record of `lead-stages` is; None for any other."""
    try:
        event = _events.decode(value or b"")
    except (msgspec.DecodeError, RecursionError):
        return None
    return Receipt(value or b"", event.data) if event.type == _KIND else None
