"""Only the rep who has a lead says what became of it; a saying changes the lead's row, and is told to its profile."""

from typing import Any, get_args

import msgspec
import pytest

from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.messages import FeedbackKind, LeadFeedback, OwnerChanged
from engine.core.records import Cause
from engine.routing.rows import Held, Load
from tests.unit.routing.office import Office, ms

CONFIG = """
assign_on: [hot-lead]
reps: {andy: {}, bea: {}}
teams: {us: {reps: [andy, bea]}}
rules: [{name: us, to: {team: us}}]
sla: {hot: {accept_within: 15m, contact_within: 1h}, remind_at: 0.5}
"""
KINDS: tuple[FeedbackKind, ...] = get_args(FeedbackKind)
UNTIL = "2027-05-23T04:30:00.000Z"
OWN_FIELDS: dict[str, dict[str, Any]] = {
    "declined": {"reason": "on leave"},
    "contacted": {"channel": "phone"},
    "snoozed": {"until": UNTIL, "text": "call again in six months"},
    "disqualified": {"reason": "a student"},
    "opportunity": {"amount": 1200.5, "close_on": "2026-12-31"},
    "won": {"amount": 900.0, "currency": "EUR"},
    "lost": {"reason": "too dear"},
    "noted": {"text": "nice"},
}
ALL_FIELDS = sorted({field for fields in OWN_FIELDS.values() for field in fields})


def asked() -> Office:
    """At 09:00 Ada asked for a rep and got Andy; it is 09:05."""
    office = Office(CONFIG, at="2026-11-23T09:00")
    office.ask("ada")
    office.outputs.clear()
    office.until("2026-11-23T09:05")
    return office


def row(office: Office) -> Held:
    held = office.held("ada")
    assert held is not None
    return held


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told_downstream_and_to_the_profile_with_what_belongs_to_it(kind: str) -> None:
    office = asked()
    own = OWN_FIELDS.get(kind, {})
    told = office.say(kind, "andy", "ada", **own)[0]
    cause = Cause("rep-events", 0, 0, None, f"lead.{kind}", to_rfc3339(office.at_ms))
    assert (told.kind, told.lead, told.time) == (kind, "ada", "2026-11-23T09:05")
    accepted = "2026-11-23T10:05:00.000Z" if kind == "accepted" else None
    assert told.data == {
        **dict.fromkeys(ALL_FIELDS),
        **own,
        "lead": "ada",
        "rep": "andy",
        "at": cause.time,
        "due_at": accepted,
        "cause": msgspec.to_builtins(cause),
    }
    message = office.inbox[0]
    assert message == LeadFeedback(
        lead="ada",
        profile="browser-of-ada",
        kind=kind,  # type: ignore[arg-type]
        rep="andy",
        at=office.at_ms,
        until=from_rfc3339(UNTIL) if kind == "snoozed" else None,
        amount=own.get("amount"),
        currency=own.get("currency"),
        reason=own.get("reason"),
        cause=cause,
    )
    home = next(output for output in office.outputs if output.topic == "lead-inbox")
    assert (home.key, home.partition) == (b"browser-of-ada", 3)


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_recycled_or_disqualified_lead_loses_its_owner(kind: str) -> None:
    """A declined one goes to another."""
    office = asked()
    (told, *_) = office.say(kind, "andy", "ada", **OWN_FIELDS.get(kind, {}))
    owners = [message.owner for message in office.inbox if isinstance(message, OwnerChanged)]
    if kind in ("recycled", "disqualified"):
        assert owners == [None]
        assert (row(office).rep, row(office).team, row(office).rule, row(office).region) == (None, None, None, None)
        assert isinstance(office.inbox[0], LeadFeedback)
    elif kind == "declined":
        assert (owners, row(office).rep) == (["bea"], "bea")
    else:
        assert (owners, row(office).rep) == ([], "andy")
    assert told.rep == "andy"


@pytest.mark.parametrize(
    ("kind", "state", "is_open"),
    [
        ("accepted", "accepted", True),
        ("contacted", "contacted", True),
        ("snoozed", "contacted", False),
        ("qualified", "contacted", True),
        ("opportunity", "contacted", True),
        ("noted", "assigned", True),
        ("won", "closed", False),
        ("lost", "closed", False),
        ("disqualified", "closed", False),
        ("recycled", "closed", False),
    ],
)
def test_the_row_says_how_far_the_rep_has_come(kind: str, state: str, is_open: bool) -> None:
    """Since when, too; no clock runs once the rep was in touch, and what is put off takes no capacity."""
    office = asked()
    office.say(kind, "andy", "ada", **OWN_FIELDS.get(kind, {}))
    held = row(office)
    assert (held.state, office.load("andy").open) == (state, int(is_open))
    assert held.since_ms == (ms("2026-11-23T09:00") if kind == "noted" else office.at_ms)
    assert (held.clock is not None) == (kind in ("accepted", "noted"))
    assert held.call_at == (from_rfc3339(UNTIL) if kind == "snoozed" else None)


def test_who_accepts_twice_gets_no_more_time() -> None:
    office = asked()
    office.say("accepted", "andy", "ada")
    *_, again = office.say("accepted", "andy", "ada", at="2026-11-23T09:50")
    assert again.data["due_at"] == "2026-11-23T10:05:00.000Z"


def test_a_word_on_a_lead_that_is_closed_opens_it_only_where_it_says_so() -> None:
    """A note, a call or a decline leaves it closed; qualified, or an opportunity, is work again."""
    office = asked()
    office.say("won", "andy", "ada", amount=1)
    for kind in ("noted", "contacted", "accepted", "snoozed", "declined"):
        office.say(kind, "andy", "ada", **OWN_FIELDS.get(kind, {}))
        assert (row(office).state, office.load("andy").open) == ("closed", 0)
    office.say("opportunity", "andy", "ada", amount=2)
    assert row(office).state == "contacted"


@pytest.mark.parametrize(
    ("rep", "lead", "field", "message"),
    [
        ("andi", "ada", "rep", "'andi' is no rep; the configuration knows andy, bea"),
        ("bea", "ada", "rep", "lead 'ada' is not bea's; expected andy, who has it"),
        ("andy", "bob", "lead", "no rep was ever asked for lead 'bob'; expected one that was"),
    ],
)
def test_who_does_not_have_the_lead_says_nothing_about_it(rep: str, lead: str, field: str, message: str) -> None:
    office = asked()
    before = dict(office.rows)
    assert office.say("accepted", rep, lead) == []
    (failure,) = office.rejected
    assert (failure["reason"], failure["field"], failure["message"]) == ("feedback", field, message)
    assert office.rows == before


def test_nobody_says_anything_about_a_lead_without_a_rep() -> None:
    office = asked()
    office.say("recycled", "andy", "ada")
    office.say("noted", "andy", "ada")
    (failure,) = office.rejected
    expected = "lead 'ada' has no rep now; only the rep who has a lead can say something about it"
    assert (failure["field"], failure["message"]) == ("lead", expected)


def test_an_unknown_rep_of_a_desk_without_any_is_told_so() -> None:
    office = Office("{assign_on: [], reps: {}, rules: []}")
    office.say("away", "andy")
    assert office.rejected[0]["message"] == "'andy' is no rep; the configuration knows nobody"


def test_away_and_available_are_kept_in_the_rep_s_row_and_told_to_nobody() -> None:
    office = asked()
    assert office.say("away", "andy", until="2026-11-23T12:00:00Z") == []
    load = office.load("andy")
    assert (load.away_from, load.away_until) == (office.at_ms, ms("2026-11-23T12:00"))
    assert office.say("available", "andy", at="2026-11-23T10:00") == []
    assert (office.load("andy").away_from, office.load("andy").away_until) == (None, None)
    assert office.outputs == []


def test_who_is_away_already_and_says_until_when_has_been_away_since() -> None:
    office = asked()
    office.say("away", "andy")
    office.say("away", "andy", at="2026-11-23T11:00", until="2026-11-25T09:00:00Z")
    assert office.load("andy") == Load(
        open=1, day=739943, assigned=1, away_from=ms("2026-11-23T09:05"), away_until=ms("2026-11-25T09:00")
    )
    office.say("away", "andy", at="2026-11-26T09:00")
    assert office.load("andy").away_from == ms("2026-11-26T09:00")


def test_an_absence_that_is_over_already_is_refused() -> None:
    office = asked()
    office.say("away", "andy", until="2026-11-23T09:05:00Z")
    (failure,) = office.rejected
    expected = "until is 2026-11-23T09:05:00.000Z; expected a time after 2026-11-23T09:05:00.000Z"
    assert (failure["reason"], failure["field"], failure["message"]) == ("feedback", "until", expected)
    assert office.load("andy").away_from is None


def test_only_the_clocks_of_the_rep_s_own_leads_stop() -> None:
    """Five of Andy's 15 minutes have run, and two and a half are left to the reminder."""
    office = asked()
    office.ask("bob", at="2026-11-23T09:05")
    before = office.rows[b"main/lead/bob"]
    office.say("away", "andy")
    clock = row(office).clock
    assert clock is not None
    assert (clock.left_ms, clock.remind_ms, clock.due_at, row(office).due) == (600_000, 150_000, None, None)
    assert office.rows[b"main/lead/bob"] == before


def test_who_was_in_touch_leaves_the_misses_of_others_behind() -> None:
    """They are of one cause; if the lead asks again, everybody comes into question anew."""
    office = asked()
    office.until("2026-11-23T09:16")
    assert (row(office).rep, row(office).missed) == ("bea", ["andy"])
    office.say("contacted", "bea", "ada")
    assert row(office).missed == []
