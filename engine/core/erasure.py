"""What is left of a person who was erased: a keyed hash of each id, and when.

Older events of that person come again from retries, rebuilds and backups; the mark tells that they are to be dropped.
Nobody without the key can tell whose mark it is.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b

import msgspec

from engine.core.packing import DUE_BYTES

ERASED_HEADER = "heatline-erased"
"""On a tombstone: everything that is kept of the lead anywhere is to go; with the hash of its id, and when."""
_HASH_BYTES = 16
_KEY_BYTES_MAX = 64
_CACHED_MAX = 16_384
_ARRAY_OF_ONE = 0x91
_NEVER = b"\xff" * DUE_BYTES

Pseudonym = Callable[[str], str]


def pseudonym(key: bytes) -> Pseudonym:
    """The keyed hash of a public id: BLAKE2b (RFC 7693), 128 bits in hexadecimal digits."""
    key = key if len(key) <= _KEY_BYTES_MAX else blake2b(key).digest()

    @lru_cache(_CACHED_MAX)
    def of(public_id: str) -> str:
        return blake2b(public_id.encode(), key=key, digest_size=_HASH_BYTES).hexdigest()

    return of


def erased_header(hashed: str, at_ms: int) -> tuple[str, bytes]:
    """The header of the tombstone of who was erased at this instant."""
    return ERASED_HEADER, f"{hashed} {at_ms}".encode()


def read_erased(headers: Iterable[tuple[str, bytes | None]]) -> tuple[str, int] | None:
    """The hash and the instant that a tombstone's headers state; None where it is of no erasure. Raises ValueError."""
    for name, value in headers:
        if name == ERASED_HEADER:
            hashed, at_ms = (value or b"").decode().split(" ")
            return hashed, int(at_ms)
    return None


def mark_key(hashed: str) -> bytes:
    """Under which key of the table the mark of an id stands; no row does."""
    return b"\x03" + hashed.encode()


def pack_mark(at_ms: int) -> bytes:
    """The mark of who was erased at this instant; it is never due."""
    return _NEVER + msgspec.msgpack.encode([at_ms])


def is_mark(packed: bytes) -> bool:
    """Whether the value of a table is a mark; rows and pointers are longer arrays."""
    return packed[DUE_BYTES] == _ARRAY_OF_ONE


def erased_at_ms(mark: bytes) -> int:
    """When the person was erased, in ms since the epoch."""
    at_ms: int = msgspec.msgpack.decode(mark[DUE_BYTES:], type=tuple[int])[0]
    return at_ms
