"""The contract with other systems, written from the structs: JSON Schemas and the AsyncAPI document of `topics/`.

Beside it, from the keys that readers know, the schemas by which editors complete and check what users edit.
`python -m engine.stream.contract` writes them anew; a test compares them byte for byte.
"""

import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from engine.core.cloudevents import CloudEvent
from engine.core.modelschema import events_schema, model_schema
from engine.core.records import SOURCE
from engine.routing.routingschema import routing_schema
from engine.stream.accepted import ACCEPTED, DIALECT
from engine.stream.asyncapi import Message, asyncapi
from engine.stream.catalog import SHIPPED, Catalog, read
from engine.stream.emitted import EMITTED, Kind

FOLDER = SHIPPED.parent
EDITORS = FOLDER.parent / "config" / "schemas"


def record_schema(kind: Kind) -> dict[str, Any]:
    """The JSON Schema of a whole record of `kind`: the CloudEvents envelope with its data."""
    (data,), parts = msgspec.json.schema_components([kind.data], ref_template="#/$defs/{name}")
    fixed = {
        "specversion": {"const": "1.0"},
        "source": {"const": SOURCE},
        "type": {"const": kind.type},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "data": data,
    }
    names = [field.encode_name for field in msgspec.structs.fields(CloudEvent)]
    return {
        "$schema": DIALECT,
        "$id": f"urn:heatline:schema:{kind.noun_verb}:v1",
        "title": kind.type,
        "description": _flat(CloudEvent.__doc__),
        "type": "object",
        "properties": {name: fixed.get(name, {"type": "string", "minLength": 1}) for name in names},
        "required": names,
        "$defs": {name: _described(part) for name, part in parts.items()},
    }


def documents(catalog: Catalog) -> dict[str, bytes]:
    """Every generated file by its path below `topics/`."""
    schemas = {kind.file: record_schema(kind) for kind in EMITTED}
    schemas |= {f"schemas/{topic}.json": schema for topic, schema in ACCEPTED.items()}
    written = {path: _json(schema) for path, schema in schemas.items()}
    return {**written, "asyncapi.yaml": _yaml(asyncapi(catalog, _messages()))}


def editor_documents() -> dict[str, bytes]:
    """The schemas of what users edit, by their names in `config/schemas/`."""
    return {
        "model.json": _json(model_schema()),
        "events.json": _json(events_schema()),
        "routing.json": _json(routing_schema()),
    }


def write_for_editors(folder: Path = EDITORS) -> list[str]:
    """Writes the schemas of what users edit into `folder`, and returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in editor_documents().items():
        (folder / name).write_bytes(content)
    return list(editor_documents())


def write(folder: Path = FOLDER) -> list[str]:
    """Writes every document below `folder`, removes schemas of types that are gone, and returns the paths written."""
    wanted = documents(read())
    for path in (folder / "schemas").glob("*.json"):
        if f"schemas/{path.name}" not in wanted:
            path.unlink()
    for name, content in wanted.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return list(wanted)


def _messages() -> list[Message]:
    emitted = [
        Message(
            topic=kind.topic,
            name=kind.noun_verb,
            title=kind.type,
            summary=_flat(kind.data.__doc__),
            content_type="application/cloudevents+json; charset=UTF-8",
            file=kind.file,
            emitted=True,
        )
        for kind in EMITTED
    ]
    accepted = [
        Message(
            topic=topic,
            name=topic,
            title=schema["title"],
            summary=schema["description"],
            content_type="application/json",
            file=f"schemas/{topic}.json",
            emitted=False,
        )
        for topic, schema in ACCEPTED.items()
    ]
    return accepted + emitted


def _described(part: Mapping[str, Any]) -> dict[str, Any]:
    """A generated schema with its docstring on one line. What is written has every field."""
    schema: dict[str, Any] = {key: _flat(value) if key == "description" else value for key, value in part.items()}
    if "properties" in part:
        # A default is for readers of records that were written before there was the field.
        for field in schema["properties"].values():
            field.pop("default", None)
        schema["required"] = list(part["properties"])
    return schema


def _flat(docstring: str | None) -> str:
    return " ".join((docstring or "").split())


def _json(schema: Mapping[str, Any]) -> bytes:
    return (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode()


def _yaml(document: Mapping[str, Any]) -> bytes:
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.BytesIO(b"# Generated by `python -m engine.stream.contract`; do not edit.\n")
    stream.seek(0, io.SEEK_END)
    yaml.dump(document, stream)
    return stream.getvalue()


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in [*write(), *write_for_editors()])
