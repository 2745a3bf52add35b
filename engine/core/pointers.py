"""What stands under a key whose row has gone elsewhere: a few bytes that say where."""

import msgspec
from msgspec.structs import replace

from engine.core.identity import is_person
from engine.core.instants import DAY_MS
from engine.core.packing import DUE_BYTES, due_prefix

KEPT_DAYS = 400
"""How long an unused pointer is kept: as long as browsers keep a cookie at most (RFC 6265bis)."""
AWAITED_MAX = 4
_ARRAY_OF_FIVE = 0x95
_SHORTEST_ROW = 0x9E


class Pointer(msgspec.Struct, array_like=True, gc=False):
    """Everything under this key is for the row of `target`, another key.

    `day` is the day of the last traffic through it, in days since the epoch by record time. `next`: where `target`
    itself leads; it takes that place after a day without traffic, when nothing is under way by the old one. `awaited`:
    whom aliases have joined a browser's id to; should it be a person's id, too, that person is one with all of them.
    `since_ms`: when that was said which made it, in ms since the epoch; what was said before does not change it.
    """

    target: str
    day: int
    next: str | None
    awaited: list[str]
    since_ms: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Pointer)


def is_row(packed: bytes) -> bool:
    """Whether the value of a table is a row: pointers, and marks of who was erased, are shorter arrays."""
    return packed[DUE_BYTES] >= _SHORTEST_ROW


def is_pointer(packed: bytes) -> bool:
    """Whether the value of a table is a pointer; a row's array is longer."""
    return packed[DUE_BYTES] == _ARRAY_OF_FIVE


def pack_pointer(pointer: Pointer, at_ms: int | None) -> bytes:
    """The pointer as bytes; first comes when it may go, None: never, so that an agenda is built without unpacking."""
    return due_prefix(at_ms) + _encoder.encode(pointer)


def unpack_pointer(packed: bytes) -> Pointer:
    """The pointer that `packed` holds."""
    return _decoder.decode(memoryview(packed)[DUE_BYTES:])


def due_ms(key: str, pointer: Pointer) -> int | None:
    """When a browser's pointer has been unused for so long that it goes, in ms since the epoch; a person's stays."""
    return None if is_person(key) else max(0, (pointer.day + KEPT_DAYS) * DAY_MS)


def names_of(pointer: Pointer) -> set[str]:
    """Every key that stands in the pointer."""
    return {pointer.target, *([] if pointer.next is None else [pointer.next]), *pointer.awaited}


def without(pointer: Pointer, key: str) -> Pointer:
    """The pointer to another target, from which a key is gone."""
    onward = None if pointer.next == key else pointer.next
    return replace(pointer, next=onward, awaited=[other for other in pointer.awaited if other != key])


def used(pointer: Pointer, record_ms: int) -> Pointer:
    """The pointer once something went through it at the record time; the same one where that changes nothing."""
    day = record_ms // DAY_MS
    if day <= pointer.day:
        return pointer
    if pointer.next is not None and day > pointer.day + 1:
        return replace(pointer, target=pointer.next, day=day, next=None)
    return replace(pointer, day=day)
