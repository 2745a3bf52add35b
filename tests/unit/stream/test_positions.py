"""Where reading begins."""

import pytest

from engine.stream.chunk import Partition
from engine.stream.errors import LostPositions
from engine.stream.positions import starting_points

A, B = Partition("events", 0), Partition("events", 1)


def test_a_first_start_begins_at_the_beginning_of_the_log() -> None:
    """Which need not be 0."""
    assert starting_points({A: None, B: None}, {A: (0, 0), B: (5, 9)}, accept_loss=False) == {A: 0, B: 5}


@pytest.mark.parametrize("position", [5, 7, 9])
def test_a_position_inside_the_log_is_read_on_from(position: int) -> None:
    """Its end is inside: there everything has been read."""
    assert starting_points({A: position}, {A: (5, 9)}, accept_loss=False) == {A: position}


def test_all_losses_are_named_with_the_flag_that_accepts_them() -> None:
    """In one sentence, so that nobody accepts one and stumbles over the next."""
    ranges = {A: (1_500, 2_000), B: (0, 10)}
    with pytest.raises(LostPositions) as refusal:
        starting_points({A: 300, B: 50}, ranges, accept_loss=False)
    assert str(refusal.value) == (
        "events[0] lost 1,200 records: read up to 300, its log begins at 1500; "
        "events[1] was made anew: read up to 50, its log ends at 10, so 40 records are gone. "
        "Start with --accept-loss to go on without them"
    )
    assert starting_points({A: 300, B: 50}, ranges, accept_loss=True) == {A: 1_500, B: 0}
