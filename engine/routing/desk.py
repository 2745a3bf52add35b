"""A desk at work on its rows: what one change of a lead changes with it, and what can be taken back.

How many leads a rep has and which leads wait follow from the leads' rows, and only `Desk.hold` changes either.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from engine.core.flow import Rows
from engine.core.profile import DEPTH_MAX as ALIASES_MAX
from engine.routing.config import Routing
from engine.routing.rows import (
    LEAD,
    NO_LOAD,
    POOL,
    QUEUE,
    REP,
    WAIT,
    Held,
    Load,
    Pool,
    Queue,
    Row,
    Wait,
    begins,
    decode,
    due_of,
    pack,
    prefix_of,
)

_MERGES_MAX = ALIASES_MAX + 2
"""How often a lead is looked for under its next id: a browser's, an address, a userId and aliases of it."""


class Desk:
    """The rows of one desk as the records so far leave them. Changes wait in `changed`.

    `freed` are the reps who can take more than before: whoever waits for them is to be looked at.
    """

    def __init__(self, name: str, routing: Routing, rows: Rows, schedule: Callable[[int, bytes], None]) -> None:
        """`schedule` is told when a changed row is due."""
        self.name = name
        self.routing = routing
        self.freed: set[str] = set()
        self._prefix = name.encode() + b"/"
        self._rows = rows
        self._schedule = schedule
        self._seen: dict[bytes, Row | None] = {}
        self._changed: set[bytes] = set()
        self._before: dict[bytes, Row | None] = {}
        self._waiting: dict[str, Wait] | None = None
        self._moved: dict[str, set[str]] | None = None

    def begin(self) -> None:
        """A record begins: what it changes can be taken back."""
        self._before = {}
        self.freed = set()

    def take_back(self) -> None:
        """Leave every row as it was when the record began."""
        self._seen.update(self._before)
        self._waiting = self._moved = None
        self.begin()

    @property
    def changed(self) -> dict[bytes, bytes | None]:
        """The changed rows, None where one is gone."""
        rows = ((key, self._seen[key]) for key in sorted(self._changed))
        return {self._prefix + key: None if row is None else pack(row) for key, row in rows}

    def due_of(self, key: bytes) -> int | None:
        """When the row under a whole `key` is due as it stands, None where there is none."""
        name = key[len(self._prefix) :]
        if name in self._seen:
            row = self._seen[name]
            return None if row is None else row.due
        packed = self._rows.get(key)
        return None if packed is None else due_of(packed)

    def held(self, lead: str) -> Held | None:
        """The lead's row, None where it never asked for a rep."""
        row = self._row(LEAD + lead.encode())
        return row if isinstance(row, Held) else None

    def current(self, lead: str) -> str:
        """The lead as it is called now: what a rep has on the screen may be merged with another since."""
        for _ in range(_MERGES_MAX):
            held = self.held(lead)
            if held is None or held.moved is None:
                break
            lead = held.moved
        return lead

    def hold(self, lead: str, held: Held | None) -> None:
        """The lead's row from now on; what its rep has and who waits follow."""
        before = self.held(lead)
        left, taken = (None if one is None else one.load for one in (before, held))
        if left != taken:
            if left is not None:
                load = self.load(left)
                less = replace(load, open=max(0, load.open - 1))
                # Nothing is known of a rep who is no more once the last lead has gone to another.
                self._put(REP + left.encode(), less if less.open or left in self.routing.reps else None)
                self.freed.add(left)
            if taken is not None:
                load = self.load(taken)
                self._put(REP + taken.encode(), replace(load, open=load.open + 1))
        self._wait(lead, None if before is None else before.wait, None if held is None else held.wait)
        self._move(lead, None if before is None else before.moved, None if held is None else held.moved)
        self._put(LEAD + lead.encode(), held)

    def load(self, rep: str) -> Load:
        """What the rep has."""
        row = self._row(REP + rep.encode())
        return row if isinstance(row, Load) else NO_LOAD

    def set_load(self, rep: str, load: Load) -> None:
        """What the rep has from now on, but for open leads."""
        self._put(REP + rep.encode(), replace(load, open=self.load(rep).open))

    def give_up(self, key: bytes) -> None:
        """The row under a whole `key`, none of a lead, is gone."""
        self._put(key[len(self._prefix) :], None)

    def pool(self, pool: str) -> Pool:
        """Whose turn it is in the pool."""
        row = self._row(POOL + pool.encode())
        return row if isinstance(row, Pool) else Pool(None, 0, {})

    def set_pool(self, pool: str, row: Pool) -> None:
        """Whose turn it is from now on."""
        self._put(POOL + pool.encode(), row)

    @property
    def queue(self) -> Queue:
        """How many leads wait."""
        row = self._row(QUEUE)
        return row if isinstance(row, Queue) else Queue()

    def look_at_queue(self, due_ms: int | None) -> None:
        """Look who is there for those who wait at `due_ms` at the latest; None: whenever something changes."""
        self._put(QUEUE, replace(self.queue, due=due_ms))

    def waiting(self) -> list[tuple[str, Wait]]:
        """Who waits, in the order in which they go out: by score, then age."""
        if self._waiting is None:
            self._waiting = dict(self._every(WAIT, decode))
        return sorted(self._waiting.items(), key=lambda item: (-item[1].score, item[1].since_ms, item[0]))

    def leads_of(self, rep: str) -> list[tuple[str, Held]]:
        """The leads that the rep has, by id. It looks at all, as far as it must: there may be a hundred thousand."""
        found = sorted(lead for lead, row in self._every(LEAD, begins) if row.rep == rep)
        return [(lead, held) for lead in found if (held := self.held(lead)) is not None]

    def were(self, lead: str) -> Collection[str]:
        """The leads that are `lead` by now. It looks at all leads, once."""
        if self._moved is None:
            self._moved = {}
            for other, held in self._every(LEAD, decode):
                self._move(other, None, held.moved)
        return self._moved.get(lead, ())

    def _every(self, prefix: bytes, read: Callable[[bytes, bytes], Any]) -> Iterator[tuple[str, Any]]:
        """Every row of a kind by its id, what was changed as it stands and any other as `read` reads it."""
        begin, whole = len(self._prefix), self._prefix + prefix
        for key, packed in self._rows.items():
            if key.startswith(whole) and (name := key[begin:]) not in self._seen:
                yield name.removeprefix(prefix).decode(), read(name, packed)
        for name, row in self._seen.items():
            if name.startswith(prefix) and row is not None:
                yield name.removeprefix(prefix).decode(), row

    def read(self, key: bytes) -> tuple[str, str, Row] | None:
        """Kind, id and content of the row under a whole `key`; None where there is none."""
        name = key[len(self._prefix) :]
        prefix, row = prefix_of(name), self._row(name)
        return None if row is None else (prefix.decode().rstrip("/"), name.removeprefix(prefix).decode(), row)

    def _move(self, lead: str, before: str | None, after: str | None) -> None:
        if self._moved is not None and before != after:
            if before is not None:
                self._moved.get(before, set()).discard(lead)
            if after is not None:
                self._moved.setdefault(after, set()).add(lead)

    def _wait(self, lead: str, before: Wait | None, after: Wait | None) -> None:
        if before == after:
            return
        self._put(WAIT + lead.encode(), after)
        if self._waiting is not None:
            self._waiting.pop(lead, None)
            if after is not None:
                self._waiting[lead] = after
        more = (after is not None) - (before is not None)
        if more:
            self._put(QUEUE, replace(self.queue, waiting=self.queue.waiting + more))

    def _row(self, name: bytes) -> Row | None:
        if name in self._seen:
            return self._seen[name]
        packed = self._rows.get(self._prefix + name)
        row = self._seen[name] = None if packed is None else decode(name, packed)
        return row

    def _put(self, name: bytes, row: Row | None) -> None:
        if name not in self._before:
            self._before[name] = self._row(name)
        self._seen[name] = row
        self._changed.add(name)
        if row is not None and row.due is not None:
            self._schedule(row.due, self._prefix + name)


def erased(lead: str, desk: Desk) -> Sequence[str]:
    """The leads to forget with `lead`: itself, and those that were one with it."""
    found = [lead]
    for name in found:
        found += sorted(set(desk.were(name)).difference(found))
    return found
