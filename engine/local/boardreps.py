"""The reps of routing.yaml, kept up with the file: the board calls them by their names, and knows their desks."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from engine.core.source import ConfigError
from engine.local.routingfiles import read_routing
from engine.ops.reloading import Reloading
from engine.ops.watch import Contents, watching
from engine.routing.config import NO_ROUTING
from engine.web.port import Reps, reps_of

log = logging.getLogger(__name__)


def read_reps(file: Path, seen: Contents | None = None) -> Reps:
    """Those whom the file names, nobody without one. Raises ConfigError. `seen` is told what was in each file."""
    return reps_of(read_routing(file, seen) or NO_ROUTING)


@asynccontextmanager
async def known_reps(file: Path) -> AsyncIterator[Callable[[], Reps]]:
    """Gives the reps as they are now, until closed.

    A board also serves where it cannot read the file: then it calls reps by their ids, and takes their desk for `main`.
    """
    used: Contents = {}
    held: Reps = {}
    try:
        held = read_reps(file, used)
    except ConfigError as error:
        log.warning("the board calls reps by their ids, since this cannot be used:\n%s", error)

    def apply(changed: Reps) -> str:
        nonlocal held
        held = changed
        return f"{len(changed)} reps"

    reloading = Reloading(str(file), apply, lambda: None)
    async with watching(used, lambda seen: read_reps(file, seen), reloading):
        yield lambda: held
