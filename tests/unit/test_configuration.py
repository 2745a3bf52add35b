"""The files that users edit, read together."""

from pathlib import Path

import pytest

from engine.agents.route import RouteJob
from engine.agents.score import ScoreJob
from engine.configuration import load_configuration, load_folder
from engine.core.source import ConfigError
from engine.ops.watch import contents
from tests.build import Profiles, segment

SHIPPED = Path(__file__).parents[2] / "config"
MODEL = "engagement: {buy: {when: {event: purchase}, points: 40}}\nalerts: {hot: {crosses: 30}}"
ROUTING = "assign_on: [hot]\nreps: {andy: {}}\nrules: [{name: us, when: {traits.vip: true}, to: {rep: andy}}]\n"


def folder(path: Path, model: str = MODEL, **files: str) -> Path:
    for name, text in {"model": model, **files}.items():
        (path / f"{name}.yaml").write_text(text)
    return path


def problems(path: Path) -> str:
    """What is said about a folder, with its name left out."""
    with pytest.raises(ConfigError) as caught:
        load_folder(path)
    return str(caught.value).replace(f"{path}/", "")


def test_the_shipped_files_load_and_their_alerts_ask_for_reps() -> None:
    shipped = load_folder(SHIPPED)
    assert shipped.routing.assign_on <= {alert.id for alert in shipped.model.alerts}
    assert shipped.routing.assign_on
    assert shipped.routing.reps


def test_a_model_alone_scores_and_assigns_nobody(tmp_path: Path) -> None:
    alone = load_folder(folder(tmp_path))
    assert alone.routing.assign_on == frozenset()
    score, route = alone.jobs(4)
    assert (score.table, route.table) == ("profiles", "desk")


def test_events_yaml_names_what_the_model_scores(tmp_path: Path) -> None:
    fed = Profiles(load_folder(folder(tmp_path, events="Order Completed: purchase")).model)
    fed.feed(segment("order completed"))
    assert fed.score()["total"] == 40


def test_traits_that_routing_reads_are_kept(tmp_path: Path) -> None:
    fed = Profiles(load_folder(folder(tmp_path, routing=ROUTING)).model)
    fed.feed(segment("identify", traits={"vip": True, "shoe_size": 42}))
    assert fed.score()["traits"] == {"vip": True}


def test_the_files_may_lie_apart(tmp_path: Path) -> None:
    (tmp_path / "scores.yml").write_text(MODEL)
    none = tmp_path / "none"
    assert set(load_configuration(tmp_path / "scores.yml", none, none).model.rules) == {"buy"}


def test_without_a_model_there_is_nothing_to_start_with(tmp_path: Path) -> None:
    assert problems(tmp_path) == (
        "model.yaml:1:1: there is no such file: it states how to score; the shipped one is config/model.yaml"
    )


def test_an_alert_that_routing_names_must_be_in_the_model(tmp_path: Path) -> None:
    written = problems(folder(tmp_path, routing=ROUTING.replace("hot", "hto")))
    assert written.startswith("routing.yaml:1:13: assign_on[0]")
    assert "`hot`" in written


BESIDE = "territories: {big: {zip_file: zips.csv}}\ndesks: {eu: {when: {country: DE}, file: eu.yaml}}\n"


def test_files_beside_routing_are_read_and_told_with_what_was_in_them(tmp_path: Path) -> None:
    """So that a change to any of them is seen; one that is not there, too."""
    path = folder(tmp_path, routing=ROUTING + BESIDE, eu="assign_on: []\nreps: {dora: {}}\nrules: []\n")
    (path / "zips.csv").write_bytes(b"zip,rep\n02134,andy\n")
    seen: dict[Path, bytes | None] = {}
    routing = load_folder(path, seen=seen).routing
    assert [desk.name for desk in routing.desks] == ["eu"]
    assert routing.territories.names == ("big",)
    names = ("model.yaml", "events.yaml", "routing.yaml", "zips.csv", "eu.yaml")
    assert seen == contents(path / name for name in names)
    assert seen[path / "events.yaml"] is None
    (path / "zips.csv").unlink()
    seen.clear()
    with pytest.raises(ConfigError):
        load_folder(path, seen=seen)
    assert seen[path / "zips.csv"] is None


@pytest.mark.parametrize(
    ("name", "why"), [("zips.csv", "Is a directory"), ("a\\0b", "null byte"), ("\\ud800", "can't")]
)
def test_a_file_beside_routing_that_cannot_be_read_is_a_mistake(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "zips.csv").mkdir()
    written = problems(folder(tmp_path, routing=ROUTING + f'territories: {{big: {{zip_file: "{name}"}}}}\n'))
    assert "cannot be read: " in written
    assert why in written


@pytest.mark.parametrize("name", ["model", "events", "routing"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    folder(tmp_path)
    (tmp_path / f"{name}.yaml").unlink(missing_ok=True)
    (tmp_path / f"{name}.yaml").mkdir()
    assert problems(tmp_path).startswith(f"{name}.yaml:1:1: cannot be read: ")
    (tmp_path / f"{name}.yaml").rmdir()
    (tmp_path / f"{name}.yaml").write_bytes(b"scale: \xff")
    assert problems(tmp_path).startswith(f"{name}.yaml:1:1: cannot be read: ")


def test_rows_are_at_home_where_the_named_partitioner_says(tmp_path: Path) -> None:
    """The hash of kafka-python and the Java client by default; librdkafka's where that is configured."""
    loaded = load_folder(folder(tmp_path))
    homes = []
    for partitioner in ("murmur2", "crc32"):
        score, route = loaded.jobs(1_000, partitioner)
        assert isinstance(score, ScoreJob)
        assert isinstance(route, RouteJob)
        homes.append(score.home(b"ada"))
    assert homes == [821, 152]
