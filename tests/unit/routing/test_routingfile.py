"""`config/routing.yaml`: what is right is read in its order, and everything that is wrong is said in one run."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from engine.core.modelfile import load_model
from engine.core.source import ConfigError
from engine.routing import routingkeys as keys
from engine.routing.config import Limits, Region, Rep, Routing, Sla, Team
from engine.routing.routingfile import load_routing, read_routing
from engine.routing.whens import Known
from tests.unit.routing.examples import request

GOLDEN = Path(__file__).parents[2] / "golden" / "routing"
CONFIG = Path(__file__).parents[3] / "config"
KNOWN = Known(["hot-lead"], ["cold", "warm", "hot"], ["view"])
COMPLETE = (GOLDEN / "complete.yaml").read_text()
ZIPS = {"zips.csv": "zip,rep\n10001,andy\n10002,bea\n"}
TINY = "assign_on: [hot-lead]\nreps: {andy: {}}\nrules: [{name: all, to: {rep: andy}}]\n"
DESK = TINY.replace("andy", "dora")


def read(text: str, files: Mapping[str, str] | None = None) -> Routing:
    return load_routing(text, "config/routing.yaml", KNOWN, (files or {}).get)


def problems(text: str, files: Mapping[str, str] | None = None) -> list[str]:
    """What is said of a file, without its name; of another with it."""
    with pytest.raises(ConfigError) as caught:
        read(text, files)
    return [line.removeprefix("config/routing.yaml:") for line in str(caught.value).splitlines()]


def rules(*stated: dict[str, Any]) -> str:
    """A file with these rules over a few reps."""
    reps = {"andy": {"skills": {"product": ["Loans"], "country": "Germany"}}, "bea": {}}
    named = [{"name": f"rule-{number}", "to": {"rep": "andy"}, **one} for number, one in enumerate(stated)]
    teams = {"us": {"reps": ["andy", "bea"]}, "india": {"reps": ["bea"], "nobody": "assign_anyway"}}
    regions = {"east": {"reps": ["andy"]}}
    return json.dumps({"assign_on": [], "reps": reps, "teams": teams, "regions": regions, "rules": named})


def test_the_shipped_file_fits_the_shipped_model() -> None:
    """Every alert that asks for a rep is one of the model's, and every team is reached by a rule."""
    found = read_routing((CONFIG / "routing.yaml").read_text(), "routing.yaml")
    model = load_model((CONFIG / "model.yaml").read_text(), "model.yaml", None, found.finish().fields)
    routing = found.finish(Known.of(model))
    assert {rule.to.id for rule in routing.rules if isinstance(rule.to, Team)} == set(routing.teams)
    assert "country" in routing.fields


def test_the_whole_grammar_is_read_in_the_order_of_the_file() -> None:
    """The example of the reference, each key of it."""
    routing = read(COMPLETE, ZIPS)
    assert list(routing.reps) == ["andy", "bea", "carla", "ravi", "mina"]
    andy = routing.reps["andy"]
    assert (andy.name, andy.email, andy.weight, andy.open_max, andy.day_max) == (
        *("Andy", "andy@example.com", 2.0, 50, 10),
    )
    assert andy.skills == {"product": {"insurance", "loans"}, "language": {"en", "es"}}
    assert andy.territories == ("new-england", "cedar-rapids")
    assert list(routing.teams.values()) == [
        Team("us", ("andy", "bea"), "weighted", "wait", "parity"),
        Team("india", ("ravi", "mina"), "least_loaded", "assign_anyway", "catch_up"),
    ]
    assert routing.regions == {"east": Region("east", ("andy", "bea"), "carla", ("philadelphia",))}
    assert routing.territories.names == ("new-england", "cedar-rapids", "philadelphia", "big")
    assert [rule.name for rule in routing.rules] == [
        *("best-to-andy", "own-territory", "east", "insurance", "us", "everyone-else"),
    ]
    assert [rule.to for rule in routing.rules[:3]] == [andy, None, routing.regions["east"]]
    assert [rule.override for rule in routing.rules] == [True, False, False, False, False, False]
    assert (routing.rules[3].needs, routing.rules[3].pick) == (("product", "language"), "least_loaded")
    minute, hour, day = 60_000, 3_600_000, 86_400_000
    assert routing.sla == Sla({"hot": Limits(15 * minute, hour), "warm": Limits(2 * hour, day)}, 0.5, 3)
    assert (routing.away_ms, routing.keep_removed, set(routing.assign_on)) == (2 * day, True, {"hot-lead"})
    assert routing.files == ("zips.csv",)
    assert routing.fields == {"total", "product", "language", "state", "zip", "country", "city"}


def test_what_is_left_out_has_its_default() -> None:
    routing = read(TINY)
    assert routing.reps == {"andy": Rep("andy", "andy")}
    assert (routing.teams, routing.regions, routing.territories.names, routing.sla) == ({}, {}, (), Sla())
    assert (routing.away_ms, routing.keep_removed, routing.desks, routing.files) == (None, False, (), ())


@pytest.mark.parametrize(
    ("rule", "inside", "at_the_end"),
    [
        ({}, "next_rule", "wait"),
        ({"to": {"region": "east"}}, "next_rule", "wait"),
        ({"to": "territory"}, "next_rule", "wait"),
        ({"to": {"team": "us"}}, "wait", "wait"),
        ({"to": {"team": "india"}}, "assign_anyway", "assign_anyway"),
        ({"to": {"team": "india"}, "nobody": "wait"}, "wait", "wait"),
        ({"nobody": "next_rule"}, "next_rule", "next_rule"),
    ],
)
def test_where_nobody_is_there_the_rule_decides_then_its_team_and_the_last_rule_waits(
    rule: dict[str, Any], inside: str, at_the_end: str
) -> None:
    found = read(rules(rule, rule)).rules
    assert [one.nobody for one in found] == [inside, at_the_end]


@pytest.mark.parametrize(
    "when",
    [
        {"country": "Germany", "state": "Iowa", "zip": "52 402-1234"},
        {"country": ["France", "deutschland"], "state": "US-IA"},
        {"country": {"in": ["GERMANY"]}, "state": {"not_in": ["Ohio"]}},
        {"any": [{"country": "Atlantic*"}, {"not": {"country": {"not_in": ["DEU"]}}}]},
        {"all": [{"country": "DE"}, {"country": "G?rmany"}]},
    ],
)
def test_countries_states_and_zips_are_compared_as_fields_show_them(when: dict[str, Any]) -> None:
    """By code, whatever name they go by; a glob is left as it is, and so fits no name (the last one)."""
    lead = request(traits={"country": "Germany", "state": "Iowa", "zip": "52402"})
    condition = read(rules({"when": when})).rules[0].when
    assert condition is not None
    assert condition.holds(lead) == ("all" not in when and when.get("zip") is None)


def test_a_zip_of_a_rule_is_cut_as_that_of_a_lead_in_the_us_is() -> None:
    when = {"country": "US", "zip": "52402 "}
    condition = read(rules({"when": when})).rules[0].when
    assert condition is not None
    assert condition.holds(request(traits={"country": "US", "zip": "52402-1234"}))


def test_skills_are_compared_as_fields_show_them() -> None:
    assert read(rules({})).reps["andy"].skills == {"product": {"loans"}, "country": {"de"}}


def test_everything_that_is_wrong_is_said_at_once() -> None:
    """With its place, key and value, and what would be right."""
    files = {"routing-eu.yaml": "assign_on: []\nreps: {andy: {}}\nrules: []\ndesks: {}\nassign: 3\n"}
    said = "\n".join(problems((GOLDEN / "mistakes.yaml").read_text(), files)) + "\n"
    assert said == (GOLDEN / "mistakes.txt").read_text()


def test_what_is_asked_for_needs_a_rule() -> None:
    assert problems("{assign_on: [hot-lead], reps: {}, rules: []}") == [
        "1:42: rules: no rules: expected at least one, such as {name: everyone, to: {team: us}}"
    ]


def test_an_empty_file_lacks_everything() -> None:
    assert problems("# nothing\n") == [
        "1:1: `assign_on` is missing",
        "1:1: `reps` is missing",
        "1:1: `rules` is missing",
    ]


def test_names_of_the_model_are_not_checked_before_it_is_known() -> None:
    """Fields that routing reads have to be known to read the model."""
    text = TINY.replace("hot-lead", "hto") + "sla: {hto: {accept_within: 1h}}\n"
    assert load_routing(text, "routing.yaml").assign_on == {"hto"}
    found = read_routing(text, "routing.yaml")
    assert found.problems == ()
    assert [problem.key for problem in found.asked(KNOWN)] == ["assign_on[0]", "sla.hto"]
    assert found.problems == ()


def test_reps_hold_the_territories_that_they_or_their_regions_list_and_their_rows_of_zip_files() -> None:
    """Each once, in the order of the reps, whatever the order in lists and rows."""
    routing = read(COMPLETE, ZIPS)
    held = {"10001": ("andy",), "10002": ("bea",), "52402": ("andy",), "10003": ()}
    for written, reps in held.items():
        lead = request(traits={"country": "US", "zip": written})
        assert routing.territories.holding(lead).reps == reps
    lead = request(traits={"country": "US", "city": "philadelphia", "zip": "10002"})
    assert routing.territories.holding(lead).reps == ("andy", "bea")


def test_mistakes_in_files_beside_it_are_named_with_their_folder() -> None:
    text = TINY + "territories: {big: {zip_file: zips.csv}}\ndesks: {eu: {when: {country: DE}, file: eu.yaml}}\n"
    files = {"zips.csv": "zip,rep\n10001,andi\n", "eu.yaml": DESK.replace("rep: dora", "rep: doar")}
    assert [line.split(": ")[0] for line in problems(text, files)] == ["config/eu.yaml:3:31", "config/zips.csv:2:7"]


def test_other_desks_have_files_of_the_same_grammar() -> None:
    """All that the files read counts for the model."""
    text = (
        TINY + "desks: {eu: {when: {country: Germany}, file: eu.yaml}, rest: {when: {known: true}, file: rest.yaml}}\n"
    )
    files = {"eu.yaml": DESK + "territories: {x: {city: Bonn}}\n", "rest.yaml": TINY.replace("andy", "emma")}
    routing = read(text, files)
    assert [desk.name for desk in routing.desks] == ["eu", "rest"]
    assert [list(desk.routing.reps) for desk in routing.desks] == [["dora"], ["emma"]]
    assert routing.desks[0].when.holds(request(traits={"country": "de"}))
    assert routing.fields == {"country", "known", "city"}
    assert routing.files == ("eu.yaml", "rest.yaml")


@pytest.mark.parametrize(
    ("desks", "said"),
    [
        ("{eu: {when: {country: DE}, file: zips.csv}}", "this file is read for something else already"),
        ("{eu: {when: {country: DE}, file: broken.yaml}}", "not YAML"),
        ("{a: {when: {known: true}, file: eu.yaml}, b: {when: {known: true}, file: eu.yaml}}", "already"),
        (
            "{a: {when: {known: true}, file: eu.yaml}, b: {when: {known: true}, file: more.yaml}}",
            "rep of desk `a` already",
        ),
    ],
)
def test_a_desk_has_a_file_of_its_own_and_reps_of_its_own(desks: str, said: str) -> None:
    files = {"zips.csv": "zip\n1\n", "eu.yaml": DESK, "more.yaml": DESK, "broken.yaml": "a: [", "none.yaml": ""}
    text = TINY + "territories: {big: {zip_file: zips.csv}}\ndesks: " + desks
    [problem] = problems(text, files)
    assert said in problem


def test_the_version_is_another_when_any_text_is() -> None:
    """And the same when none is: what runs on it need not look again."""
    text = TINY + "territories: {big: {zip_file: zips.csv}}\ndesks: {eu: {when: {country: DE}, file: eu.yaml}}\n"
    files = {"zips.csv": "zip\n1\n", "eu.yaml": DESK}
    versions = [
        read(text, files).version,
        read(text + "# a comment\n", files).version,
        read(text, {**files, "zips.csv": "zip\n2\n"}).version,
        read(text, {**files, "eu.yaml": DESK + "\n"}).version,
    ]
    assert len(set(versions)) == 4
    assert read(text, files).version == versions[0]


@pytest.mark.parametrize(
    ("section", "at_most"),
    [("teams", keys.TEAMS_MAX), ("regions", keys.REGIONS_MAX), ("rules", keys.RULES_MAX)],
)
def test_everything_has_a_limit(section: str, at_most: int) -> None:
    pool = {"reps": ["r0"]}
    many: Any = {f"r{number}": pool for number in range(at_most + 1)}
    if section == "rules":
        many = [{"name": f"r{number}", "to": {"rep": "r0"}} for number in range(at_most + 1)]
    stated: dict[str, Any] = {"assign_on": [], "reps": {"r0": {}}, "rules": [], section: many}
    [problem] = problems(json.dumps(stated))
    assert problem.endswith(f"{section}: {at_most + 1:,} entries; at most {at_most:,} are supported")


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a value of JSON."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from paths(one, (*path, key))


def changed(value: Any, path: tuple[Any, ...], into: Any) -> Any:
    """The value with something else at `path`."""
    if not path:
        return into
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], into)
    return copy


STATED = YAML(typ="safe", pure=True).load(COMPLETE)
SCALARS = st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.sampled_from(
    ("andy", "us", "east", "territory", "wait", "5*", "9-1", "zips.csv", "25:00-26:00", "2026-13-01", "")
)
VALUES = st.recursive(
    SCALARS | TEXTS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(paths(STATED), key=str)), VALUES, st.text(max_size=20))
def test_a_file_in_which_one_value_is_another_is_read_or_refused_with_places(
    path: tuple[Any, ...], value: Any, zips: str
) -> None:
    """Nothing that is written somewhere ends in another error."""
    text = json.dumps(changed(STATED, path, value))
    found = None
    try:
        found = read(text, {"zips.csv": "zip,rep\n" + zips})
    except ConfigError as error:
        problems = error.problems
    assert found is not None or all(problem.line >= 1 and problem.message for problem in problems)
