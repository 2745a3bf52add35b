"""What waits to be sent, in Redis: shared by the notifier and the commands, on any machine.

The server must not evict keys (`maxmemory-policy noeviction`, the default), and what it loses when it dies is never
sent: give it `appendonly yes`. One that lost everything shows no positions, and the notifier goes on from now.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError

from engine.notify.port import (
    DEAD_MAX,
    DIGEST_MAX,
    ERASED_MAX,
    FULL,
    PENDING_MAX,
    QUEUE_MAX,
    WHY_CHARS_MAX,
    Batch,
    Claimed,
    Counts,
    Dead,
    Entry,
    Erased,
    Positions,
    PositionsMoved,
    Queue,
    StoreAway,
    Waiting,
)

PREFIX = "heatline:notify:1:"
"""Before every key; the number goes up when the layout changes."""

_SCRIPT = Path(__file__).with_name("store.lua")
_TIMEOUT_S = 5.0
_PAGE = 200
_SEPARATOR = "\x1f"

_encoder = msgspec.msgpack.Encoder()
_entries = msgspec.msgpack.Decoder(Entry)

Word = bytes | str | int


class RedisStore:
    """A `Store` in one Redis; connects when it is first used."""

    def __init__(
        self,
        url: str,
        prefix: str = PREFIX,
        queue_max: int = QUEUE_MAX,
        pending_max: int = PENDING_MAX,
        dead_max: int = DEAD_MAX,
        digest_max: int = DIGEST_MAX,
    ) -> None:
        """`url` as redis-py takes it (`redis://`, `rediss://`, `unix://`). Raises ValueError for another."""
        self._client = Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(ConstantBackoff(0.1), 1)
        )
        place = self._client.connection_pool.connection_kwargs
        self._where = place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"
        self._script = self._client.register_script(_SCRIPT.read_text())
        self._prefix = prefix
        self._queue_max, self._pending_max = queue_max, pending_max
        self._dead_max, self._digest_max = dead_max, digest_max

    async def positions(self) -> dict[tuple[str, int], int]:
        with self._named_errors():
            text = await self._client.get(self._prefix + "positions")
        rows = msgspec.json.decode(text or b"[]", type=list[tuple[str, int, int]])
        return {(topic, partition): offset for topic, partition, offset in rows}

    async def take(self, batch: Batch) -> None:
        words: list[Word] = [_positions_text(batch.since), _positions_text(batch.until), FULL]
        words += [self._queue_max, self._pending_max, self._dead_max, ERASED_MAX]
        for change in batch.changes:
            words += _words(change)
        if not await self._step("take", *words):
            raise PositionsMoved

    async def due(self, now_ms: int, limit: int) -> list[Queue]:
        with self._named_errors():
            queues = await self._client.zrangebyscore(self._prefix + "queues", "-inf", now_ms, 0, limit)
        return [_queue(name) for name in cast("list[bytes]", queues)]

    async def hold(self, queue: Queue, until_ms: int) -> None:
        with self._named_errors():
            await self._client.zadd(self._prefix + "queues", {_name(queue): until_ms}, xx=True)

    async def claim(self, queue: Queue, now_ms: int, until_ms: int, limit: int) -> list[Claimed]:
        found = await self._step("claim", _name(queue), now_ms, until_ms, limit, self._digest_max)
        return [_claimed(*one) for one in found]

    async def sent(self, queue: Queue, key: str) -> None:
        await self._step("sent", _name(queue), key)

    async def postpone(self, queue: Queue, key: str, due_ms: int, attempts: int, first_ms: int, why: str) -> None:
        await self._step("postpone", _name(queue), key, due_ms, f"{attempts} {first_ms}", why[:WHY_CHARS_MAX])

    async def bury(self, queue: Queue, key: str, at_ms: int, why: str) -> None:
        await self._step("bury", _name(queue), key, at_ms, why[:WHY_CHARS_MAX], self._dead_max)

    async def disable(self, queue: Queue, at_ms: int, why: str) -> None:
        await self._step("disable", _name(queue), at_ms, why[:WHY_CHARS_MAX], self._dead_max, self._digest_max)

    async def dead(self, limit: int, channel: str | None = None) -> list[Dead]:
        found: list[Dead] = []
        begin = 0
        while len(found) < limit:
            page = await self._step("dead", begin, begin + _PAGE - 1)
            letters = [_dead(*one) for one in page]
            found += [letter for letter in letters if channel in (None, letter.entry.queue.channel)]
            begin += _PAGE
            if len(page) < _PAGE:
                break
        return found[:limit]

    async def retry(self, keys: Sequence[str], now_ms: int) -> int:
        pages = [keys[begin : begin + _PAGE] for begin in range(0, len(keys), _PAGE)]
        return sum([int(await self._step("retry", now_ms, *page)) for page in pages])

    async def disabled(self) -> dict[Queue, str]:
        with self._named_errors():
            found = cast("dict[bytes, bytes]", await self._client.hgetall(self._prefix + "disabled"))
        return {_queue(name): why.decode() for name, why in found.items()}

    async def waiting(self) -> list[Waiting]:
        return sorted(_waiting(*one) for one in await self._step("waiting"))

    async def counts(self) -> Counts:
        with self._named_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hlen(self._prefix + "entry")
                pipeline.zcard(self._prefix + "dead")
                kept, dead = await pipeline.execute()
        return Counts(max(0, kept - dead), dead)

    async def close(self) -> None:
        await self._client.aclose()

    async def _step(self, step: str, *words: Word) -> Any:
        with self._named_errors():
            return await self._script(keys=[self._prefix], args=[step, *words])

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise StoreAway(f"Redis at {self._where}: {str(error) or type(error).__name__}") from error


def _positions_text(positions: Positions) -> bytes:
    """One text for equal positions, so that the script can compare them; `[]` for none."""
    return msgspec.json.encode(sorted((topic, partition, offset) for (topic, partition), offset in positions.items()))


def _words(change: Entry | Erased) -> list[Word]:
    """A change as the script reads it; an erasure has no name."""
    if isinstance(change, Erased):
        return ["", "", b"", change.pseudonym, change.at_ms, 0, "0", 0]
    lead: list[Word] = [change.pseudonym, change.time_ms]
    when: list[Word] = [change.due_ms, "1" if change.digest_ms else "0", change.made_ms]
    return [change.key, _name(change.queue), _encoder.encode(change), *lead, *when]


def _claimed(name: bytes, queue: bytes, tries: bytes, packed: list[bytes]) -> Claimed:
    entries = tuple(_entries.decode(one) for one in packed)
    attempts, first_ms = map(int, tries.split())
    key = name.decode()
    return Claimed(key, entries[0].id if key == entries[0].key else key, _queue(queue), entries, attempts, first_ms)


def _dead(packed: bytes, tries: bytes, at_ms: bytes, why: bytes) -> Dead:
    return Dead(_entries.decode(packed), int(tries.split()[0]), int(float(at_ms)), why.decode())


def _waiting(name: bytes, entries: int, since_ms: bytes, next_ms: bytes, why: bytes) -> Waiting:
    return Waiting(_queue(name), entries, int(float(since_ms)), int(float(next_ms)), why.decode())


def _name(queue: Queue) -> str:
    return _SEPARATOR.join(queue)


def _queue(name: bytes) -> Queue:
    channel, _, target = name.decode().partition(_SEPARATOR)
    return Queue(channel, target)
