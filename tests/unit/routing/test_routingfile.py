"""`config/routing.yaml`: what is right is read, and everything that is wrong is said in one run."""

from pathlib import Path

import pytest

from engine.core.modelfile import load_model
from engine.core.source import ConfigError
from engine.routing.config import Rep, Routing, Team
from engine.routing.routingfile import load_routing

CONFIG = Path(__file__).parents[3] / "config"


def problems(text: str, alerts: tuple[str, ...] = ("hot-lead",)) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_routing(text, "routing.yaml", alerts)
    return [line.removeprefix("routing.yaml:") for line in str(caught.value).splitlines()]


def shipped() -> Routing:
    return load_routing((CONFIG / "routing.yaml").read_text(), "routing.yaml")


def test_the_shipped_file_fits_the_shipped_model() -> None:
    """Every alert that asks for a rep is one of the model's, and every team is reached by a rule."""
    routing = shipped()
    model = load_model((CONFIG / "model.yaml").read_text(), "model.yaml", None, routing.fields)
    text = (CONFIG / "routing.yaml").read_text()
    assert load_routing(text, "routing.yaml", {alert.id for alert in model.alerts}).assign_on == routing.assign_on
    assert {rule.to.id for rule in routing.rules if isinstance(rule.to, Team)} == set(routing.teams)
    assert "traits.country" in routing.fields


def test_the_shipped_file_names_reps_teams_and_rules_in_order() -> None:
    routing = shipped()
    assert routing.assign_on == {"hot-lead", "fast-track"}
    assert routing.reps["andy"] == Rep("andy", "Andy", "andy@example.com")
    assert routing.teams["india"] == Team("india", ("ravi", "mina"))
    assert [rule.name for rule in routing.rules] == ["best-to-andy", "us", "everyone-else"]
    assert routing.rules[-1].when is None


def test_a_rep_without_a_name_is_called_by_the_id() -> None:
    text = "{assign_on: [], reps: {andy: {}}, rules: []}"
    assert load_routing(text, "routing.yaml").reps["andy"] == Rep("andy", "andy", None)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = """\
assign_on: [hot-laed]
holidays_from: US
reps:
  andy: {name: Andy, email: x, hours: 3}
  bea:
teams:
  us: {reps: [andy, andy, bae], pick: weighted, nobody: wait}
  in: {reps: []}
rules:
  - {name: a, when: {country: US, total: {gt: 50}}, to: {rep: andi}, override: true}
  - {name: a, to: territory}
  - {name: b, to: {team: us, rep: andy}}
  - {when: {alert: x}, to: {region: e}}
  - {name: c, when: {event: purchase}, to: {team: usa}, needs: [product]}
"""
    fields = "engagement, fit, total, score, band, grade, stage, known, fast_track, owner, persona, revenue, …"
    territory = "`territory` is not supported yet: this version knows {team: NAME} and {rep: NAME}"
    late = "never matches: rule `a` before it has no `when` and takes every lead"
    assert problems(text) == [
        '1:13: assign_on[0] = "hot-laed": there is no such alert in the model; did you mean `hot-lead`?',
        "2:1: holidays_from: `holidays_from` is not supported yet: this version knows assign_on, reps, teams, rules",
        '4:29: reps.andy.email = "x": expected an address, such as andy@example.com',
        "4:32: reps.andy.hours: `hours` is not supported yet: this version knows name, email",
        "5:3: reps.bea: expected a mapping with name, email, not nothing",
        '7:21: teams.us.reps[1] = "andy": is in this team already; a rep takes one turn in it',
        '7:27: teams.us.reps[2] = "bae": there is no such rep; did you mean `bea`?',
        '7:39: teams.us.pick = "weighted": `weighted` is not supported yet: this version knows round_robin',
        "7:49: teams.us.nobody: `nobody` is not supported yet: this version knows reps, pick",
        "8:14: teams.in.reps: 0 reps; expected at least 1",
        '10:63: rules[0].to.rep = "andi": there is no such rep; did you mean `andy`?',
        "10:70: rules[0].override: `override` is not supported yet: this version knows name, when, to",
        '11:12: rules[1].name = "a": another rule has this name; a name tells in the trace which rule decided',
        f'11:19: rules[1].to = "territory": {territory}',
        f"12:5: rules[2]: {late}",
        "12:15: rules[2].to: expected exactly one of team and rep, such as {team: us}",
        "13:5: rules[3]: `name` is missing",
        f"13:5: rules[3]: {late}",
        f"13:13: rules[3].when.alert: `alert` is not known; expected one of {fields}",
        "13:29: rules[3].to.region: `region` is not supported yet: this version knows team, rep",
        f"14:5: rules[4]: {late}",
        f"14:22: rules[4].when.event: `event` is not supported yet: this version knows {fields}",
        '14:51: rules[4].to.team = "usa": there is no such team; did you mean `us`?',
        "14:57: rules[4].needs: `needs` is not supported yet: this version knows name, when, to",
    ]


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
