"""The rows of a desk: who has a lead and what is due, what a rep can still take, whose turn it is, who waits.

    lead/<lead>  Held      rep/<rep>  Load      pool/<pool>  Pool      wait/<lead>  Wait      queue  Queue

each under the name of its desk. What a lead's row says is said once more where it is looked for: how many leads a rep
has, and which leads wait. Both follow from the leads' rows, and only `Desk.hold` changes either.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import msgspec

from engine.core.flow import Rows
from engine.core.messages import LeadRequested
from engine.core.profile import DEPTH_MAX as ALIASES_MAX
from engine.routing.config import Routing

ALERTS_MAX = 8

State = Literal["waiting", "assigned", "accepted", "contacted", "closed", "moved"]
"""Of a lead: waits for a rep; is with one who has not said a word, has accepted it, or has been in touch with it; sales
are done with it; is another lead by now.
"""
PENDING: frozenset[State] = frozenset({"assigned", "accepted"})
"""Somebody has the lead, and has not been in touch with it."""
OPEN: frozenset[State] = frozenset({*PENDING, "contacted"})
"""Somebody has the lead and works on it."""


class Clock(msgspec.Struct, array_like=True, frozen=True):
    """What the rep who has a lead has to do, `left_ms` of working time after `since_ms`.

    Of that time the reminder comes after `remind_ms`, null where there is none or it came. `due_at` and `remind_at` are
    the instants that follow as things stand; null while nobody knows when the rep is back.
    """

    step: Literal["accept", "contact"]
    since_ms: int
    left_ms: int
    remind_ms: int | None
    due_at: int | None = None
    remind_at: int | None = None


class Wait(msgspec.Struct, array_like=True, frozen=True):
    """A lead that waits, its score and since when: what goes out first.

    Leads with the same `sort` wait for the same reps: when nobody is there for one, nobody is for the other.
    """

    due: None
    score: float
    since_ms: int
    sort: bytes


class Held(msgspec.Struct, array_like=True, frozen=True):
    """A lead that asked for a rep: who has it, by which team, rule and region, and since when it is in its `state`.

    `due` is when time alone will change the row. `alerts` are the ids of the last eight that were answered, newest
    last; `asked` is the last request, packed. `profile` is the key of the lead's row and `partition` its home.
    `attempt` counts who got the lead for the same cause; `missed` are those of them who were too late, `declined` those
    who did not want it. `call_at`: when the rep wants to be told to call again; `moved`: the lead that it is now.
    """

    due: int | None
    state: State
    rep: str | None
    team: str | None
    rule: str | None
    region: str | None
    since_ms: int
    alerts: list[str]
    profile: str
    partition: int
    asked: bytes
    attempt: int = 1
    missed: list[str] = []
    declined: list[str] = []
    clock: Clock | None = None
    call_at: int | None = None
    wait: Wait | None = None
    moved: str | None = None

    @property
    def request(self) -> LeadRequested:
        """The last request."""
        return _request.decode(self.asked)

    @property
    def load(self) -> str | None:
        """Whose capacity the lead takes: nobody's while it is put off until a call."""
        put_off = self.state == "contacted" and self.call_at is not None
        return self.rep if self.state in OPEN and not put_off else None


class Load(msgspec.Struct, array_like=True, frozen=True):
    """What a rep has: open leads, and how many were assigned on local day number `day`.

    Away from `away_from` until `away_until`, null: until the rep is back.
    """

    due: None = None
    open: int = 0
    day: int = 0
    assigned: int = 0
    away_from: int | None = None
    away_until: int | None = None

    def is_away(self, at_ms: int) -> bool:
        """Whether the rep has said to be away at that instant."""
        if self.away_from is None or at_ms < self.away_from:
            return False
        return self.away_until is None or at_ms < self.away_until


class Turn(msgspec.Struct, array_like=True, frozen=True):
    """A rep's place in a pool: how much the rep got, and the number of the pick that was the rep's last."""

    pointer: float
    last: int


class Pool(msgspec.Struct, array_like=True, frozen=True):
    """Those who take turns, and how many picks there were."""

    due: None
    picks: int
    turns: dict[str, Turn]


class Queue(msgspec.Struct, array_like=True, frozen=True):
    """How many leads wait, and when to look who is there for them."""

    due: int | None = None
    waiting: int = 0


class _Due(msgspec.Struct, array_like=True):
    """How every row begins."""

    due: int | None


class _Who(msgspec.Struct, array_like=True):
    """How the row of a lead begins."""

    due: int | None
    state: str
    rep: str | None


_MERGES_MAX = ALIASES_MAX + 2
"""How often a lead is looked for under its next id: a browser's, an address, a userId and aliases of it."""

Row = Held | Load | Pool | Wait | Queue
T = TypeVar("T")

_LEAD, _REP, _POOL, _WAIT, _QUEUE = b"lead/", b"rep/", b"pool/", b"wait/", b"queue"
_KINDS: Mapping[bytes, type[Row]] = {_LEAD: Held, _REP: Load, _POOL: Pool, _WAIT: Wait, _QUEUE: Queue}
_decoders: Mapping[type[Row], "msgspec.msgpack.Decoder[Any]"] = {
    kind: msgspec.msgpack.Decoder(kind) for kind in _KINDS.values()
}
_due = msgspec.msgpack.Decoder(_Due)
_who = msgspec.msgpack.Decoder(_Who)
_request = msgspec.msgpack.Decoder(LeadRequested)
_encoder = msgspec.msgpack.Encoder()

NO_LOAD = Load()


def due_of(packed: bytes) -> int | None:
    """When time alone will change a row, in ms since the epoch."""
    return _due.decode(packed).due


def pack(row: Row | LeadRequested) -> bytes:
    """The row, or the request in it, as bytes."""
    return _encoder.encode(row)


def unpack(key: bytes, rows: Rows) -> Row | None:
    """The row under a whole `key`, None where there is none."""
    packed = rows.get(key)
    name = key.partition(b"/")[2]
    row: Row | None = None if packed is None else _decoders[_kind_of(name)].decode(packed)
    return row


def _kind_of(name: bytes) -> type[Row]:
    return next(kind for prefix, kind in _KINDS.items() if name.startswith(prefix))


def desk_of(key: bytes) -> str:
    """The desk whose row stands under `key`."""
    return key.partition(b"/")[0].decode()


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
        return self._get(_LEAD + lead.encode(), Held)

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
                less = msgspec.structs.replace(load, open=max(0, load.open - 1))
                # Nothing is known of a rep who is no more once the last lead has gone to another.
                self._put(_REP + left.encode(), less if less.open or left in self.routing.reps else None)
                self.freed.add(left)
            if taken is not None:
                load = self.load(taken)
                self._put(_REP + taken.encode(), msgspec.structs.replace(load, open=load.open + 1))
        self._wait(lead, None if before is None else before.wait, None if held is None else held.wait)
        self._move(lead, None if before is None else before.moved, None if held is None else held.moved)
        self._put(_LEAD + lead.encode(), held)

    def load(self, rep: str) -> Load:
        """What the rep has."""
        return self._get(_REP + rep.encode(), Load) or NO_LOAD

    def set_load(self, rep: str, load: Load) -> None:
        """What the rep has from now on, but for open leads."""
        self._put(_REP + rep.encode(), msgspec.structs.replace(load, open=self.load(rep).open))

    def give_up(self, key: bytes) -> None:
        """The row under a whole `key`, none of a lead, is gone."""
        self._put(key[len(self._prefix) :], None)

    def pool(self, pool: str) -> Pool:
        """Whose turn it is in the pool."""
        return self._get(_POOL + pool.encode(), Pool) or Pool(None, 0, {})

    def set_pool(self, pool: str, row: Pool) -> None:
        """Whose turn it is from now on."""
        self._put(_POOL + pool.encode(), row)

    @property
    def queue(self) -> Queue:
        """How many leads wait."""
        return self._get(_QUEUE, Queue) or Queue()

    def look_at_queue(self, due_ms: int | None) -> None:
        """Look who is there for those who wait at `due_ms` at the latest; None: whenever something changes."""
        self._put(_QUEUE, msgspec.structs.replace(self.queue, due=due_ms))

    def waiting(self) -> list[tuple[str, Wait]]:
        """Who waits, in the order in which they go out: by score, then age."""
        if self._waiting is None:
            prefix = self._prefix + _WAIT
            keys = [key for key, _ in self._rows.items() if key.startswith(prefix)]
            names = {key[len(self._prefix) :] for key in keys} | {key for key in self._seen if key.startswith(_WAIT)}
            found = ((name.removeprefix(_WAIT).decode(), self._get(name, Wait)) for name in names)
            self._waiting = {lead: wait for lead, wait in found if wait is not None}
        return sorted(self._waiting.items(), key=lambda item: (-item[1].score, item[1].since_ms, item[0]))

    def leads_of(self, rep: str) -> list[tuple[str, Held]]:
        """The leads that the rep has, by id. It looks at all, as far as it must: there may be a hundred thousand."""
        found = [lead for lead, row in self._every(_who) if row.rep == rep]
        return [(lead, held) for lead in found if (held := self.held(lead)) is not None]

    def were(self, lead: str) -> Collection[str]:
        """The leads that are `lead` by now. It looks at all leads, once."""
        if self._moved is None:
            self._moved = {}
            for other, held in self._every(_decoders[Held]):
                self._move(other, None, held.moved)
        return self._moved.get(lead, ())

    def _every(self, decoder: "msgspec.msgpack.Decoder[Any]") -> Iterator[tuple[str, Any]]:
        """Every lead with its row, what was changed as it stands and any other as `decoder` reads it."""
        prefix = self._prefix + _LEAD
        packed = {key[len(self._prefix) :]: row for key, row in self._rows.items() if key.startswith(prefix)}
        names = packed.keys() | {name for name in self._seen if name.startswith(_LEAD)}
        for name in sorted(names):
            row = self._seen[name] if name in self._seen else decoder.decode(packed[name])
            if row is not None:
                yield name.removeprefix(_LEAD).decode(), row

    def read(self, key: bytes) -> tuple[str, str, Row] | None:
        """Kind, id and content of the row under a whole `key`; None where there is none."""
        name = key[len(self._prefix) :]
        prefix = next(prefix for prefix in _KINDS if name.startswith(prefix))
        row = self._get(name, _KINDS[prefix])
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
        self._put(_WAIT + lead.encode(), after)
        if self._waiting is not None:
            self._waiting.pop(lead, None)
            if after is not None:
                self._waiting[lead] = after
        more = (after is not None) - (before is not None)
        if more:
            self._put(_QUEUE, msgspec.structs.replace(self.queue, waiting=self.queue.waiting + more))

    def _get(self, name: bytes, kind: type[T]) -> T | None:
        if name not in self._seen:
            packed = self._rows.get(self._prefix + name)
            self._seen[name] = None if packed is None else _decoders[kind].decode(packed)  # type: ignore[index]
        return self._seen[name]  # type: ignore[return-value]

    def _put(self, name: bytes, row: Row | None) -> None:
        if name not in self._before:
            self._before[name] = self._get(name, _kind_of(name))
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
