"""Who looks at the board in tests, and cards to look at."""

from typing import Any, NamedTuple

from msgspec.structs import replace

from engine.web.cards import Card, card_of
from engine.web.masking import key_of
from tests.unit.readmodel.samples import score

SECRET = b"a secret of tests"


class Who(NamedTuple):
    """A principal: a rep sees its own leads, a manager those of its regions, an operator all."""

    role: str
    rep: str | None = None
    regions: frozenset[str] = frozenset()
    personal: bool = True

    def may_see(self, owner: str | None, region: str | None) -> bool:
        """As the access rules say."""
        own = self.rep is not None and owner == self.rep
        return own or self.role == "operator" or (self.role == "manager" and region in self.regions)


OPERATOR = Who("operator")
BLIND = Who("operator", personal=False)
ANDY = Who("rep", "andy")
EAST = Who("manager", "carla", frozenset({"east"}))
EVERYBODY = (OPERATOR, BLIND, ANDY, EAST)


def card(lead: str = "ada", **changes: Any) -> Card:
    """The card of a lead of whom only the score is known, but for `changes`."""
    return replace(card_of(score(lead, changes.pop("total", 40.0)), None, key_of(SECRET, lead)), **changes)
