"""What a lane holds: the rows of one partition of a table, and how far its inputs are folded into them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from engine.core.flow import Record
from engine.stream.chunk import Chunk
from engine.stream.errors import DeliveryHole

RESERVED = b"\0"
"""Keys of a changelog that begin so are the stream layer's own."""
MARK = b"\0mark"
"""Written when a lane is opened; recovery ends at its offset."""
POSITIONS = b"\0positions"
"""The next offset to read of each input, as JSON: written in the transaction that writes the rows they belong to."""
STAMP = b"\0stamp"
"""The job's stamp up to which all rows have been brought."""
WRITER_HEADER = "app-id"
"""On a position row: under which app id the rows before it were written."""
TIME_HEADER = "time"
"""On a position row: how far the lane's time had come, in ms since the epoch."""

Staged = dict[bytes, bytes | None]


class Overlay:
    """Rows as the last fold left them: staged changes over committed rows."""

    __slots__ = ("_committed", "_staged")

    def __init__(self, committed: Mapping[bytes, bytes], staged: Mapping[bytes, bytes | None]) -> None:
        """A view; both mappings may change under it."""
        self._committed = committed
        self._staged = staged

    def get(self, key: bytes, /) -> bytes | None:
        """The row's bytes, or None where there is no such row."""
        if key in self._staged:
            return self._staged[key]
        return self._committed.get(key)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Every row; nothing may change under it meanwhile."""
        yield from ((key, row) for key, row in self._committed.items() if key not in self._staged)
        yield from ((key, row) for key, row in self._staged.items() if row is not None)


class Shard:
    """Rows and positions of one lane, as committed.

    Opened with the offset of its MARK, it is recovered once it has been given the changelog up to there. `writer` is
    the app id under which the changelog was written last, `stamp` that of the job up to which all rows were brought,
    None where it does not say. `time_ms` is how far the lane's time had come.
    """

    def __init__(self) -> None:
        """Neither opened nor recovered."""
        self.rows: dict[bytes, bytes] = {}
        self.positions: dict[str, int] = {}
        self.mark: int | None = None
        self.recovered = False
        self.writer: str | None = None
        self.stamp: bytes | None = None
        self.time_ms = 0
        self._next: int | None = None

    def reset(self) -> None:
        """Forget everything: somebody else may have written."""
        self.rows = {}
        self.positions = {}
        self.mark = None
        self.recovered = False
        self.writer = None
        self.stamp = None
        self.time_ms = 0
        self._next = None

    def expect(self, offset: int) -> None:
        """The changelog will be read from this position on."""
        self._next = offset

    def restore(self, chunk: Chunk) -> None:
        """Take over a chunk of the changelog; raises DeliveryHole where it does not follow the one before."""
        if self.recovered or self.mark is None:
            return
        if chunk.start != self._next:
            raise DeliveryHole(
                f"{chunk.partition.topic}[{chunk.partition.partition}] was read from {chunk.start} during recovery; "
                f"{self._next} was due"
            )
        self._next = chunk.end
        rows = self.rows
        for record in chunk.records:
            key, value = record.key, record.value
            if key is None:
                continue
            if key[:1] == RESERVED:
                if key == POSITIONS and value is not None:
                    self.positions = decode_positions(value)
                    self.writer = _header(record, WRITER_HEADER)
                    self.time_ms = int(_header(record, TIME_HEADER) or 0)
                elif key == STAMP:
                    self.stamp = value
            elif value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
        self.recovered = chunk.records[-1].offset >= self.mark

    def remaining(self) -> int:
        """Changelog offsets still to be read; 0 when recovered."""
        if self.recovered or self.mark is None or self._next is None:
            return 0
        return max(0, self.mark + 1 - self._next)

    def merge(self, staged: Mapping[bytes, bytes | None], progress: "Progress") -> None:
        """Take over what a transaction has committed."""
        rows = self.rows
        for key, value in staged.items():
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
        self.positions.update(progress.positions)
        self.stamp = progress.stamp
        self.time_ms = progress.time_ms


class Progress(NamedTuple):
    """How far a lane has come with a transaction: positions of its inputs, its time, the stamp of all of its rows."""

    positions: Mapping[str, int]
    time_ms: int
    stamp: bytes | None


def changelog_records(
    staged: Mapping[bytes, bytes | None], progress: Progress, before: bytes | None, app_id: str
) -> Iterator[tuple[bytes, bytes | None, Sequence[tuple[str, bytes | None]]]]:
    """What a transaction writes to the changelog: the rows, their stamp unless it was so `before`, then the positions.

    The position row, which says who wrote all this and when in the lane's time, comes last.
    """
    for key, row in staged.items():
        yield key, row, ()
    if progress.stamp != before:
        yield STAMP, progress.stamp, ()
    headers = ((WRITER_HEADER, app_id.encode()), (TIME_HEADER, b"%d" % progress.time_ms))
    yield POSITIONS, encode_positions(progress.positions), headers


def _header(record: Record, name: str) -> str | None:
    return next((value.decode() for key, value in record.headers if key == name and value is not None), None)


def encode_positions(positions: Mapping[str, int]) -> bytes:
    """JSON, so that any tool can show it."""
    return msgspec.json.encode(positions, order="sorted")


def decode_positions(value: bytes) -> dict[str, int]:
    """Raises msgspec.DecodeError where `value` was not written by `encode_positions`."""
    return msgspec.json.decode(value, type=dict[str, int])
