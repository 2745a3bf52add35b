"""The generated contract: up to date, valid, and what the engine really emits and accepts."""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from ruamel.yaml import YAML

from engine.core.cloudevents import output
from engine.core.decode import EventDecoder
from engine.core.events import Rejected
from engine.core.flow import InputRecord
from engine.core.names import Names
from engine.core.rejects import reject
from engine.stream.accepted import ACCEPTED
from engine.stream.catalog import Catalog, read
from engine.stream.contract import FOLDER, documents, record_schema, write
from engine.stream.emitted import EMITTED, Kind

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)
FORMATS = FormatChecker()
kinds = pytest.mark.parametrize("kind", EMITTED, ids=lambda kind: kind.noun_verb)


@FORMATS.checks("date-time", raises=ValueError)
def is_date_time(value: object) -> bool:
    """`jsonschema` knows this format only together with another package."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=FORMATS)


@cache
def validator_of(kind: Kind) -> Draft202012Validator:
    """What tells whether a record of this kind is valid."""
    return validator(record_schema(kind))


@cache
def data_of(kind: Kind) -> st.SearchStrategy[msgspec.Struct]:
    """Any data of this kind, as its struct's types say."""
    return struct_of(kind.data)


def struct_of(struct: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    return st.builds(struct, **{field.name: value_of(field.type) for field in msgspec.structs.fields(struct)})


def value_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type."""
    match msgspec.inspect.type_info(kind):
        case msgspec.inspect.Metadata(extra_json_schema={"format": "date-time"}):
            return st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")
        case msgspec.inspect.StructType(cls=cls):
            return struct_of(cls)
        case msgspec.inspect.UnionType():
            return st.one_of(*(value_of(arm) for arm in kind.__args__))
        case msgspec.inspect.ListType():
            return st.lists(value_of(kind.__args__[0]), max_size=2)
        case msgspec.inspect.DictType():
            return st.dictionaries(st.text(max_size=5), value_of(kind.__args__[1]), max_size=2)
        case msgspec.inspect.AnyType():
            return JSON_VALUES
        case msgspec.inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case _:
            return st.from_type(kind)


@pytest.fixture(scope="module")
def generated() -> dict[str, bytes]:
    return documents(read())


def test_the_files_are_what_the_structs_say(generated: dict[str, bytes]) -> None:
    """Byte for byte; `python -m engine.stream.contract` writes them anew."""
    assert {path: (FOLDER / path).read_bytes() for path in generated} == generated
    assert {f"schemas/{path.name}" for path in (FOLDER / "schemas").iterdir()} == set(generated) - {"asyncapi.yaml"}


def test_writing_removes_schemas_of_types_that_are_gone(tmp_path: Path) -> None:
    """A contract that nobody keeps is none."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "gone.json").write_text("{}", encoding="utf-8")
    assert sorted(write(tmp_path)) == sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*"))


@pytest.mark.parametrize("path", [kind.file for kind in EMITTED] + [f"schemas/{topic}.json" for topic in ACCEPTED])
def test_every_schema_is_one_and_needs_no_network(generated: dict[str, bytes], path: str) -> None:
    """Valid by the 2020-12 meta-schema; every reference stays inside the file."""
    schema = json.loads(generated[path])
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("urn:heatline:")
    for reference in references(schema):
        assert reference.startswith("#/")
        resolved(schema, reference)


@kinds
def test_every_topic_with_a_contract_is_in_the_catalog(kind: Kind) -> None:
    """A kind of record has a topic, and not an internal one."""
    assert not read().topics[kind.topic].internal


@kinds
@settings(max_examples=20, deadline=None)
@given(drawn=st.data())
def test_what_the_structs_encode_is_valid(kind: Kind, drawn: st.DataObject) -> None:
    """Any data of the struct, in the bytes that `output` makes of it."""
    value = output(kind.topic, kind.noun_verb, "anna", 1_700_000_000_000, drawn.draw(data_of(kind)), "x").value
    assert value is not None
    validator_of(kind).validate(json.loads(value))


@kinds
@settings(max_examples=5, deadline=None)
@given(drawn=st.data())
def test_what_lacks_a_field_or_is_of_another_type_is_not_valid(kind: Kind, drawn: st.DataObject) -> None:
    """The schema can say no."""
    value = output(kind.topic, kind.noun_verb, "anna", 0, drawn.draw(data_of(kind)), "x").value
    record = json.loads(value or b"")
    schema = validator_of(kind)
    for name in record["data"]:
        assert not schema.is_valid({**record, "data": {k: v for k, v in record["data"].items() if k != name}})
    assert not schema.is_valid({**record, "type": "io.heatline.other.v1"})
    assert not schema.is_valid({**record, "time": "yesterday"})


@pytest.mark.parametrize("timestamp", [0, -1, 2**63 - 1])
def test_dead_letters_are_valid(timestamp: int) -> None:
    """Null keys, binary headers and times that no calendar holds included."""
    record = InputRecord("visitor-events", 0, 1, timestamp, None, b"\xff", (("h", None), ("i", b"\x00")))
    value = reject(record, "json", None, "not JSON", timestamp).value
    (kind,) = (kind for kind in EMITTED if kind.noun_verb == "event.rejected")
    validator(record_schema(kind)).validate(json.loads(value or b""))


CALL = {"type": "track", "event": "Order Completed", "anonymousId": "a"}
WRAPPED = {"message": CALL, "userId": "u", "topic": "t"}
CLOUD = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": CALL}
REP = {"rep": "andy", "lead": "anna", "at": "2026-11-23T04:30:00Z"}


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ({"type": "lead.accepted", **REP}, True),
        ({"type": "lead.won", **REP, "amount": 9.5, "currency": "EUR"}, True),
        ({"type": "rep.away", "rep": "andy", "at": REP["at"], "until": REP["at"]}, True),
        ({"type": "lead.accepted", "rep": "andy", "at": REP["at"]}, False),
        ({"type": "lead.won", **REP, "amount": "much"}, False),
        ({"type": "lead.kissed", **REP}, False),
    ],
)
def test_what_reps_may_say_and_what_not(value: object, valid: bool) -> None:
    """What a rep says, with what belongs to it."""
    assert validator(ACCEPTED["rep-events"]).is_valid(value) is valid


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        (CALL, True),
        (WRAPPED, True),
        (CLOUD, True),
        ({"type": "page", "userId": "u", "timestamp": "2023-11-14T22:13:20Z", "context": {"page": None}}, True),
        ({"message": {"type": "page"}, "userId": "u"}, True),
        ({"type": "page", "userId": "u" * 500}, True),
        ({"type": "page", "userId": "u" * 501}, False),
        ({"type": "page"}, False),
        ({"type": "page", "userId": ""}, False),
        ({"type": "page", "userId": 7}, False),
        ({"type": "track", "userId": "u"}, False),
        ({"type": "pageview", "userId": "u"}, False),
        ({"userId": "u"}, False),
        ({**CALL, "timestamp": "yesterday"}, False),
        ({**CALL, "properties": []}, False),
        ({**CALL, "context": {"page": {"path": 7}}}, False),
        ({"message": {"type": "page"}}, False),
        ({**CLOUD, "data": {"type": "page"}}, False),
        ([], False),
    ],
)
def test_the_decoder_accepts_what_the_schema_does(value: object, valid: bool) -> None:
    """What a sender is promised is what happens."""
    decoder = EventDecoder(Names({}), 96 * 3_600_000, (), ())
    record = InputRecord("visitor-events", 0, 1, 1_700_000_000_000, None, json.dumps(value).encode())
    assert validator(ACCEPTED["visitor-events"]).is_valid(value) is valid
    if valid:
        assert decoder.decode(record).name in ("order_completed", "page_view")
    else:
        with pytest.raises(Rejected):
            decoder.decode(record)


def test_the_asyncapi_document_holds_together(generated: dict[str, bytes]) -> None:
    """Every reference resolves, every schema is a file, and topics are those of the catalog."""
    catalog = read()
    document = YAML(typ="safe").load(generated["asyncapi.yaml"])
    for reference in references(document):
        if reference.startswith("./"):
            assert reference.removeprefix("./") in generated
        else:
            resolved(document, reference)
    assert document["asyncapi"] == "3.0.0"
    assert set(document["channels"]) == {kind.topic for kind in EMITTED} | set(ACCEPTED)
    for name, channel in document["channels"].items():
        binding = channel["bindings"]["kafka"]
        assert channel["address"] == binding["topic"] == name
        assert binding["partitions"] == catalog.partitions[name]
    assert len(document["operations"]) == len(EMITTED) + len(ACCEPTED)
    actions = {operation["channel"]["$ref"]: operation["action"] for operation in document["operations"].values()}
    assert actions == {
        **{f"#/channels/{kind.topic}": "send" for kind in EMITTED},
        **{f"#/channels/{topic}": "receive" for topic in ACCEPTED},
    }
    for operation in document["operations"].values():
        for message in operation["messages"]:
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")


def test_another_catalog_gives_another_document() -> None:
    """Partitions in the document come from the catalog, not from the code."""
    changed: Catalog = read().with_partitions({"lead-alerts": 5})
    assert b"partitions: 5" in documents(changed)["asyncapi.yaml"]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolved(document: Any, reference: str) -> Any:
    """What a local reference points to; KeyError where there is nothing."""
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document
