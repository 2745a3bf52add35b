"""What a read model holds, and the one way to change it: plain values, whatever keeps them.

A read model is made from the topics alone and can be thrown away at any time. Its *positions*, the next offset of
each partition, lie beside what was read up to them and change in the same step. `apply` compares them first, so a
batch is taken exactly once, whoever else writes and whatever the store has lost meanwhile.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

Log = Literal["alerts", "assignments", "answers"]
LOGS: tuple[Log, ...] = ("alerts", "assignments", "answers")
"""Answers say what came of a record in `rep-events`; the id is `partition/offset` of that record."""

LEADS_MAX = 1_000_000
DOSSIERS_MAX = 200_000
GONE_MAX = 100_000
"""Of how many leads that went it is remembered that they did."""
LOG_MAX = 1_000
ERASED_MAX = 100_000
"""Of how many erased leads it is remembered; the earliest are forgotten first."""
EVENT_BYTES_MAX = 256 * 1024

Positions = Mapping[tuple[str, int], int]
"""The next offset to read, by topic and partition."""


class LeadScored(NamedTuple):
    """A lead's score is now `event`, a CloudEvent in JSON; its `data` is a `LeadScore` with this `total` and `band`."""

    lead: str
    total: float
    band: str
    event: bytes


class LeadGone(NamedTuple):
    """A lead was evicted or merged: its score goes. What was logged about it ages out by the log's limit."""

    lead: str


class DossierKept(NamedTuple):
    """The dossier of a lead is now `event`, whole; it stands under the lead's id and `pseudonym`, as of `Logged`."""

    lead: str
    event: bytes
    pseudonym: str = ""


class LeadErased(NamedTuple):
    """A lead was erased at the instant `at_ms`: its score goes, its dossier, and all that was logged of it up to then.

    For good: what happened up to then is not logged any more. Whoever keeps dossiers keeps what is left of one again.

    `pseudonym` is the keyed hash of its id, which stays; `lead` the id itself where the record tells it.
    """

    lead: str | None
    pseudonym: str
    at_ms: int


class Logged(NamedTuple):
    """An entry of a log, published at `at_ms`; one with an `id` that the log holds already changes nothing.

    Nor does one of a lead erased since: `pseudonym` is the keyed hash of the lead's id, or the id where nobody has the
    key; `time_ms` is the event time of the cause.
    """

    log: Log
    id: str
    at_ms: int
    event: bytes
    pseudonym: str = ""
    time_ms: int = 0


Change = LeadScored | LeadGone | DossierKept | LeadErased | Logged


class Progress(NamedTuple):
    """At the instant `at_ms` the read model was `lag_s` seconds behind the topics."""

    at_ms: int
    lag_s: float


class Batch(NamedTuple):
    """Changes, in order, that take a read model from the positions `since` to `until`. Without changes: a heartbeat."""

    changes: Sequence[Change]
    since: Positions
    until: Positions
    progress: Progress


class Counts(NamedTuple):
    """How much a read model holds: leads, and the alerts and assignments it keeps."""

    leads: int
    alerts: int
    assignments: int


class Mark(NamedTuple):
    """A place in the order of changes of a model: all up to `sequence` are known to whoever holds it.

    Of another `epoch` it means nothing. Who began to read all anew at `began` knows of none that went before.
    """

    epoch: str
    sequence: int
    began: int = 0


class Touched(NamedTuple):
    """Leads whose score or dossier changed or went, the oldest change first, and the mark of the last one.

    `anew`: they begin with the first lead held, and what was known before is to be forgotten.
    """

    mark: Mark
    leads: list[str]
    anew: bool


class PositionsMoved(Exception):
    """The read model is not where the batch begins: emptied, restored from a backup, or another projector wrote."""


class ReadModelAway(Exception):
    """The store cannot be reached, or refuses to work; the text says which and why."""


class ReadModel(Protocol):
    """The hottest leads, each lead's last score, leads' dossiers, the latest alerts, assignments and answers.

    Holds at most `leads_max` leads (the coldest is dropped), `log_max` entries a log (the oldest is dropped),
    `dossiers_max` dossiers (the longest untouched is dropped) and `ERASED_MAX` receipts of erased leads.
    Every method raises `ReadModelAway` while the store is away; nothing is half done then.
    """

    async def apply(self, batch: Batch) -> None:
        """Take the whole batch, or nothing. Raises PositionsMoved where the positions are not `batch.since`."""
        ...

    async def positions(self) -> dict[tuple[str, int], int]:
        """Where the topics were read up to; empty for a new, cleared or emptied model."""
        ...

    async def clear(self) -> None:
        """Forget everything, positions included."""
        ...

    async def hottest(self, limit: int) -> list[bytes]:
        """The score events of the leads with the highest totals, ties by lead id.

        The order is that of the totals as stated, each as of its own `at`: a score that has decayed since moves when
        its next record arrives, which a lead that sinks below `publish_from` always sends.
        """
        ...

    async def lead(self, lead: str) -> bytes | None:
        """The last score event of a lead, or None where it is unknown, gone or was dropped."""
        ...

    async def scores(self, leads: Sequence[str]) -> list[bytes | None]:
        """The last score event of each of the leads, as `lead` gives it."""
        ...

    async def dossiers(self, leads: Sequence[str]) -> list[bytes | None]:
        """The dossier of each of the leads, None where none is kept."""
        ...

    async def touched(self, since: Mark | None, limit: int) -> Touched:
        """At most `limit` leads that changed or went after `since`, each once, by its last change.

        Anew where `since` is None, of another epoch (the model was cleared or lost), or older than what it remembers
        of leads that went; it remembers none that was erased.
        """
        ...

    async def named(self, pseudonyms: Sequence[str]) -> list[str | None]:
        """Of which lead a dossier stands under each of the keyed hashes, None where none does."""
        ...

    async def erasures(self, pseudonyms: Sequence[str]) -> list[int | None]:
        """`erased` of each of the keyed hashes."""
        ...

    async def erased(self, pseudonym: str) -> int | None:
        """When the lead with this keyed hash was erased last, in ms since the epoch; None: nothing is known of it."""
        ...

    async def latest(self, log: Log, limit: int) -> list[bytes]:
        """The events published last, newest first, among equals the larger id first."""
        ...

    async def logged(self, log: Log, entry: str) -> bytes | None:
        """The event of one entry, None where the log does not hold it."""
        ...

    async def counts(self) -> Counts:
        """How much is held."""
        ...

    async def bands(self) -> dict[str, int]:
        """How many leads are held by band, each as its last score event says; none of a band: it may be missing."""
        ...

    async def progress(self) -> Progress | None:
        """What the last batch or heartbeat said, or None where none came yet."""
        ...

    def changed(self) -> AsyncGenerator[None, None]:
        """Yields once when it listens, and again after something was applied or cleared; several may come as one.

        Heartbeats are no news. It needs no room for a slow reader, who reads the state itself when it is ready.
        """
        ...

    async def close(self) -> None:
        """Give back what it holds open. Using it afterwards is an error."""
        ...
