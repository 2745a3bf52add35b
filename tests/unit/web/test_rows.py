"""What is next for a lead, and until when."""

import pytest

from engine.readmodel.case import CaseState
from engine.web.lists.rows import Todo, is_over, todo
from tests.unit.web.principals import card


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("waiting", Todo("Waits for a rep", "since", 1)),
        ("assigned", Todo("Accept", "due", 3)),
        ("accepted", Todo("Contact", "due", 3)),
        ("contacted", Todo("Follow up", "since", 5)),
        ("snoozed", Todo("Call back", "at", 4)),
        ("call_due", Todo("Call now", "due", 4)),
        ("working", Todo("In progress", "since", 2)),
        ("closed", Todo("Closed", "since", 2)),
        ("released", Todo("Released", "since", 2)),
        (None, None),
    ],
)
def test_each_state_says_what_is_next(state: CaseState | None, told: Todo | None) -> None:
    """With the instant that matters in it: a deadline, an appointment, or since when."""
    assert todo(card(state=state, asked_ms=1, since_ms=2, due_ms=3, call_ms=4, contacted_ms=5)) == told


def test_without_a_deadline_it_says_since_when() -> None:
    """A band without an `sla` has none."""
    assert todo(card(state="assigned", since_ms=2)) == Todo("Accept", "since", 2)


def test_only_deadlines_are_missed() -> None:
    """From the instant behind them on; what is put off is not late by itself."""
    due = card(state="assigned", since_ms=1, due_ms=10)
    assert [is_over(due, at_ms) for at_ms in (9, 10, 11)] == [False, False, True]
    assert not is_over(card(state="snoozed", since_ms=1, call_ms=10), 11)
    assert not is_over(card(state="contacted", since_ms=1, contacted_ms=2), 11)
    assert not is_over(card(state=None), 11)
