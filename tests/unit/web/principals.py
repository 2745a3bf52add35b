"""Who looks at the board in tests, and cards to look at."""

from typing import Any

from msgspec.structs import replace

from engine.web.gate.access import Principal
from engine.web.lists.cards import Card, card_of
from engine.web.masking import key_of
from tests.unit.readmodel.samples import score

SECRET = b"a secret of tests"


OPERATOR = Principal("t1", "Olga", "operator")
BLIND = Principal("t2", "Otto", "operator", personal=False)
ANDY = Principal("t3", "Andy", "rep", "andy")
EAST = Principal("t4", "Carla", "manager", "carla", frozenset({"east"}))
EVERYBODY = (OPERATOR, BLIND, ANDY, EAST)


def card(lead: str = "ada", **changes: Any) -> Card:
    """The card of a lead of whom only the score is known, but for `changes`."""
    return replace(card_of(score(lead, changes.pop("total", 40.0)), None, key_of(SECRET, lead)), **changes)
