"""The JSON Schema of `notify.yaml`, for editors; `python -m engine.notify.notifyschema` writes it anew."""

import json
import sys
from pathlib import Path
from typing import Any

from engine.core.modelkeys import list_of, mapping
from engine.core.modelschema import DIALECT, definitions
from engine.notify.notifykeys import NOTIFY
from engine.notify.records import FAMILIES, FIELDS
from engine.stream.contract import EDITORS

FILE = EDITORS / "notify.json"


def notify_schema() -> dict[str, Any]:
    """The schema of `notify.yaml`."""
    return {
        "$schema": DIALECT,
        "$id": "urn:heatline:schema:notify",
        "title": "config/notify.yaml",
        "description": "Who is told of what. `heatline notify check` knows what is beyond a schema.",
        **mapping(NOTIFY),
        "$defs": {"condition": _condition(), "test": definitions()["test"]},
    }


def _condition() -> dict[str, Any]:
    inner, test = {"$ref": "#/$defs/condition"}, {"$ref": "#/$defs/test"}
    families = "|".join(prefix.removesuffix(".") for prefix in FAMILIES)
    return {
        "description": "Every entry must hold: a field of the record with a value, a list of values or operators.",
        "type": "object",
        "minProperties": 1,
        "properties": {
            "any": list_of(inner),
            "all": list_of(inner),
            "not": inner,
            **dict.fromkeys(sorted(FIELDS.known), test),
        },
        "patternProperties": {f"^({families})[.].+$": test},
        "additionalProperties": False,
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
