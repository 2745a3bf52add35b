"""Editors complete and check in `notify.yaml` what the readers read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from engine.notify import notifykeys as keys
from engine.notify.notifyschema import FILE, document, notify_schema, write
from tests.unit.core.test_modelschema import broken, shapes

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "notify"
YAML_1_2 = YAML(typ="safe", pure=True)


def test_the_schema_is_one_and_its_file_is_up_to_date(tmp_path: Path) -> None:
    Draft202012Validator.check_schema(notify_schema())
    assert FILE.read_bytes() == document()
    write(tmp_path / "notify.json")
    assert (tmp_path / "notify.json").read_bytes() == document()


@pytest.mark.parametrize(
    "file", [GOLDEN / "complete.yaml", ROOT / "config" / "notify.yaml"], ids=lambda file: file.name
)
def test_what_can_be_used_is_right_by_the_schema(file: Path) -> None:
    assert broken(notify_schema(), YAML_1_2.load(file.read_text())) == []


@pytest.mark.parametrize(
    "table",
    [keys.NOTIFY, keys.RULE, keys.WAYS, keys.WEBHOOK, keys.SLACK, keys.MAIL],
    ids=",".join,
)
def test_editors_know_the_keys_that_the_readers_know(table: Mapping[str, Any]) -> None:
    assert any(set(shape) == set(table) for shape in shapes(notify_schema()))


def test_editors_mark_mistakes_of_form() -> None:
    """Those that only the reader knows are what is in files, names of channels, and fields that a record lacks."""
    stated = YAML_1_2.load((GOLDEN / "mistakes.yaml").read_text())
    channels = [
        name for name, one in stated["channels"].items() if not broken(notify_schema(), {"channels": {name: one}})
    ]
    assert channels == ["e", "g", "h"]
    rules = [place for place, one in enumerate(stated["rules"]) if not broken(notify_schema(), {"rules": [one]})]
    assert rules == [3, 7, 8]
