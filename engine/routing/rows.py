"""What stands in the rows of a desk: who has a lead and what is due, what a rep has, whose turn it is, who waits.

    lead/<lead>  Held      rep/<rep>  Load      pool/<pool>  Pool      wait/<lead>  Wait      queue  Queue

each under the name of its desk. What a lead's row says is said once more where it is looked for: how many leads a rep
has, and which leads wait.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from engine.core.flow import Rows
from engine.core.messages import LeadRequested

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

    def without_rep(self) -> "Held":
        """The row of a lead that nobody has, however it came to the one who had it."""
        return msgspec.structs.replace(self, rep=None, team=None, rule=None, region=None)

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


class Beginning(msgspec.Struct, array_like=True):
    """How the row of a lead begins: a hundred thousand may have to be looked through."""

    due: int | None
    state: str
    rep: str | None


Row = Held | Load | Pool | Wait | Queue

LEAD, REP, POOL, WAIT, QUEUE = b"lead/", b"rep/", b"pool/", b"wait/", b"queue"
_KINDS: Mapping[bytes, type[Row]] = {LEAD: Held, REP: Load, POOL: Pool, WAIT: Wait, QUEUE: Queue}
_decoders: Mapping[bytes, "msgspec.msgpack.Decoder[Any]"] = {
    prefix: msgspec.msgpack.Decoder(kind) for prefix, kind in _KINDS.items()
}
_due = msgspec.msgpack.Decoder(_Due)
_beginning = msgspec.msgpack.Decoder(Beginning)
_request = msgspec.msgpack.Decoder(LeadRequested)
_encoder = msgspec.msgpack.Encoder()

NO_LOAD = Load()


def due_of(packed: bytes) -> int | None:
    """When time alone will change a row, in ms since the epoch."""
    return _due.decode(packed).due


def pack(row: Row | LeadRequested) -> bytes:
    """The row, or the request in it, as bytes."""
    return _encoder.encode(row)


def decode(name: bytes, packed: bytes) -> Row:
    """The row that `packed` holds; `name` is its key without the desk."""
    row: Row = _decoders[prefix_of(name)].decode(packed)
    return row


def begins(_name: bytes, packed: bytes) -> Beginning:
    """How the row of a lead begins."""
    return _beginning.decode(packed)


def unpack(key: bytes, rows: Rows) -> Row | None:
    """The row under a whole `key`, None where there is none."""
    packed = rows.get(key)
    return None if packed is None else decode(key.partition(b"/")[2], packed)


def prefix_of(name: bytes) -> bytes:
    """How keys of this kind begin, behind the desk."""
    kind, slash, _ = name.partition(b"/")
    return kind + slash


def desk_of(key: bytes) -> str:
    """The desk whose row stands under `key`."""
    return key.partition(b"/")[0].decode()
