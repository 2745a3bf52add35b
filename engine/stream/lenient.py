"""Header names that are not UTF-8, which any producer can write and aiokafka's parser ends on.

The protocol calls them text and no broker checks. Without this, one such record would stop its partition for good,
worker after worker. What is read here has the replacement character in place of the bad bytes.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

BATCH_HEAD = Struct(">qi")
"""Base offset and length of what follows, as in every version of the format."""
MAGIC_AT = 16
DEFAULT_MAGIC = 2


class Batches:
    """A fetch response's batches as aiokafka reads them, with the bytes they are read from."""

    def __init__(self, raw: bytes) -> None:
        """As aiokafka's `MemoryRecords`."""
        records = MemoryRecords(raw)
        self.raw = raw
        self.has_next = records.has_next
        self.next_batch = records.next_batch
        self.size_in_bytes = records.size_in_bytes


class LenientBatches:
    """The batches of `raw` that end behind `offset`, read with lenient header names."""

    def __init__(self, raw: bytes, offset: int) -> None:
        """Only batches of the present format have headers, so none of another is expected here."""
        self._batches = [batch for batch in _batches(raw) if batch.next_offset > offset]

    def has_next(self) -> bool:
        """Whether there is another batch."""
        return bool(self._batches)

    def next_batch(self) -> Any:
        """The next batch."""
        return self._batches.pop(0)


def _batches(raw: bytes) -> Iterator["LenientBatch"]:
    begin = 0
    while begin + MAGIC_AT < len(raw):
        _, length = BATCH_HEAD.unpack_from(raw, begin)
        end = begin + BATCH_HEAD.size + length
        if end > len(raw) or raw[begin + MAGIC_AT] != DEFAULT_MAGIC:
            return
        yield LenientBatch(raw[begin:end])
        begin = end


class LenientBatch(_DefaultRecordBatchPy):
    """A batch whose header names are decoded whatever their bytes are."""

    _buffer: Any

    def __iter__(self) -> Any:
        """Its records."""
        super().__iter__()
        self._buffer = _Lenient(self._buffer)
        return self


class _Lenient(bytes):
    """Bytes whose slices decode with replacement characters."""

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return _Lenient(part) if isinstance(key, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class PartitionRecords(fetcher.PartitionRecords):
    """A partition's records of one response; from a header name that is not UTF-8 on, read leniently."""

    _records: Any

    def _unpack_records(self) -> Iterator[Any]:
        try:
            yield from super()._unpack_records()
        except UnicodeDecodeError:
            self._records = LenientBatches(self._records.raw, self.next_fetch_offset)
            yield from super()._unpack_records()


def install() -> None:
    """Let aiokafka's consumers read so."""
    fetcher.MemoryRecords = Batches
    fetcher.PartitionRecords = PartitionRecords
