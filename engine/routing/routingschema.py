"""JSON Schema of `routing.yaml`, for editors: made of the key tables that the readers use."""

from typing import Any

from engine.core.modelkeys import TEXT, mapping
from engine.core.modelschema import DIALECT, FAMILIES, definitions
from engine.routing.leadfields import FIELDS
from engine.routing.routingkeys import FILE_MAX, REQUIRED, ROUTING, TEXTS


def routing_schema() -> dict[str, Any]:
    """The schema of `routing.yaml`."""
    return {
        "$schema": DIALECT,
        "$id": "urn:heatline:schema:routing",
        "title": "config/routing.yaml",
        "description": "Who gets a lead. `heatline routing check` knows what is beyond a schema.",
        **mapping(ROUTING, required=REQUIRED),
        "$defs": {**definitions(), "territory": _territory()},
    }


def _territory() -> dict[str, Any]:
    test = {"$ref": "#/$defs/test"}
    return {
        "description": "Which leads it holds: all entries must hold.",
        "type": "object",
        "minProperties": 1,
        "properties": {
            **dict.fromkeys(sorted(FIELDS.known), test),
            "country": TEXTS,
            "state": TEXTS,
            "zip": TEXTS,
            "zip_file": {**TEXT, "maxLength": FILE_MAX},
        },
        "patternProperties": {FAMILIES: test},
        "additionalProperties": False,
    }
