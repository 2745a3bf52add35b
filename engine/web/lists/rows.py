"""What to do next for a lead, and until when."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from engine.readmodel.case import CaseState
from engine.web.lists.cards import Card

Clock = Literal["due", "at", "since"]
"""Whether an instant is a deadline, an appointment, or when it began."""


class Todo(NamedTuple):
    """What is to be done for a lead, and the instant that matters for it, in ms."""

    text: str
    clock: Clock
    at_ms: int | None


_TODO: Mapping[CaseState | None, tuple[str, Clock, str]] = {
    "waiting": ("Waits for a rep", "since", "asked_ms"),
    "assigned": ("Accept", "due", "due_ms"),
    "accepted": ("Contact", "due", "due_ms"),
    "contacted": ("Follow up", "since", "contacted_ms"),
    "snoozed": ("Call back", "at", "call_ms"),
    "call_due": ("Call now", "due", "call_ms"),
    "working": ("In progress", "since", "since_ms"),
    "closed": ("Closed", "since", "since_ms"),
    "released": ("Released", "since", "since_ms"),
}


def todo(card: Card) -> Todo | None:
    """What is next for a lead; None where the desk was never asked."""
    if card.state is None:
        return None
    text, clock, field = _TODO[card.state]
    at_ms: int | None = getattr(card, field)
    if at_ms is None:
        return Todo(text, "since", card.since_ms)
    return Todo(text, clock, at_ms)


def is_over(card: Card, now_ms: int) -> bool:
    """Whether what is next should have been done by now."""
    next_ = todo(card)
    return next_ is not None and next_.clock == "due" and next_.at_ms is not None and next_.at_ms < now_ms
