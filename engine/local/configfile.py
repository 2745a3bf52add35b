"""Reading the files that users edit."""

from pathlib import Path

from engine.core.reader import Reader
from engine.core.source import ConfigError, Node, Problem

MISSING = "there is no such file: it states how to score; the shipped one is config/model.yaml"


def read_config(file: Path) -> str | None:
    """The text of a file, None where there is none. Raises ConfigError for one that cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(str(file), 1, 1, "", None, f"cannot be read: {error}")]) from None


def read_root(file: Path) -> Node:
    """What a file states, as it stands there; one that is not there states nothing. Raises ConfigError."""
    reader = Reader(str(file))
    root = reader.parse(read_config(file) or "")
    reader.finish()
    return root
