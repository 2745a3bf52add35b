"""What a JSON Schema allows, in words: for tables of keys and of fields. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from engine.reference.markdown import code

Schema = Mapping[str, Any]
_PATTERNS = {
    "^([0-9]{1,9}[dhms])+$": "a duration such as `1h30m`",
    "^[0-9]+ per ([0-9]{1,9}[dhms])+$": "such as `3 per 1d`",
    "^[0-9]+d$": "whole days such as `7d`",
    r"^(properties|traits)\..+$": "a path such as `properties.revenue`",
    "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$": "hours such as `09:00-17:30`",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}(/[0-9]{4}-[0-9]{2}-[0-9]{2})?$": "a date, or two with `/` between",
}
_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}
_CHARS_SHOWN_MIN = 500
"""A text's limit that is larger is no news to anybody."""


class Key(NamedTuple):
    """A key by its path, `NAME` for what users call themselves, `[]` for an entry of a list; what it may be."""

    path: str
    allowed: str
    required: bool


def keys(schema: Schema, path: str = "") -> Iterator[Key]:
    """Every key of a mapping, those of mappings inside it behind their own."""
    needed = schema.get("required", ())
    for name, inner in schema.get("properties", {}).items():
        yield from _key(inner, f"{path}{name}", required=name in needed)


def _key(schema: Schema, path: str, *, required: bool) -> Iterator[Key]:
    yield Key(path, allowed(schema), required)
    for one in schema.get("anyOf", [schema]):
        if isinstance(named := one.get("additionalProperties"), Mapping):
            yield from _key(named, f"{path}.NAME", required=False)
        yield from keys(one, f"{path}.")
        if "properties" in (items := one.get("items", {})):
            yield from keys(items, f"{path}[].")


def allowed(schema: Schema) -> str:
    """What a value may be, in words."""
    if "$ref" in schema:
        return f"a {schema['$ref'].rpartition('/')[2]}"
    if "const" in schema:
        return code(_value(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(_value(value)) for value in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return "; or ".join(dict.fromkeys(allowed(one) for one in schema[several]))
    if "pattern" in schema and schema["pattern"] in _PATTERNS:
        return _PATTERNS[schema["pattern"]]
    return ", ".join([_kind(schema), *_limits(schema)])


def _kind(schema: Schema) -> str:
    kinds = schema.get("type", "anything")
    if isinstance(kinds, str):
        kinds = [kinds]
    words = {"string": "text", "boolean": "true or false", "object": "a mapping", "integer": "a whole number"}
    words |= {"number": "a number", "array": "a list"}
    told = " or ".join("a time" if schema.get("format") == "date-time" and kind == "string" else words.get(kind, kind)
                       for kind in kinds)  # fmt: skip
    if "prefixItems" in schema:
        return f"{told} of: {', '.join(allowed(one) for one in schema['prefixItems'])}"
    if "array" in kinds and "items" in schema:
        return f"{told} of: {allowed(schema['items'])}"
    if isinstance(named := schema.get("additionalProperties"), Mapping) and "properties" not in named:
        return f"{told} of names, each: {allowed(named)}"
    return told


def _limits(schema: Schema) -> Iterator[str]:
    for key, words in _LIMITS.items():
        limit = schema.get(key)
        if (
            limit is not None
            and not (key == "maxLength" and limit >= _CHARS_SHOWN_MIN)
            and (key, limit) != ("minItems", 1)
        ):
            yield words.format(f"{limit:,}")


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
