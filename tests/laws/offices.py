"""Random days of random sales organisations, for laws."""

from random import Random

from hypothesis import strategies as st

from tests.routing.days import Day, day
from tests.routing.organisations import organisations

ORGANISATIONS = 60
"""So few that each is read once."""
ACTS_MAX = 40


def _day(seed: int, acts: int) -> Day:
    return day(Random(seed).choice, acts, organisations(ORGANISATIONS))


days = st.builds(_day, st.integers(0, 999_999), st.integers(10, ACTS_MAX))
"""Days by their seeds, which show more than choices one by one do; a shorter day is the beginning of a longer one."""
