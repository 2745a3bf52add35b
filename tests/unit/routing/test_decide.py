"""Who gets a lead: rules in order, turns that stay fair, owners that stay, one answer to an alert."""

from itertools import combinations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.messages import LeadRequested
from engine.core.records import TraceStep
from engine.routing.config import Routing
from engine.routing.decide import Decision, decide
from engine.routing.desk import ALERTS_MAX, Turns, due, held_key, unpack_held
from tests.unit.routing.examples import CAUSE, request, routing


class Desk:
    """The rows of a desk, and what asking it came to."""

    def __init__(self, routing: Routing) -> None:
        self.routing = routing
        self.rows: dict[bytes, bytes] = {}

    def ask(self, request: LeadRequested) -> Decision | None:
        decision = decide(self.routing, request, self.rows.get)
        if decision is not None:
            self.rows.update(decision.rows)
        return decision

    def rep(self, request: LeadRequested) -> str | None:
        decision = self.ask(request)
        assert decision is not None
        return decision.assignment.rep


def answered(decision: Decision | None) -> tuple[str, str, str | None, str | None]:
    assert decision is not None
    return decision.kind, decision.outcome, decision.assignment.rep, decision.assignment.previous


def test_the_first_rule_that_holds_decides_and_the_trace_says_why() -> None:
    decision = Desk(routing()).ask(request())
    assert decision is not None
    assert decision.kind == "lead.assigned"
    assert msgspec.to_builtins(decision.assignment) == {
        "lead": "ada",
        "rep": "andy",
        "team": "us",
        "rule": "us",
        "attempt": 1,
        "previous": None,
        "due_at": None,
        "reason": "rule us, next in turn in team us",
        "trace": [
            {"step": "rule", "candidate": "best", "outcome": "passed over", "why": "does not hold: total = 85.0"},
            {"step": "rule", "candidate": "us", "outcome": "matched", "why": 'holds: traits.country = "US"'},
            {"step": "rep", "candidate": "andy", "outcome": "picked", "why": "next in turn in team us"},
        ],
        "alert": "a1",
        "score": 85.0,
        "band": "hot",
        "desk": "main",
        "region": None,
        "remind_at": None,
        "cause": msgspec.to_builtins(CAUSE),
    }


@pytest.mark.parametrize(("total", "rule"), [(90.0, "us"), (90.00000001, "best")])
def test_comparisons_are_strict_as_written(total: float, rule: str) -> None:
    decision = Desk(routing()).ask(request(total=total))
    assert decision is not None
    assert decision.assignment.rule == rule


def test_a_rule_can_name_one_rep() -> None:
    decision = Desk(routing()).ask(request(total=95.0))
    assert decision is not None
    assert (decision.assignment.rep, decision.assignment.team) == ("andy", None)
    assert decision.assignment.trace[-1] == TraceStep("rep", "andy", "picked", "rule best names this rep")


def test_where_no_rule_holds_the_lead_is_queued_and_that_is_written_down() -> None:
    desk = Desk(routing())
    decision = desk.ask(request(known=False, traits={}))
    assert answered(decision) == ("lead.queued", "queued", None, None)
    assert decision is not None
    assert decision.assignment.reason == "no rule matches"
    assert [step.candidate for step in decision.assignment.trace] == ["best", "us", "known"]
    held = unpack_held(desk.rows[held_key("ada")])
    assert held is not None
    assert (held.rep, held.since_ms, held.alerts) == (None, 1_000, ["a1"])


def test_a_queued_lead_is_decided_anew_at_its_next_alert() -> None:
    desk = Desk(routing())
    desk.ask(request(known=False, traits={}))
    assert answered(desk.ask(request(alert="a2"))) == ("lead.assigned", "assigned", "andy", None)


def test_a_lead_with_an_owner_stays_with_the_owner_and_takes_no_turn() -> None:
    desk = Desk(routing())
    assert desk.rep(request("ada", "a1")) == "andy"
    assert answered(desk.ask(request("ada", "a2"))) == ("lead.assigned", "kept", "andy", "andy")
    assert desk.rep(request("bob", "b1")) == "bea"


def test_the_desk_knows_the_owner_before_the_profile_does() -> None:
    """A second alert that was on its way when the first was answered still names the old owner, none."""
    desk = Desk(routing())
    desk.ask(request("zoe", "z1"))
    assert desk.rep(request("ada", "a1")) == "bea"
    assert answered(desk.ask(request("ada", "a2", owner=None))) == ("lead.assigned", "kept", "bea", "bea")


def test_an_owner_that_only_the_profile_knows_keeps_the_lead() -> None:
    assert answered(Desk(routing()).ask(request(owner="mina"))) == ("lead.assigned", "kept", "mina", "mina")


def test_a_lead_whose_owner_is_no_rep_any_more_goes_to_another() -> None:
    decision = Desk(routing()).ask(request(owner="carla"))
    assert answered(decision) == ("lead.reassigned", "reassigned", "andy", "carla")
    assert decision is not None
    assert decision.assignment.trace[0] == TraceStep("owner", "carla", "passed over", "is no rep any more")


def test_an_alert_is_answered_once() -> None:
    desk = Desk(routing())
    assert desk.ask(request()) is not None
    assert desk.ask(request()) is None
    assert desk.ask(request(owner="andy")) is None


def test_of_a_leads_alerts_the_last_eight_are_remembered() -> None:
    desk = Desk(routing())
    for number in range(20):
        desk.ask(request(alert=f"a{number}"))
    held = unpack_held(desk.rows[held_key("ada")])
    assert held is not None
    assert held.alerts == [f"a{number}" for number in range(20 - ALERTS_MAX, 20)]


def test_what_the_trace_quotes_is_short_printable_and_only_a_few_fields() -> None:
    when = ", ".join(f"traits.t{number}: x" for number in range(7))
    desk = Desk(
        routing(f"{{assign_on: [], reps: {{a: {{}}}}, rules: [{{name: r, when: {{{when}}}, to: {{rep: a}}}}]}}")
    )
    decision = desk.ask(request(traits={"t0": "\x1b[31m\u202e", "t1": "y" * 10_000, "t2": ["z"], "t3": None}))
    assert decision is not None
    assert decision.assignment.trace[0].why == (
        'does not hold: traits.t0 = "\\u001b[31m\\u202e", traits.t1 = "' + "y" * 78 + "…, "
        'traits.t2 = ["z"], traits.t3 = null, traits.t4 = null, …'
    )


def test_newcomers_wait_one_round_and_leavers_are_forgotten() -> None:
    assert due(Turns([]), ("a", "b", "c")) == ["a", "b", "c"]
    assert due(Turns(["b", "c", "a"]), ("z", "a", "c", "y")) == ["c", "a", "z", "y"]


NAMES = ["r1", "r2", "r3", "r4", "r5"]


@given(st.lists(st.lists(st.sampled_from(NAMES), min_size=1, unique=True) | st.none(), max_size=60))
def test_turns_are_fair_between_any_two_reps_while_both_are_there(steps: list[list[str] | None]) -> None:
    """Over any stretch in which both are in the team, neither gets two leads more than the other.

    A step is a lead that asks for a rep, or a team changed to these members.
    """
    members = NAMES[:2]
    desk = Desk(routing())
    history: list[tuple[list[str], str]] = []
    for number, step in enumerate(steps):
        members = step or members
        reps = "{" + ", ".join(f"{name}: {{}}" for name in NAMES) + "}"
        desk.routing = routing(
            f"{{assign_on: [], reps: {reps}, teams: {{t: {{reps: [{', '.join(members)}]}}}}, "
            "rules: [{name: all, to: {team: t}}]}"
        )
        if step is None:
            picked = desk.rep(request(f"lead-{number}"))
            assert picked in members
            history.append((members, picked))
    for one, other in combinations(NAMES, 2):
        lead, lowest, highest = 0, 0, 0
        for present, picked in history:
            if one in present and other in present:
                lead += (picked == one) - (picked == other)
                lowest, highest = min(lowest, lead), max(highest, lead)
                assert highest - lowest <= 1
            else:
                lead = lowest = highest = 0


requests = st.builds(
    request,
    lead=st.sampled_from(["ada", "bob", "pool/us"]),
    alert=st.sampled_from(["a1", "a2", "a3"]),
    total=st.sampled_from([50.0, 90.0, 95.0]),
    known=st.booleans(),
    traits=st.sampled_from([{}, {"country": "us"}, {"country": "DE"}]),
    owner=st.sampled_from([None, "andy", "mina", "carla"]),
)


@given(st.lists(requests, max_size=12))
def test_each_alert_of_a_lead_is_answered_exactly_once_and_the_same_on_every_replay(asked: list[LeadRequested]) -> None:
    first, second = Desk(routing()), Desk(routing())
    answers = [first.ask(one) for one in asked]
    assert answers == [second.ask(one) for one in asked]
    assert first.rows == second.rows
    given_to = [(one.lead, one.alert) for one, answer in zip(asked, answers, strict=True) if answer is not None]
    assert len(given_to) == len(set(given_to))
    assert set(given_to) == {(one.lead, one.alert) for one in asked}


@given(requests)
def test_the_trace_names_every_rule_that_was_considered_in_order(asked: LeadRequested) -> None:
    """The owner first; then, unless the owner keeps the lead, the rules up to the one that holds."""
    decision = Desk(routing()).ask(asked)
    assert decision is not None
    holding = {
        "best": asked.total > 90,
        "us": asked.traits.get("country") == "us",
        "known": asked.known,
    }
    expected: list[tuple[str, str, str]] = []
    if asked.owner is not None:
        expected.append(("owner", asked.owner, "passed over" if asked.owner == "carla" else "kept"))
    if asked.owner in (None, "carla"):
        for name, holds in holding.items():
            expected.append(("rule", name, "matched" if holds else "passed over"))
            if holds:
                expected.append(("rep", {"best": "andy", "us": "andy", "known": "ravi"}[name], "picked"))
                break
    assert [(step.step, step.candidate, step.outcome) for step in decision.assignment.trace] == expected


@given(requests)
def test_row_keys_never_begin_with_nul(asked: LeadRequested) -> None:
    decision = Desk(routing()).ask(msgspec.structs.replace(asked, lead="\x00" + asked.lead))
    assert decision is not None
    assert all(key.startswith((b"lead/", b"pool/")) for key in decision.rows)
