"""Whose turn it is: one of those who can take a lead, so that everybody gets a fair share."""

from collections.abc import Collection, Mapping, Sequence
from math import inf

from engine.routing.config import Absence, Pick
from engine.routing.rows import Pool, Turn

_SAME = 1e-9
"""Pointers that differ by less are level: a tenth, ten times over, is not quite one."""


def picked(
    pool: Pool,
    members: Sequence[str],
    able: Collection[str],
    unavailable: Collection[str],
    weights: Mapping[str, float],
    absence: Absence,
) -> tuple[str, Pool]:
    """The rep of `able`, not empty, whose pointer is lowest, and the pool after the pick.

    The pointer of whoever is picked advances by 1 / weight; of those who are level the one goes who was picked longest
    ago, then who stands first in `members`. A newcomer starts at the mean of the others. With `parity` those of
    `unavailable` who are below the winner are raised to it. So for two who are able throughout, and level at the
    start, |n_a / w_a − n_b / w_b| ≤ max(1 / w_a, 1 / w_b) after any number of picks.
    """
    turns = _present(pool, members)
    lowest = min(turns[rep].pointer for rep in able)
    winner = _longest_ago([rep for rep in able if turns[rep].pointer <= lowest + _SAME], turns, members)
    at = turns[winner].pointer
    if absence == "parity":
        turns |= {rep: Turn(max(turns[rep].pointer, at), turns[rep].last) for rep in unavailable}
    turns[winner] = Turn(at + 1 / weights[winner], pool.picks + 1)
    # Only differences matter; small numbers keep them exact.
    base = min(turn.pointer for turn in turns.values())
    level = {rep: Turn(turn.pointer - base, turn.last) for rep, turn in turns.items()}
    return winner, Pool(None, pool.picks + 1, level)


def least_loaded(
    pool: Pool, members: Sequence[str], able: Collection[str], loads: Mapping[str, float]
) -> tuple[str, Pool]:
    """The rep of `able` with the lowest of `loads` (open leads ÷ weight), and the pool after the pick; ties rotate."""
    turns = _present(pool, members)
    least = min((loads[rep] for rep in able), default=inf)
    winner = _longest_ago([rep for rep in able if loads[rep] <= least + _SAME], turns, members)
    turns[winner] = Turn(turns[winner].pointer, pool.picks + 1)
    return winner, Pool(None, pool.picks + 1, turns)


def _present(pool: Pool, members: Sequence[str]) -> dict[str, Turn]:
    known = {rep: pool.turns[rep] for rep in members if rep in pool.turns}
    level = sum(turn.pointer for turn in known.values()) / len(known) if known else 0.0
    return {rep: known.get(rep) or Turn(level, 0) for rep in members}


def _longest_ago(level: Collection[str], turns: Mapping[str, Turn], members: Sequence[str]) -> str:
    first = min(turns[rep].last for rep in level)
    longest = {rep for rep in level if turns[rep].last == first}
    return next(rep for rep in members if rep in longest)


METHODS: Mapping[Pick, str] = {
    "round_robin": "next in turn",
    "weighted": "next in turn by weight",
    "least_loaded": "has least to do",
}
"""Why somebody was picked, for people."""
