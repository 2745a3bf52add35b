"""What is left of who was erased: a hash that only the key's owner can make, and when."""

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.erasure import (
    erased_at_ms,
    erased_header,
    is_mark,
    mark_key,
    pack_mark,
    pseudonym,
    read_erased,
)
from engine.core.packing import due_of
from engine.core.pointers import is_pointer, is_row
from tests.stories import LAWFUL

instants = st.integers(0, 2**47)


def test_the_hash_is_keyed_blake2b_of_the_public_id() -> None:
    """So any tool that has the key can find a receipt; another key, another hash."""
    stated = blake2b("email:zoë@example.com".encode(), key=b"k" * 32, digest_size=16).hexdigest()
    assert pseudonym(b"k" * 32)("email:zoë@example.com") == stated
    assert len(stated) == 32
    assert pseudonym(b"l" * 32)("email:zoë@example.com") != stated


def test_all_of_a_long_key_counts() -> None:
    """BLAKE2b takes 64 bytes at most; a longer key is hashed itself."""
    assert pseudonym(b"k" * 65)("ada") != pseudonym(b"k" * 66)("ada")
    assert pseudonym(b"k" * 64)("ada") != pseudonym(b"k" * 65)("ada")


@LAWFUL
@given(instants)
def test_a_mark_is_no_row_and_no_pointer_and_never_due(at_ms: int) -> None:
    packed = pack_mark(at_ms)
    assert (is_mark(packed), is_row(packed), is_pointer(packed)) == (True, False, False)
    assert (erased_at_ms(packed), due_of(packed)) == (at_ms, None)


def test_a_mark_stands_where_no_lead_does() -> None:
    """Ids hold no control characters."""
    assert mark_key("00ff") == b"\x0300ff"


@LAWFUL
@given(instants, st.text(max_size=20))
def test_a_tombstones_header_tells_the_hash_and_when(at_ms: int, lead: str) -> None:
    hashed = pseudonym(b"key")(lead)
    assert read_erased([("other", None), erased_header(hashed, at_ms)]) == (hashed, at_ms)


def test_other_tombstones_are_of_no_erasure() -> None:
    assert read_erased([]) is None
    assert read_erased([("traceparent", b"00-1")]) is None


@pytest.mark.parametrize("value", [None, b"", b"h", b"h x", b"a b 1", b"\xff 1"])
def test_a_header_that_is_none_is_an_error(value: bytes | None) -> None:
    with pytest.raises(ValueError):
        read_erased([("heatline-erased", value)])
