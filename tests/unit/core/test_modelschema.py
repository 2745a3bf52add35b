"""Editors complete and check what the readers read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from engine.core.conditions import OPERATORS
from engine.core.modelkeys import ALERT, MODEL, RULE
from engine.core.modelschema import events_schema, model_schema
from engine.stream.contract import EDITORS, editor_documents, write_for_editors
from tests.unit.core.test_modelfile import GOLDEN, MISTAKES, said

CONFIG = EDITORS.parent
YAML_1_2 = YAML(typ="safe", pure=True)
MODELS = sorted({GOLDEN / "complete.yaml", CONFIG / "model.yaml", *CONFIG.glob("examples/**/model.yaml")})
BEYOND_A_SCHEMA = {
    "given-twice",
    "not-yaml",
    "places",
    "rearm",
    "steps",
    "templates",
    "unknown-band",
    "unknown-group",
    "within",
    "bad-pattern",
    "fit-of-scores",
    "long-window",
    "too-large-rows",
    "unknown-rule",
    "unknown-signal",
    "unquoted-zip",
}
"""Mistakes that only the reader knows, at least some of those in a file."""


def broken(schema: dict[str, Any], value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(value)]


def shapes(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping with fixed keys inside of a schema."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("properties"), Mapping) and schema.get("additionalProperties") is False:
            yield schema["properties"]
        for inner in schema.values():
            yield from shapes(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from shapes(inner)


def test_the_schemas_are_schemas() -> None:
    Draft202012Validator.check_schema(model_schema())
    Draft202012Validator.check_schema(events_schema())


def test_the_written_schemas_are_those_of_the_code(tmp_path: Path) -> None:
    """Otherwise run `make contract`."""
    assert sorted(write_for_editors(tmp_path)) == sorted(editor_documents())
    for name, content in editor_documents().items():
        assert (tmp_path / name).read_bytes() == content
        assert (EDITORS / name).read_bytes() == content


@pytest.mark.parametrize("file", MODELS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_shipped_models_are_right_by_the_schema(file: Path) -> None:
    assert broken(model_schema(), YAML_1_2.load(file.read_text())) == []


def test_the_shipped_events_are_right_by_the_schema() -> None:
    assert broken(events_schema(), YAML_1_2.load((CONFIG / "events.yaml").read_text())) == []


@pytest.mark.parametrize("keys", [MODEL, RULE, ALERT, dict.fromkeys(OPERATORS)], ids=["model", "rule", "alert", "test"])
def test_editors_know_the_keys_that_the_readers_know(keys: Mapping[str, Any]) -> None:
    assert any(set(shape) == set(keys) for shape in shapes(model_schema()))


def test_the_readers_know_the_keys_that_editors_know() -> None:
    """Each key that the schema has, given a value that is no good, is told for its value and not as unknown."""
    for key in MODEL:
        assert f"`{key}` is not known" not in said(f"x: 1\n{key}: []\n")
    for section, keys in (("engagement", RULE), ("alerts", ALERT)):
        for key in keys:
            assert f"`{key}` is not known" not in said(f"{section}: {{a: {{x: 1, {key}: []}}}}\n")


@pytest.mark.parametrize(
    "file", [file for file in MISTAKES if file.stem not in BEYOND_A_SCHEMA], ids=lambda file: file.stem
)
def test_editors_mark_mistakes_of_form(file: Path) -> None:
    assert broken(model_schema(), YAML_1_2.load(file.read_text())) != []
