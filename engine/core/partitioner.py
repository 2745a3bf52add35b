"""Which partition a key belongs to: the hash that the producers of `visitor-events` use.

`murmur2` is what Kafka's Java client, kafka-python and aiokafka do by default, `crc32` what librdkafka
(`consistent_random`) and the clients built on it do. A key must be hashed as its producers hash it, else every
event takes a second hop.
"""

from collections.abc import Callable, Mapping
from struct import Struct
from types import MappingProxyType
from zlib import crc32

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF
_SEED = 0x9747B28C
_WORDS = tuple(Struct(f"<{count}I") for count in range(33))


def murmur2(key: bytes) -> int:
    """The unsigned 32-bit MurmurHash2 of `key` with Kafka's seed (`org.apache.kafka.common.utils.Utils.murmur2`)."""
    length = len(key)
    words, rest = divmod(length, 4)
    whole = _WORDS[words] if words < len(_WORDS) else Struct(f"<{words}I")
    h = _SEED ^ length
    for word in whole.unpack_from(key):
        k = word * _M & _MASK
        h = (h * _M ^ (k ^ k >> 24) * _M) & _MASK
    if rest:
        h = (h ^ int.from_bytes(key[-rest:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def by_murmur2(key: bytes, count: int) -> int:
    """The partition of `key` among `count`, as the Java client chooses it."""
    return (murmur2(key) & 0x7FFFFFFF) % count


def by_crc32(key: bytes, count: int) -> int:
    """The partition of `key` among `count`, as librdkafka chooses it."""
    return crc32(key) % count


PARTITIONERS: Mapping[str, Callable[[bytes, int], int]] = MappingProxyType({"murmur2": by_murmur2, "crc32": by_crc32})
"""Partitioners by the name that settings give them: `(key, number of partitions) -> partition`."""
