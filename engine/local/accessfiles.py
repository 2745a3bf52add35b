"""The access file on disk: read, watched for others' eyes, and changed by one command at a time."""

import fcntl
import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from rich.table import Table

from engine.core.instants import to_rfc3339
from engine.core.reader import unknown
from engine.core.source import ConfigError, Problem
from engine.local.configfile import read_config
from engine.local.replacing import replacing
from engine.local.routingfiles import read_routing
from engine.ops.watch import Contents
from engine.web.gate.accessfile import AccessFile, load_access, new_file

log = logging.getLogger(__name__)
T = TypeVar("T")
MISSING = "there is no such file, so that nobody can log in; make one with `heatline token add NAME --role …`"


def read_access(file: Path, seen: Contents | None = None) -> AccessFile:
    """What the file states. Raises ConfigError; warns where others can read it. `seen` is told what was in it."""
    text = read_config(file, seen)
    if text is None:
        raise ConfigError([Problem(str(file), 1, 1, "", None, MISSING)])
    warning = exposed(file)
    if warning is not None:
        log.warning("%s", warning)
    return load_access(text, str(file))


def exposed(file: Path) -> str | None:
    """What to say of a file that others than its owner can read or change."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if not mode & 0o077:
        return None
    return (
        f"{file} is open to others than its owner (mode {mode:03o}), who could make sessions with it: chmod 600 {file}"
    )


def change_access(file: Path, change: Callable[[AccessFile], tuple[AccessFile, T]]) -> T:
    """Put what `change` makes of the file in its place, at once and readable by its owner only; gives what it adds.

    A file that is not there yet is made. Commands at the same time wait for each other. Raises ConfigError.
    """
    target = file.resolve()
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        text = read_config(target)
        changed, told = change(new_file() if text is None else load_access(text, str(file)))
        with replacing(target) as written:
            written.write(load_access(changed.text(), str(file)).text().encode())
        os.fsync(folder)
    finally:
        os.close(folder)
    return told


def listed_tokens(held: AccessFile) -> list[dict[str, object]]:
    """The tokens as people and programs read them, without what could let anybody in."""
    return [
        {
            "id": name,
            "name": entry.name,
            "role": entry.role,
            "rep": entry.rep,
            "regions": list(entry.regions),
            "personal": entry.token(name).principal.personal,
            "created": None if entry.created_ms is None else to_rfc3339(entry.created_ms),
            "expires": None if entry.expires_ms is None else to_rfc3339(entry.expires_ms),
        }
        for name, entry in held.entries.items()
    ]


def table(rows: Iterable[dict[str, object]]) -> Table:
    """`listed_tokens` for a terminal."""
    shown = Table("id", "name", "role", "rep", "regions", "personal", "created", "expires")
    for row in rows:
        texts = {**row, "regions": " ".join(map(str, row["regions"] if isinstance(row["regions"], list) else ()))}
        shown.add_row(*("yes" if value is True else str(value or "") for value in texts.values()))
    return shown


def unknown_names(routing: Path, rep: str | None, regions: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Which of these the routing does not have, by flag; none where there is no such file. Raises ConfigError."""
    main = read_routing(routing)
    if main is None:
        return
    desks = main.by_desk.values()
    known_reps = {name for desk in desks for name in desk.reps}
    known_regions = {name for desk in desks for name in desk.regions}
    if rep is not None and rep not in known_reps:
        yield "--rep", unknown(rep, sorted(known_reps)) if known_reps else f"`{rep}` is not known; there are no reps"
    for region in regions:
        if region not in known_regions:
            told = unknown(region, sorted(known_regions)) if known_regions else "there are no regions"
            yield "--region", told
