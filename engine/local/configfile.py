"""Reading the files that users edit."""

from collections.abc import Callable
from pathlib import Path

from engine.core.reader import Reader
from engine.core.source import ConfigError, Node, Problem
from engine.ops.watch import Contents

MISSING = "there is no such file: it states how to score; the shipped one is config/model.yaml"


def read_config(file: Path, seen: Contents | None = None) -> str | None:
    """The text of a file, None where there is none. Raises ConfigError for one that cannot be read.

    `seen` is told what was in it.
    """
    seen = {} if seen is None else seen
    seen[file] = None
    try:
        content = seen[file] = file.read_bytes()
        return content.decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # no UTF-8, or no name that a file can have
        raise ConfigError([Problem(str(file), 1, 1, "", None, f"cannot be read: {error}")]) from None


def beside(folder: Path, seen: Contents | None = None) -> Callable[[str], str | None]:
    """What reads the files of a folder by their names, as `read_config` does."""
    return lambda name: read_config(folder / name, seen)


def read_root(file: Path) -> Node:
    """What a file states, as it stands there; one that is not there states nothing. Raises ConfigError."""
    reader = Reader(str(file))
    root = reader.parse(read_config(file) or "")
    reader.finish()
    return root
