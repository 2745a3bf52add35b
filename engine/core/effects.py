"""What comes of a fold besides the changed row, for others to be told."""

from typing import NamedTuple

from engine.core.events import Event
from engine.core.model import Rule
from engine.core.triggers import Alert


class Fired(NamedTuple):
    """An alert or action that fired: the score before and after, why, and the event that fired it, if one did.

    `name` is that of the event, the signal or what fell due. `rule` weighed most in a change of the score.
    """

    alert: Alert
    name: str
    before: float
    after: float
    rule: Rule | None
    event: Event | None


class Moved(NamedTuple):
    """A lead went from one stage to another, by their places in STAGES; `total` is its score when it did."""

    stage_from: int
    stage_to: int
    reason: str
    seconds: float
    total: float
    name: str


class Converted(NamedTuple):
    """A conversion and its value; `name` is that of the event."""

    conversion: str
    revenue: float
    currency: str | None
    name: str


Effect = Fired | Moved | Converted
