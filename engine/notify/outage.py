"""What is away, said once when it begins and once when it ends, however often it is tried."""

import asyncio
import logging
import time

from engine.notify.port import StoreAway

log = logging.getLogger(__name__)

_BACKOFF_S = 0.2
_BACKOFF_S_MAX = 5.0


class Outage:
    """Whether Kafka or the store is away."""

    def __init__(self) -> None:
        """Neither is."""
        self._what: str | None = None
        self._attempts = 0
        self._began_s = 0.0

    def begins(self, error: Exception) -> None:
        """It was tried, and is away."""
        what = "the store of notifications" if isinstance(error, StoreAway) else "Kafka"
        if self._what is None:
            self._began_s = time.monotonic()
        if self._what != what:
            log.warning("%s is away, trying again until it is back: %s", what, str(error) or type(error).__name__)
            self._what = what
        self._attempts += 1

    def ends(self) -> None:
        """It was tried, and is there."""
        if self._what is not None:
            log.info("%s is back after %.1f s", self._what, time.monotonic() - self._began_s)
        self._what = None
        self._attempts = 0

    def backoff_s(self) -> float:
        """How long to wait before it is tried again."""
        return min(_BACKOFF_S * 2.0 ** min(self._attempts, 10), _BACKOFF_S_MAX)


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event, at most so long."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
