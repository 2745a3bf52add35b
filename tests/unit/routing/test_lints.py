"""What is said of a routing file that can be used but is surely not meant."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.routing.lints import OVERLAPS_MAX, lints
from engine.routing.overlaps import overlaps
from engine.routing.routingfile import read_routing
from engine.routing.territories import Territories, Territory
from tests.unit.routing.examples import request

CONFIG = Path(__file__).parents[3] / "config"
GOOD: Mapping[str, Any] = {
    "assign_on": ["hot"],
    "reps": {"andy": {}, "bea": {}},
    "teams": {"us": {"reps": ["andy", "bea"]}},
    "rules": [{"name": "all", "to": {"team": "us"}}],
}
ALL = {"name": "all", "to": {"team": "us"}}


def said(files: Mapping[str, str] | None = None, **changes: Any) -> dict[str, str]:
    """What is warned of in the good file with some sections changed, by key."""
    read = read_routing(json.dumps({**GOOD, **changes}), "config/routing.yaml", (files or {}).get)
    read.finish()
    return {problem.key: problem.message for problem in lints(read)}


def rules(*stated: dict[str, Any], **changes: Any) -> dict[str, str]:
    """Likewise of these rules, to whose names and team nothing need be said."""
    return said(rules=[{**ALL, "name": f"r{number}", **one} for number, one in enumerate(stated)], **changes)


def held(files: Mapping[str, str] | None = None, **territories: dict[str, Any]) -> dict[str, str]:
    """Likewise of territories that andy holds where the name begins with `a`, bea with `b`, both with `c`."""
    reps = {rep: {"territories": [name for name in territories if name[0] in (rep[0], "c")]} for rep in GOOD["reps"]}
    return said(files, territories=territories, reps=reps, rules=[{"name": "own", "to": "territory"}, ALL])


def test_the_shipped_file_gives_nothing_to_look_at() -> None:
    assert lints(read_routing((CONFIG / "routing.yaml").read_text(), "routing.yaml")) == ()
    assert said() == {}


@pytest.mark.parametrize("nobody", ["wait", "assign_anyway"])
def test_a_rule_behind_one_that_takes_every_lead_and_passes_none_on_never_matches(nobody: str) -> None:
    behind = {"when": {"known": True}}
    assert rules({"nobody": nobody}, behind) == {
        "rules[1]": "never matches: rule `r0` before it takes every lead, and passes none on"
    }
    assert rules({"nobody": "next_rule"}, behind) == {}
    assert (
        rules(
            {"to": "territory"},
            behind,
            territories={"x": {"zip": "1"}},
            reps={
                "andy": {"territories": ["x"]},
                "bea": {},
            },
        )
        == {}
    )
    skilled = {"andy": {"skills": {"product": "x"}}, "bea": {}}
    found = rules({"nobody": nobody, "needs": ["product"]}, behind, reps=skilled)
    assert bool(found) == (nobody == "wait")


@pytest.mark.parametrize(
    ("first", "second", "never"),
    [
        ({"country": "US"}, {"country": "us"}, True),
        ({"country": "US"}, {"country": "US", "city": "Boston"}, True),
        ({"country": ["US", "CA"]}, {"country": "CA"}, True),
        ({"any": [{"known": True}, {"country": "US"}]}, {"all": [{"country": "US"}, {"city": "Boston"}]}, True),
        ({"country": "US", "city": "Boston"}, {"country": "US"}, False),
        ({"country": "CA"}, {"country": ["US", "CA"]}, False),
        ({"not": {"country": "US"}}, {"country": "US"}, False),
        ({"total": {"gt": 50}}, {"total": {"gt": 60}}, False),
    ],
)
def test_a_rule_whose_leads_an_earlier_one_keeps_never_matches(
    first: dict[str, Any], second: dict[str, Any], never: bool
) -> None:
    """Told where the conditions show it; numbers are not compared."""
    told = rules({"when": first}, {"when": second})
    assert list(told) == (["rules[1]"] if never else [])
    assert rules({"when": first, "nobody": "next_rule"}, {"when": second}) == {}


def test_a_rule_with_empty_bounds_never_matches_and_keeps_nothing_from_others() -> None:
    empty = {"when": {"total": {"gt": 50, "lt": 50}}}
    assert rules(empty, empty) == {
        "rules[0]": "never matches: no number is within the bounds of its `when`",
        "rules[1]": "never matches: no number is within the bounds of its `when`",
    }


def test_a_rule_that_waits_for_a_skill_nobody_in_its_pool_has_waits_for_ever() -> None:
    """`next_rule` passes the lead on, and then nothing is wrong with it."""
    reps = {"andy": {"skills": {"product": "loans"}}, "bea": {}}
    told = rules({"to": {"rep": "bea"}, "needs": ["product"], "nobody": "wait"}, {}, reps=reps)
    assert told["rules[0]"].startswith("nobody whom it names has the skill `product`")
    assert rules({"to": {"rep": "bea"}, "needs": ["product"]}, {}, reps=reps) == {}
    assert rules({"needs": ["product"], "nobody": "wait"}, reps=reps) == {}


def test_a_rep_whom_no_rule_reaches_is_told_of() -> None:
    """By name, team, region, territory, zip or as a manager; a region that no rule names does not reach them."""
    message = "no rule can reach this rep: name a team, a region or a territory of theirs in one"
    assert rules({"to": {"rep": "andy"}}) == {"reps.bea": message}
    east = {"east": {"reps": ["bea"]}}
    assert rules({"to": {"rep": "andy"}}, regions=east) == {"reps.bea": message}
    assert rules({"to": {"rep": "andy"}}, regions={"east": {"reps": ["andy"], "manager": "bea"}}) == {}
    assert rules({"to": {"region": "east"}, "when": {"known": True}}, {"to": {"rep": "andy"}}, regions=east) == {}
    own = [{"name": "own", "to": "territory"}, {"name": "rest", "to": {"rep": "andy"}}]
    zips = {"zips.csv": "zip,rep\n1,bea\n"}
    assert said(zips, rules=own, territories={"big": {"zip_file": "zips.csv"}}) == {}
    by_region = {"east": {"reps": ["bea"], "territories": ["x"]}}
    assert said(rules=own, territories={"x": {"zip": "1"}}, regions=by_region) == {}
    assert said(rules=own)["rules[0]"] == "never gives a lead to anybody: no rep has a territory"


@pytest.mark.parametrize(
    ("andy", "bea", "apart"),
    [
        ({"hours": {"mon-fri": "09:00-12:00"}}, {"hours": {"mon-fri": "12:00-17:00"}}, True),
        ({"hours": {"mon-fri": "09:00-12:01"}}, {"hours": {"mon-fri": "12:00-17:00"}}, False),
        ({"hours": {"mon": "09:00-12:00"}}, {"hours": {"tue-sun": "00:00-24:00"}}, True),
        ({"hours": {"mon": "22:00-02:00"}}, {"hours": {"tue": "01:00-03:00"}}, False),
        ({"hours": {"mon-fri": "09:00-17:00"}}, {}, False),
        (
            {"hours": {"mon-fri": "09:00-17:00"}, "time_zone": "America/New_York"},
            {"hours": {"mon-fri": "09:00-17:00"}, "time_zone": "Asia/Kolkata"},
            True,
        ),
        # Nine in New York is two in London, but for some weeks of spring and autumn.
        (
            {"hours": {"mon": "09:00-10:00"}, "time_zone": "America/New_York"},
            {"hours": {"mon": "14:00-15:00"}, "time_zone": "Europe/London"},
            False,
        ),
        # 12:00 UTC is 13:00 in Berlin in winter, and 14:00 in summer.
        (
            {"hours": {"mon": "12:00-13:00"}},
            {"hours": {"mon": "14:00-15:00"}, "time_zone": "Europe/Berlin"},
            False,
        ),
    ],
)
def test_a_team_in_which_nobody_works_while_another_does_is_told_of(
    andy: dict[str, Any], bea: dict[str, Any], apart: bool
) -> None:
    """Vacations do not count: they pass."""
    away = {"vacations": ["2026-01-01/2026-12-31"]}
    told = said(reps={"andy": {**andy, **away}, "bea": bea})
    assert list(told) == (["teams.us"] if apart else [])


def test_a_third_rep_who_works_with_one_of_two_is_enough() -> None:
    hours = [{"hours": {"mon": f"{hour:02d}:00-{hour + 2:02d}:00"}} for hour in (8, 10, 11)]
    reps = dict(zip(("andy", "bea", "carl"), hours, strict=True))
    assert said(reps=reps, teams={"us": {"reps": ["andy", "bea", "carl"]}}) == {}


def test_a_territory_that_nobody_holds_is_told_of() -> None:
    """A row of a zip file is enough."""
    assert held(x={"city": "Bonn"}, a={"city": "Rome"}) == {
        "territories.x": "nobody holds this territory: list it with a rep or a region"
    }
    assert held({"z.csv": "zip,rep\n1,bea\n"}, x={"zip_file": "z.csv"}, a={"city": "Rome"}) == {}


def test_territories_that_no_rule_asks_for_decide_nothing() -> None:
    reps = {"andy": {"territories": ["a"]}, "bea": {}}
    stated = {"a": {"city": "Rome"}}
    assert list(said(reps=reps, territories=stated)) == ["territories.a"]
    by_region = {"east": {"reps": ["andy"], "manager": "bea", "territories": ["a"]}}
    assert said(territories=stated, regions=by_region) == {}


@pytest.mark.parametrize(
    ("andys", "beas", "shared"),
    [
        ({"country": "US"}, {"country": "usa"}, "country US"),
        ({"country": "US"}, {"country": "US", "state": ["IA", "OH"]}, "country US"),
        ({"country": "US", "city": "Boston"}, {"country": "US"}, "country US"),
        ({"state": ["IA", "OH"]}, {"state": ["OH", "PA"]}, "state OH"),
        ({"country": "US", "state": "IA"}, {"country": "US", "state": "OH"}, None),
        ({"country": "US", "state": "IA"}, {"country": "US", "county": "Linn"}, None),
        ({"country": "US"}, {"city": "Paris"}, None),
        ({"zip": "52402"}, {"zip": ["10001", "52402"]}, "zip 52402"),
        ({"zip": "52402"}, {"zip": "524*"}, "zip 52402"),
        ({"zip": "5240*"}, {"zip": "524*"}, "zip 5240"),
        ({"zip": "52402"}, {"zip": "52000-52499"}, "zip 52402"),
        ({"zip": "524*"}, {"zip": "52000-52999"}, "zip 52400"),
        ({"zip": "52*"}, {"zip": "52300-52310"}, "zip 52300"),
        ({"zip": "52000-52400"}, {"zip": "52400-52500"}, "zip 52400"),
        ({"zip": "52000-52400"}, {"zip": "52401-52500"}, None),
        ({"zip": "524*"}, {"zip": "5240-5249"}, "zip 5240"),
        ({"zip": "524*"}, {"zip": "5250-5259"}, None),
        ({"zip": "1", "country": "US"}, {"zip": "1", "country": "DE"}, None),
        ({"zip": "1", "country": "US"}, {"country": "US"}, "country US"),
        ({"traits.vip": True}, {"traits.vip": True}, "the same condition"),
        ({"country": "US", "traits.vip": True}, {"country": "US"}, "country US"),
        ({"country": "US", "traits.vip": True}, {"country": "US", "traits.vip": False}, None),
    ],
)
def test_two_territories_that_surely_share_leads_are_told_of_where_different_reps_hold_them(
    andys: dict[str, Any], beas: dict[str, Any], shared: str | None
) -> None:
    """All that one asks for is asked for by the other, or a zip is in both."""
    both = {"territories.b1": f"shares {shared} with `a1`: the reps of both are asked (andy, bea)"}
    assert held(a1=andys, b1=beas) == (both if shared else {})
    assert held(a1=andys, a2=beas, b3={"city": "Rome"}) == {}


def test_a_zip_that_a_file_gives_to_two_reps_is_told_of() -> None:
    zips = {"z.csv": "zip,rep\n1,andy\n2,bea\n1,bea\n"}
    assert held(zips, x={"zip_file": "z.csv"}) == {
        "territories.x": "gives zip 1 to two: the reps of both are asked (andy, bea)"
    }
    assert held({"z.csv": "zip,rep\n1,andy\n2,bea\n1,andy\n"}, x={"zip_file": "z.csv"}) == {}


def test_only_the_first_overlaps_are_told_of_one_by_one() -> None:
    many = {f"{'ab'[number % 2]}{number}": {"country": "US"} for number in range(60)}
    reps = {rep: {"territories": [name for name in many if name[0] == rep[0]]} for rep in GOOD["reps"]}
    text = json.dumps({**GOOD, "territories": many, "reps": reps, "rules": [{"name": "own", "to": "territory"}]})
    told = lints(read_routing(text, "routing.yaml"))
    assert len(told) == OVERLAPS_MAX + 1
    assert "… and more territories share leads" in [problem.message for problem in told]


def test_deadlines_want_alerts_that_ask_and_a_manager_after_misses() -> None:
    sla = {"hot": {"accept_within": "15m"}, "misses_before_manager": 2}
    regions = {"east": {"reps": ["andy"]}}
    assert said(sla=sla, regions=regions) == {
        "regions.east": ("after 2 missed deadlines a lead of this region goes to nobody else: name a `manager`")
    }
    assert said(sla={"misses_before_manager": 2}, regions=regions) == {}
    assert said(sla=sla, regions={"east": {"reps": ["andy"], "manager": "bea"}}) == {}
    assert said(sla=sla, assign_on=[]) == {"sla": "no alert asks for a rep: without `assign_on` no lead has a deadline"}


def test_the_files_of_other_desks_are_looked_at_too() -> None:
    desk = json.dumps({"assign_on": [], "reps": {"dora": {}}, "rules": []})
    text = json.dumps({**GOOD, "desks": {"eu": {"when": {"country": "DE"}, "file": "eu.yaml"}}})
    [problem] = lints(read_routing(text, "config/routing.yaml", {"eu.yaml": desk}.get))
    assert (problem.file, problem.key) == ("config/eu.yaml", "reps.dora")


WRITTEN = st.one_of(
    st.integers(0, 30).map(str),
    st.integers(0, 30).map("{:02d}".format),
    st.integers(0, 99).map(lambda number: f"{number}*"),
    st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda ends: f"{min(ends):02d}-{max(ends):02d}"),
    st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda ends: f"{min(ends)}-{max(ends)}"),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(WRITTEN, min_size=1, max_size=4), st.lists(WRITTEN, min_size=1, max_size=4))
def test_zips_overlap_if_and_only_if_a_zip_is_in_both(andys: list[str], beas: list[str]) -> None:
    """Held to a look at every zip of up to three digits."""
    pair = [
        Territory(rep, (rep,), zips=tuple((written, None) for written in stated))
        for rep, stated in (("andy", andys), ("bea", beas))
    ]
    territories = Territories(pair, ("andy", "bea"))
    every = [f"{number:0{digits}d}" for digits in (1, 2, 3) for number in range(10**digits)]
    leads = (request(traits={"zip": written}) for written in every)
    assert bool(list(overlaps(pair))) == any(len(territories.holding(lead).reps) == 2 for lead in leads)
