"""What is away, said once when it begins and once when it ends, however often it is tried."""

import asyncio
import logging
import time

_BACKOFF_S = 0.2
_BACKOFF_S_MAX = 5.0


class Outage:
    """Whether Kafka is away, or the store beside it."""

    def __init__(self, store: str, away: type[Exception], log: logging.Logger) -> None:
        """Neither is. The store is called `store`; `away` is raised where it is away. `log` is told."""
        self._log = log
        self._store = store
        self._away = away
        self._what: str | None = None
        self._attempts = 0
        self._began_s = 0.0

    def begins(self, error: Exception) -> None:
        """It was tried, and is away."""
        what = self._store if isinstance(error, self._away) else "Kafka"
        if self._what is None:
            self._began_s = time.monotonic()
        if self._what != what:
            self._log.warning("%s is away, trying again until it is back: %s", what, str(error) or type(error).__name__)
            self._what = what
        self._attempts += 1

    def ends(self) -> None:
        """It was tried, and is there."""
        if self._what is not None:
            self._log.info("%s is back after %.1f s", self._what, time.monotonic() - self._began_s)
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
