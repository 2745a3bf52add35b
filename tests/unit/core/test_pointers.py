"""Pointers: a few bytes that are never taken for a row, and lead on only when nothing is under way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.erasure import is_mark
from engine.core.packing import due_of, pack
from engine.core.pointers import (
    KEPT_DAYS,
    Pointer,
    due_ms,
    is_pointer,
    is_row,
    names_of,
    pack_pointer,
    unpack_pointer,
    used,
    without,
)
from engine.core.profile import Row
from tests.build import DAY, T0
from tests.stories import LAWFUL

TODAY = T0 // DAY
texts = st.text(st.characters(codec="utf-8"), max_size=500)
days = st.integers(-719_162, 2_932_896)
"""Of the years 1 to 9999."""
pointers = st.builds(Pointer, texts, days, st.none() | texts, st.lists(texts, max_size=4), st.integers(0, 2**40))
rows = st.builds(
    Row,
    born_ms=st.integers(-(2**45), 2**47),
    anonymous=st.booleans(),
    now=st.integers(0, 2**40),
    recent_ids=st.binary(max_size=64),
    traits=st.dictionaries(texts, st.tuples(st.just(0), texts), max_size=2),
    browsers=st.lists(texts, max_size=3),
    falls=st.none() | st.integers(0, 2**40),
)


@LAWFUL
@given(pointers)
def test_a_pointer_comes_back_as_it_was_and_is_known_as_one(pointer: Pointer) -> None:
    packed = pack_pointer(pointer, due_ms("b", pointer))
    assert is_pointer(packed)
    assert not is_row(packed)
    assert unpack_pointer(packed) == pointer
    assert due_of(packed) == due_ms("b", pointer)


@LAWFUL
@given(rows, st.none() | st.integers(0, 2**47))
def test_no_row_is_taken_for_a_pointer_or_a_mark(row: Row, due: int | None) -> None:
    packed = pack(row, due)
    assert is_row(packed)
    assert not is_pointer(packed)
    assert not is_mark(packed)


@LAWFUL
@given(pointers, texts)
def test_a_pointer_to_another_can_do_without_any_other_name(pointer: Pointer, name: str) -> None:
    """Where it leads to stays, and every other name."""
    left = without(pointer, name)
    assert names_of(left) - {pointer.target} == names_of(pointer) - {pointer.target, name}
    assert (left.target, left.day) == (pointer.target, pointer.day)


def test_a_pointer_of_a_browser_takes_little_room() -> None:
    """Every visitor who ever logged in leaves one: 6 bytes when it goes, 1 for the array, target, day, none, none."""
    packed = pack_pointer(Pointer("\x01user-1", TODAY, None, [], T0), T0)
    assert len(packed) == 6 + 1 + (1 + 7) + 3 + 1 + 1 + 9


def test_an_unused_pointer_goes_after_400_days() -> None:
    assert KEPT_DAYS == 400
    assert due_ms("b", Pointer("\x01u", TODAY, None, [], T0)) == T0 + 400 * DAY
    assert due_ms("b", Pointer("\x01u", -1_000, None, [], T0)) == 0
    assert due_ms("\x01v", Pointer("\x01u", TODAY, None, [], T0)) is None


@pytest.mark.parametrize(("after", "day"), [(-DAY, 0), (0, 0), (DAY - 1, 0), (DAY, 1), (9 * DAY, 9)])
def test_traffic_is_noted_once_a_day_and_never_takes_it_back(after: int, day: int) -> None:
    pointer = Pointer("\x02a@b.de", TODAY, None, ["\x01v"], T0)
    assert used(pointer, T0 + after) == Pointer("\x02a@b.de", TODAY + day, None, ["\x01v"], T0)
    assert (used(pointer, T0 + after) is pointer) == (day == 0)


@pytest.mark.parametrize(
    ("after", "target"),
    [(0, "old"), (DAY, "old"), (2 * DAY - 1, "old"), (2 * DAY, "new"), (30 * DAY, "new")],
)
def test_a_pointer_leads_on_only_after_a_day_without_traffic(after: int, target: str) -> None:
    """A whole day of UTC: what was sent the old way on the day before has long arrived."""
    now = used(Pointer("old", TODAY, "new", [], T0), T0 + after)
    assert (now.target, now.next) == (target, None if target == "new" else "new")


def test_a_pointer_in_daily_use_never_leads_on() -> None:
    pointer = Pointer("old", TODAY, "new", [], T0)
    for day in range(1, 40):
        pointer = used(pointer, T0 + day * DAY)
    assert pointer == Pointer("old", TODAY + 39, "new", [], T0)
