"""What a request comes to: a record with the reason, a row that remembers, and word to the profile, once an alert."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.messages import LeadRequested, OwnerChanged
from engine.routing.rows import ALERTS_MAX
from tests.unit.routing.examples import CAUSE, request, routing
from tests.unit.routing.office import Office, ms

ROUTING = routing()


def test_the_first_rule_that_holds_decides_and_the_trace_says_why() -> None:
    office = Office(ROUTING)
    (told,) = office.send(request())
    assert told.kind == "assigned"
    assert told.data == {
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
            {"step": "rep", "candidate": "bea", "outcome": "passed over", "why": "andy comes first"},
        ],
        "alert": "a1",
        "score": 85.0,
        "band": "hot",
        "desk": "main",
        "region": None,
        "remind_at": None,
        "cause": msgspec.to_builtins(CAUSE),
        "territories": [],
    }


def test_a_queued_lead_is_decided_anew_at_its_next_alert() -> None:
    office = Office(ROUTING)
    (queued,) = office.send(request(known=False, traits={}))
    (assigned,) = office.send(request(alert="a2"))
    assert (queued.short, assigned.short) == (("queued", "ada", None), ("assigned", "ada", "andy"))
    assert assigned.data["previous"] is None


def test_the_desk_knows_the_owner_before_the_profile_does() -> None:
    """A second alert that was on its way when the first was answered still names the old owner, none."""
    office = Office(ROUTING)
    office.send(request("zoe", "z1"))
    assert [seen.rep for seen in office.send(request("ada", "a1"))] == ["bea"]
    (again,) = office.send(request("ada", "a2", owner=None))
    assert (again.short, again.data["previous"]) == (("assigned", "ada", "bea"), "bea")


def test_an_owner_that_only_the_profile_knows_keeps_the_lead() -> None:
    office = Office(ROUTING)
    (kept,) = office.send(request(owner="mina"))
    assert (kept.short, kept.data["previous"]) == (("assigned", "ada", "mina"), "mina")
    assert (office.load("mina").open, office.inbox) == (1, [])


def test_a_lead_whose_owner_is_no_rep_any_more_goes_to_another() -> None:
    (told,) = Office(ROUTING).send(request(owner="carla"))
    assert (told.short, told.data["previous"]) == (("reassigned", "ada", "andy"), "carla")
    assert told.data["trace"][0]["why"] == "is no rep any more"


def test_an_alert_is_answered_once() -> None:
    office = Office(ROUTING)
    assert len(office.send(request())) == 1
    assert office.send(request()) == office.send(request(owner="andy")) == []


def test_of_a_leads_alerts_the_last_eight_are_remembered() -> None:
    office = Office(ROUTING)
    for number in range(20):
        office.send(request(alert=f"a{number}"))
    held = office.held("ada")
    assert held is not None
    assert held.alerts == [f"a{number}" for number in range(20 - ALERTS_MAX, 20)]


requests = st.builds(
    request,
    lead=st.sampled_from(["ada", "bob", "pool/us"]),
    alert=st.sampled_from(["a1", "a2", "a3"]),
    total=st.sampled_from([50.0, 90.0, 95.0]),
    known=st.booleans(),
    traits=st.sampled_from([{}, {"country": "us"}, {"country": "DE"}]),
    owner=st.sampled_from([None, "andy", "mina", "carla"]),
)


@settings(max_examples=40)
@given(st.lists(requests, max_size=12))
def test_each_alert_of_a_lead_is_answered_exactly_once_and_the_same_on_every_replay(asked: list[LeadRequested]) -> None:
    first, second = Office(ROUTING), Office(ROUTING)
    answers = [first.send(one) for one in asked]
    assert answers == [second.send(one) for one in asked]
    assert first.rows == second.rows
    given_to = [(one.lead, one.alert) for one, answer in zip(asked, answers, strict=True) if answer]
    assert len(given_to) == len(set(given_to))
    assert set(given_to) == {(one.lead, one.alert) for one in asked}


@settings(max_examples=20)
@given(requests)
def test_row_keys_never_begin_with_nul(asked: LeadRequested) -> None:
    office = Office(ROUTING)
    office.send(msgspec.structs.replace(asked, lead="\x00" + asked.lead))
    assert office.rows
    assert all(key.startswith(b"main/") for key in office.rows)


def owners(office: Office) -> list[str | None]:
    """What profiles were told of their owners."""
    return [message.owner for message in office.inbox if isinstance(message, OwnerChanged)]


def test_the_profile_is_told_what_it_does_not_know() -> None:
    """Not of an owner that it names already; of one that it does not name yet, though the desk knew."""
    office = Office(ROUTING)
    office.send(request())
    assert owners(office) == ["andy"]
    office.send(request(alert="a2", owner="andy"))
    assert owners(office) == ["andy"]
    office.send(request(alert="a3", owner=None))
    assert owners(office) == ["andy", "andy"]


def test_a_profile_that_names_an_owner_is_told_that_there_is_none() -> None:
    office = Office(ROUTING)
    (queued,) = office.send(request(known=False, traits={}, owner="carla"))
    assert (queued.short, queued.data["previous"]) == (("queued", "ada", None), "carla")
    assert owners(office) == [None]


def test_a_request_that_is_kept_takes_no_more_of_the_rep_s_day() -> None:
    office = Office(ROUTING)
    for alert in ("a1", "a2", "a3"):
        office.send(request(alert=alert))
    assert (office.load("andy").open, office.load("andy").assigned) == (1, 1)
    held = office.held("ada")
    assert held is not None
    assert (held.attempt, held.request.alert) == (1, "a3")


def test_ids_tell_each_record_of_a_lead_from_the_others_and_are_the_same_on_a_replay() -> None:
    """Five of one alert: assigned, reminded, missed, reminded, missed again."""
    config = """
assign_on: []
reps: {a: {}, b: {}}
teams: {t: {reps: [a, b]}}
rules: [{name: r, to: {team: t}}]
sla: {hot: {accept_within: 1h}, remind_at: 0.5}
"""
    stories = []
    for _ in range(2):
        office = Office(config)
        office.ask("x")
        office.until("2026-11-24T09:00")
        stories.append([(seen.kind, seen.id) for seen in office.told])
    assert stories[0] == stories[1]
    assert [kind for kind, _ in stories[0]] == ["assigned", "reminded", "reassigned", "reminded", "queued"]
    assert len({name for _, name in stories[0]}) == 5


def test_a_lead_that_asks_again_while_it_waits_has_waited_since_the_first_time() -> None:
    """With the score of the last."""
    office = Office(ROUTING, at="2026-11-23T09:00")
    office.ask("ada", known=False)
    office.ask("ada", known=False, total=89.0, at="2026-11-23T10:00")
    held = office.held("ada")
    assert held is not None
    assert held.wait is not None
    assert (held.wait.since_ms, held.since_ms, held.wait.score) == (*[ms("2026-11-23T09:00")] * 2, 89.0)
