"""A changed routing.yaml: nobody stays with who is gone, clocks run by the new hours, who waits is looked at."""

import msgspec
import pytest

from engine.core.messages import MAIN_DESK, OwnerChanged
from engine.routing.config import Routing
from engine.routing.routingfile import load_routing
from engine.routing.rows import Load, Pool, Queue, pack
from tests.unit.routing.examples import routing
from tests.unit.routing.office import Office, ms

BOTH = """
assign_on: []
reps: {a: {}, b: {}}
teams: {t: {reps: [a, b]}}
rules: [{name: r, to: {team: t}}]
sla: {hot: {accept_within: 1h}, remind_at: 0.5}
"""
ONLY_B = BOTH.replace("a: {}, ", "").replace("[a, b]", "[b]")
KEEPS = ONLY_B + "removed_reps: keep\n"
EVENINGS = BOTH.replace("a: {}", "a: {hours: {mon-sun: '18:00-22:00'}}")


def asked(config: str = BOTH) -> Office:
    """A has x since nine, and it is a quarter past."""
    office = Office(config, at="2026-11-23T09:00")
    office.ask("x")
    office.until("2026-11-23T09:15")
    office.outputs.clear()
    return office


def test_a_lead_of_a_removed_rep_goes_by_all_rules_to_another_and_the_reason_says_so() -> None:
    office = asked()
    (told,) = office.reload(ONLY_B)
    assert (told.short, told.data["previous"]) == (("reassigned", "x", "b"), "a")
    assert told.data["reason"] == "a is no rep any more; rule r, next in turn in team t"
    assert told.data["cause"] == {
        "topic": None,
        "partition": None,
        "offset": None,
        "event": None,
        "name": "routing",
        "time": "2026-11-23T09:15:00.000Z",
    }
    assert [message.owner for message in office.inbox if isinstance(message, OwnerChanged)] == ["b"]
    assert (office.load("a").open, office.load("b").open) == (0, 1)


def test_where_nobody_else_is_named_it_waits() -> None:
    (told,) = asked().reload("{assign_on: [], reps: {c: {}}, rules: [{name: r, when: {known: false}, to: {rep: c}}]}")
    assert told.short == ("queued", "x", None)
    assert told.data["reason"] == "a is no rep any more; no rule matches"


def test_leads_of_removed_reps_stay_where_that_is_asked_for() -> None:
    """Without a deadline: nobody can accept them any more. The next request gives them to another."""
    office = asked()
    assert office.reload(KEEPS) == []
    held = office.held("x")
    assert held is not None
    assert (held.rep, held.state, held.clock, held.due) == ("a", "assigned", None, None)
    assert office.load("a").open == 1
    assert [seen.short for seen in office.ask("x")] == [("reassigned", "x", "b")]


def test_a_lead_that_sales_are_done_with_has_no_removed_owner_and_is_given_to_nobody() -> None:
    """It is told, so that the profile does not name somebody who is not there."""
    office = asked()
    office.say("won", "a", "x")
    office.outputs.clear()
    (told,) = office.reload(ONLY_B)
    assert (told.short, told.data["previous"]) == (("released", "x", None), "a")
    assert [message.owner for message in office.inbox if isinstance(message, OwnerChanged)] == [None]
    held = office.held("x")
    assert held is not None
    assert (held.state, held.rep, held.rule, held.team) == ("closed", None, None, None)


def test_a_lead_of_a_removed_team_goes_by_the_rules_again() -> None:
    office = asked()
    (told,) = office.reload("{assign_on: [], reps: {a: {}, b: {}}, rules: [{name: r, to: {rep: b}}]}")
    assert told.short == ("reassigned", "x", "b")
    assert told.data["reason"] == "there is no team t any more; rule r"


@pytest.mark.parametrize("word", ["accepted", "contacted"])
def test_whoever_works_on_it_loses_it_too(word: str) -> None:
    office = asked()
    office.say(word, "a", "x")
    assert [seen.short for seen in office.reload(ONLY_B)] == [("reassigned", "x", "b")]


def test_a_running_clock_goes_by_the_new_hours_from_its_beginning() -> None:
    """An hour from nine, of which nothing lies in A's new hours: due at 19:00, reminder at 18:30."""
    office = asked()
    assert office.reload(EVENINGS) == []
    held = office.held("x")
    assert held is not None
    assert held.clock is not None
    assert (held.clock.due_at, held.clock.remind_at) == (ms("2026-11-23T19:00"), ms("2026-11-23T18:30"))
    assert held.due == ms("2026-11-23T18:30")
    assert [seen.kind for seen in office.until("2026-11-23T18:30")] == ["reminded"]


def test_a_reminder_that_came_does_not_come_again() -> None:
    office = asked()
    assert [seen.kind for seen in office.until("2026-11-23T09:40")] == ["reminded"]
    office.reload(EVENINGS)
    assert [seen.kind for seen in office.until("2026-11-23T19:00")] == []


def test_whoever_waits_is_looked_at_by_the_new_rules_at_once() -> None:
    office = Office("{assign_on: [], reps: {a: {}}, rules: [{name: r, when: {total: {gt: 90}}, to: {rep: a}}]}")
    office.ask("x")
    assert office.reload(BOTH) == []
    (told,) = office.until("2026-11-23T09:00")
    assert told.short == ("assigned", "x", "a")
    assert (told.data["rule"], told.time) == ("r", "2026-11-23T09:00")


def test_who_waits_in_vain_is_told_nothing() -> None:
    office = Office("{assign_on: [], reps: {a: {}}, rules: [{name: r, when: {total: {gt: 90}}, to: {rep: a}}]}")
    office.ask("x")
    before = office.rows[b"main/wait/x"]
    office.reload("{assign_on: [], reps: {b: {}}, rules: [{name: r, when: {total: {gt: 90}}, to: {rep: b}}]}")
    assert office.until("2026-11-24T09:00") == []
    assert msgspec.msgpack.decode(office.rows[b"main/wait/x"])[:3] == msgspec.msgpack.decode(before)[:3]


def test_rows_of_reps_and_pools_that_are_gone_go_and_the_others_stay() -> None:
    kept = {
        b"main/pool/round_robin/team/t": pack(Pool(None, 1, {})),
        b"main/pool/weighted/region/east": pack(Pool(None, 1, {})),
        b"main/pool/round_robin/territory/00ff": pack(Pool(None, 1, {})),
        b"main/rep/a": pack(Load(assigned=3)),
        b"main/queue": pack(Queue()),
    }
    gone = {
        b"main/pool/least_loaded/team/former": pack(Pool(None, 1, {})),
        b"main/pool/round_robin/region/former": pack(Pool(None, 1, {})),
        b"main/rep/former": pack(Load(assigned=3)),
    }
    office = Office(BOTH)
    office.rows.update({**kept, **gone})
    assert office.reload(BOTH + "regions: {east: {reps: [a]}}") == []
    assert office.rows == kept


def test_the_same_routing_again_changes_nothing() -> None:
    office = asked()
    office.ask("y")
    before = dict(office.rows)
    assert office.reload(BOTH) == []
    assert office.rows == before


EU = "desks: {eu: {when: {traits.country: DE}, file: eu.yaml}}"


def with_eu() -> Routing:
    eu = BOTH.replace("a: {}, b: {}", "otto: {}, pia: {}").replace("[a, b]", "[otto, pia]")
    return load_routing(BOTH + EU, "routing.yaml", read=lambda name: eu)


def test_leads_of_a_desk_that_is_no_more_ask_main() -> None:
    """Those that a rep had or that waited; not those that sales are done with. Nothing of the desk is left."""
    office = Office(with_eu(), at="2026-11-23T09:00")
    office.ask("x", desk="eu")
    office.ask("y", desk="eu")
    office.say("won", "pia", "y", amount=1)
    office.ask("z")
    office.outputs.clear()
    (told,) = office.reload(BOTH)
    assert (told.lead, told.rep, told.data["desk"]) == ("x", "b", MAIN_DESK)
    assert not [key for key in office.rows if key.startswith(b"eu/")]
    assert [message.owner for message in office.inbox if isinstance(message, OwnerChanged)] == ["b"]


def test_a_rep_who_came_over_from_a_desk_that_is_no_more_keeps_the_lead() -> None:
    office = Office(with_eu(), at="2026-11-23T09:00")
    office.ask("x", desk="eu")
    (told,) = office.reload(routing(BOTH.replace("b: {}", "b: {}, otto: {}")))
    assert (told.short, told.data["desk"]) == (("assigned", "x", "otto"), MAIN_DESK)
