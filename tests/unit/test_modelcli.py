"""`heatline model …`: what is printed, and the exit status that scripts rely on."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli import app
from tests.build import T0, page

MODEL = "engagement: {view: {when: {event: page_view}, points: 20}}\nalerts: {hot: {crosses: 40}}\n"
OTHER = MODEL.replace("20", "40")
TEST = "- {name: %s, events: [{type: page, anonymousId: ada, properties: {path: /}}], expect: {total: %s}}\n"


def heatline(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in ("model", *arguments)])


def folder(path: Path, **files: str) -> Path:
    (path / "tests").mkdir(parents=True)
    for name, text in files.items():
        (path / f"{name.replace('_', '/')}.yaml").write_text(text)
    return path


def test_check_succeeds_for_a_usable_model_and_with_strict_only_without_warnings(tmp_path: Path) -> None:
    good = folder(tmp_path / "good", model=MODEL)
    warned = folder(tmp_path / "warned", model=MODEL.replace("20", "-20"))
    broken = folder(tmp_path / "broken", model="scale: 0")
    for config, plain, strict in ((good, 0, 0), (warned, 0, 1), (broken, 1, 1)):
        assert heatline("check", "--config", config).exit_code == plain
        assert heatline("check", "--config", config, "--strict").exit_code == strict
    assert heatline("check", "--config", broken).stdout.replace(f"{broken}/", "") == (
        "model.yaml:1:8: scale = 0: expected a number above 0\nmodel.yaml: not usable: 1 mistake, 0 warnings\n"
    )


def test_test_counts_what_passed_and_fails_if_one_does_not(tmp_path: Path) -> None:
    """All files of tests/ in order of name, or those that are named; each failure with its place."""
    config = folder(
        tmp_path / "c", model=MODEL, tests_b=TEST % ("b", 20) + TEST % ("worse", 21), tests_a=TEST % ("a", 20)
    )
    found = heatline("test", "--config", config)
    assert found.exit_code == 1
    lines = found.stdout.replace(f"{config}/", "").splitlines()
    assert lines[:2] == ["tests/b.yaml:2:3: worse: failed", "  total: expected 21, got 20"]
    assert "       +20.000000  view, once, last 1970-01-01T00:00:00.000Z" in "\n".join(lines)
    assert lines[-1] == "2 passed, 1 failed"
    named = heatline("test", "--config", config, config / "tests" / "a.yaml")
    assert (named.exit_code, named.stdout) == (0, "1 passed, 0 failed\n")


@pytest.mark.parametrize(
    ("files", "arguments", "status", "said"),
    [
        ({"model": MODEL}, (), 1, "no test in"),
        ({"model": MODEL, "tests_a": "7"}, (), 2, "a.yaml:1:1: expected a list of tests"),
        ({"model": MODEL}, ("none.yaml",), 2, "none.yaml:1:1: there is no such file"),
        ({"model": "scale: 0"}, (), 2, "model.yaml:1:8: scale = 0"),
    ],
)
def test_tests_that_cannot_run_are_trouble_and_say_why(
    tmp_path: Path, files: dict[str, str], arguments: tuple[str, ...], status: int, said: str
) -> None:
    found = heatline("test", "--config", folder(tmp_path / "c", **files), *arguments)
    assert found.exit_code == status
    assert said in found.stderr


def test_diff_is_0_for_the_same_1_for_another_and_2_for_trouble(tmp_path: Path) -> None:
    """As of `diff`: scripts can tell a difference from a mistake."""
    old, new = folder(tmp_path / "old", model=MODEL), folder(tmp_path / "new", model=OTHER)
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps(page("/", T0)) + "\n")
    same = heatline("diff", old, old / "model.yaml", events)
    assert (same.exit_code, same.stdout) == (0, "")
    found = heatline("diff", old, new, events)
    assert found.exit_code == 1
    assert found.stdout.splitlines() == [
        "changed engagement.view.points: 20 → 40",
        "band of ada: cold → warm, total 20.00 → 40.00",
        "from cold to warm: 1 lead",
        "alert hot: 0 → 1 (+1)",
    ]
    for trouble in ((old, tmp_path / "none"), (old, new, tmp_path / "none"), (old, new, "--until", "soon")):
        failed = heatline("diff", *trouble)
        assert failed.exit_code == 2
        assert failed.stderr


def test_a_model_alone_is_replayed_with_the_names_of_the_other(tmp_path: Path) -> None:
    """`git show HEAD:config/model.yaml` into a file is enough to compare with; another events.yaml is a difference."""
    config = folder(tmp_path / "config", model=MODEL, events="Viewed: page_view")
    alone = tmp_path / "old.yaml"
    alone.write_text(MODEL)
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps({"type": "track", "event": "Viewed", "anonymousId": "ada"}) + "\n")
    assert heatline("diff", alone, config, events).exit_code == 0
    found = heatline("diff", folder(tmp_path / "bare", model=MODEL), config, events)
    assert found.exit_code == 1
    assert found.stdout.splitlines() == ["added Viewed: page_view (events.yaml)"]
