"""`heatline routing …`: what is printed, and the exit status that scripts rely on."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli import app

MODEL = "engagement: {view: {when: {event: page_view}, points: 20}}\nalerts: {hot: {crosses: 40}}\n"
ROUTING = """\
assign_on: [hot]
reps: {andy: {}, bea: {}}
teams: {us: {reps: [andy, bea]}}
rules: [{name: all, to: {team: us}}]
"""
UNREACHED = "no rule can reach this rep: name a team, a region or a territory of theirs in one"


def heatline(*arguments: object) -> Result:
    return run("routing", *arguments)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def folder(path: Path, **files: str) -> Path:
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / name.replace("_", ".")).write_text(text)
    return path


def check(path: Path, *arguments: str) -> tuple[int, list[str]]:
    """The exit status and the lines of a check of the folder, whose name is left out."""
    found = heatline("check", "--config", path, *arguments)
    return found.exit_code, found.stdout.replace(f"{path}/", "").splitlines()


def test_the_shipped_file_is_summed_up() -> None:
    found = heatline("check", "--config", Path(__file__).parents[2] / "config", "--strict")
    assert found.exit_code == 0
    assert "routing.yaml: usable, 0 warnings; " in found.stdout


def test_a_good_file_is_summed_up_and_with_strict_warnings_fail(tmp_path: Path) -> None:
    good = folder(tmp_path / "good", model_yaml=MODEL, routing_yaml=ROUTING)
    summary = ["routing.yaml: usable, 0 warnings; 2 reps, 1 team, 1 rule"]
    assert check(good) == check(good, "--strict") == (0, summary)
    warned = folder(tmp_path / "warned", model_yaml=MODEL, routing_yaml=ROUTING.replace("andy, bea]", "andy]"))
    told = [
        f"routing.yaml:2:18: warning: reps.bea: {UNREACHED}",
        "routing.yaml: usable, 1 warning; 2 reps, 1 team, 1 rule",
    ]
    assert check(warned) == (0, told)
    assert check(warned, "--strict") == (1, told)


def test_all_mistakes_of_all_files_are_told_and_no_warnings_beside_them(tmp_path: Path) -> None:
    """Those in files beside it, too, and what only the model can tell."""
    text = ROUTING.replace("[hot]", "[hto]") + (
        "territories: {big: {zip_file: zips.csv}}\ndesks: {eu: {when: {known: true}, file: eu.yaml}}\n"
    )
    broken = folder(
        tmp_path,
        model_yaml=MODEL,
        routing_yaml=text,
        zips_csv="zip,rep\n1,dora\n",
        eu_yaml="assign_on: [hot]\nreps: {andy: {}}\nrules: []\n",
    )
    status, told = check(broken)
    assert status == 1
    assert [line.split(": ")[0] for line in told] == [
        *("eu.yaml:2:8", "eu.yaml:3:8", "routing.yaml:1:13", "zips.csv:2:3", "eu.yaml, routing.yaml, zips.csv"),
    ]
    assert told[-1] == "eu.yaml, routing.yaml, zips.csv: not usable: 4 mistakes, 0 warnings"


def test_territories_and_desks_are_counted(tmp_path: Path) -> None:
    text = ROUTING.replace("andy: {}", "andy: {territories: [a, b]}").replace(
        "[{name", "[{name: own, to: territory}, {name"
    )
    more = "territories: {a: {city: Rome}, b: {city: Bonn}}\ndesks: {eu: {when: {known: true}, file: eu.yaml}}\n"
    desk = "assign_on: []\nreps: {dora: {}}\nrules: [{name: all, to: {rep: dora}}]\n"
    good = folder(tmp_path, model_yaml=MODEL, routing_yaml=text + more, eu_yaml=desk)
    assert check(good, "--strict") == (
        *(0, ["routing.yaml: usable, 0 warnings; 2 reps, 1 team, 2 rules, 2 territories, 1 other desk"]),
    )


@pytest.mark.parametrize("model", [None, "scale: 0"])
def test_without_a_good_model_its_names_are_not_checked_and_that_is_told(tmp_path: Path, model: str | None) -> None:
    files = {} if model is None else {"model_yaml": model}
    status, told = check(folder(tmp_path, routing_yaml=ROUTING.replace("hot", "hto"), **files))
    assert (status, len(told)) == (0, 2)
    assert told[0].startswith("model.yaml:1:1: warning: cannot be used: ")
    assert "heatline model check" in told[0]


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    status, told = check(folder(tmp_path, model_yaml=MODEL))
    assert status == 1
    assert told == [
        "routing.yaml:1:1: there is no such file: it states who gets a lead; the shipped one is config/routing.yaml",
        "routing.yaml: not usable: 1 mistake, 0 warnings",
    ]


@pytest.mark.parametrize("text", ["a: [", "reps: 3"])
def test_what_is_no_yaml_or_no_mapping_ends_in_a_line(tmp_path: Path, text: str) -> None:
    status, told = check(folder(tmp_path, model_yaml=MODEL, routing_yaml=text))
    assert status == 1
    assert all(line.startswith("routing.yaml:") for line in told)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A folder whose route is known: andy works in the morning, bea always."""
    text = ROUTING.replace("andy: {}", "andy: {hours: {mon-fri: '09:00-12:00'}}")
    return folder(tmp_path / "good", model_yaml=MODEL, routing_yaml=text)


MONDAY = "2026-11-23T10:00:00Z"


def test_route_prints_every_step_and_who_gets_the_lead(good: Path) -> None:
    found = run("route", "--config", good, "--country", "US", "--at", MONDAY)
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout.splitlines() == [
        "rule all: matched: has no condition",
        "  rep andy: picked: next in turn in team us",
        "  rep bea: passed over: andy comes first",
        "this lead goes to andy: rule all, next in turn in team us",
        "desk main",
    ]
    later = run("route", "--config", good, "--at", "2026-11-23T12:00:00Z").stdout
    assert "  rep andy: passed over: outside hours: Monday 12:00 in UTC" in later.splitlines()


def test_route_says_with_json_what_a_record_would(good: Path) -> None:
    """For programs: an object with the fields of an assignment."""
    told = json.loads(run("route", "--config", good, "--at", MONDAY, "--json").stdout)
    assert (told["rep"], told["team"], told["rule"], told["desk"]) == ("andy", "us", "all", "main")
    assert [step["outcome"] for step in told["trace"]] == ["matched", "picked", "passed over"]


def test_route_reads_what_is_said_of_the_lead(good: Path, tmp_path: Path) -> None:
    """Each option stands for the field of its name, and comes before what the file says of it."""
    text = ROUTING.replace("name: all", "name: all, when: {%s: %s}, nobody: wait")
    said = dict.fromkeys(("zip", "county", "city", "state", "language", "product"), "xx")
    said |= {"country": "fr", "owner": "zoe", "total": "42"}
    lead = tmp_path / "lead.json"
    lead.write_text(json.dumps({**dict.fromkeys(said, "other"), "total": 1, "traits": dict.fromkeys(said, "trait")}))
    for name, value in said.items():
        (good / "routing.yaml").write_text(text % (name, value))
        arguments = ("route", "--config", good, "--lead", lead, f"--{name}", value, "--at", MONDAY)
        assert "rule all: matched: holds: " in run(*arguments).stdout, name
        assert "rule all: passed over" in run(*arguments[:5], "--at", MONDAY).stdout, name


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--at", "tomorrow"), 2, "--at = 'tomorrow': expected a time such as 2026-11-23T04:30:00Z"),
        (("--at", "\x1b[31m"), 2, r"--at = '\x1b[31m': expected a time"),
        (("--total", "nan"), 1, "the lead cannot be read: total = NaN: expected a number"),
        (("--lead", "{folder}/none.json"), 1, "none.json: cannot be read: No such file or directory"),
        (("--lead", "{folder}/model.yaml"), 1, "model.yaml: not a JSON object with a lead's fields"),
        (("--config", "{folder}/none"), 2, "model.yaml:1:1: there is no such file"),
    ],
)
def test_route_says_what_it_cannot_do(good: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    """In a line, without a traceback; what cannot be used is status 2, a lead that cannot be read 1."""
    found = run("route", "--config", good, *(one.replace("{folder}", str(good)) for one in arguments))
    assert (found.exit_code, found.stdout) == (status, "")
    assert said in found.stderr
    assert found.stderr.rstrip("\n").isprintable()


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_route_knows_an_answer_for_every_time(good: Path, at: str) -> None:
    assert "this lead goes to bea" in run("route", "--config", good, "--at", at).stdout


def test_route_prints_nothing_that_a_stranger_could_steer_a_terminal_with(good: Path, tmp_path: Path) -> None:
    """Neither as lines nor as JSON."""
    hostile = "\x1b[2J\x9b31m\u202e\r\nforged"
    lead = tmp_path / "lead.json"
    lead.write_text(json.dumps({"city": hostile, "owner": hostile, "traits": {"a": hostile}}))
    text = ROUTING.replace("name: all", "name: all, when: {city: {exists: true}, traits.a: {exists: true}}")
    (good / "routing.yaml").write_text(text)
    for more in ((), ("--json",)):
        printed = run("route", "--config", good, "--lead", lead, *more).stdout
        assert "forged" in printed
        assert all(line.isprintable() for line in printed.splitlines())
