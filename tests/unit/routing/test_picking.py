"""Whose turn it is: shares by weight, nobody two turns ahead, ties rotate, newcomers do not get everything."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.routing.config import Absence
from engine.routing.picking import least_loaded, picked
from engine.routing.rows import Pool, Turn

EMPTY = Pool(None, 0, {})
NAMES = ("ann", "bob", "cy", "di")


class Turns:
    """A pool of `members`, all with weight 1 unless said otherwise, in which nobody had a turn yet."""

    def __init__(
        self, members: Sequence[str], weights: Mapping[str, float] | None = None, absence: Absence = "parity"
    ) -> None:
        self.members = members
        self.weights = {**dict.fromkeys(NAMES, 1.0), **(weights or {})}
        self.absence = absence
        self.pool = EMPTY

    def next(self, away: Sequence[str] = ()) -> str:
        """Whose turn it is while these are away."""
        able = [rep for rep in self.members if rep not in away]
        winner, self.pool = picked(self.pool, self.members, able, away, self.weights, self.absence)
        return winner

    def times(self, count: int, away: Sequence[str] = ()) -> list[str]:
        return [self.next(away) for _ in range(count)]


def test_equal_weights_take_turns_in_the_order_of_the_pool() -> None:
    assert Turns(("bob", "ann", "cy")).times(7) == ["bob", "ann", "cy", "bob", "ann", "cy", "bob"]


def test_a_double_weight_gets_twice_as_much_and_ties_go_to_who_was_picked_longest_ago() -> None:
    """Pointers after each pick, Ann's by 1/2, Bob's by 1.

    (½, 0) (½, 1) (1, 1): level, Bob's pick was the second and Ann's the third, so Bob: (1, 2) (1½, 2) (2, 2).
    """
    turns = Turns(("ann", "bob"), {"ann": 2.0})
    assert turns.times(9) == ["ann", "bob", "ann", "bob", "ann", "ann", "bob", "ann", "ann"]


def test_weights_below_one_are_shares_too() -> None:
    """Ann's pointer advances by 2, Bob's by 1: (2, 0) (2, 1) (2, 2): level, and Ann was picked longest ago."""
    assert Turns(("ann", "bob"), {"ann": 0.5}).times(4) == ["ann", "bob", "bob", "ann"]


def test_a_tenth_ten_times_over_is_level_with_one() -> None:
    """Ann's pointer is 0.9999999999999999 after ten picks, Bob's 1 after one; he was picked longer ago."""
    turns = Turns(("ann", "bob"), {"ann": 10.0})
    assert turns.times(12) == ["ann", "bob", *["ann"] * 9, "bob"]


def test_with_parity_who_was_away_gets_nothing_extra() -> None:
    """Bob has 1 pick when he leaves, Ann 1. She gets three more: 2, 3, 4; at the last she was at 3, so he is raised."""
    turns = Turns(("ann", "bob"))
    assert turns.times(2) == ["ann", "bob"]
    assert turns.times(3, away=["bob"]) == ["ann", "ann", "ann"]
    assert turns.times(4) == ["bob", "ann", "bob", "ann"]


def test_with_catch_up_who_was_away_gets_what_the_others_got_meanwhile() -> None:
    turns = Turns(("ann", "bob"), absence="catch_up")
    assert turns.times(2) == ["ann", "bob"]
    assert turns.times(3, away=["bob"]) == ["ann", "ann", "ann"]
    assert turns.times(5) == ["bob", "bob", "bob", "ann", "bob"]


def test_who_cannot_take_the_lead_for_its_own_sake_loses_no_turn() -> None:
    """Not able, yet not unavailable: Bob missed this very lead, and is still next for the others."""
    pool = Pool(None, 4, {"ann": Turn(1.0, 3), "bob": Turn(0.0, 4)})
    winner, after = picked(pool, ("ann", "bob"), ["ann"], [], {"ann": 1.0}, "parity")
    assert (winner, after.turns["bob"].pointer, after.turns["ann"].pointer) == ("ann", 0.0, 2.0)


def test_a_newcomer_starts_at_the_mean_and_is_not_flooded() -> None:
    """Ann and Bob have had 20 leads each when Cy joins, level with them: one turn for each."""
    turns = Turns(("ann", "bob"))
    turns.times(40)
    turns.members = ("ann", "bob", "cy")
    assert turns.times(6) == ["cy", "ann", "bob", "cy", "ann", "bob"]


def test_a_newcomer_between_two_unequal_ones_is_in_the_middle() -> None:
    """Ann's pointer is 5, Bob's 2, so Cy's is 3½: Bob (3), Bob (4), then Cy (4½), Bob (5), Cy (5½), and Ann, level."""
    turns = Turns(("ann", "bob", "cy"))
    turns.pool = Pool(None, 2, {"ann": Turn(5.0, 1), "bob": Turn(2.0, 2)})
    assert turns.times(6) == ["bob", "bob", "cy", "bob", "cy", "ann"]


def test_who_left_the_pool_is_forgotten() -> None:
    turns = Turns(("ann", "bob"))
    turns.times(3)
    turns.members = ("bob", "cy")
    turns.next()
    assert set(turns.pool.turns) == {"bob", "cy"}


def test_pointers_stay_small_however_many_picks_there_were() -> None:
    turns = Turns(("ann", "bob"), {"ann": 3.0})
    turns.times(5_000)
    assert max(turn.pointer for turn in turns.pool.turns.values()) < 2
    assert turns.pool.picks == 5_000


weights = st.fixed_dictionaries({name: st.sampled_from([0.1, 0.5, 1.0, 2.0, 3.0, 7.5]) for name in NAMES})
aways = st.lists(st.lists(st.sampled_from(NAMES[2:]), unique=True), max_size=60)


@given(weights, aways, st.sampled_from(["parity", "catch_up"]))
def test_two_who_are_there_throughout_differ_by_less_than_a_turn(
    weights: Mapping[str, float], aways: Sequence[Sequence[str]], absence: Absence
) -> None:
    """|n_a/w_a − n_b/w_b| ≤ max(1/w_a, 1/w_b) after every pick, whoever else comes and goes."""
    turns = Turns(NAMES, weights, absence)
    counts = dict.fromkeys(NAMES, 0)
    for away in aways:
        counts[turns.next(away)] += 1
        one, other = (counts[name] / weights[name] for name in NAMES[:2])
        assert abs(one - other) <= max(1 / weights[name] for name in NAMES[:2]) + 1e-6


@given(st.lists(st.lists(st.sampled_from(NAMES), min_size=1, unique=True) | st.none(), max_size=60))
def test_turns_are_fair_between_any_two_reps_while_both_are_members(steps: Sequence[Sequence[str] | None]) -> None:
    """Over any stretch in which both are in the team, neither gets two leads more than the other.

    A step is a lead that asks for a rep, or a team changed to these members.
    """
    turns = Turns(NAMES[:2])
    history: list[tuple[Sequence[str], str]] = []
    for step in steps:
        turns.members = step or turns.members
        if step is None:
            history.append((turns.members, turns.next()))
    for one, other in combinations(NAMES, 2):
        lead, lowest, highest = 0, 0, 0
        for present, winner in history:
            if one in present and other in present:
                lead += (winner == one) - (winner == other)
                lowest, highest = min(lowest, lead), max(highest, lead)
                assert highest - lowest <= 1
            else:
                lead = lowest = highest = 0


def test_the_least_loaded_gets_it_and_ties_rotate() -> None:
    pool, winners = EMPTY, []
    for _ in range(3):
        winner, pool = least_loaded(pool, ("ann", "bob"), ("ann", "bob"), {"ann": 1.0, "bob": 1.0})
        winners.append(winner)
    assert winners == ["ann", "bob", "ann"]
    assert least_loaded(pool, ("ann", "bob"), ("ann", "bob"), {"ann": 0.5, "bob": 1.0})[0] == "ann"


@pytest.mark.parametrize("able", [("ann",), ("bob",)])
def test_only_who_is_able_is_picked(able: Sequence[str]) -> None:
    """However far behind, and however little to do, the others are."""
    behind = Pool(None, 9, {name: Turn(9.0 if name in able else 0.0, 1) for name in ("ann", "bob")})
    assert picked(behind, ("ann", "bob"), able, (), {able[0]: 1.0}, "parity")[0] == able[0]
    loads = {able[0]: 50.0}
    assert least_loaded(EMPTY, ("ann", "bob"), able, loads)[0] == able[0]
