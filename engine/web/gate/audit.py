"""Who looked at whom, and who did what: one JSON object a line.

A lead stands there by its key, as in the board's addresses: no e-mail address, and no id that could be one.
"""

import logging
import os
import re
import time
from collections.abc import Callable
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

import msgspec

from engine.core.instants import to_rfc3339
from engine.ops.logs import AUDIT, clean
from engine.web.gate.access import Principal
from engine.web.masking import KEY_CHARS

log = logging.getLogger(AUDIT)
_MODE = 0o600
_KEY = re.compile(rf"~[A-Za-z0-9_-]{{{KEY_CHARS}}}")


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that somebody did. `who` is the id of a token, `lead` the key of a lead."""

    at: str
    action: str
    outcome: str
    remote: str
    who: str | None = None
    name: str | None = None
    role: str | None = None
    lead: str | None = None


class Audit:
    """Writes lines to a file, or to the logger `heatline.audit`."""

    def __init__(self, file: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        """Appends to `file`, which only its owner can read; raises OSError.

        Who moves the file away, to rotate it, finds the next line in a new one.
        """
        self._clock = clock
        self._file = None if file is None else _OwnFile(file, encoding="utf-8")
        if self._file is None:
            log.setLevel(logging.INFO)

    def write(
        self, who: Principal | None, remote: str, action: str, *, lead: str | None = None, outcome: str = "ok"
    ) -> None:
        """`who` did `action` from the address `remote`; `lead` is a key: an id would not be written."""
        line = Line(
            at=to_rfc3339(int(self._clock() * 1_000)),
            action=clean(action),
            outcome=clean(outcome),
            remote=remote,
            who=None if who is None else clean(who.id),
            name=None if who is None else clean(who.name),
            role=None if who is None else who.role,
            lead=lead if lead is None or _KEY.fullmatch(lead) else "?",
        )
        text = msgspec.json.encode(line).decode()
        if self._file is None:
            log.info("%s", text)
        else:
            self._file.handle(log.makeRecord(log.name, logging.INFO, "", 0, "%s", (text,), None))

    def close(self) -> None:
        """Nothing is written from now on."""
        if self._file is not None:
            self._file.close()


class _OwnFile(WatchedFileHandler):
    def _open(self) -> Any:
        return open(
            self.baseFilename,
            self.mode,
            encoding=self.encoding,
            opener=lambda name, flags: os.open(name, flags, _MODE),
        )
