"""`heatline dead-letters list|show|retry`: what was rejected and why, and sending it again.

A retry writes the original bytes, key, headers, partition and timestamp, with the header `heatline-retried` that names
the dead letter, and in the same transaction a receipt into `dead-letters`: a record without a value and with the same
header. Receipts are how a later retry knows. The transactional id is opened before they are read, so that of two
retries at once only the later one goes on. Without transactions (`plain`) receipts follow the records: a crash
between the two can double what was in flight.
"""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from aiokafka import AIOKafkaConsumer

from engine.core.rejects import TOPIC, restore
from engine.stream.admin import counts
from engine.stream.letters import Letter, Receipt, Row, Wanted, read, row
from engine.stream.resend import Sender, fresh_sender
from engine.stream.settings import StreamSettings
from engine.stream.whole import every_record, topic_reader

LISTED_MAX = 100
BATCH = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """The newest `rows` of `matched` dead letters; `foreign` records in the topic are not Heatline's."""

    rows: list[Row]
    matched: int
    foreign: int


@dataclass(frozen=True, slots=True)
class Found:
    """A dead letter and whether it was sent again."""

    letter: Letter
    retried: bool


@dataclass(frozen=True, slots=True)
class Retried:
    """Ids of the dead letters sent again (with `dry_run`: that would be), and those kept back, with the reason."""

    sent: list[str]
    kept: list[tuple[str, str]]


async def listing(settings: StreamSettings, wanted: Wanted, limit: int = LISTED_MAX) -> Listing:
    """The newest `limit` dead letters that are wanted, oldest first. Raises ClusterError."""
    rows: deque[Row] = deque(maxlen=limit)
    receipts: set[str] = set()
    matched = foreign = 0
    async with topic_reader(settings, TOPIC) as consumer:
        async for record in every_record(consumer):
            match read(record):
                case Letter() as letter if wanted.takes(letter):
                    matched += 1
                    rows.append(row(letter))
                case Receipt(letter=place):
                    receipts.add(place)
                case None:
                    foreign += 1
    shown = [replace(one, retried=one.id in receipts) for one in rows]
    return Listing(sorted(shown, key=lambda one: one.at), matched, foreign)


async def find(settings: StreamSettings, place: str) -> list[Found]:
    """The dead letters at a place: a letter's own, or that of the record it holds. Raises ClusterError."""
    letters: list[Letter] = []
    receipts: set[str] = set()
    async with topic_reader(settings, TOPIC) as consumer:
        async for record in every_record(consumer):
            match read(record):
                case Letter() as letter if Wanted(place=place).takes(letter):
                    letters.append(letter)
                case Receipt(letter=retried):
                    receipts.add(retried)
    return [Found(letter, letter.id in receipts) for letter in letters]


async def retry(
    settings: StreamSettings, wanted: Wanted, *, again: bool = False, dry_run: bool = False, limit: int | None = None
) -> Retried:
    """Sends the wanted dead letters again, at most `limit`, each once unless `again`. Raises ClusterError.

    In the order of `dead-letters`, which within a partition is that of rejection. A record older than its topic's
    retention can be deleted there before anybody reads it. After an error run it again: what was sent is recorded.
    """
    done = Retried([], [])
    async with _sender(settings, dry_run) as sender, topic_reader(settings, TOPIC) as consumer:
        partitions = await counts(settings.bootstrap, settings.security)
        receipts = set() if again else await _receipts(consumer)
        batch: list[Letter] = []
        async for record in every_record(consumer):
            letter = read(record)
            if not isinstance(letter, Letter) or not wanted.takes(letter):
                continue
            if limit is not None and len(done.sent) + len(batch) >= limit:
                break
            why_not = _obstacle(letter, partitions, receipts)
            if why_not:
                done.kept.append((letter.id, why_not))
                continue
            batch.append(letter)
            if len(batch) == BATCH:
                await _send(sender, batch, done)
                batch = []
        await _send(sender, batch, done)
    return done


def _obstacle(letter: Letter, partitions: dict[str, int], receipts: set[str]) -> str:
    """Why a letter is not sent again; empty where it is."""
    payload = letter.body.payload
    if letter.id in receipts:
        return "already retried; --again sends it once more"
    if payload.topic not in partitions:
        return f"there is no topic {payload.topic}"
    if not 0 <= payload.partition < partitions[payload.topic]:
        return f"topic {payload.topic} has no partition {payload.partition}"
    try:
        restore(payload)
    except (ValueError, OverflowError) as error:
        return str(error)
    return ""


async def _send(sender: Sender | None, batch: list[Letter], done: Retried) -> None:
    refused = await sender.send(batch) if sender and batch else {}
    done.sent.extend(letter.id for letter in batch if letter.id not in refused)
    done.kept.extend(refused.items())


async def _receipts(consumer: AIOKafkaConsumer) -> set[str]:
    return {known.letter async for record in every_record(consumer) if isinstance(known := read(record), Receipt)}


@asynccontextmanager
async def _sender(settings: StreamSettings, dry_run: bool) -> AsyncIterator[Sender | None]:
    if dry_run:
        yield None
        return
    sender = await fresh_sender(settings)
    try:
        yield sender
    finally:
        await sender.close()
