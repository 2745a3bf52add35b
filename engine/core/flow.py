"""What flows through a lane: records in, a fold out.

A *lane* is everything with one partition number of one table: the partitions of the table's input
topics and of its changelog. A `Job` folds what waits in a lane into outputs and changed rows; it is
pure, so the worker, `simulate` and the tests run the very same one.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from engine.core.agenda import Agenda


class Record(Protocol):
    """A record as read from Kafka; aiokafka's `ConsumerRecord` is one as it stands.

    `timestamp` is the record's time in milliseconds since the epoch; a header's value may be null.
    """

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class InputRecord(NamedTuple):
    """A `Record` that no broker delivered: from a file, a test or a forwarded message."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


class Output(NamedTuple):
    """A record to write. `partition` None: by the hash of the key over the topic's partitions."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Rows(Protocol):
    """The rows of one lane as the last fold left them. Keys never begin with NUL: those are the lane's own."""

    def get(self, key: bytes, /) -> bytes | None: ...
    def items(self) -> Iterable[tuple[bytes, bytes]]: ...


class Fold(NamedTuple):
    """What folding some records of a lane came to; plain values, nothing done yet.

    `rows` maps a changed row's key to its new bytes, or to None where the row is gone. `urgent`: somebody waits
    for an output, so commit at once. `tally` counts what happened, for metrics: `("rejected", "json"): 2`.
    `alerted` holds, for each alert in `outputs`, the record time in ms of the input that caused it; `late_ms`, for each
    event older than its lead's now, by how much. `errors` are defects of ours, each with its trace, to be logged: the
    record at fault is in `outputs` as a dead letter.
    """

    outputs: list[Output]
    rows: Mapping[bytes, bytes | None]
    urgent: bool
    tally: Mapping[tuple[str, ...], int]
    alerted: Sequence[int] = ()
    late_ms: Sequence[int] = ()
    errors: Sequence[str] = ()


class Job(Protocol):
    """One table and the topics that feed it. Folding is pure: no I/O, no clock, the same answer every time.

    `agenda` is the lane's: what a fold changes it puts there, so a lane whose fold comes to nothing builds it anew.
    """

    @property
    def table(self) -> str:
        """Name of the table; its changelog topic is `<table>-changelog`."""
        ...

    @property
    def inputs(self) -> tuple[str, ...]:
        """The topics that feed the table; all have the changelog's partition count. The first carries time."""
        ...

    @property
    def stamp(self) -> bytes:
        """What rows depend on besides their inputs, such as the model's version; equal stamps, equal meaning."""
        ...

    def fold(self, lane: int, records: Sequence[Record], rows: Rows, agenda: Agenda) -> Fold:
        """Fold `records`, in order, into the rows of partition number `lane`. Never raises for what a record holds.

        What falls due at or before the record time of a record of the first input is folded before it.
        """
        ...

    def wake(self, lane: int, until_ms: int, rows: Rows, agenda: Agenda, at_most: int) -> Fold:
        """Fold what is due at or before `until_ms`, in order, `at_most` rows of it."""
        ...

    def due(self, row: bytes) -> int | None:
        """When time alone will change the row, in ms since the epoch, or a little before; None: never."""
        ...

    def restate(
        self, lane: int, keys: Iterable[bytes], rows: Rows, agenda: Agenda, stamp: bytes | None, at_ms: int
    ) -> Fold:
        """Bring the rows of `keys`, last written under `stamp` (None: an unknown one), up to this job's stamp.

        `at_ms` is how far the lane's time has come.
        """
        ...
