"""What is said of a folder of configuration: all mistakes of all files at once, else what to look at."""

from pathlib import Path

import pytest

from engine.core.model import STAGES
from engine.local.checked import Checked
from engine.local.modelcheck import check_folder

GOOD = """
bands: {warm: 30, hot: 80}
engagement:
  view: {when: {event: page_view}, points: 10}
  careers: {when: {page.path: /careers*}, points: -10}
fit: {boss: {when: {traits.title: ceo}, points: 10}}
alerts: {hot: {crosses: hot}, fast: {fast_track: true}}
actions: {mail: {enters: lead}}
identity: {trusted_sources: [web]}
bots: {burst: 1000}
"""
ROUTING = "assign_on: [hot]\nreps: {andy: {}}\nrules: [{name: all, to: {rep: andy}}]\n"


def checked(path: Path, **files: str) -> Checked:
    for name, text in files.items():
        (path / f"{name}.yaml").write_text(text)
    return check_folder(path)


def lines(path: Path, **files: str) -> list[str]:
    return [line.replace(f"{path}/", "") for line in checked(path, **files).lines()]


def test_a_good_folder_is_summed_up_behind_its_warnings(tmp_path: Path) -> None:
    """Warnings name what is surely not meant; the row is the model's own measure."""
    found = checked(tmp_path, model=GOOD, routing=ROUTING)
    assert found.model is not None
    told = lines(tmp_path)
    assert told[0].split(": ")[:3] == ["model.yaml:5:3", "warning", "engagement.careers"]
    assert told[1:] == [
        (
            "model.yaml: usable, 1 warning; 2 engagement rules, 1 fit rule, 2 alerts, 1 action; "
            f"a row takes up to {found.model.row_bytes_max:,} bytes of 2,596 before what a visitor writes"
        )
    ]


def test_the_mistakes_of_all_files_are_named_in_one_run(tmp_path: Path) -> None:
    """A broken model hides no mistake of its neighbours, nor they its own."""
    model = "scale: 0\nengagement: {view: {when: {evnt: a}, points: ten}}"
    told = lines(tmp_path, model=model, events="a: 5\nb: [x]", routing="assign_on: 7\nreps: 3\nrules: []")
    assert [line.split(": ")[0] for line in told] == [
        "events.yaml:1:4",
        "events.yaml:2:5",
        "routing.yaml:1:12",
        "routing.yaml:2:7",
        "model.yaml:1:8",
        "model.yaml:2:28",
        "model.yaml:2:46",
        "events.yaml, routing.yaml, model.yaml",
    ]
    assert told[-1] == "events.yaml, routing.yaml, model.yaml: not usable: 7 mistakes, 0 warnings"


def test_an_alert_that_routing_waits_for_must_be_in_the_model(tmp_path: Path) -> None:
    """An action is none; with the model broken, alerts cannot be looked up and nothing is said of them."""
    asked = ROUTING.replace("[hot]", "[hto, mail]")
    told = lines(tmp_path, model=GOOD, routing=asked)
    assert [line for line in told if line.startswith("routing.yaml")] == [
        'routing.yaml:1:13: assign_on[0] = "hto": there is no such alert in the model; did you mean `hot`?',
        'routing.yaml:1:18: assign_on[1] = "mail": there is no such alert in the model; expected one of hot, fast',
        "routing.yaml: not usable: 2 mistakes, 1 warning",
    ]
    broken = lines(tmp_path, model="scale: 0", routing=asked)
    assert broken == [
        "model.yaml:1:8: scale = 0: expected a number above 0",
        "model.yaml: not usable: 1 mistake, 0 warnings",
    ]


@pytest.mark.parametrize("kind", ["missing", "folder", "bytes"])
def test_a_model_that_cannot_be_read_is_a_mistake(tmp_path: Path, kind: str) -> None:
    if kind == "folder":
        (tmp_path / "model.yaml").mkdir()
    elif kind == "bytes":
        (tmp_path / "model.yaml").write_bytes(b"scale: \xff")
    told = lines(tmp_path)
    assert told[0].startswith("model.yaml:1:1: " + ("there is no such file" if kind == "missing" else "cannot be read"))
    assert told[1:] == ["model.yaml: not usable: 1 mistake, 0 warnings"]


def test_names_of_events_yaml_and_fields_of_routing_are_known_to_the_model(tmp_path: Path) -> None:
    """What a worker would load, loads here, and means the same."""
    routing = ROUTING.replace("to:", f"when: {{traits.vip: true, stage: {STAGES[1]}}}, to:")
    found = checked(tmp_path, model=GOOD, events="Order Completed: purchase", routing=routing)
    assert found.mistakes == ()
    assert found.model is not None
    assert "traits.vip" in found.model.reads
