"""Which desk a lead is for. A desk is a sales organisation of its own: its reps, turns and queues know no other's."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from engine.core.conditions import Test
from engine.core.flow import Output
from engine.core.messages import MAIN_DESK, REQUESTS_TOPIC, LeadRequested, Request, encode
from engine.core.origins import Headers


class Desk(NamedTuple):
    """A desk, the partition of `routing-requests` that is its, and the alerts for which a lead asks it for a rep.

    It is for leads for which `holds`, None: for all.
    """

    name: str
    partition: int
    assign_on: Collection[str]
    holds: Test | None = None


def to_desk(message: Request, desk: str, partition: int, headers: Headers = ()) -> Output:
    """The message as a record for a desk, in its partition of `routing-requests`."""
    return Output(REQUESTS_TOPIC, desk.encode(), encode(message), partition, headers)


class Desks:
    """All desks, in the order in which they are asked; the last one, `main`, takes every lead."""

    def __init__(self, desks: Iterable[Desk]) -> None:
        self._desks = {desk.name: desk for desk in desks}
        self.names = tuple(self._desks)
        self.assign_on = frozenset(alert for desk in self._desks.values() for alert in desk.assign_on)
        self.partitions = tuple(sorted({desk.partition for desk in self._desks.values()}))

    def of(self, asked: str | None, request: LeadRequested) -> Desk:
        """The desk for a lead that has `asked` one before: that one, as long as sales are not done with the lead.

        Whoever has an owner and is not known to have asked another was with `main`, before there were others.
        """
        if asked in self._desks:
            return self._desks[asked]
        if request.owner is not None:
            return self._desks[MAIN_DESK]
        return next(desk for desk in self._desks.values() if desk.holds is None or desk.holds(request))

    def send(self, message: Request, desk: str, headers: Headers = ()) -> Output:
        """The message as a record for a desk."""
        return to_desk(message, desk, self._desks[desk].partition, headers)


def only_main(assign_on: Collection[str]) -> Desks:
    """One desk for all, asked for these alerts."""
    return Desks([Desk(MAIN_DESK, 0, assign_on)])
