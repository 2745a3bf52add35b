"""Random days of random sales organisations, for laws."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

from tests.routing.days import Day, day
from tests.routing.organisations import organisations

T = TypeVar("T")

ORGANISATIONS = 60
"""So few that each is read once."""


@st.composite
def days(draw: st.DrawFn, acts: int = 30) -> Day:
    """Days of so many acts; the first options are the simplest."""

    def choose(options: Sequence[T], /) -> T:
        return draw(st.sampled_from(options))

    return day(choose, acts, organisations(ORGANISATIONS))
