"""What every way of sending has in common: what it is given, and what it says came of it."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from engine.notify.port import Claimed
from engine.notify.records import Notice

SEND_WITHIN_S = 20.0
"""Standard Webhooks: a receiver that needs longer has failed."""
OUTCOMES = ("delivered", "failed", "throttled", "refused", "gone")


class Message(NamedTuple):
    """What is to be sent to a target of a channel: one record, or several as a digest. `id` stays over retries."""

    id: str
    target: str
    notices: tuple[Notice, ...]
    is_digest: bool


class Delivered(NamedTuple):
    """The receiver has it."""

    outcome: str = "delivered"


class Failed(NamedTuple):
    """Not now: to be tried again, not before `after_ms` from now where the receiver says so.

    `words` are the receiver's own, which may quote the message: they stand in the list of dead letters, not in logs.
    """

    why: str
    after_ms: int | None = None
    words: str = ""

    @property
    def outcome(self) -> str:
        """`throttled` where the receiver is there and only wants to wait."""
        return "failed" if self.after_ms is None else "throttled"

    @property
    def whole_why(self) -> str:
        """With the receiver's words."""
        return f"{self.why} {self.words}" if self.words else self.why


class Refused(NamedTuple):
    """This message cannot be sent, however often it is tried."""

    why: str
    outcome: str = "refused"


class Gone(NamedTuple):
    """The receiver wants nothing more."""

    why: str
    outcome: str = "gone"


Outcome = Delivered | Failed | Refused | Gone


class Sender(Protocol):
    """One channel's way. `at_once` messages to a target at a time, `pause_ms` from the end of one to the next."""

    @property
    def at_once(self) -> int:
        """So many at a time to one target."""
        ...

    @property
    def pause_ms(self) -> int:
        """So long from the end of one message to the beginning of the next; 0: none."""
        ...

    async def send(self, message: Message) -> Outcome:
        """Try once. Never raises for what a receiver or a record does."""
        ...


Senders = Mapping[str, Sender]
"""The channels, by name."""


def message(claimed: Claimed, notices: tuple[Notice, ...]) -> Message:
    """What is to be sent of what was claimed."""
    is_digest = any(entry.digest_ms for entry in claimed.entries)
    return Message(claimed.id, claimed.queue.target, notices, is_digest)
