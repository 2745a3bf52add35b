"""The way into the board as the settings describe it, kept up with the access file while it is open."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from engine.local.accessfiles import MISSING, read_access
from engine.ops.loading import SettingsError
from engine.ops.reloading import Reloading
from engine.ops.security import board_security
from engine.ops.settings import BoardSettings, Settings
from engine.ops.watch import Contents, watching
from engine.web.gate.access import Access
from engine.web.gate.accessfile import AccessFile, new_file
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance
from engine.web.gate.security import Front, check_bind

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
"""A change counts at the second look, so that a revoked token is good for a second at most."""


@asynccontextmanager
async def entrance(settings: Settings) -> AsyncIterator[Entrance]:
    """Who may come in, until closed. Raises ConfigError and SettingsError for what cannot be used at start.

    Without an access file nobody can, until there is one. One that breaks later changes nothing.
    """
    file = settings.access.file
    front = board_front(settings.board)
    tls = board_security(settings.board)
    used: Contents = {}
    held = _first(file, used)
    access = Access(held.key, held.tokens)
    audit = _audit(settings.access.audit_file)

    def apply(changed: AccessFile) -> str:
        access.use(changed.key, changed.tokens)
        return _about(changed)

    reloading = Reloading(str(file), apply, lambda: None)
    try:
        async with watching(used, lambda seen: read_access(file, seen), reloading, LOOK_EVERY_S):
            yield Entrance(access, audit, front, tls)
    finally:
        audit.close()


def board_front(board: BoardSettings) -> Front:
    """What stands before the board. Raises SettingsError where nothing does that must."""
    front = Front(bool(board.tls_cert), board.proxies)
    try:
        check_bind(board.host, front)
    except ValueError as error:
        raise SettingsError([f"board.host = {error}"]) from None
    return front


def _first(file: Path, used: Contents) -> AccessFile:
    if not file.exists():
        used[file] = None
        log.warning("%s: %s", file, MISSING)
        return new_file()
    found = read_access(file, used)
    log.info("%s: %s", file, _about(found))
    return found


def _about(held: AccessFile) -> str:
    return f"{len(held.entries)} token{'' if len(held.entries) == 1 else 's'}"


def _audit(file: str) -> Audit:
    try:
        return Audit(Path(file) if file else None)
    except OSError as error:
        raise SettingsError([f'access.audit_file = "{file}": cannot be written: {error.strerror}']) from None
