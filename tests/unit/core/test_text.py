"""A stranger's text, made safe to keep."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.text import clean
from tests.stories import BROAD

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@BROAD
@given(st.text() | st.text(alphabet="a\x00\x1b\u202e\u2066é"), st.integers(1, 20))
def test_cleaned_text_is_short_and_holds_nothing_that_a_terminal_or_a_reader_obeys(text: str, chars_max: int) -> None:
    cleaned = clean(text, chars_max)
    assert len(cleaned) <= chars_max
    assert not any(unicodedata.category(char) == "Cc" or char in BIDIRECTIONAL for char in cleaned)
    assert clean(cleaned, chars_max) == cleaned


@pytest.mark.parametrize("text", ["plain", "Größe", "日本語", "🙂", "a\u00a0b", "", "e\u0301"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert clean(text, 100) == text
