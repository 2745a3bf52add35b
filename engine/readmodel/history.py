"""A lead's total over time, as few points as a picture needs."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec

HISTORY_MAX = 100
NEWEST_KEPT = 20
"""The newest points are never thinned out."""

_at = attrgetter("at_ms")


class Point(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The lead's total as of `at_ms`, in ms since the epoch."""

    at_ms: int
    total: float


def with_point(history: Sequence[Point], point: Point) -> list[Point]:
    """The history with one more point, in its place by time; of two for one instant the one that came last stays."""
    place = bisect_left(history, point.at_ms, key=_at)
    end = place + 1 if place < len(history) and history[place].at_ms == point.at_ms else place
    return thinned([*history[:place], point, *history[end:]])


def united(history: Sequence[Point], other: Iterable[Point]) -> list[Point]:
    """Both as one, by time; where both have a point for an instant, that of `history` stays."""
    points = {point.at_ms: point for point in (*other, *history)}
    return thinned(sorted(points.values(), key=_at))


def thinned(history: Sequence[Point]) -> list[Point]:
    """At most HISTORY_MAX of the points: those go first whose neighbours are nearest to each other in time.

    The first and the NEWEST_KEPT last ones stay.
    """
    left = list(history)
    while len(left) > HISTORY_MAX:
        inner = range(1, len(left) - NEWEST_KEPT)
        del left[min(inner, key=lambda place: left[place + 1].at_ms - left[place - 1].at_ms)]
    return left
