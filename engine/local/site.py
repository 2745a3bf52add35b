"""A simulated company site: visitors browse, read, download, begin forms and carts, say who they are and come back.

Pure and seeded. Most visitors look at a page or three and stay cold; some read on; a few buy or ask for a demo. Time
runs about sixty times as fast as on a real site: a page is read in a second, a day off is half a minute.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from engine.local.journeys import KIND_WEIGHTS, KINDS, Journey, hot
from engine.local.visitor import Event, Visitor

EVENTS_PER_VISITOR = 3.07
"""About as many events come from a visitor on average."""


class Step(NamedTuple):
    """An event and when it happens, in seconds after the start, by which visitor.

    The event states no time: who sends it does. Visitors are numbered from 0 in the order of their arrival.
    """

    at_s: float
    visitor: int
    event: Event


def visits(seed: int, events_per_s: float) -> Iterator[Step]:
    """All that happens on the site, without end, in order of time; about `events_per_s` after the first seconds.

    Visitor number n does the same at any rate. The very first is one who asks for a demo, so that there is
    something to see at once.
    """
    arrivals = Random(seed)
    under_way: list[tuple[float, int, Visitor, Journey]] = []
    arrives_s, number = 0.0, 0
    while True:
        if not under_way or arrives_s <= under_way[0][0]:
            visitor = Visitor(seed, number)
            kind = visitor.rng.choices(KINDS, KIND_WEIGHTS)[0] if number else hot
            heappush(under_way, (arrives_s, number, visitor, kind(visitor)))
            arrives_s += arrivals.expovariate(events_per_s / EVENTS_PER_VISITOR)
            number += 1
        at_s, of, visitor, journey = heappop(under_way)
        happens = next(journey, None)
        if happens is None:
            continue
        pause_s = happens if isinstance(happens, float) else visitor.stays_s(happens)
        heappush(under_way, (at_s + pause_s, of, visitor, journey))
        if isinstance(happens, dict):
            yield Step(at_s, of, happens)
