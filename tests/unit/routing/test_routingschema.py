"""Editors complete and check in `routing.yaml` what the readers read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from engine.routing import routingkeys as keys
from engine.routing.routingschema import routing_schema
from tests.unit.core.test_modelschema import broken, shapes

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "routing"
CONFIG = ROOT / "config"
FILES = [GOLDEN / "complete.yaml", CONFIG / "routing.yaml", *sorted(CONFIG.glob("examples/*/routing*.yaml"))]
YAML_1_2 = YAML(typ="safe", pure=True)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(routing_schema())


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_can_be_used_is_right_by_the_schema(file: Path) -> None:
    assert broken(routing_schema(), YAML_1_2.load(file.read_text())) == []


@pytest.mark.parametrize(
    "table",
    [keys.ROUTING, keys.REP, keys.TEAM, keys.REGION, keys.RULE, keys.LIMITS, keys.DESK, keys.STICKY, keys.CAPACITY],
    ids=",".join,
)
def test_editors_know_the_keys_that_the_readers_know(table: Mapping[str, Any]) -> None:
    assert any(set(shape) == set(table) for shape in shapes(routing_schema()))


def sections(value: Any) -> Iterator[tuple[str, Any]]:
    """Each entry of a file's sections, alone in an otherwise good file."""
    good: dict[str, Any] = {"assign_on": [], "reps": {}, "rules": []}
    for name, section in value.items():
        if isinstance(section, list):
            yield from ((f"{name}[{place}]", {**good, name: [one]}) for place, one in enumerate(section))
        elif isinstance(section, dict):
            yield from ((f"{name}.{key}", {**good, name: {key: one}}) for key, one in section.items())
        else:
            yield name, {**good, name: section}


def test_editors_mark_mistakes_of_form() -> None:
    """Those that only the reader knows are names of what stands elsewhere, and what places are called."""
    schema = routing_schema()
    stated = YAML_1_2.load((GOLDEN / "mistakes.yaml").read_text())
    unmarked = [name for name, file in sections(stated) if not broken(schema, file)]
    assert unmarked == [
        *("assign_on[0]", "holidays_from", "territories.iowa", "regions.east", "rules[4]", "sla.hto", "desks.main"),
    ]
