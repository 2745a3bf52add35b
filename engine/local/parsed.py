"""What a line of a file comes to: an event that can be sent, or the reason why not."""

from typing import Any, NamedTuple


class Parsed(NamedTuple):
    """A line that holds an event. `time_ms`: when it happened, None where the line does not say.

    `raw` holds the line where it is the event as it stands, None where `event` was made from it.
    """

    event: dict[str, Any]
    time_ms: int | None
    raw: bytes | None


class Unparsed(NamedTuple):
    """A line that holds no event, and what is wrong with it."""

    reason: str
