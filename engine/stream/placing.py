"""Where outputs go: the partition of each, those too large for the broker sorted out before anything is sent."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.core.flow import Output
from engine.stream.chunk import Partition

OVERHEAD = 128
"""Bytes of a record and its batch beside key, value and headers, at most."""

KeyValue = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]


def size_of(key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]] = ()) -> int:
    """An upper bound of the record's size on the wire, in bytes."""
    size = OVERHEAD + len(key or b"") + len(value or b"")
    for name, content in headers:
        size += 4 * len(name) + len(content or b"") + 20
    return size


class Placer:
    """Groups a lane's outputs by partition.

    An output with a key and no partition goes where the hash of its key says; one without either to the lane's own
    number, folded into the topic's count.
    """

    def __init__(self, partitioner: Callable[[bytes, int], int], counts: Mapping[str, int], size_max: int) -> None:
        """`counts`: partitions of every topic; `size_max` in bytes."""
        self._partitioner = partitioner
        self._counts = counts
        self._size_max = size_max

    def place(self, outputs: Iterable[Output], lane: int) -> tuple[dict[Partition, list[KeyValue]], list[Output]]:
        """The records of each partition, in order, and the outputs that no broker would take."""
        batches: dict[Partition, list[KeyValue]] = {}
        oversized: list[Output] = []
        for output in outputs:
            topic, key, value, number, headers = output
            if size_of(key, value, headers) > self._size_max:
                oversized.append(output)
                continue
            if number is None:
                count = self._counts[topic]
                number = lane % count if key is None else self._partitioner(key, count)
            batches.setdefault(Partition(topic, number), []).append((key, value, headers))
        return batches, oversized
