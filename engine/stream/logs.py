"""Faust, mode and aiokafka log a lot, above all while a broker is down; what passes is rare and one line each."""

import logging
import time
from collections.abc import Callable

LIBRARIES = ("faust", "mode", "aiokafka")
FAUST = logging.getLogger("faust.heatline")
"""For what Faust's own code logs in the name of our subclasses."""


class Relay(logging.Handler):
    """Passes a library's records on to a logger of ours: each kind once per `interval_s`, without tracebacks.

    Those libraries log a traceback where the worker already handles the error or ends with a sentence of its own.
    """

    def __init__(self, target: logging.Logger, interval_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` in seconds."""
        super().__init__()
        self._target = target
        self._interval_s = interval_s
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Pass `record` on, or count it."""
        kind = (record.name, str(record.msg)[:80])
        now = self._clock()
        last, held = self._seen.get(kind, (-self._interval_s, 0))
        if now - last < self._interval_s:
            self._seen[kind] = (last, held + 1)
            return
        if len(self._seen) > 1_000:
            self._seen.clear()
        self._seen[kind] = (now, 0)
        more = f" ({held} more like it)" if held else ""
        text = " ".join(record.getMessage().split())
        self._target.log(record.levelno, "%s: %s%s", record.name, text, more)


def quiet_libraries(target: logging.Logger) -> None:
    """Send what the three libraries log at WARNING and above through one `Relay`; the root logger stays as it is."""
    relay = Relay(target, interval_s=10.0)
    for name in LIBRARIES:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        logger.handlers = [relay]
