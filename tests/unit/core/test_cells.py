import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.cells import FORMULA, defused, restored
from engine.core.text import printable

PRINTABLE = st.text(alphabet=st.one_of(st.sampled_from(f"'{FORMULA}a1"), st.characters())).map(printable)


@given(PRINTABLE)
def test_a_defused_cell_is_no_formula_and_comes_back_as_it_was(text: str) -> None:
    """Also one that begins with apostrophes already."""
    assert not defused(text).startswith(tuple(FORMULA))
    assert restored(defused(text)) == text


@given(st.text())
def test_a_defused_cell_has_nothing_that_a_spreadsheet_or_terminal_obeys(text: str) -> None:
    """A tab or a line end before a formula would be skipped."""
    assert defused(text) == printable(defused(text))


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1", "'+49 30 1"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r\n=1", "'=1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        ("1=1", "1=1"),
        ("", ""),
    ],
)
def test_what_begins_like_a_formula_gets_an_apostrophe_and_nothing_else_does(text: str, cell: str) -> None:
    assert defused(text) == cell
