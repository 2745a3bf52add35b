"""Leads that wait: who is handed out and when, and when somebody looks again."""

from typing import Any

import msgspec

from engine.routing.assigning import Trigger, wake_trigger
from engine.routing.config import Rep, Routing, Rule, Team
from engine.routing.desk import Desk
from engine.routing.rows import Held, Load, Wait, pack
from engine.routing.waiting import HANDED_OUT_MAX, hand_out, hand_out_freed
from tests.unit.routing.examples import request, routing
from tests.unit.routing.office import Office

NOW = 1_000_000
AWAY, BACK = Load(away_from=0), Load(away_from=0, away_until=NOW + 5_000)
TWO = """
assign_on: []
reps: {a: {}, b: {}}
teams: {t: {reps: [a, b]}, u: {reps: [b]}}
rules: [{name: only-b, when: {total: {gt: 90}}, to: {team: u}}, {name: both, to: {team: t}}]
"""


def waiting(lead: str, total: float = 50.0, **changes: Any) -> Held:
    asked = pack(request(lead, total=total))
    wait = Wait(None, total, 0, b"")
    usual = Held(None, "waiting", None, None, None, None, 0, ["a1"], f"at-{lead}", 3, asked, 0, wait=wait)
    return msgspec.structs.replace(usual, **changes)


def desk(leads: dict[str, Held], config: str | Routing = TWO, **loads: Load) -> Desk:
    made = Desk("main", routing(config) if isinstance(config, str) else config, {}, lambda due_ms, key: None)
    for lead, row in leads.items():
        made.hold(lead, row)
    for rep, load in loads.items():
        made.set_load(rep, load)
    made.begin()
    return made


def trigger(at_ms: int = NOW) -> Trigger:
    return wake_trigger("queue", at_ms, at_ms)


def test_who_waits_goes_to_whoever_is_there_and_the_others_wait_on() -> None:
    """The foremost is for Bob only, who is away: that keeps nobody behind it from Ann."""
    at = desk({"x": waiting("x", 95.0), "y": waiting("y", 60.0), "z": waiting("z", 70.0)}, b=BACK)
    told = hand_out(at, trigger())
    assert [(one.kind, one.data.lead, one.data.rep) for one in told] == [
        ("lead.assigned", "z", "a"),
        ("lead.assigned", "y", "a"),
    ]
    assert [lead for lead, _ in at.waiting()] == ["x"]
    assert (at.queue.waiting, at.queue.due) == (1, BACK.away_until)


def test_a_vain_look_changes_nothing_but_when_to_look_again() -> None:
    at = desk({"x": waiting("x", 95.0), "y": waiting("y", 60.0)}, a=AWAY, b=BACK)
    assert hand_out(at, trigger()) == []
    before = at.changed
    assert hand_out(at, trigger()) == []
    assert at.changed == before
    at.set_load("b", AWAY)
    assert hand_out(at, trigger()) == []
    changed = {key for key, row in at.changed.items() if row != before.get(key)}
    assert changed == {b"main/rep/b", b"main/queue"}
    assert at.queue.due is None


def test_who_had_the_lead_for_the_same_cause_does_not_get_it_from_the_queue() -> None:
    """Nor does that decide for the next lead, which waits by the same rules."""
    both = {"x": waiting("x", 60.0, missed=["a"], declined=["b"]), "y": waiting("y", 50.0)}
    at = desk(both)
    assert [(one.data.lead, one.data.rep) for one in hand_out(at, trigger())] == [("y", "a")]
    assert [lead for lead, _ in at.waiting()] == ["x"]


def test_an_attempt_counts_from_where_it_was() -> None:
    at = desk({"x": waiting("x", attempt=2, missed=["b", "a"][:1])})
    (told,) = hand_out(at, trigger())
    assert getattr(told.data, "attempt", None) == 3


def test_as_many_as_a_transaction_holds_go_out_at_once_and_the_rest_right_behind() -> None:
    leads = {f"lead-{number:04}": waiting(f"lead-{number:04}") for number in range(HANDED_OUT_MAX + 3)}
    one = Rep("a", "")
    at = desk(leads, Routing(frozenset(), {"a": one}, {}, (Rule("r", None, Team("t", ("a",))),)))
    first = hand_out(at, trigger())
    assert [told.data.lead for told in first] == list(leads)[:HANDED_OUT_MAX]
    assert (at.queue.due, at.queue.waiting) == (NOW, 3)
    assert [told.data.lead for told in hand_out(at, trigger())] == list(leads)[HANDED_OUT_MAX:]
    assert (at.queue.due, at.queue.waiting) == (None, 0)


def test_whoever_can_take_more_is_looked_at_now_or_when_there() -> None:
    """Not before, and never later than what was meant before."""
    at = desk({"x": waiting("x")}, a=AWAY, b=BACK)
    hand_out(at, trigger())
    at.look_at_queue(NOW + 9_000)
    at.freed.add("b")
    assert hand_out_freed(at, trigger()) == []
    assert at.queue.due == BACK.away_until
    at.freed.update({"a", "gone"})
    assert hand_out_freed(at, trigger()) == []
    assert at.queue.due == BACK.away_until
    at.set_load("a", Load())
    assert [one.data.rep for one in hand_out_freed(at, trigger())] == ["a"]


def test_where_nobody_waits_nobody_is_looked_for() -> None:
    at = desk({})
    at.freed.add("a")
    assert hand_out_freed(at, trigger()) == []
    assert at.changed == {}


def test_what_is_handed_out_is_told_to_the_profile_with_the_alert_that_asked() -> None:
    office = Office(TWO)
    for rep in ("a", "b"):
        office.say("away", rep)
    (queued,) = office.ask("x")
    assert office.inbox == []
    (assigned,) = office.say("available", "a")
    assert assigned.data["alert"] == queued.data["alert"]
    assert assigned.data["cause"]["name"] == "rep.available"
    assert [getattr(message, "owner", None) for message in office.inbox] == ["a"]
    assert assigned.id != queued.id
