"""Logs: text on a terminal, JSON lines elsewhere; no e-mail address, no flood, nothing that a terminal would obey."""

import hashlib
import json
import logging
import re
import sys
import time
from collections.abc import Callable
from typing import Literal, TextIO

from engine.core.instants import to_rfc3339

OWN = "engine"
LIBRARIES = ("faust", "mode", "aiokafka")
AUDIT = "heatline.audit"
"""The logger of who did what: each line counts, however many there are."""
FIELDS = ("topic", "partition", "offset", "event", "lead")
"""What a call may add with `extra=`; `lead` is written as `lead_hash`."""

PASSED = 20
WINDOW_S = 10.0
KEYS_MAX = 1_000

_EMAIL = re.compile(r"[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.)+[\w-]{2,63}")


def setup_logs(
    level: str = "info", form: Literal["auto", "json", "text"] = "auto", stream: TextIO | None = None
) -> None:
    """Log to `stream` (standard error): our own from `level` up, everybody else from WARNING up.

    Replaces the root logger's handlers. The levels of Faust, mode and aiokafka are set by name, because Faust sets
    the root logger's to DEBUG, and each of their calls would then build a record.
    """
    stream = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    handler.addFilter(RateLimit())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OWN).setLevel(level.upper())
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def lead_hash(lead: str) -> str:
    """What stands for a lead in logs: the same for the same lead, and no id."""
    return hashlib.blake2s(lead.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def clean(text: str) -> str:
    """`text` with e-mail addresses masked."""
    return _EMAIL.sub("***@***", text)


class RateLimit(logging.Filter):
    """Passes `passed` records of a key in `window_s` seconds, then counts; the next one passed tells how many.

    The key is the logger with the message before its arguments are filled in.
    """

    def __init__(
        self, passed: int = PASSED, window_s: float = WINDOW_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` in seconds."""
        super().__init__()
        self._passed = passed
        self._window_s = window_s
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` passes."""
        if record.name == AUDIT:
            return True
        key = (record.name, str(record.msg)[:200])
        now_s = self._clock()
        began_s, count = self._seen.get(key, (now_s, 0))
        held = 0
        if now_s - began_s >= self._window_s:
            began_s, held, count = now_s, max(0, count - self._passed), 0
        if len(self._seen) >= KEYS_MAX:
            self._seen.clear()
        self._seen[key] = (began_s, count + 1)
        if held:
            record.msg = f"{record.getMessage()} ({held} more like it)"
            record.args = None
        return count < self._passed


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """`time`, `level`, `logger`, `message`, the fields that the call added, and a trace where there is one."""
        line = {
            "time": to_rfc3339(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": clean(record.getMessage()),
            **_fields(record),
        }
        if record.exc_info:
            line["trace"] = clean(self.formatException(record.exc_info))
        return json.dumps(line)


class TextFormatter(logging.Formatter):
    """One line for a reader, control characters and escapes shown instead of sent."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, message and fields; a trace on lines of its own."""
        added = "".join(f" {name}={value}" for name, value in _fields(record).items())
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        line = _printable(f"{moment} {record.levelname.lower()}: {clean(record.getMessage())}{added}")
        if record.exc_info:
            trace = clean(self.formatException(record.exc_info))
            line += "".join(f"\n  {_printable(part)}" for part in trace.splitlines())
        return line


def _fields(record: logging.LogRecord) -> dict[str, object]:
    given = {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
    if "lead" in given:
        given["lead_hash"] = lead_hash(str(given.pop("lead")))
    return {name: clean(value) if isinstance(value, str) else value for name, value in given.items()}


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
