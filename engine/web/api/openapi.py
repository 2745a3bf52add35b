"""The OpenAPI 3.1 document: made of the operations and of the structs that they take and give."""

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from engine.web.api.operations import Operation
from engine.web.api.problems import MEDIA_TYPE, Problem

ALWAYS = (401, 414, 429, 503)
"""What every operation may answer: nobody let you in, the query is too long, you ask too often, the store is away."""

_REF = "#/components/schemas/{name}"
_NAME = re.compile(r"\{(\w+)\}")
_NUMBERS = frozenset({"partition", "offset"})
_ID_CHARS_MAX = 512
_DESCRIPTION = """\
Leads with their scores, why they are what they are, who has them, and what became of them. Send a token of
`heatline token add` as `Authorization: Bearer hl_…`. You see what your role may see: a rep its own leads, a manager
those of its regions, an operator all, without who they are unless it is allowed that; what you may not see does not
exist. Times are RFC 3339 in UTC. Fields may be added."""


def document(operations: Iterable[Operation], base: str, version: str) -> dict[str, Any]:
    """The whole document; `base` is where the paths begin."""
    listed = list(operations)
    kinds = [Problem, *(kind for one in listed for kind in _kinds(one))]
    shown, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    schemas = dict(zip(kinds, shown, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for one in listed:
        paths.setdefault(base + one.path, {})[one.method.lower()] = _operation(one, schemas, components)
    used = {name: schema for name, schema in components.items() if name not in {one.query.__name__ for one in listed}}
    return {
        "openapi": "3.1.1",
        "info": {"title": "Heatline", "version": version, "description": _DESCRIPTION, "license": _LICENSE},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": used,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


_LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def _kinds(operation: Operation) -> Iterator[Any]:
    yield from operation.answers.values()
    yield operation.query
    if operation.body is not None:
        yield operation.body


def _operation(operation: Operation, schemas: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [*_path_parameters(operation.path), *_query_parameters(operation, components)]
    told: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary, "parameters": parameters}
    if operation.body is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schemas[operation.body]}}}
    good = {
        str(status): _response(status, "application/json", schemas[kind]) for status, kind in operation.answers.items()
    }
    if operation.method == "GET":
        good["304"] = {"description": "Not changed since the ETag that you sent"}
    bad = {str(status): _response(status, MEDIA_TYPE, schemas[Problem]) for status in _bad(operation)}
    return {**told, "responses": good | bad}


def _bad(operation: Operation) -> list[int]:
    of_body = (413, 415, 422) if operation.body is not None else ()
    return sorted({400, *ALWAYS, *of_body, *operation.problems})


def _response(status: int, media_type: str, schema: Any) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {media_type: {"schema": schema}}}


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for name in _NAME.findall(path):
        number = {"type": "integer", "minimum": 0, "maximum": 2**59}
        text = {"type": "string", "minLength": 1, "maxLength": _ID_CHARS_MAX}
        schema = number if name in _NUMBERS else text
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(operation: Operation, components: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, schema in components[operation.query.__name__]["properties"].items():
        yield {"name": name, "in": "query", "required": False, "schema": _without_null(schema)}


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter that is not there is no null."""
    several = [one for one in schema.get("anyOf", [schema]) if one != {"type": "null"}]
    return {name: value for name, value in (several[0] if len(several) == 1 else schema).items() if value is not None}
