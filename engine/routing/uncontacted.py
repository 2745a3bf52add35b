"""Which leads nobody has been in touch with, read off the desk's rows: for gauges."""

from typing import NamedTuple

from engine.core.instants import from_rfc3339
from engine.routing.desk import PENDING, Held, unpack


class Uncontacted(NamedTuple):
    """A lead that asked for a rep: whether somebody has it, and since when it waits to be contacted, in ms."""

    owned: bool
    since_ms: int


def uncontacted(key: bytes, row: bytes) -> Uncontacted | None:
    """What the row under a whole `key` of the desk says; None: it is no lead's, or somebody has been in touch with it.

    A lead waits since it came to its state or since its last request, whichever is earlier.
    """
    if not key.partition(b"/")[2].startswith(b"lead/"):
        return None
    held = unpack(key, {key: row})
    assert isinstance(held, Held)
    if held.state not in {"waiting", *PENDING}:
        return None
    return Uncontacted(held.state != "waiting", min(held.since_ms, from_rfc3339(held.request.cause.time)))
