"""Where a lead stands at an instant: the numbers and names that alerts, assignments and `if` look at."""

from typing import Any, NamedTuple

from engine.core.model import Model
from engine.core.profile import Row

FIT = 0.0
GRADE = "D"
STAGE = "subscriber"
"""Every row starts as subscriber with a fit of 0, which is grade D; nothing in this version moves them."""


class Standing(NamedTuple):
    """A lead as conditions on leads read it."""

    engagement: float
    fit: float
    total: float
    band: str
    grade: str
    stage: str
    known: bool
    fast_track: bool
    owner: str | None
    traits: dict[str, Any]


def standing_of(model: Model, row: Row, total: float) -> Standing:
    """The standing of a lead whose total is `total`."""
    return Standing(
        engagement=total,
        fit=FIT,
        total=total,
        band=model.band(total).name,
        grade=GRADE,
        stage=STAGE,
        known=row.known,
        fast_track=row.fast_track,
        owner=row.owner,
        traits=traits_of(row),
    )


def traits_of(row: Row) -> dict[str, Any]:
    """The lead's traits by name, without the times they were said."""
    return {name: value for name, (_, value) in sorted(row.traits.items())}
