"""The JSON Schema of `notify.yaml`, for editors; `python -m engine.notify.notifyschema` writes it anew."""

import json
import sys
from pathlib import Path
from typing import Any

from engine.core.modelkeys import mapping
from engine.core.modelschema import DIALECT, condition, definitions
from engine.notify.notifykeys import NOTIFY
from engine.notify.records import FAMILIES, FIELDS
from engine.stream.contract import EDITORS

FILE = EDITORS / "notify.json"


def notify_schema() -> dict[str, Any]:
    """The schema of `notify.yaml`."""
    families = "|".join(prefix.removesuffix(".") for prefix in FAMILIES)
    of_records = condition("a field of the record", FIELDS.known, f"^({families})[.].+$")
    return {
        "$schema": DIALECT,
        "$id": "urn:heatline:schema:notify",
        "title": "config/notify.yaml",
        "description": "Who is told of what. `heatline notify check` knows what is beyond a schema.",
        **mapping(NOTIFY),
        "$defs": {**definitions(), "condition": of_records},
    }


def document() -> bytes:
    """The schema as it stands in its file."""
    return (json.dumps(notify_schema(), indent=2, ensure_ascii=False) + "\n").encode()


def write(file: Path = FILE) -> None:
    """Write it anew."""
    file.write_bytes(document())


if __name__ == "__main__":
    write()
    sys.stdout.write(f"{FILE.name}\n")
