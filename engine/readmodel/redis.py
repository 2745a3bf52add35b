"""A read model in Redis: shared by the projector, the board and the commands, on any machine.

The server must not evict keys (`maxmemory-policy noeviction`, the default), or what is held and the positions part.
A server that lost its memory shows no positions, so the projector starts anew.
"""

import secrets
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError

from engine.readmodel.port import (
    DOSSIERS_MAX,
    ERASED_MAX,
    GONE_MAX,
    LEADS_MAX,
    LOG_MAX,
    LOGS,
    Batch,
    Change,
    Counts,
    DossierKept,
    LeadErased,
    LeadGone,
    LeadScored,
    Log,
    Mark,
    Positions,
    PositionsMoved,
    Progress,
    ReadModelAway,
    Touched,
)

PREFIX = "heatline:4:"
"""Before every key; the number goes up when the layout changes, and the projector fills the new one."""

_SCRIPT = Path(__file__).with_name("apply.lua")
_TIMEOUT_S = 5.0
_LISTEN_S = 5.0


class _Order(NamedTuple):
    """How changes are counted: of which epoch, the last sequence, and the last one of those forgotten."""

    epoch: str
    last: int
    floor: int


class RedisReadModel:
    """A `ReadModel` in one Redis; connects when it is first used."""

    def __init__(
        self,
        url: str,
        prefix: str = PREFIX,
        leads_max: int = LEADS_MAX,
        log_max: int = LOG_MAX,
        dossiers_max: int = DOSSIERS_MAX,
        gone_max: int = GONE_MAX,
    ) -> None:
        """`url` as redis-py takes it (`redis://`, `rediss://`, `unix://`). Raises ValueError for another."""
        self._client = Redis.from_url(
            url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S, retry=Retry(ConstantBackoff(0.1), 1)
        )
        place = self._client.connection_pool.connection_kwargs
        self._where = place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"
        self._script = self._client.register_script(_SCRIPT.read_text())
        self._limits = (leads_max, log_max, ERASED_MAX, dossiers_max, gone_max)
        self._channel = prefix + "changed"
        self._positions, self._progress = prefix + "positions", prefix + "progress"
        self._scores, self._order, self._erased = prefix + "scores", prefix + "order", prefix + "erased"
        self._of_band, self._bands = prefix + "band", prefix + "bands"
        self._dossiers, self._named = prefix + "dossiers", prefix + "dossiers:named"
        self._touch, self._held, self._gone = prefix + "touch", prefix + "touch:held", prefix + "touch:gone"
        self._logs: dict[Log, tuple[str, str]] = {log: (prefix + log, f"{prefix}{log}:events") for log in LOGS}
        leads = [self._scores, self._order, self._erased, self._of_band, self._bands]
        dossiers = [self._dossiers, f"{prefix}dossiers:order", f"{prefix}dossiers:names", self._named]
        log_keys = [key for log in LOGS for key in (*self._logs[log], f"{prefix}{log}:leads")]
        touch = [self._touch, self._held, self._gone]
        self._keys = [self._positions, self._progress, *leads, *dossiers, *touch, *log_keys]

    async def apply(self, batch: Batch) -> None:
        arguments: list[bytes | str | float] = [
            _positions_text(batch.since),
            _positions_text(batch.until),
            msgspec.json.encode(batch.progress),
            *self._limits,
            secrets.token_hex(8),
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
        return (await self.scores([lead]))[0]

    async def scores(self, leads: Sequence[str]) -> list[bytes | None]:
        return await self._values(self._scores, leads)

    async def dossiers(self, leads: Sequence[str]) -> list[bytes | None]:
        return await self._values(self._dossiers, leads)

    async def named(self, pseudonyms: Sequence[str]) -> list[str | None]:
        found = await self._values(self._named, pseudonyms)
        return [None if lead is None else lead.decode() for lead in found]

    async def erased(self, pseudonym: str) -> int | None:
        return (await self.erasures([pseudonym]))[0]

    async def erasures(self, pseudonyms: Sequence[str]) -> list[int | None]:
        if not pseudonyms:
            return []
        with self._named_errors():
            found = await self._client.zmscore(self._erased, [*pseudonyms])
        return [None if at_ms is None else int(at_ms) for at_ms in found]

    async def touched(self, since: Mark | None, limit: int) -> Touched:
        after = since or Mark("", 0)
        order, leads = await self._after(after, limit)
        is_known = after.epoch == order.epoch and after.sequence <= order.last
        anew = not is_known or max(after.sequence, after.began) < order.floor
        if anew:
            after = Mark(order.epoch, 0, order.last)
            _, leads = await self._after(after, limit)
        sequence = leads[-1][0] if leads else after.sequence
        return Touched(after._replace(sequence=sequence), [lead for _, lead in leads], anew)

    async def _after(self, mark: Mark, limit: int) -> tuple[_Order, list[tuple[int, str]]]:
        """How changes are counted now, and what came after a mark, in one look."""
        begins = ((self._held, mark.sequence), (self._gone, max(mark.sequence, mark.began)))
        with self._named_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.info("server")
                pipeline.hmget(self._touch, ["epoch", "sequence", "floor"])
                for leads, begin in begins:
                    pipeline.zrangebyscore(leads, f"({begin}", "+inf", 0, limit, withscores=True)
                server, (epoch, last, floor), held, gone = await pipeline.execute()
        # A server that was restarted, or has taken over from another, may hold less than was read from it before.
        order = _Order((epoch or b"").decode() + server.get("run_id", ""), int(last or 0), int(floor or 0))
        found = sorted((int(sequence), lead.decode()) for lead, sequence in (*held, *gone))
        return order, found[:limit]

    async def latest(self, log: Log, limit: int) -> list[bytes]:
        if limit < 1:
            return []
        order, events = self._logs[log]
        with self._named_errors():
            return await self._ranked(order, events, limit, desc=True)

    async def logged(self, log: Log, entry: str) -> bytes | None:
        return (await self._values(self._logs[log][1], [entry]))[0]

    async def counts(self) -> Counts:
        with self._named_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                for order in (self._order, self._logs["alerts"][0], self._logs["assignments"][0]):
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

    async def _values(self, kept: str, names: Sequence[str]) -> list[bytes | None]:
        with self._named_errors():
            return cast("list[bytes | None]", await self._client.hmget(kept, [*names]) if names else [])

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
        case DossierKept(lead, event, pseudonym):
            return ["dossier", lead, 0, event, pseudonym or lead, 0]
        case LeadErased(lead, pseudonym, at_ms):
            return ["erased", lead or b"", at_ms, b"", pseudonym, at_ms]
        case _:
            return [change.log, change.id, change.at_ms, change.event, change.pseudonym, change.time_ms]
