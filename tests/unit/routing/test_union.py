"""Two leads that are one: the person's owner has it, the other's is released, and feedback finds it."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from engine.core.messages import LeadFeedback, LeadMerged, OwnerChanged, StageChanged
from engine.routing.assigning import Trigger
from engine.routing.desk import Desk
from engine.routing.rows import ALERTS_MAX, Clock, Held, Wait, pack
from engine.routing.sla import FORGET_AFTER_MS
from engine.routing.union import Union, merged, recycled
from tests.unit.routing.examples import CAUSE, request, routing
from tests.unit.routing.office import Office

AT_MS = 9_000
ROUTING = routing()
MERGED = LeadMerged("ada", "browser", "\x01ada", 5, AT_MS, 81.5, "hot", closed=False, cause=CAUSE)
TRIGGER = Trigger(CAUSE, AT_MS, AT_MS)


def held(rep: str | None, since_ms: int, alerts: list[str], lead: str = "ada", **changes: Any) -> Held:
    asked = pack(request(lead, alerts[-1]))
    usual = Held(
        None, "assigned", rep, "us", "us", "east", since_ms, alerts, f"at-{lead}", 3, asked, clock=CLOCK, attempt=2
    )
    return msgspec.structs.replace(usual, **changes)


CLOCK = Clock("accept", 0, 50, None, 50_000)
PERSONS = held("andy", 1_000, ["a1"])
BROWSERS = held("bea", 2_000, ["b1", "b2"], "browser")


def waits(lead: str, alert: str, since_ms: int, score: float = 50.0) -> Held:
    wait = Wait(None, score, since_ms, b"sort")
    return held(None, since_ms, [alert], lead, state="waiting", wait=wait, clock=None, team=None)


def closed(lead: str, alert: str) -> Held:
    return held(None, 1_000, [alert], lead, state="closed", team=None, rule=None, region=None, clock=None)


def union(person: Held | None, other: Held | None, message: LeadMerged = MERGED) -> tuple[Union, Desk]:
    desk = Desk("main", ROUTING, {}, lambda due_ms, key: None)
    for lead, row in {message.lead: person, message.other: other}.items():
        if row is not None:
            desk.hold(lead, row)
    return merged(desk, message, TRIGGER), desk


def released(found: Union) -> tuple[str, str | None] | None:
    """The lead that was released, and who had it."""
    if found.released is None:
        return None
    data = found.released.data
    assert data.rep is None
    return data.lead, getattr(data, "previous", None)


def row(desk: Desk, lead: str = "ada") -> Held:
    found = desk.held(lead)
    assert found is not None
    return found


def test_the_persons_owner_deadline_and_request_stay_and_the_others_is_released() -> None:
    found, desk = union(PERSONS, BROWSERS)
    assert found.released is not None
    assert found.owner is None
    assert (found.released.kind, found.released.messages) == ("lead.released", ())
    data = msgspec.to_builtins(found.released.data)
    assert {name: data[name] for name in ("lead", "rep", "previous", "alert", "due_at", "reason", "trace")} == {
        "lead": "browser",
        "rep": None,
        "previous": "bea",
        "alert": "b2",
        "due_at": None,
        "reason": "merged: the lead is ada now",
        "trace": [],
    }
    after = row(desk)
    assert (after.rep, after.clock, after.due, after.attempt) == ("andy", CLOCK, 50_001, 2)
    assert (after.alerts, after.profile, after.partition) == (["b1", "b2", "a1"], "\x01ada", 5)
    assert (after.request.lead, after.request.alert, after.request.profile) == ("ada", "a1", "\x01ada")
    assert (desk.load("andy").open, desk.load("bea").open) == (1, 0)


@pytest.mark.parametrize("person", [None, closed("ada", "a1"), waits("ada", "a1", 1_000)])
def test_the_others_owner_takes_the_lead_of_a_person_whom_nobody_has(person: Held | None) -> None:
    """With deadline and rule; the person's profile is told, and nobody is released. Who waited does not any more."""
    found, desk = union(person, BROWSERS)
    assert found == Union(None, OwnerChanged("ada", "\x01ada", "bea", AT_MS, CAUSE))
    after = row(desk)
    assert (after.rep, after.rule, after.since_ms, after.clock, after.state) == ("bea", "us", 2_000, CLOCK, "assigned")
    assert after.alerts == ["b1", "b2", *(["a1"] if person else [])]
    assert (after.request.lead, after.request.alert, after.request.partition) == ("ada", "b2", 5)
    assert (desk.load("bea").open, desk.queue.waiting) == (1, 0)


def test_of_two_who_wait_the_person_waits_since_the_earlier_request() -> None:
    found, desk = union(waits("ada", "a1", 2_000, 70.0), waits("browser", "b1", 1_000, 90.0))
    assert found == Union(None, None)
    after = row(desk)
    assert (after.since_ms, after.wait) == (1_000, Wait(None, 70.0, 1_000, b"sort"))
    assert [lead for lead, _ in desk.waiting()] == ["ada"]
    assert desk.queue.waiting == 1


@pytest.mark.parametrize("person", [None, closed("ada", "a1")])
def test_who_waits_as_a_browser_waits_as_a_person(person: Held | None) -> None:
    found, desk = union(person, waits("browser", "b1", 1_000))
    assert found == Union(None, None)
    assert [lead for lead, _ in desk.waiting()] == ["ada"]
    assert row(desk).request.lead == "ada"


def test_where_a_rep_has_the_person_the_browser_waits_no_more() -> None:
    found, desk = union(PERSONS, waits("browser", "b1", 1_000))
    assert found == Union(None, None)
    assert (row(desk).rep, desk.waiting(), desk.queue.waiting) == ("andy", [], 0)


def test_the_other_says_where_the_rest_stands_until_it_is_forgotten() -> None:
    left = row(union(PERSONS, BROWSERS)[1], "browser")
    assert (left.state, left.moved, left.rep, left.clock, left.wait) == ("moved", "ada", None, None, None)
    assert (left.since_ms, left.due, left.alerts) == (AT_MS, AT_MS + FORGET_AFTER_MS, ["b1", "b2"])


@pytest.mark.parametrize("closed", [False, True])
def test_what_is_forgotten_counts_from_when_the_desk_was_told(closed: bool) -> None:
    """Not from the event, which may be imported from years ago: the rep has the old id on the screen now."""
    office = Office(ROUTING, at="2026-11-23T09:00")
    office.send(request("browser", "b1"))
    office.send(replace(MERGED, closed=closed))
    for lead in ("browser", "ada"):
        held = office.held(lead)
        assert held is not None
        assert held.due in (None, office.at_ms + FORGET_AFTER_MS)


def test_alerts_of_both_are_remembered_as_answered_but_not_more_than_eight() -> None:
    many = [f"b{number}" for number in range(ALERTS_MAX)]
    assert row(union(PERSONS, held("bea", 1, many, "browser"))[1]).alerts == [*many[1:], "a1"]


@pytest.mark.parametrize("other", [None, held(None, 1, ["b1"], state="moved", moved="ada", clock=None)])
def test_what_never_asked_or_has_moved_already_changes_nothing(other: Held | None) -> None:
    """So a message that comes again does nothing."""
    found, desk = union(PERSONS, other)
    assert found == Union(None, None)
    assert (row(desk), desk.held("browser")) == (PERSONS, other)


def test_a_browser_called_like_its_person_keeps_its_owner() -> None:
    """`anonymousId` and `userId` are the same: only where the row stands has changed."""
    found, desk = union(None, BROWSERS, replace(MERGED, other="ada", lead="ada"))
    assert found == Union(None, None)
    assert row(desk) == replace(BROWSERS, profile="\x01ada", partition=5)


@pytest.mark.parametrize("person", [None, closed("ada", "a1")])
def test_nobody_comes_to_own_a_lead_that_sales_have_closed(person: Held | None) -> None:
    """Its rep gave it up; that of the browser is released, and the person stays without one, and waits for none."""
    found, desk = union(person, BROWSERS, replace(MERGED, closed=True))
    assert (released(found), found.owner) == (("browser", "bea"), None)
    after = row(desk)
    assert (after.rep, after.state, after.clock, desk.load("bea").open) == (None, "closed", None, 0)
    _, waited = union(person, waits("browser", "b1", 1_000), replace(MERGED, closed=True))
    assert waited.waiting() == []


def test_the_persons_own_rep_stays_also_where_others_could_not_come_to_own_it() -> None:
    """The person is with a rep of this desk already, whatever desk the message takes it for."""
    found, desk = union(PERSONS, BROWSERS, replace(MERGED, closed=True))
    assert released(found) == ("browser", "bea")
    assert row(desk).rep == "andy"


def test_one_rep_of_both_is_not_released_and_has_one_lead_less() -> None:
    found, desk = union(PERSONS, replace(BROWSERS, rep="andy"))
    assert found == Union(None, None)
    assert desk.load("andy").open == 1


@pytest.mark.parametrize(
    ("before", "told"), [(PERSONS, ["andy"]), (waits("ada", "a1", 1_000), []), (closed("ada", "a1"), []), (None, [])]
)
def test_a_lead_that_is_recycled_by_itself_has_no_rep_and_waits_for_none(before: Held | None, told: list[str]) -> None:
    desk = Desk("main", ROUTING, {}, lambda due_ms, key: None)
    if before is not None:
        desk.hold("ada", before)
    records = recycled(desk, StageChanged("ada", "recycled", AT_MS, CAUSE), TRIGGER)
    assert [getattr(one.data, "previous", None) for one in records] == told
    assert [one.kind for one in records] == ["lead.released"] * len(told)
    assert (desk.load("andy").open, desk.waiting()) == (0, [])
    if before is not None:
        assert (row(desk).rep, row(desk).state, row(desk).alerts) == (None, "closed", ["a1"])


def test_another_stage_changes_nothing_at_the_desk() -> None:
    desk = Desk("main", ROUTING, {}, lambda due_ms, key: None)
    desk.hold("ada", PERSONS)
    assert recycled(desk, StageChanged("ada", "lead", AT_MS, CAUSE), TRIGGER) == []
    assert row(desk) == PERSONS


def two() -> Office:
    """Andy has Ada and Bea the browser."""
    office = Office(ROUTING)
    office.send(request("ada"))
    office.send(request("browser", "b1"))
    office.outputs.clear()
    return office


def test_a_merge_of_two_owned_leads_is_told_downstream_and_the_person_stays_as_it_was() -> None:
    office = two()
    (told,) = office.send(MERGED)
    assert (told.short, told.data["previous"], told.data["cause"]) == (
        ("released", "browser", None),
        "bea",
        msgspec.to_builtins(CAUSE),
    )
    assert [output.topic for output in office.outputs] == ["lead-assignments"]


def test_a_person_who_gets_the_others_owner_is_told_at_home() -> None:
    office = Office(ROUTING)
    office.send(request("browser", "b1"))
    office.outputs.clear()
    assert office.send(MERGED) == []
    (told,) = office.outputs
    assert (told.topic, told.key, told.partition) == ("lead-inbox", b"\x01ada", 5)
    assert office.inbox == [OwnerChanged("ada", "\x01ada", "andy", AT_MS, CAUSE)]


def test_feedback_under_an_old_id_is_heard_for_the_new_one() -> None:
    """Also where the lead was merged more than once since the rep got it; it goes to the person's home."""
    office = Office(ROUTING)
    office.send(request("browser", "b1"))
    office.send(replace(MERGED, lead="email:a@b.de", profile="\x02a@b.de", partition=2))
    office.send(replace(MERGED, other="email:a@b.de"))
    for lead in ("browser", "email:a@b.de", "ada"):
        office.outputs.clear()
        assert [seen.lead for seen in office.say("contacted", "andy", lead)] == ["ada"]
        (heard,) = office.inbox
        assert isinstance(heard, LeadFeedback)
        home = office.outputs[-1]
        assert (home.key, home.partition, heard.lead, heard.profile) == (b"\x01ada", 5, "ada", "\x01ada")


def test_a_request_under_an_old_id_is_the_person_s() -> None:
    """It was on its way when the two became one; the owner stays, and the person's home is told nothing new."""
    office = Office(ROUTING)
    office.send(request("browser", "b1"))
    office.send(MERGED)
    office.outputs.clear()
    (told,) = office.send(request("browser", "b2"))
    assert told.short == ("assigned", "ada", "andy")
    assert [output.partition for output in office.outputs if output.topic == "lead-inbox"] in ([], [5])
    assert office.send(request("browser", "b1")) == []


def test_who_was_released_is_no_longer_heard() -> None:
    office = two()
    office.send(MERGED)
    office.say("contacted", "bea", "browser")
    (failure,) = office.rejected
    assert (failure["reason"], failure["message"]) == ("feedback", "lead 'ada' is not bea's; expected andy, who has it")
