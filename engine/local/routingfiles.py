"""Reading a routing that is to be used, with the files beside it that it names."""

from pathlib import Path

from engine.local.configfile import beside, read_config
from engine.ops.watch import Contents
from engine.routing.config import Routing
from engine.routing.routingfile import load_routing


def read_routing(file: Path, seen: Contents | None = None) -> Routing | None:
    """What the file states, None where there is none. Raises ConfigError. `seen` is told what was in each file."""
    text = read_config(file, seen)
    return None if text is None else load_routing(text, str(file), read=beside(file.parent, seen))
