"""config/README.md: every example in it is one that works."""

import re
from pathlib import Path

import pytest

from engine.configuration import load_folder
from engine.core.modelkeys import ACTION, FIT_RULE, MODEL, RULE
from engine.core.names import load_names
from engine.local.modeltest import read_tests, run_test
from tests.build import model

PAGE = (Path(__file__).parents[2] / "config" / "README.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```yaml {kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("model"))
def test_every_example_of_a_model_loads(block: str) -> None:
    assert model(block).row_bytes_max > 0


def test_the_example_of_names_loads() -> None:
    [block] = blocks("events")
    assert load_names(block, "events.yaml").names["Order Completed"] == "purchase"


def test_the_example_of_tests_passes_with_the_model_on_top(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(blocks("model")[0])
    [block] = blocks("tests")
    (tmp_path / "tests.yaml").write_text(block)
    loaded = load_folder(tmp_path)
    jobs = loaded.jobs(1)
    tests = read_tests([tmp_path / "tests.yaml"], loaded.model, (), jobs)
    assert len(tests) == 2
    assert [run_test(loaded.model, jobs, test) for test in tests] == [[], []]


@pytest.mark.parametrize("key", sorted({*MODEL, *RULE, *FIT_RULE, *ACTION}))
def test_every_key_is_explained(key: str) -> None:
    assert f"`{key}" in PAGE
