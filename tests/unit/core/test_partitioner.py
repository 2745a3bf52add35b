"""Keys go where Kafka's own clients put them."""

from zlib import crc32

import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from engine.core.partitioner import PARTITIONERS, by_crc32, by_murmur2, murmur2


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2_gives_the_values_of_kafkas_own_test(key: bytes, expected: int) -> None:
    """The vectors of `UtilsTest.testMurmur2`, there as signed integers."""
    assert murmur2(key) == expected % 2**32


@given(st.binary(max_size=300))
def test_murmur2_agrees_with_aiokafka(key: bytes) -> None:
    """Also beyond the lengths whose formats are prepared."""
    assert murmur2(key) == reference(key) % 2**32


@given(st.binary(), st.integers(min_value=1, max_value=100))
def test_partitions_are_chosen_as_the_clients_choose_them(key: bytes, count: int) -> None:
    """Java drops the sign bit before it divides; librdkafka divides the unsigned checksum."""
    assert by_murmur2(key, count) == (reference(key) & 0x7FFFFFFF) % count
    assert by_crc32(key, count) == crc32(key) % count


def test_settings_name_both() -> None:
    """And nothing else."""
    assert dict(PARTITIONERS) == {"murmur2": by_murmur2, "crc32": by_crc32}
