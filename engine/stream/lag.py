"""How far a reader is behind the topics, also while nobody can ask."""

import time
from collections.abc import Callable


class Lag:
    """How many seconds behind, told to whoever measures it; grows by itself while nobody knows better."""

    def __init__(self, tell: Callable[[float], None], clock: Callable[[], float] = time.time) -> None:
        """Nothing is told yet; `clock` is the wall clock, in seconds since the epoch."""
        self._tell = tell
        self._clock = clock
        self._known_s, self._behind_s = clock(), 0.0

    def known(self, behind_s: float) -> None:
        """So far behind now."""
        self._known_s, self._behind_s = self._clock(), behind_s
        self._tell(behind_s)

    def unknown(self) -> None:
        """As far as it was, and as long as nobody knows."""
        self._tell(self._behind_s + self._clock() - self._known_s)
