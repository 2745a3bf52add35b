"""The page of topics and records: the catalog, and the schemas of what is written and read."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.core.instants import to_duration
from engine.reference.markdown import code, flat, page, table
from engine.reference.shapes import allowed
from engine.stream.accepted import ACCEPTED
from engine.stream.catalog import Catalog, Topic
from engine.stream.contract import record_schema
from engine.stream.emitted import EMITTED, Kind


def records_page(catalog: Catalog) -> str:
    """Every topic, and every field of every record that is somebody's contract."""
    rows = [
        (f"`{one.name}`", flat(one.key), str(one.partitions), _kept(one), flat(one.description))
        for one in catalog.topics.values()
    ]
    return page(
        "Topics and records",
        "The list of topics as `topics/catalog.yaml` has it. What reps and a CRM can say and are told is explained in"
        " [`topics/README.md`](../../topics/README.md); JSON Schemas of all records and an AsyncAPI document are in"
        " `topics/`. Read committed records only, and tell repeats by `id`.",
        "## Topics",
        table(("topic", "key", "partitions", "kept", "what it holds"), rows),
        "## What Heatline writes",
        "Each record is a CloudEvent; the tables show its `data`. Fields may be added, none is renamed or taken away.",
        *_emitted(),
        "## What Heatline reads",
        *_accepted(),
    )


def _kept(topic: Topic) -> str:
    if topic.cleanup == "compact":
        return "the last of each key"
    return "for good" if topic.retention_ms is None else to_duration(topic.retention_ms)


def _emitted() -> Iterator[str]:
    types: dict[type, list[Kind]] = {}
    for kind in EMITTED:
        types.setdefault(kind.data, []).append(kind)
    shown: set[str] = set()
    for data, kinds in types.items():
        yield f"### {', '.join(code(kind.noun_verb) for kind in kinds)}"
        definitions = record_schema(kinds[0])["$defs"]
        yield f"On `{kinds[0].topic}`. {_told(definitions[data.__name__], kinds[0].topic)}"
        yield _fields(definitions.pop(data.__name__))
        for name in sorted(definitions.keys() - shown):
            shown.add(name)
            yield f"`{name}`: {_told(definitions[name], kinds[0].topic)}"
            yield _fields(definitions[name])


def _told(schema: Mapping[str, Any], topic: str) -> str:
    said = flat(schema.get("description")).removeprefix(f"`{topic}`: ")
    return said[:1].upper() + said[1:]


def _accepted() -> Iterator[str]:
    for topic, schema in ACCEPTED.items():
        yield f"### `{topic}`"
        yield f"{flat(schema['description'])} [Its schema](../../topics/schemas/{topic}.json)."
        kinds = [one for one in schema.get("oneOf", ()) if "title" in one and "properties" in one]
        rows = [
            (code(one["title"]), ", ".join(code(name) for name in one["properties"] if name != "type")) for one in kinds
        ]
        yield table(("type", "fields"), rows)


def _fields(schema: Mapping[str, Any]) -> str:
    rows = [(code(name), allowed(one)) for name, one in schema.get("properties", {}).items()]
    return table(("field", "what it may be"), rows)
