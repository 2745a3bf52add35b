"""Who gets a lead: rules in order, owners that stay, overrides, pools and skills, and why everybody else does not."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.messages import LeadRequested
from engine.core.records import TraceStep
from engine.routing.config import Rep, Routing, Rule, Team
from engine.routing.decide import TRACE_STEPS_MAX, Choice, choose
from engine.routing.desk import Desk
from engine.routing.rows import Load
from tests.unit.routing.examples import request, routing
from tests.unit.routing.office import Office, ms

ROUTING = routing()
NOON = ms("2026-11-23T12:00")
TWO = "assign_on: []\nreps: {a: {}, b: {}}\nteams: {t: {reps: [a, b]}, u: {reps: [b]}}\n"


def desk(config: str | Routing = ROUTING, **loads: Load) -> Desk:
    made = Desk("main", routing(config) if isinstance(config, str) else config, {}, lambda due_ms, key: None)
    for rep, load in loads.items():
        made.set_load(rep, load)
    return made


def choice(at: Desk | None = None, asked: LeadRequested | None = None, **more: Any) -> Choice:
    return choose(at or desk(), asked or request(), NOON, **more)


def steps(chosen: Choice) -> list[tuple[str, str, str]]:
    return [(step.step, step.candidate, step.outcome) for step in chosen.trace]


@pytest.mark.parametrize(("total", "rule"), [(90.0, "us"), (90.00000001, "best")])
def test_comparisons_are_strict_as_written(total: float, rule: str) -> None:
    assert choice(asked=request(total=total)).rule == rule


def test_a_rule_can_name_one_rep() -> None:
    chosen = choice(asked=request(total=95.0))
    assert (chosen.rep, chosen.team, chosen.reason) == ("andy", None, "rule best")
    assert chosen.trace[-1] == TraceStep("rep", "andy", "picked", "rule best names this rep")


def test_where_no_rule_holds_the_lead_waits_and_that_is_written_down() -> None:
    chosen = choice(asked=request(known=False, traits={}))
    assert (chosen.rep, chosen.reason, chosen.back_ms, chosen.hopeless) == (None, "no rule matches", None, True)
    assert [step.candidate for step in chosen.trace] == ["best", "us", "known"]


def test_without_rules_nobody_gets_anything_and_that_is_the_reason() -> None:
    assert choice(desk(Routing(frozenset(), {}, {}, ()))).reason == "there are no rules"


def test_a_lead_with_an_owner_stays_with_the_owner_and_takes_no_turn() -> None:
    at = desk()
    kept = choice(at, owner="bea")
    assert (kept.rep, kept.kept, kept.rule, kept.reason) == ("bea", True, None, "bea owns the lead")
    assert kept.trace == [TraceStep("owner", "bea", "kept", "owns the lead")]
    assert choice(at).rep == "andy"


def test_an_owner_who_is_gone_for_longer_than_the_limit_is_passed_over() -> None:
    config = f"sticky: {{unless_away_for: 2d}}\n{TWO}rules: [{{name: r, to: {{team: t}}}}]"
    gone = Load(away_from=NOON, away_until=NOON + 2 * 86_400_000 + 1)
    chosen = choice(desk(config, a=gone), owner="a")
    assert (chosen.rep, chosen.kept) == ("b", False)
    assert steps(chosen)[0] == ("owner", "a", "passed over")
    short = Load(away_from=NOON, away_until=NOON + 2 * 86_400_000)
    assert choice(desk(config, a=short), owner="a").kept


@pytest.mark.parametrize(
    ("owner", "total", "rep", "rule"),
    [
        ("b", 60.0, "a", "over"),
        ("b", 50.0, "b", None),
        ("a", 60.0, "a", None),
        ("b", 95.0, "b", None),
    ],
)
def test_a_rule_that_overrides_takes_the_lead_from_an_owner_who_is_none_of_its_reps(
    owner: str, total: float, rep: str, rule: str | None
) -> None:
    """The last: a rule before it that holds and is none that overrides leaves the lead with its owner."""
    rules = """rules:
  - {name: plain, when: {total: {gt: 90}}, to: {team: t}}
  - {name: over, when: {total: {gt: 50}}, to: {rep: a}, override: true}
  - {name: all, to: {team: u}}
"""
    chosen = choice(desk(TWO + rules), request(total=total), owner=owner)
    assert (chosen.rep, chosen.rule, chosen.kept) == (rep, rule, rule is None)


def test_an_override_takes_nothing_where_nobody_of_its_reps_is_there() -> None:
    rules = "rules: [{name: over, to: {rep: a}, override: true}]"
    assert choice(desk(TWO + rules, a=Load(away_from=0)), owner="b").kept
    anyway = "rules: [{name: over, to: {rep: a}, override: true, nobody: assign_anyway}]"
    assert choice(desk(TWO + anyway, a=Load(away_from=0)), owner="b").rep == "a"


SKILLED = """
assign_on: []
reps: {a: {skills: {product: [loans], language: [EN, es]}}, b: {skills: {product: [cards]}}}
teams: {t: {reps: [a, b], nobody: assign_anyway}}
rules: [{name: r, to: {team: t}, needs: [product, language]}]
"""
AWAY = Load(away_from=0)
BACK = Load(away_from=0, away_until=NOON + 3_600_000)


def pools(first: str, loads: Mapping[str, Load], **more: Any) -> Choice:
    """A rule to team u, which is b alone, with this `nobody`; then one to team t."""
    rules = f"rules: [{{name: one, to: {{team: u}}{first}}}, {{name: two, to: {{team: t}}}}]"
    return choice(desk(TWO + rules, **loads), **more)


def test_a_rule_whose_reps_are_not_there_waits_for_them_goes_on_or_assigns_anyway() -> None:
    waits = pools("", {"b": AWAY})
    assert (waits.rep, waits.rule, waits.team) == (None, "one", "u")
    assert waits.reason == "rule one: nobody of team u is there"
    assert pools(", nobody: next_rule", {"b": AWAY}).rep == "a"
    anyway = pools(", nobody: assign_anyway", {"b": AWAY})
    assert (anyway.rep, anyway.reason) == ("b", "rule one, next in turn in team u, though nobody is there")
    assert anyway.trace[-1].why == "nobody is there: is away, but anyway"


def test_a_rule_that_names_only_who_had_the_lead_already_is_passed_over() -> None:
    chosen = pools("", {}, excluded={"b": "missed a deadline of this lead"})
    assert (chosen.rep, chosen.rule) == ("a", "two")
    assert TraceStep("rep", "b", "passed over", "missed a deadline of this lead") in chosen.trace


def test_assign_anyway_is_not_for_who_had_the_lead_lacks_the_skill_or_is_gone() -> None:
    anyway = ", nobody: assign_anyway"
    assert pools(anyway, {"b": AWAY}, excluded={"b": "declined this lead"}).rep == "a"
    assert pools(anyway, {}, gone={"b": "is away"}).rep == "a"
    unskilled = choice(desk(SKILLED, a=AWAY), request(product="cards", traits={"language": "en"}))
    assert (unskilled.rep, [step.why for step in unskilled.trace[1:]]) == (
        None,
        ['lacks product "cards"', 'lacks language "en"'],
    )


def test_nobody_left_is_hopeless_and_somebody_who_may_come_back_is_not() -> None:
    both = {"a": "missed", "b": "missed"}
    hopeless = pools("", {}, excluded=both)
    assert (hopeless.rep, hopeless.hopeless, hopeless.reason) == (None, True, "nobody is left whom the rules name")
    assert not pools("", {"a": AWAY}, excluded={"b": "missed"}).hopeless
    unskilled = choice(desk(SKILLED.replace("nobody: assign_anyway", "nobody: wait")), request(product="trips"))
    assert (unskilled.rule, unskilled.hopeless) == ("r", True)


def test_what_waits_says_when_time_alone_may_bring_somebody_back() -> None:
    """The first of all whom the rules up to the one that waits name."""
    chosen = pools(", nobody: next_rule", {"a": AWAY, "b": BACK})
    assert (chosen.rep, chosen.rule, chosen.back_ms) == (None, "two", NOON + 3_600_000)
    assert chosen.reason == "rule two: nobody of team t is there before 2026-11-23T13:00:00.000Z"
    assert pools("", {"b": AWAY}).back_ms is None


def test_leads_of_one_sort_wait_for_the_same_reps() -> None:
    """Not those with whom other reps are out of the question, whom other rules are for, or who need other skills."""
    config = """
assign_on: []
reps: {a: {skills: {product: [loans]}}, b: {}}
teams: {t: {reps: [a, b]}, u: {reps: [b]}}
rules: [{name: one, when: {total: {gt: 50}}, to: {team: u}}, {name: two, to: {team: t}, needs: [product]}]
"""
    at = desk(config, a=AWAY, b=AWAY)
    same = [choice(at, request(lead, total=total)).sort for lead, total in (("x", 60.0), ("y", 70.0))]
    assert same[0] == same[1]
    others = [
        choice(at, request(total=10.0)).sort,
        choice(at, request(total=10.0, product="loans")).sort,
        choice(at, request(total=10.0), excluded={"a": "missed"}).sort,
    ]
    assert len({same[0], *others}) == 4


def test_rules_before_the_one_to_begin_at_are_not_tried() -> None:
    assert steps(pools("", {}, begin="two"))[0] == ("rule", "two", "matched")
    assert steps(pools("", {}, begin="gone by now"))[0] == ("rule", "one", "matched")


@pytest.mark.parametrize(
    ("product", "language", "rep"),
    [("LOANS", "en", "a"), ("loans", "de", None), ("cards", None, "b"), ("cards", "en", None), (None, None, "a")],
)
def test_a_rep_must_have_every_skill_that_is_asked_for(
    product: str | None, language: str | None, rep: str | None
) -> None:
    """Whatever the case; what is not known of a lead asks for nothing."""
    asked = request(product=product, traits={} if language is None else {"language": language})
    assert choice(desk(SKILLED), asked).rep == rep


PLACES = """
assign_on: []
territories: {ma: {state: MA}, us: {country: US}}
regions: {east: {reps: [a], territories: [ma]}, rest: {reps: [c], territories: [us]}}
reps: {a: {}, b: {territories: [us]}, c: {}, d: {}}
rules: [{name: held, when: {known: true}, to: territory}, {name: east, to: {region: east}}, {name: d, to: {rep: d}}]
"""


def test_a_territory_is_a_pool_of_those_who_hold_the_lead_and_without_any_the_next_rule_s() -> None:
    at = desk(PLACES)
    in_ma = request(place={"country": "US", "state": "MA"}, traits={})
    reps = [choice(at, in_ma).rep for _ in range(4)]
    assert reps == ["a", "b", "c", "a"]
    assert choice(at, request(place={"country": "US"}, traits={})).rep == "b"
    elsewhere = choice(at, request(place={"country": "FR"}, traits={}))
    assert (elsewhere.rep, elsewhere.rule) == ("a", "east")
    assert ("territory", "held", "passed over") in steps(elsewhere)


def test_the_region_is_the_rule_s_else_the_rep_s_else_the_first_that_holds_the_lead() -> None:
    at = desk(PLACES)
    stranger = request(known=False, traits={}, place={"country": "US"})
    assert choice(at, stranger).region == "east"
    held = choice(at, request(place={"country": "US"}, traits={}), excluded={"b": "declined"})
    assert (held.rep, held.region) == ("c", "rest")
    of_lead = choice(at, stranger, begin="d")
    assert (of_lead.rep, of_lead.region) == ("d", "rest")
    assert choice(at, request(known=False, traits={}), begin="d").region is None


def test_least_loaded_is_by_open_leads_over_weight() -> None:
    """(0, 0) a; (½, 0) b; (½, 1) a; (1, 1) b, picked longest ago; (1, 2) a; (1½, 2) a."""
    config = """
assign_on: []
reps: {a: {weight: 2}, b: {}}
teams: {t: {reps: [a, b], pick: least_loaded}}
rules: [{name: r, to: {team: t}}]
"""
    office = Office(config)
    assert [office.ask(lead)[0].rep for lead in ("u", "v", "w", "x", "y", "z")] == ["a", "b", "a", "b", "a", "a"]


def test_what_the_trace_quotes_is_short_printable_and_only_a_few_fields() -> None:
    when = ", ".join(f"traits.t{number}: x" for number in range(7))
    at = desk(f"{{assign_on: [], reps: {{a: {{}}}}, rules: [{{name: r, when: {{{when}}}, to: {{rep: a}}}}]}}")
    asked = request(traits={"t0": "\x1b[31m\u202e", "t1": "y" * 10_000, "t2": ["z"], "t3": None})
    assert choice(at, asked).trace[0].why == (
        'does not hold: traits.t0 = "\\u001b[31m\\u202e", traits.t1 = "' + "y" * 78 + "…, "
        'traits.t2 = ["z"], traits.t3 = null, traits.t4 = null, …'
    )


def test_a_trace_that_would_be_too_long_says_how_much_is_left_out() -> None:
    """One step for the rule and one for each of its 2,500 reps: 501 too many."""
    reps = {f"r{number}": Rep(f"r{number}", "") for number in range(2_500)}
    at = desk(Routing(frozenset(), reps, {}, (Rule("r", None, Team("t", tuple(reps))),)))
    chosen = choice(at)
    assert chosen.rep == "r0"
    assert len(chosen.trace) == TRACE_STEPS_MAX + 1
    assert chosen.trace[-1] == TraceStep("trace", "", "left out", "501 more steps")


requests = st.builds(
    request,
    lead=st.sampled_from(["ada", "bob", "pool/us"]),
    alert=st.sampled_from(["a1", "a2", "a3"]),
    total=st.sampled_from([50.0, 90.0, 95.0]),
    known=st.booleans(),
    traits=st.sampled_from([{}, {"country": "us"}, {"country": "DE"}]),
    owner=st.sampled_from([None, "andy", "mina", "carla"]),
)


@given(requests)
def test_the_trace_names_every_rule_and_rep_that_was_considered_in_order(asked: LeadRequested) -> None:
    """The owner first; then, unless the owner keeps the lead, the rules up to the one that holds, and its reps."""
    holding = {
        "best": asked.total > 90,
        "us": asked.traits.get("country") == "us",
        "known": asked.known,
    }
    reps = {"best": ["andy"], "us": ["andy", "bea"], "known": ["ravi", "mina"]}
    expected: list[tuple[str, str, str]] = []
    if asked.owner is not None:
        expected.append(("owner", asked.owner, "passed over" if asked.owner == "carla" else "kept"))
    if asked.owner in (None, "carla"):
        for name, holds in holding.items():
            expected.append(("rule", name, "matched" if holds else "passed over"))
            if holds:
                picked, *others = reps[name]
                expected += [("rep", picked, "picked"), *(("rep", other, "passed over") for other in others)]
                break
    assert steps(choice(asked=asked, owner=asked.owner)) == expected
