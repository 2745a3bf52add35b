"""Which leads nobody has been in touch with, read off the desk's rows: for gauges."""

from typing import NamedTuple

from engine.core.instants import from_rfc3339
from engine.routing.rows import LEAD, PENDING, Held, begins, decode

_UNCONTACTED = frozenset({"waiting", *PENDING})


class Uncontacted(NamedTuple):
    """A lead that asked for a rep: whether somebody has it, and since when it waits to be contacted, in ms."""

    owned: bool
    since_ms: int


def uncontacted(key: bytes, row: bytes) -> Uncontacted | None:
    """What the row under a whole `key` of the desk says; None: it is no lead's, or somebody has been in touch with it.

    A lead waits since it came to its state or since its last request, whichever is earlier.
    """
    name = key.partition(b"/")[2]
    if not name.startswith(LEAD) or begins(name, row).state not in _UNCONTACTED:
        return None
    held = decode(name, row)
    assert isinstance(held, Held)
    return Uncontacted(held.state != "waiting", min(held.since_ms, from_rfc3339(held.request.cause.time)))
