"""What waits to be sent, in this process: for tests, and to say what the port means."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    PositionsMoved,
    Queue,
    Waiting,
)


@dataclass(slots=True)
class _Message:
    entries: dict[str, Entry]
    due_ms: int
    attempts: int = 0
    first_ms: int = 0


class MemoryStore:
    """A `Store` that ends with its process."""

    def __init__(
        self,
        queue_max: int = QUEUE_MAX,
        pending_max: int = PENDING_MAX,
        dead_max: int = DEAD_MAX,
        digest_max: int = DIGEST_MAX,
    ) -> None:
        """An empty one."""
        self._queue_max, self._pending_max = queue_max, pending_max
        self._dead_max, self._digest_max = dead_max, digest_max
        self._positions: dict[tuple[str, int], int] = {}
        self._queues: dict[Queue, int] = {}
        self._messages: dict[Queue, dict[str, _Message]] = {}
        self._pens: dict[Queue, dict[str, tuple[int, Entry]]] = {}
        self._dead: dict[str, Dead] = {}
        self._since_ms: dict[str, int] = {}
        self._failing: dict[Queue, str] = {}
        self._disabled: dict[Queue, str] = {}
        self._erased: dict[str, int] = {}

    async def positions(self) -> dict[tuple[str, int], int]:
        return dict(self._positions)

    async def take(self, batch: Batch) -> None:
        if self._positions != batch.since:
            raise PositionsMoved
        for change in batch.changes:
            if isinstance(change, Erased):
                self._erase(change)
            else:
                self._add(change)
        self._positions = dict(batch.until)

    async def due(self, now_ms: int, limit: int) -> list[Queue]:
        shown = sorted((at_ms, queue) for queue, at_ms in self._queues.items() if at_ms <= now_ms)
        return [queue for _, queue in shown[:limit]]

    async def hold(self, queue: Queue, until_ms: int) -> None:
        if queue in self._queues:
            self._queues[queue] = until_ms

    async def claim(self, queue: Queue, now_ms: int, until_ms: int, limit: int) -> list[Claimed]:
        self._bundle(queue, now_ms)
        messages = self._messages.get(queue, {})
        due = sorted((one.due_ms, key) for key, one in messages.items() if one.due_ms <= now_ms)
        claimed = []
        for _, key in due[:limit]:
            one = messages[key]
            if not one.entries:
                del messages[key]
                continue
            one.due_ms = until_ms
            first, *_ = entries = tuple(one.entries.values())
            claimed.append(
                Claimed(key, first.id if key == first.key else key, queue, entries, one.attempts, one.first_ms)
            )
        self._show(queue)
        return claimed

    async def sent(self, queue: Queue, key: str) -> None:
        one = self._messages.get(queue, {}).pop(key, None)
        self._failing.pop(queue, None)
        for name in one.entries if one else ():
            del self._since_ms[name]
        self._show(queue)

    async def postpone(self, queue: Queue, key: str, due_ms: int, attempts: int, first_ms: int, why: str) -> None:
        one = self._messages.get(queue, {}).get(key)
        if one is not None:
            one.due_ms, one.attempts, one.first_ms = due_ms, attempts, first_ms
            self._failing[queue] = why[:WHY_CHARS_MAX]
            self._show(queue)

    async def bury(self, queue: Queue, key: str, at_ms: int, why: str) -> None:
        one = self._messages.get(queue, {}).pop(key, None)
        if one is not None:
            self._bury(one, at_ms, why)
            self._show(queue)

    async def disable(self, queue: Queue, at_ms: int, why: str) -> None:
        self._disabled[queue] = why[:WHY_CHARS_MAX]
        for _, entry in self._pens.pop(queue, {}).values():
            self._bury(_Message({entry.key: entry}, 0), at_ms, why)
        for one in self._messages.pop(queue, {}).values():
            self._bury(one, at_ms, why)
        self._show(queue)

    async def dead(self, limit: int, channel: str | None = None) -> list[Dead]:
        newest = sorted(self._dead.values(), key=lambda letter: (letter.at_ms, letter.entry.key), reverse=True)
        return [letter for letter in newest if channel in (None, letter.entry.queue.channel)][:limit]

    async def retry(self, keys: Sequence[str], now_ms: int) -> int:
        letters = [letter for key in keys if (letter := self._dead.pop(key, None)) is not None]
        for entry, *_ in letters:
            self._disabled.pop(entry.queue, None)
            self._put(entry, now_ms, now_ms)
            self._show(entry.queue)
        return len(letters)

    async def disabled(self) -> dict[Queue, str]:
        return dict(self._disabled)

    async def waiting(self) -> list[Waiting]:
        made = []
        for queue, next_ms in sorted(self._queues.items()):
            since_ms = [self._since_ms[name] for name in self._names(queue)]
            made.append(Waiting(queue, len(since_ms), min(since_ms), next_ms, self._failing.get(queue, "")))
        return made

    async def counts(self) -> Counts:
        return Counts(self._pending(), len(self._dead))

    async def close(self) -> None:
        pass

    def _pending(self) -> int:
        in_messages = (len(one.entries) for messages in self._messages.values() for one in messages.values())
        return sum(in_messages) + sum(len(pen) for pen in self._pens.values())

    def _add(self, entry: Entry) -> None:
        erased_ms = self._erased.get(entry.pseudonym)
        if (erased_ms is not None and entry.time_ms <= erased_ms) or self._has(entry):
            return
        why = self._disabled.get(entry.queue)
        waiting = len(self._messages.get(entry.queue, ())) + len(self._pens.get(entry.queue, ()))
        if why is None and (waiting >= self._queue_max or self._pending() >= self._pending_max):
            why = FULL
        if why is not None:
            self._bury(_Message({entry.key: entry}, 0), entry.made_ms, why)
            return
        self._put(entry, entry.due_ms, entry.made_ms)
        self._queues[entry.queue] = min(entry.due_ms, self._queues.get(entry.queue, entry.due_ms))

    def _has(self, entry: Entry) -> bool:
        messages = self._messages.get(entry.queue, {}).values()
        waits = any(entry.key in one.entries for one in messages)
        return waits or entry.key in self._dead or entry.key in self._pens.get(entry.queue, {})

    def _names(self, queue: Queue) -> list[str]:
        """The entries that wait in a queue."""
        in_messages = [name for one in self._messages.get(queue, {}).values() for name in one.entries]
        return in_messages + list(self._pens.get(queue, ()))

    def _put(self, entry: Entry, due_ms: int, since_ms: int) -> None:
        self._since_ms[entry.key] = since_ms
        if entry.digest_ms:
            self._pens.setdefault(entry.queue, {})[entry.key] = (due_ms, entry)
        else:
            self._messages.setdefault(entry.queue, {})[entry.key] = _Message({entry.key: entry}, due_ms)

    def _bundle(self, queue: Queue, now_ms: int) -> None:
        """What waited for its digest becomes messages, in order of arrival."""
        pen = self._pens.get(queue, {})
        ripe = [key for _, key in sorted((due_ms, key) for key, (due_ms, _) in pen.items() if due_ms <= now_ms)]
        for begin in range(0, len(ripe), self._digest_max):
            entries = {key: pen.pop(key)[1] for key in ripe[begin : begin + self._digest_max]}
            self._messages.setdefault(queue, {})[f"digest-{ripe[begin]}"] = _Message(entries, now_ms)

    def _bury(self, one: _Message, at_ms: int, why: str) -> None:
        for key, entry in one.entries.items():
            self._since_ms.pop(key, None)
            self._dead[key] = Dead(entry, one.attempts, at_ms, why[:WHY_CHARS_MAX])
        while len(self._dead) > self._dead_max:
            del self._dead[min(self._dead, key=lambda key: (self._dead[key].at_ms, key))]

    def _erase(self, erased: Erased) -> None:
        def goes(entry: Entry) -> bool:
            return entry.pseudonym == erased.pseudonym and entry.time_ms <= erased.at_ms

        self._dead = {key: letter for key, letter in self._dead.items() if not goes(letter.entry)}
        for queue, pen in self._pens.items():
            self._pens[queue] = {key: kept for key, kept in pen.items() if not goes(kept[1])}
        for messages in self._messages.values():
            for key, one in list(messages.items()):
                one.entries = {name: entry for name, entry in one.entries.items() if not goes(entry)}
                if not one.entries:
                    del messages[key]
        for queue in list(self._queues):
            self._show(queue)
        left = {name for queue in self._queues for name in self._names(queue)}
        self._since_ms = {name: since_ms for name, since_ms in self._since_ms.items() if name in left}
        self._erased[erased.pseudonym] = max(erased.at_ms, self._erased.get(erased.pseudonym, erased.at_ms))
        if len(self._erased) > ERASED_MAX:
            del self._erased[min(self._erased, key=lambda name: (self._erased[name], name))]

    def _show(self, queue: Queue) -> None:
        """When to look at a queue next, by what waits in it."""
        waiting = [one.due_ms for one in self._messages.get(queue, {}).values()]
        waiting += [due_ms for due_ms, _ in self._pens.get(queue, {}).values()]
        if waiting:
            self._queues[queue] = min(waiting)
        else:
            self._queues.pop(queue, None)
            self._failing.pop(queue, None)
