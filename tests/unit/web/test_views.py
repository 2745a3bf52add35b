"""What a query string asks for, and where cards stand in a list."""

from itertools import pairwise
from typing import Any, get_args
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.records import Stage
from engine.core.text import printable
from engine.readmodel.case import CaseState
from engine.web.lists.cards import Card
from engine.web.lists.views import (
    PLACES,
    VALUE_CHARS_MAX,
    Unwanted,
    View,
    Wanted,
    cursor,
    day_place,
    has_case,
    is_open,
    place_of,
    wanted,
)
from tests.unit.web.principals import card

texts = st.text(max_size=VALUE_CHARS_MAX).map(printable)
values = st.none() | texts.filter(bool)


@given(
    st.builds(
        Wanted,
        view=st.sampled_from(get_args(View)),
        mine=st.booleans(),
        owner=values,
        team=values,
        band=values,
        grade=values,
        stage=st.none() | st.sampled_from(get_args(Stage)),
        source=values,
        region=values,
        territory=values,
        q=texts,
    )
)
def test_a_query_string_says_all_that_is_wanted(asked: Wanted) -> None:
    """Written and read again it is the same."""
    assert wanted(parse_qsl(asked.query(), keep_blank_values=True)) == asked


@pytest.mark.parametrize(
    ("query", "field", "told"),
    [
        ([("colour", "red")], "colour", "no such parameter; expected band or grade or mine"),
        ([("view", "coldest")], "view", "is 'coldest'; expected day or hottest or open"),
        ([("mine", "yes")], "mine", "is 'yes'; expected 1 or 0 or true or false"),
        ([("stage", "mql")], "stage", "is 'mql'; expected customer or"),
        ([("band", "hot"), ("band", "warm")], "band", "stands here twice; expected once"),
        ([("q", "x" * 101)], "q", "is 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'; expected at most 100 characters"),
        ([("\x1b" + "x" * 50, "")], "x" * 39, "no such parameter"),
    ],
)
def test_what_makes_no_sense_is_an_error(query: list[tuple[str, str]], field: str, told: str) -> None:
    """It names the parameter, what it is, and what would be right."""
    with pytest.raises(Unwanted) as caught:
        wanted(query)
    (mistake,) = caught.value.mistakes
    assert mistake.field == field
    assert mistake.message.startswith(told)


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody should have to send a form three times to learn of three."""
    with pytest.raises(Unwanted) as caught:
        wanted([("view", "x"), ("mine", "x"), ("x", "x")])
    assert [mistake.field for mistake in caught.value.mistakes] == ["view", "mine", "x"]


def test_an_empty_form_wants_everything() -> None:
    """Browsers send empty fields; parameters of others are left to them."""
    query = [("view", ""), ("mine", ""), ("owner", ""), ("q", ""), ("limit", "5")]
    assert wanted(query, frozenset({"limit"})) == Wanted()
    assert wanted([("owner", "null")]) == Wanted(owner="null")
    assert wanted([("q", "a\x1bb\n")]) == Wanted(q="ab")


states: st.SearchStrategy[CaseState | None] = st.sampled_from([None, *get_args(CaseState)])
instants = st.none() | st.integers(1, 9)
cards = st.builds(
    card,
    st.sampled_from("abcdef"),
    state=states,
    since_ms=instants,
    due_ms=instants,
    call_ms=instants,
    contacted_ms=instants,
)


PARTS = ("overdue", "due", "call", "new", "later", "going")


def urgency(one: Card, now_ms: int) -> str:
    """The part of the day in which a card stands."""
    if one.due_ms is not None:
        return "overdue" if one.due_ms < now_ms else "due"
    return {"call_due": "call", "assigned": "new", "waiting": "new", "snoozed": "later"}.get(one.state or "", "going")


@given(st.lists(cards, max_size=12), st.integers(0, 10))
def test_along_a_day_urgency_never_grows(several: list[Any], now_ms: int) -> None:
    """At any time the list, whose order does not depend on the time, goes from overdue to what is just going on."""
    parts = [PARTS.index(urgency(one, now_ms)) for one in sorted(several, key=day_place)]
    assert all(before <= after for before, after in pairwise(parts))


@pytest.mark.parametrize(
    ("state", "contacted_ms", "case", "open_"),
    [
        (None, None, False, False),
        ("waiting", None, True, True),
        ("waiting", 5, True, True),
        ("assigned", None, True, True),
        ("accepted", None, True, True),
        ("assigned", 5, True, False),
        ("contacted", 5, True, False),
        ("snoozed", 5, True, False),
        ("working", 5, True, False),
        ("closed", None, False, False),
        ("released", None, False, False),
    ],
)
def test_open_is_who_has_no_rep_or_no_contact(
    state: CaseState | None, contacted_ms: int | None, *, case: bool, open_: bool
) -> None:
    """A lead that is closed, or that nobody ever asked a rep for, is not."""
    one = card(state=state, contacted_ms=contacted_ms)
    assert (has_case(one), is_open(one)) == (case, open_)


@given(cards, st.sampled_from(get_args(View)))
def test_a_cursor_states_a_place_and_no_id(one: Any, view: View) -> None:
    """Of its view; the id, which may be an address, is not in it."""
    place = PLACES[view](one)
    assert place_of(cursor(view, place), view) == place
    assert place[2] == one.key


@given(st.text(max_size=300))
def test_no_text_that_is_no_cursor_does_harm(text: str) -> None:
    """It is refused, whatever it is."""
    with pytest.raises(Unwanted):
        place_of(text, "open")
