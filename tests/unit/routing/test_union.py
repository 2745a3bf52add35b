"""Two leads that are one: the person's owner has it, the other's is released, and feedback finds it."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from engine.agents.route import RouteJob
from engine.core.agenda import Agenda
from engine.core.flow import Fold, InputRecord
from engine.core.messages import LeadFeedback, LeadMerged, OwnerChanged, decode_inbox, encode
from engine.routing.desk import ALERTS_MAX, Held, held_key, pack, unpack_held
from engine.routing.union import Union, merged
from tests.unit.routing.examples import CAUSE, request, routing

AT_MS = 9_000
MERGED = LeadMerged("ada", "browser", "\x01ada", 5, AT_MS, 81.5, "hot", closed=False, cause=CAUSE)
PERSONS = Held("andy", "us", "us", 1_000, ["a1"], "\x01ada", 4)
BROWSERS = Held("bea", "us", "best", 2_000, ["b1", "b2"], "browser", 3)
FREE = Held(None, None, None, 2_000, ["b1"], "browser", 3)


def union(person: Held | None, other: Held | None, message: LeadMerged = MERGED) -> Union:
    rows = {message.lead: person, message.other: other}
    held = {held_key(lead): pack(row) for lead, row in rows.items() if row is not None}
    return merged(message, held.get)


def row(found: Union, lead: str) -> Held | None:
    return unpack_held(found.rows.get(held_key(lead)))


def test_the_persons_owner_stays_and_the_others_is_released() -> None:
    found = union(PERSONS, BROWSERS)
    (released,) = found.released
    assert (released.lead, released.rep, released.previous, released.alert) == ("browser", None, "bea", "b2")
    assert (released.score, released.band, released.cause) == (81.5, "hot", CAUSE)
    assert released.reason.startswith("merged")
    assert (row(found, "ada"), found.owner) == (
        Held("andy", "us", "us", 1_000, ["b1", "b2", "a1"], "\x01ada", 5),
        None,
    )


@pytest.mark.parametrize("person", [None, Held(None, None, None, 1_000, ["a1"], "\x01ada", 4)])
def test_the_others_owner_takes_the_lead_of_a_person_whom_nobody_has(person: Held | None) -> None:
    """The person's profile is told, and nobody is released."""
    found = union(person, BROWSERS)
    alerts = ["b1", "b2"] + (["a1"] if person else [])
    assert (found.released, found.owner) == ((), "bea")
    assert row(found, "ada") == Held("bea", "us", "best", 2_000, alerts, "\x01ada", 5)


def test_where_nobody_had_either_nobody_is_released_and_nobody_is_told() -> None:
    found = union(None, FREE)
    assert (found.released, found.owner) == ((), None)
    assert row(found, "ada") == Held(None, None, None, 2_000, ["b1"], "\x01ada", 5)


def test_the_other_says_where_the_rest_stands() -> None:
    left = row(union(PERSONS, BROWSERS), "browser")
    assert left == Held(None, None, None, AT_MS, ["b1", "b2"], moved="ada")


def test_alerts_of_both_are_remembered_as_answered_but_not_more_than_eight() -> None:
    many = [f"b{number}" for number in range(ALERTS_MAX)]
    found = row(union(PERSONS, Held("bea", "us", "us", 1, many)), "ada")
    assert found is not None
    assert found.alerts == [*many[1:], "a1"]


@pytest.mark.parametrize("other", [None, Held(None, None, None, 1, ["b1"], moved="ada")])
def test_what_never_asked_or_has_moved_already_changes_nothing(other: Held | None) -> None:
    """So a message that comes again does nothing."""
    assert union(PERSONS, other) == Union((), None, {})


class Desk:
    """The route job with its rows in memory."""

    def __init__(self) -> None:
        self.job = RouteJob(routing())
        self.rows: dict[bytes, bytes] = {}

    def fold(self, value: bytes, topic: str = "routing-requests") -> Fold:
        record = InputRecord(topic, 0, 0, 1_795_408_200_000, b"main", value)
        fold = self.job.fold(0, [record], self.rows, Agenda())
        for key, packed in fold.rows.items():
            assert packed is not None
            self.rows[key] = packed
        return fold

    def say(self, rep: str, lead: str) -> Fold:
        said = {"type": "lead.contacted", "rep": rep, "lead": lead, "at": "2026-11-23T04:29:00Z"}
        return self.fold(json.dumps(said).encode(), "rep-events")


def data(fold: Fold, topic: str) -> list[dict[str, Any]]:
    return [json.loads(output.value or b"") for output in fold.outputs if output.topic == topic]


def test_a_merge_of_two_owned_leads_is_told_downstream_and_the_person_stays_as_it_was() -> None:
    desk = Desk()
    desk.fold(encode(request("ada")))
    desk.fold(encode(request("browser", "b1")))
    fold = desk.fold(encode(MERGED))
    (released,) = data(fold, "lead-assignments")
    assert (released["type"], released["subject"]) == ("io.heatline.lead.released.v1", "browser")
    assert (released["data"]["previous"], released["data"]["rep"]) == ("bea", None)
    assert [output.topic for output in fold.outputs] == ["lead-assignments"]
    assert fold.urgent


def test_a_person_who_gets_the_others_owner_is_told_at_home() -> None:
    desk = Desk()
    desk.fold(encode(request("browser", "b1")))
    (told,) = desk.fold(encode(MERGED)).outputs
    assert (told.topic, told.key, told.partition) == ("lead-inbox", b"\x01ada", 5)
    assert decode_inbox(told.value) == OwnerChanged("ada", "\x01ada", "andy", AT_MS, CAUSE)


def test_feedback_under_an_old_id_is_heard_for_the_new_one() -> None:
    """Also where the lead was merged more than once since the rep got it; it goes to the person's home."""
    desk = Desk()
    desk.fold(encode(request("browser", "b1")))
    first = replace(MERGED, lead="email:a@b.de", profile="\x02a@b.de", partition=2)
    desk.fold(encode(first))
    desk.fold(encode(replace(MERGED, other="email:a@b.de")))
    for lead in ("browser", "email:a@b.de", "ada"):
        fold = desk.say("andy", lead)
        assert [event["data"]["lead"] for event in data(fold, "lead-assignments")] == ["ada"]
        (message,) = [output for output in fold.outputs if output.topic == "lead-inbox"]
        heard = decode_inbox(message.value)
        assert isinstance(heard, LeadFeedback)
        assert (message.key, message.partition, heard.lead, heard.profile) == (b"\x01ada", 5, "ada", "\x01ada")


def test_who_was_released_is_no_longer_heard() -> None:
    desk = Desk()
    desk.fold(encode(request("ada")))
    desk.fold(encode(request("browser", "b1")))
    desk.fold(encode(MERGED))
    (letter,) = data(desk.say("bea", "browser"), "dead-letters")
    assert letter["data"]["failure"]["reason"] == "feedback"
    assert "andy" in letter["data"]["failure"]["message"]


def test_a_browser_called_like_its_person_keeps_its_owner() -> None:
    """`anonymousId` and `userId` are the same: only where the row stands has changed."""
    message = replace(MERGED, other="ada")
    found = union(BROWSERS, BROWSERS, message)
    assert (found.released, found.owner) == ((), None)
    assert row(found, "ada") == Held("bea", "us", "best", 2_000, ["b1", "b2"], "\x01ada", 5)


def test_nobody_comes_to_own_a_lead_that_sales_have_closed() -> None:
    """Its rep gave it up; that of the browser is released, and the person stays without one."""
    found = union(Held(None, None, None, 1_000, ["a1"], "\x01ada", 4), BROWSERS, replace(MERGED, closed=True))
    held = row(found, "ada")
    assert held is not None
    assert (held.rep, found.owner) == (None, None)
