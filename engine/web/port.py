"""What the board needs of others to write: somebody who sends, and who the reps are."""

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, NamedTuple, Protocol

from engine.core.messages import MAIN_DESK
from engine.routing.config import Routing


class Origin(NamedTuple):
    """Where a record stands in `rep-events`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        """As answers in the read model are called."""
        return f"{self.partition}/{self.offset}"


def origin_of(partition: str, offset: str) -> Origin | None:
    """The place that two numbers state; None where they are none."""
    if not all(text.isascii() and text.isdigit() and len(text) < 19 for text in (partition, offset)):
        return None
    return Origin(int(partition), int(offset))


class NotSent(Exception):
    """The broker did not confirm a record; the text says why, for people."""


class Unclear(ValueError):
    """Nobody can be made a lead of what was said; the text says what is wrong."""


class Enquiry(NamedTuple):
    """Who turned up otherwise than on a site, by ids and traits as an import names them, and what they did."""

    values: Mapping[str, str]
    event: str
    source: str
    note: str | None = None


class Sender(Protocol):
    """Writes what people say on the board to the topics; nothing is half written."""

    async def feedback(self, desk: str, value: Mapping[str, Any]) -> Origin:
        """Append `value` to what that desk reads, acknowledged by all replicas. Raises NotSent."""
        ...

    async def lead(self, enquiry: Enquiry) -> str:
        """Send who it was and what they did, acknowledged; gives the lead's id. Raises NotSent and Unclear."""
        ...


class Rep(NamedTuple):
    """A rep as the board knows one: what to call it, its desk, its regions, and the zone of the clock on its wall."""

    name: str
    desk: str = MAIN_DESK
    regions: frozenset[str] = frozenset()
    zone: tzinfo = UTC


Reps = Mapping[str, Rep]
"""By id."""


def reps_of(routing: Routing) -> Reps:
    """Everybody who can get leads, of all desks."""
    return {
        rep.id: Rep(
            rep.name,
            name,
            frozenset(region.id for region in at.regions.values() if rep.id in (*region.reps, region.manager)),
            rep.calendar.zone,
        )
        for name, at in routing.by_desk.items()
        for rep in at.reps.values()
    }
