"""The keys of `model.yaml`, each with what its value looks like: readers take the names, editors the schema.

A key that stands here is known to both; `modelschema.py` adds what the names of bands, groups and fields are.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from engine.core.decode import SOURCES
from engine.core.model import STAGES

Shape = Mapping[str, Any]
"""A JSON Schema."""
Keys = Mapping[str, Shape]

NAME_MAX = 64
LABEL_MAX = 100


def one_of(values: Any) -> Shape:
    """One of these texts."""
    return {"enum": list(values)}


def list_of(items: Shape) -> Shape:
    """A list, of any length but none."""
    return {"type": "array", "items": items, "minItems": 1}


def named(values: Shape) -> Shape:
    """A mapping whose keys its author chooses."""
    return {"type": "object", "propertyNames": {"minLength": 1, "maxLength": NAME_MAX}, "additionalProperties": values}


def mapping(keys: Keys, required: tuple[str, ...] = (), **more: Any) -> Shape:
    """A mapping with these keys."""
    shape = {"type": "object", "properties": dict(keys), "additionalProperties": False, **more}
    return {**shape, "required": list(required)} if required else shape


NUMBER: Shape = {"type": "number"}
POSITIVE: Shape = {"type": "number", "exclusiveMinimum": 0}
TEXT: Shape = {"type": "string", "minLength": 1, "maxLength": 500}
LABEL: Shape = {"type": "string", "minLength": 1, "maxLength": LABEL_MAX}
TRUE: Shape = {"const": True}
BOOLEAN: Shape = {"type": "boolean"}
DURATION: Shape = {"type": "string", "pattern": "^([0-9]{1,9}[dhms])+$"}
PER: Shape = {"type": "string", "pattern": "^[0-9]+ per ([0-9]{1,9}[dhms])+$"}
AMOUNT: Shape = {"type": "string", "pattern": r"^(properties|traits)\..+$"}
CONDITION: Shape = {"$ref": "#/$defs/condition"}
BAND: Shape = TEXT
BOUND: Shape = {"type": ["string", "number"]}
SCORES = ("total", "engagement", "fit")
PRIORITIES = ("low", "normal", "high")
DECAYS = ("none",)
MOVED_BY_ENGINE = ("lead", "marketingqualifiedlead")

RULE: Keys = {
    "when": CONDITION,
    "points": NUMBER,
    "times": AMOUNT,
    "times_max": POSITIVE,
    "limit": {"anyOf": [{"const": "once"}, PER]},
    "max": POSITIVE,
    "group": TEXT,
    "half_life": DURATION,
    "window": {"type": "string", "pattern": "^[0-9]+d$"},
    "decay": one_of(DECAYS),
    "fast_track": BOOLEAN,
    "sources": {"anyOf": [one_of(sorted(SOURCES)), list_of(one_of(sorted(SOURCES)))]},
    "label": LABEL,
}
DECAY_KEYS = ("half_life", "window", "decay")
FIT_RULE: Keys = {"when": CONDITION, "points": NUMBER, "label": LABEL}
CONVERSION: Keys = {"when": CONDITION, "value": AMOUNT, "currency": AMOUNT}
CYCLE_STEP: Keys = {"if": CONDITION, "for": DURATION}

TRIGGERS: Keys = {
    "crosses": BOUND,
    "falls_below": BOUND,
    "fast_track": TRUE,
    "when": CONDITION,
    "gains": POSITIVE,
    "silent_for": DURATION,
    "enters": one_of(STAGES[1:]),
}
BESIDE_TRIGGER: Mapping[str, tuple[Shape, tuple[str, ...]]] = {
    "score": (one_of(SCORES), ("crosses", "falls_below")),
    "rearm_below": (NUMBER, ("crosses",)),
    "rearm_above": (NUMBER, ("falls_below",)),
    "not_followed_by": (CONDITION, ("when",)),
    "within": (DURATION, ("when", "gains")),
}
"""Keys that only some triggers have, with those."""
ALERT: Keys = {
    **TRIGGERS,
    **{key: shape for key, (shape, _) in BESIDE_TRIGGER.items()},
    "if": CONDITION,
    "cooldown": DURATION,
    "priority": one_of(PRIORITIES),
    "label": LABEL,
}
ACTION: Keys = {**ALERT, "data": named({"type": ["string", "number", "boolean"]})}

_ONE_TRIGGER = [{"required": [key]} for key in TRIGGERS]

MODEL: Keys = {
    "scale": POSITIVE,
    "time_zone": TEXT,
    "lateness": DURATION,
    "total": mapping({"engagement": {"type": "number", "minimum": 0}, "fit": {"type": "number", "minimum": 0}}),
    "bands": named(POSITIVE),
    "grades": named(POSITIVE),
    "publish_from": BAND,
    "defaults": mapping({"half_life": DURATION}),
    "groups": named(mapping({"max": POSITIVE}, required=("max",))),
    "products": named({"anyOf": [TEXT, list_of(TEXT)]}),
    "engagement": named(
        mapping(
            RULE,
            required=("when", "points"),
            dependentRequired={"times_max": ["times"]},
            allOf=[{"not": {"required": list(pair)}} for pair in (*combinations(DECAY_KEYS, 2), ("times", "limit"))],
        )
    ),
    "fit": named(mapping(FIT_RULE, required=("when", "points"))),
    "personas": named(CONDITION),
    "conversions": named(mapping(CONVERSION, required=("when",))),
    "stages": mapping(dict.fromkeys(MOVED_BY_ENGINE, CONDITION)),
    "stage_names": mapping(dict.fromkeys(STAGES, LABEL)),
    "cycle": {"anyOf": [DURATION, list_of(mapping(CYCLE_STEP, required=("for",)))]},
    "alerts": named(mapping(ALERT, oneOf=_ONE_TRIGGER)),
    "actions": named(mapping(ACTION, oneOf=_ONE_TRIGGER)),
    "actions_limit": PER,
    "suppress": CONDITION,
    "identity": mapping({"trusted_sources": list_of(one_of(sorted(SOURCES)))}),
    "bots": mapping(
        {
            "burst": {"type": "integer", "minimum": 1},
            "per_second": {"type": "integer", "minimum": 1},
            "honeypot": list_of(TEXT),
            "keep_one_visit": DURATION,
        }
    ),
}


def keys_of(*path: str) -> tuple[str, ...]:
    """The keys of the mapping at `path` of `MODEL`."""
    shape: Shape = {"properties": MODEL}
    for key in path:
        shape = shape["properties"][key]
    return tuple(shape["properties"])
