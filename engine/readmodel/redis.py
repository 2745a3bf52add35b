"""A read model in Redis: shared by the projector, the board and the commands, on any machine.

The server must not evict keys (`maxmemory-policy noeviction`, the default), or what is held and the positions part.
A server that lost its memory shows no positions, so the projector starts anew.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError

from engine.readmodel.port import (
    ERASED_MAX,
    LEADS_MAX,
    LOG_MAX,
    LOGS,
    Batch,
    Change,
    Counts,
    LeadErased,
    LeadGone,
    LeadScored,
    Log,
    Positions,
    PositionsMoved,
    Progress,
    ReadModelAway,
)

PREFIX = "heatline:3:"
"""Before every key; the number goes up when the layout changes, and the projector fills the new one."""

_SCRIPT = Path(__file__).with_name("apply.lua")
_TIMEOUT_S = 5.0
_LISTEN_S = 5.0


class RedisReadModel:
    """A `ReadModel` in one Redis; connects when it is first used."""

    def __init__(self, url: str, prefix: str = PREFIX, leads_max: int = LEADS_MAX, log_max: int = LOG_MAX) -> None:
        """`url` as redis-py takes it (`redis://`, `rediss://`, `unix://`). Raises ValueError for another."""
        self._client = Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(ConstantBackoff(0.1), 1)
        )
        place = self._client.connection_pool.connection_kwargs
        self._where = place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"
        self._script = self._client.register_script(_SCRIPT.read_text())
        self._limits = (leads_max, log_max, ERASED_MAX)
        self._channel = prefix + "changed"
        self._positions, self._progress, self._scores, self._order, self._erased, self._of_band, self._bands = (
            prefix + name for name in ("positions", "progress", "scores", "order", "erased", "band", "bands")
        )
        self._logs: dict[Log, tuple[str, str]] = {log: (prefix + log, f"{prefix}{log}:events") for log in LOGS}
        log_keys = [key for log in LOGS for key in (*self._logs[log], f"{prefix}{log}:leads")]
        leads = [self._scores, self._order, self._erased, self._of_band, self._bands]
        self._keys = [self._positions, self._progress, *leads, *log_keys]

    async def apply(self, batch: Batch) -> None:
        arguments: list[bytes | str | float] = [
            _positions_text(batch.since),
            _positions_text(batch.until),
            msgspec.json.encode(batch.progress),
            *self._limits,
            self._channel,
        ]
        for change in batch.changes:
            arguments += _words(change)
        with self._named_errors():
            taken = await self._script(keys=self._keys, args=arguments)
        if not taken:
            raise PositionsMoved

    async def positions(self) -> dict[tuple[str, int], int]:
        with self._named_errors():
            text = await self._client.get(self._positions)
        rows = msgspec.json.decode(text or b"[]", type=list[tuple[str, int, int]])
        return {(topic, partition): offset for topic, partition, offset in rows}

    async def clear(self) -> None:
        with self._named_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.delete(*self._keys)
                pipeline.publish(self._channel, b"")
                await pipeline.execute()

    async def hottest(self, limit: int) -> list[bytes]:
        if limit < 1:
            return []
        with self._named_errors():
            return await self._ranked(self._order, self._scores, limit, desc=False)

    async def lead(self, lead: str) -> bytes | None:
        with self._named_errors():
            return cast("bytes | None", await self._client.hget(self._scores, lead))

    async def erased(self, pseudonym: str) -> int | None:
        with self._named_errors():
            at_ms = await self._client.zscore(self._erased, pseudonym)
        return None if at_ms is None else int(at_ms)

    async def latest(self, log: Log, limit: int) -> list[bytes]:
        if limit < 1:
            return []
        order, events = self._logs[log]
        with self._named_errors():
            return await self._ranked(order, events, limit, desc=True)

    async def counts(self) -> Counts:
        with self._named_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                for order in (self._order, *(self._logs[log][0] for log in LOGS)):
                    pipeline.zcard(order)
                return Counts(*await pipeline.execute())

    async def bands(self) -> dict[str, int]:
        with self._named_errors():
            counts = cast("dict[bytes, bytes]", await self._client.hgetall(self._bands))
        return {band.decode(): int(leads) for band, leads in counts.items()}

    async def progress(self) -> Progress | None:
        with self._named_errors():
            text = await self._client.get(self._progress)
        return msgspec.json.decode(text, type=Progress) if text else None

    async def changed(self) -> AsyncGenerator[None, None]:
        """As the port says; a subscription begins with its confirmation, and so does a renewed one."""
        with self._named_errors():
            async with self._client.pubsub() as listener:
                await listener.subscribe(self._channel)
                while True:
                    if await listener.get_message(timeout=_LISTEN_S) is None:
                        continue
                    while await listener.get_message(timeout=0) is not None:
                        pass
                    yield

    async def close(self) -> None:
        await self._client.aclose()

    async def _ranked(self, order: str, events: str, limit: int, *, desc: bool) -> list[bytes]:
        names = cast("list[bytes]", await self._client.zrange(order, 0, limit - 1, desc=desc))
        found = cast("list[bytes | None]", await self._client.hmget(events, names) if names else [])
        return [event for event in found if event is not None]

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise ReadModelAway(f"Redis at {self._where}: {str(error) or type(error).__name__}") from error


def _positions_text(positions: Positions) -> bytes:
    """One text for equal positions, so that the script can compare them; `[]` for none."""
    return msgspec.json.encode(sorted((topic, partition, offset) for (topic, partition), offset in positions.items()))


def _words(change: Change) -> list[bytes | str | float]:
    """A change as the script reads it: kind, name, rank, event, pseudonym (of a score: its band), time."""
    match change:
        case LeadScored(lead, total, band, event):
            return ["scored", lead, -total, event, band, 0]
        case LeadGone(lead):
            return ["gone", lead, 0, b"", b"", 0]
        case LeadErased(lead, pseudonym, at_ms):
            return ["erased", lead or b"", at_ms, b"", pseudonym, at_ms]
        case _:
            return [change.log, change.id, change.at_ms, change.event, change.pseudonym, change.time_ms]
