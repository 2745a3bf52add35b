"""JSON Schemas of `model.yaml` and `events.yaml`, for editors: made of the key tables that the readers use."""

from collections.abc import Iterable, Mapping
from typing import Any

from engine.core.conditions import OPERATORS
from engine.core.fields import LEAD_FIELDS, event_fields
from engine.core.modelkeys import BOOLEAN, MODEL, NUMBER, TEXT, Shape, list_of, mapping, one_of
from engine.core.names import CANONICAL, SEARCH_ENGINES, SOCIAL_NETWORKS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SCALAR: Shape = {"type": ["string", "number", "boolean"]}
_OPERATOR_VALUES: Mapping[str, Shape] = {
    **dict.fromkeys(("gt", "gte", "lt", "lte"), NUMBER),
    "between": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
    **dict.fromkeys(("in", "not_in"), list_of(_SCALAR)),
    **dict.fromkeys(("contains", "starts_with", "ends_with", "glob", "matches"), TEXT),
    "exists": BOOLEAN,
}
FAMILIES = "^(properties|traits|counts|points)[.].+$"
"""Fields of which there may be any number."""


def model_schema() -> dict[str, Any]:
    """The schema of `model.yaml`."""
    return {
        "$schema": DIALECT,
        "$id": "urn:heatline:schema:model",
        "title": "config/model.yaml",
        "description": "How Heatline scores a lead. `heatline model check` knows what is beyond a schema.",
        **mapping(MODEL),
        "$defs": definitions(),
    }


def events_schema() -> dict[str, Any]:
    """The schema of `events.yaml`."""
    domains = list_of({"type": "string", "pattern": "^[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*$"})
    path = {"type": "string", "pattern": "^properties[.].+$"}
    return {
        "$schema": DIALECT,
        "$id": "urn:heatline:schema:events",
        "title": "config/events.yaml",
        "description": "What other tools call an event or a property, and what Heatline calls it.",
        "type": "object",
        "properties": {SEARCH_ENGINES: domains, SOCIAL_NETWORKS: domains},
        "additionalProperties": {"anyOf": [one_of(sorted(CANONICAL)), {"type": "string"}, list_of(path)]},
    }


def definitions() -> dict[str, Any]:
    """What schemas call `condition`, and `test`: what is asked of one field."""
    fields = {*event_fields().known, *LEAD_FIELDS.known}
    return {"condition": condition("a field", fields, FAMILIES), "test": _test()}


def condition(what: str, fields: Iterable[str], families: str) -> dict[str, Any]:
    """The schema of a condition over `fields` and those that the pattern `families` fits; `what` they are, in words."""
    inner, test = {"$ref": "#/$defs/condition"}, {"$ref": "#/$defs/test"}
    return {
        "description": f"Every entry must hold: {what} with a value, a list of values or operators; any, all, not.",
        "type": "object",
        "minProperties": 1,
        "properties": {
            "any": list_of(inner),
            "all": list_of(inner),
            "not": inner,
            **dict.fromkeys(sorted(fields), test),
        },
        "patternProperties": {families: test},
        "additionalProperties": False,
    }


def _test() -> dict[str, Any]:
    operators = {name: _OPERATOR_VALUES[name] for name in OPERATORS}
    return {"anyOf": [_SCALAR, list_of(_SCALAR), {**mapping(operators), "minProperties": 1}]}
