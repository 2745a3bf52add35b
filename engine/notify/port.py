"""What waits to be sent, and the ways to change that: plain values, whatever keeps them.

An entry is one record for one target of one channel. Its *queue* is channel and target, so that nobody waits for
somebody else's receiver. Positions of the topics lie beside the entries and change in the same step: each record makes
its entries once, whoever else reads. An entry is *claimed* for a time, sent, and removed; who dies in between leaves it
to be claimed again, so it is sent at least once. What cannot be sent ends in the list of dead letters.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

QUEUE_MAX = 10_000
PENDING_MAX = 100_000
"""How many entries may wait in one queue, and in all; further ones are dead letters at once."""
DEAD_MAX = 10_000
"""How many dead letters are kept; the oldest goes first."""
ERASED_MAX = 100_000
DIGEST_MAX = 200
"""How many records one digest holds; more are sent in further ones."""
WHY_CHARS_MAX = 300
FULL = "too many wait for this receiver"
STORE = "the store of notifications"
"""What it is called where it is away."""

Positions = Mapping[tuple[str, int], int]
"""The next offset to read, by topic and partition."""


class Queue(NamedTuple):
    """One receiver: a channel of the configuration, and whom it tells."""

    channel: str
    target: str


class Entry(msgspec.Struct, frozen=True):
    """A record for one receiver. `id` is the record's, the same however often it is sent.

    `key` names the entry, `pseudonym` whose record it is, `time_ms` the event time of its cause, `made_ms` when it
    was taken. With `digest_ms` it waits for the end of that span of time, and then goes out with its neighbours.
    """

    key: str
    queue: Queue
    id: str
    kind: str
    pseudonym: str
    time_ms: int
    made_ms: int
    event: bytes
    digest_ms: int = 0

    @property
    def due_ms(self) -> int:
        """When it is to be sent first."""
        return -(-self.made_ms // self.digest_ms) * self.digest_ms if self.digest_ms else self.made_ms


class Claimed(NamedTuple):
    """Entries that are to go out as one message: one, or those of a digest that are left. `key` names what is sent.

    `attempts` were made before, the first at `first_ms` (0: none yet).
    """

    key: str
    id: str
    queue: Queue
    entries: tuple[Entry, ...]
    attempts: int
    first_ms: int


class Erased(NamedTuple):
    """A lead was erased at this instant: what waits of it up to then goes, and no more of that is taken."""

    pseudonym: str
    at_ms: int


class Batch(NamedTuple):
    """What was read between the positions `since` and `until`, in order."""

    changes: Sequence[Entry | Erased]
    since: Positions
    until: Positions


class Dead(NamedTuple):
    """What could not be sent in so many attempts, since when, and why."""

    entry: Entry
    attempts: int
    at_ms: int
    why: str


class Counts(NamedTuple):
    """How many entries wait, and how many are dead letters."""

    pending: int
    dead: int


class Waiting(NamedTuple):
    """So many entries wait for one receiver, the oldest since `since_ms`; none is sent before `next_ms`.

    `why` the last attempt failed; empty where it did not, or none was made.
    """

    queue: Queue
    entries: int
    since_ms: int
    next_ms: int
    why: str


class PositionsMoved(Exception):
    """The store is not where the batch begins: emptied, restored from a backup, or another notifier wrote."""


class StoreAway(Exception):
    """The store cannot be reached, or refuses to work; the text says which and why."""


class Store(Protocol):
    """Keeps what waits, within `QUEUE_MAX`, `PENDING_MAX` and `DEAD_MAX`.

    Every method raises `StoreAway` while the store is away; nothing is half done then. What a method names that is
    gone meanwhile, erased for instance, stays gone.
    """

    async def positions(self) -> dict[tuple[str, int], int]:
        """Where the topics were read up to; empty for a new or emptied store."""
        ...

    async def take(self, batch: Batch) -> None:
        """Take the whole batch, or nothing. Raises PositionsMoved where the positions are not `batch.since`."""
        ...

    async def due(self, now_ms: int, limit: int) -> list[Queue]:
        """Queues in which something is due and that are not held, those that wait longest first."""
        ...

    async def hold(self, queue: Queue, until_ms: int) -> None:
        """Do not show a queue as due before this instant; what is added to it meanwhile shows it again."""
        ...

    async def claim(self, queue: Queue, now_ms: int, until_ms: int, limit: int) -> list[Claimed]:
        """The messages of a queue that are due, oldest first; they are due again at `until_ms` unless removed."""
        ...

    async def sent(self, queue: Queue, key: str) -> None:
        """A claimed message was taken by its receiver: forget it."""
        ...

    async def postpone(self, queue: Queue, key: str, due_ms: int, attempts: int, first_ms: int, why: str) -> None:
        """A claimed message is to be sent again at `due_ms`; so many attempts were made, the first at `first_ms`.

        `why` the last one failed.
        """
        ...

    async def bury(self, queue: Queue, key: str, at_ms: int, why: str) -> None:
        """A message cannot be sent: each of its entries is a dead letter from now on."""
        ...

    async def disable(self, queue: Queue, at_ms: int, why: str) -> None:
        """The receiver wants nothing more: what waits and what comes are dead letters, until one is retried."""
        ...

    async def dead(self, limit: int, channel: str | None = None) -> list[Dead]:
        """Dead letters, newest first, of one channel if it is named."""
        ...

    async def retry(self, keys: Sequence[str], now_ms: int) -> int:
        """These dead letters wait again, as new, and their receivers are no longer disabled; how many were there."""
        ...

    async def disabled(self) -> dict[Queue, str]:
        """The receivers that want nothing more, and why."""
        ...

    async def waiting(self) -> list[Waiting]:
        """What waits for each receiver, in the order of receivers; what is retried waits since then."""
        ...

    async def counts(self) -> Counts:
        """How much is kept."""
        ...

    async def close(self) -> None:
        """Give back what it holds open. Using it afterwards is an error."""
        ...
