"""Who is who: browsers, addresses and people join as `identify` and `alias` say, in messages from lane to lane."""

import itertools
from typing import Any

import pytest

from engine.core.instants import to_rfc3339
from engine.core.messages import LeadMerge, LeadMoved, OwnerChanged, decode_inbox, encode, unwrap
from engine.core.packing import unpack
from engine.core.partitioner import by_murmur2
from engine.core.pointers import Pointer, is_pointer, is_row, unpack_pointer
from engine.core.records import Cause
from tests.build import DAY, HOUR, T0, Profiles, model, record, segment

LANES = 3
SPEC = {
    "engagement": {
        "chat": {"when": {"event": "chat"}, "points": 10, "decay": "none"},
        "login": {"when": {"event": "identify"}, "points": 1, "decay": "none"},
    },
    "identity": {"trusted_sources": ["web", "server"]},
}
"""A chat is 10, an identify 1: the total says which of them a lead has."""
CAUSE = Cause("visitor-events", 0, 7, None, "chat", "2026-11-23T00:00:00.000Z")
EMAIL = {"email": "ada@example.com"}


def chat(browser: str | None, user: str | None = None, at_ms: int = T0) -> dict[str, Any]:
    return segment("chat", at_ms, anonymousId=browser, userId=user)


def login(browser: str | None, user: str | None = None, channel: str = "web", **keys: Any) -> dict[str, Any]:
    return segment("identify", anonymousId=browser, userId=user, context={"channel": channel}, **keys)


def alias(previous: str, user: str, channel: str = "web") -> dict[str, Any]:
    return segment(
        "alias", anonymousId=None, type="alias", userId=user, previousId=previous, context={"channel": channel}
    )


def fed(*events: dict[str, Any], deliver: bool = True) -> Profiles:
    """Leads of three lanes; every event comes in the first, so that most are forwarded."""
    profiles = Profiles(model(SPEC), LANES, deliver=deliver)
    profiles.feed(*events)
    assert not profiles.errors
    return profiles


def total(profiles: Profiles, lead: str) -> float:
    found: float = profiles.score(lead)["total"]
    return found


def browsers(profiles: Profiles, lead: str) -> list[str]:
    found: list[str] = profiles.score(lead)["ids"]["anonymous"]
    return found


def pointer(profiles: Profiles, key: str) -> Pointer:
    (packed,) = [rows[key.encode()] for rows in profiles.lanes.values() if key.encode() in rows]
    assert is_pointer(packed)
    return unpack_pointer(packed)


def refusals(profiles: Profiles) -> list[tuple[str, str | None]]:
    failures = [one["failure"] for one in profiles.on("dead-letters")]
    return [(failure["reason"], failure["field"]) for failure in failures]


def test_every_key_stands_in_the_lane_of_its_public_id() -> None:
    """Also where it came from another, and if it is a pointer."""
    profiles = fed(chat("b1"), login("b1", traits=EMAIL), login("b2", "ada", traits=EMAIL), chat("b3"))
    homes = {"b1": "b1", "b2": "b2", "b3": "b3", "\x02ada@example.com": "email:ada@example.com", "\x01ada": "ada"}
    found = {key.decode(): lane for lane, rows in profiles.lanes.items() for key in rows}
    assert found == {key: by_murmur2(lead.encode(), LANES) for key, lead in homes.items()}


def test_the_row_travels_to_the_person_and_the_event_right_behind_it() -> None:
    """In one chunk, to one partition; the browser's row is a pointer, and its later events go the same way."""
    profiles = Profiles(model(SPEC), deliver=False)
    profiles.fold(record(chat("b")))
    profiles.fold(record(login("b", "ada"), offset=1), record(chat("b"), offset=2))
    merge, *forwarded = [profiles.arrived(output) for output in profiles.outputs if output.topic == "lead-inbox"]
    message = decode_inbox(merge.value)
    assert isinstance(message, LeadMerge)
    assert (message.other, list(unpack(message.row).ledger)) == ("b", ["chat"])
    arrivals = [unwrap(one) for one in forwarded]
    assert [one and (one.key, one.record.offset, one.errand) for one in arrivals] == [
        ("\x01ada", 1, "-"),
        ("\x01ada", 2, "-"),
    ]
    assert merge.key == b"\x01ada"
    assert pointer(profiles, "b") == Pointer("\x01ada", T0 // DAY, None, [], T0)


def test_a_track_with_both_ids_counts_for_the_person_and_joins_nothing() -> None:
    profiles = fed(chat("b"), chat("b", "ada"), chat("b"))
    assert (total(profiles, "b"), total(profiles, "ada"), browsers(profiles, "ada")) == (20, 10, [])


def test_what_came_before_a_second_login_stays_with_the_first_person() -> None:
    """And what comes behind it is the second one's; the browser is one of both."""
    profiles = fed(chat("b"), login("b", "ada"), chat("b"), login("b", "bob"), chat("b"))
    assert (total(profiles, "ada"), total(profiles, "bob")) == (10 + 1 + 10, 1 + 10)
    assert browsers(profiles, "ada") == browsers(profiles, "bob") == ["b"]


def test_browsers_of_one_person_are_one_lead() -> None:
    profiles = fed(chat("b1"), chat("b2"), login("b1", "ada"), login("b2", "ada"), chat("b1"))
    assert (total(profiles, "ada"), browsers(profiles, "ada")) == (10 + 10 + 1 + 1 + 10, ["b1", "b2"])
    merged = [move for move in profiles.on("lead-stages") if move["to"] == "ada"]
    assert [move["from"] for move in merged] == ["b1", "b2"]


def test_who_is_identified_again_is_told_of_once() -> None:
    """No second merge, no row travels twice."""
    profiles = fed(chat("b"), login("b", "ada"), login("b", "ada"), login("b", "ada"))
    assert (total(profiles, "ada"), len(profiles.on("lead-stages"))) == (10 + 3, 1)


def test_a_new_browser_may_not_be_called_like_a_known_lead() -> None:
    """Its score would be shown as the lead's."""
    profiles = fed(chat(None, "ada"), chat("ada"))
    assert refusals(profiles) == [("identity", "anonymousId")]
    assert total(profiles, "ada") == 10


def test_a_claim_of_somebody_whom_nobody_is_yet_is_granted() -> None:
    """From a source that is not trusted: first come, first served. All the browser did is the person's."""
    profiles = fed(chat("b"), login("b", "ada", "chat"), chat("b"))
    assert (total(profiles, "ada"), browsers(profiles, "ada")) == (10 + 1 + 10, ["b"])
    assert pointer(profiles, "b").target == "\x01ada"


def test_a_claim_of_a_known_lead_counts_for_the_browser_only() -> None:
    """Nothing that it states is believed, and the lead is as it was."""
    profiles = fed(login(None, "ada", traits={"title": "CEO"}), chat("b"))
    before = profiles.row("ada")
    profiles.feed(login("b", "ada", "chat", traits={"title": "Thief"}), chat("b"))
    browser = profiles.row("b")
    assert profiles.row("ada") == before
    assert (total(profiles, "b"), browser.anonymous, browser.traits) == (10 + 1 + 10, True, {})
    assert refusals(profiles) == []


def test_a_refused_claim_of_a_browser_that_is_somebodys_counts_for_whom_it_is() -> None:
    profiles = fed(login(None, "bob"), login("b", "ada"), login("b", "bob", "chat", traits={"title": "Thief"}))
    assert (total(profiles, "ada"), total(profiles, "bob")) == (1 + 1, 1)
    assert profiles.row("ada").traits == profiles.row("bob").traits == {}


def test_a_claim_of_a_known_lead_without_a_browser_is_a_dead_letter() -> None:
    """There is nobody for whom it could count."""
    profiles = fed(login(None, "ada"), login(None, "ada", "chat", traits={"title": "Thief"}))
    assert refusals(profiles) == [("identity", "userId")]
    assert (total(profiles, "ada"), profiles.row("ada").traits) == (1, {})


def test_a_person_takes_the_lead_of_an_address_along() -> None:
    """One event carries both ids: everything is one lead, whichever of its ids is asked for."""
    profiles = fed(chat("b1"), login("b1", traits=EMAIL), login("b2", "ada", traits=EMAIL), chat("b1"), chat("b2"))
    assert total(profiles, "ada") == 10 + 1 + 1 + 10 + 10
    keys = {profiles.found(lead).key for lead in ("ada", "email:ada@example.com", "b1", "b2")}
    assert keys == {"\x01ada"}
    assert sorted(browsers(profiles, "ada")) == ["b1", "b2"]


def test_who_states_an_address_later_is_the_one_who_wrote_with_it_since() -> None:
    """An address of nobody becomes a pointer, too."""
    profiles = fed(login("b1", "ada", traits=EMAIL), chat("b2"), login("b2", traits=EMAIL), chat("b2"))
    assert total(profiles, "ada") == 1 + 10 + 1 + 10


def test_an_address_that_another_person_states_is_theirs_from_then_on() -> None:
    """A second login, of an address: what came before stays, and two userIds are never merged."""
    profiles = fed(
        login("b1", "ada", traits=EMAIL),
        login("b2", traits=EMAIL),
        login("b3", "bob", traits=EMAIL),
        login("b4", traits=EMAIL),
    )
    assert (total(profiles, "ada"), total(profiles, "bob")) == (1 + 1, 1 + 1)
    assert pointer(profiles, "\x02ada@example.com").target == "\x01bob"


def test_an_address_that_is_known_as_the_persons_is_asked_for_once() -> None:
    profiles = fed(*[login("b", "ada", traits=EMAIL) for _ in range(4)])
    arrivals = [unwrap(profiles.arrived(one)) for one in profiles.outputs if one.topic == "lead-inbox"]
    assert [one.errand for one in arrivals if one is not None].count("join") == 1
    assert total(profiles, "ada") == 4


@pytest.mark.parametrize(("previous", "user"), [("ada", "bob"), ("bob", "ada")])
def test_an_alias_of_two_persons_makes_them_one_whichever_way_it_is_said(previous: str, user: str) -> None:
    """The larger id is the lower one, and becomes the pointer."""
    profiles = fed(chat(None, "ada"), chat(None, "bob"), chat(None, "bob"), alias(previous, user), chat(None, "bob"))
    assert {profiles.found(lead).key for lead in ("ada", "bob")} == {"\x01ada"}
    assert total(profiles, "ada") == 10 * 4
    assert pointer(profiles, "\x01bob").target == "\x01ada"


def test_an_alias_of_a_browser_joins_it() -> None:
    profiles = fed(chat("b"), alias("b", "ada"), chat("b"))
    assert (total(profiles, "ada"), profiles.row("ada").known) == (20, True)
    assert pointer(profiles, "b") == Pointer("\x01ada", T0 // DAY, None, ["\x01ada"], T0)


def test_an_alias_from_elsewhere_joins_nobody() -> None:
    profiles = fed(
        chat(None, "ada"), chat(None, "bob"), chat("b"), alias("bob", "ada", "chat"), alias("b", "ada", "chat")
    )
    assert (total(profiles, "ada"), total(profiles, "bob"), total(profiles, "b")) == (10, 10, 10)


@pytest.mark.parametrize("first", ["a-track", "a login", "an address"])
@pytest.mark.parametrize(("old", "user"), [("ada", "bob"), ("bob", "ada")])
def test_an_alias_of_an_id_that_nobody_knows_is_remembered_until_it_shows_up(first: str, old: str, user: str) -> None:
    """Whichever of the two is higher, and however it shows up."""
    shows_up = {
        "a-track": chat(None, old),
        "a login": login("b", old),
        "an address": login("b", old, traits=EMAIL),
    }[first]
    profiles = fed(chat(None, user), alias(old, user), shows_up, chat(None, old))
    assert {profiles.found(lead).key for lead in (old, user)} == {"\x01ada"}
    assert total(profiles, "ada") == 10 + (10 if first == "a-track" else 1) + 10


def owner_changed(profile: str, owner: str) -> Any:
    message = OwnerChanged(profile, profile, owner, T0, CAUSE)
    lane = by_murmur2(profile.encode(), LANES)
    return record(encode(message), topic="lead-inbox", key=profile.encode(), partition=lane)


def test_a_message_for_a_lead_that_has_gone_is_passed_on() -> None:
    """Over as many pointers as there are."""
    profiles = fed(chat("b1"), login("b1", traits=EMAIL), login("b2", "ada", traits=EMAIL))
    late = owner_changed("b1", "andy")
    profiles.fold(late, lane=late.partition)
    assert (profiles.row("ada").owner, refusals(profiles)) == ("andy", [])


def test_a_browser_is_told_where_its_pointer_leads_on_and_listens_after_a_day_of_silence() -> None:
    """From b1 over the address to Ada: two hops, until nothing can be under way by the address any more."""
    profiles = fed(login("b1", traits=EMAIL), login("b2", "ada", traits=EMAIL))
    day, address = T0 // DAY, "\x02ada@example.com"

    def chats(at_ms: int) -> Pointer:
        profiles.fold(record(chat("b1", at_ms=at_ms), at_ms, offset=16))
        return pointer(profiles, "b1")

    assert chats(T0) == Pointer(address, day, "\x01ada", [], T0)
    assert chats(T0 + DAY) == Pointer(address, day + 1, "\x01ada", [], T0)
    assert chats(T0 + 3 * DAY) == Pointer("\x01ada", day + 3, None, [], T0)
    assert total(profiles, "ada") == 1 + 1 + 3 * 10


@pytest.mark.parametrize(("key", "was"), [("b", "\x01bob"), ("\x01ada", "\x01bob"), ("nobody", "\x01bob")])
def test_what_is_no_pointer_to_where_it_was_is_not_moved(key: str, was: str) -> None:
    """A browser that another person logged in with since does not follow the first one."""
    profiles = fed(login("b", "ada"))
    before = {lane: dict(rows) for lane, rows in profiles.lanes.items()}
    lead = key.removeprefix("\x01")
    lane = by_murmur2(lead.encode(), LANES)
    message = encode(LeadMoved(key, was, "\x01cy"))
    profiles.fold(record(message, topic="lead-inbox", key=key.encode(), partition=lane), lane=lane)
    assert profiles.lanes == before


def test_a_pointer_that_nobody_used_for_400_days_goes() -> None:
    """The browser is a new one then."""
    profiles = Profiles(model(SPEC))
    profiles.feed(login("b", "ada"))
    profiles.wake(T0 + 400 * DAY - HOUR)
    assert pointer(profiles, "b").target == "\x01ada"
    profiles.wake(T0 + 400 * DAY)
    assert b"b" not in profiles.lanes[0]


def test_an_address_that_is_said_as_a_user_id_leads_nowhere_but_to_its_person() -> None:
    """`userId: email:ada@example.com` beside that address, which has gone to Ada, who has another one by now."""
    profiles = fed(
        login(None, "ada", traits=EMAIL),
        login(None, "ada", traits={"email": "other@example.com"}),
        login(None, "email:ada@example.com", traits=EMAIL),
    )
    assert total(profiles, "ada") == 3


def test_an_alias_of_an_address_finds_it_however_it_is_written() -> None:
    profiles = fed(login("b", traits=EMAIL), chat("b"), alias("email:ADA@example.com", "ada"))
    assert total(profiles, "ada") == 1 + 10


def test_what_was_said_before_the_last_login_does_not_turn_the_browser_back() -> None:
    """A repeat, or one that comes late: Bob logged in after Ada, and stays."""
    first, second = login("b", "ada"), login("b", "bob", timestamp=to_rfc3339(T0 + HOUR))
    profiles = Profiles(model(SPEC), LANES)
    profiles.feed(first, second, first, chat("b", at_ms=T0 + HOUR), at_ms=T0 + HOUR)
    assert total(profiles, "bob") == 1 + 10


def test_a_chain_of_aliases_becomes_short() -> None:
    """Of e to d to c to b to a: after a day of silence an event of e takes one hop to a, at the end of the chain."""
    names = "edcba"
    profiles = fed(*(chat(None, name) for name in names), *(alias(*pair) for pair in itertools.pairwise(names)))
    for after in (0, 3 * DAY):
        profiles.fold(record(chat(None, "e", at_ms=T0 + after), T0 + after, offset=16))
    assert pointer(profiles, "\x01e").target == "\x01a"
    assert total(profiles, "a") == 10 * (len(names) + 2)


def test_of_a_browser_called_like_a_person_only_the_person_is_shown() -> None:
    """It was there first: what comes of it afterwards is refused, and nothing of it covers the person's score."""
    profiles = fed(chat("ada"), chat(None, "ada"), chat("ada"))
    assert refusals(profiles) == [("identity", "anonymousId")]
    profiles.wake(T0 + 40 * DAY)
    profiles.wake(T0 + 40 * DAY, lane=by_murmur2(b"ada", LANES))
    shown = [one for one in profiles.outputs if one.topic == "lead-scores" and one.key == b"ada"]
    assert all(one.value is not None for one in shown)
    assert total(profiles, "ada") == 10


def test_no_chain_of_aliases_is_longer_than_sixteen() -> None:
    """However many ids a visitor names: events hop a bounded number of times, and nothing is lost."""
    names = [f"{number:02}" for number in range(40, 0, -1)]
    profiles = fed(*(chat(None, name) for name in names), *(alias(*pair) for pair in itertools.pairwise(names)))
    before = len(profiles.outputs)
    profiles.feed(chat(None, "40", at_ms=T0 + 1))
    hops = [one for one in profiles.outputs[before:] if one.topic == "lead-inbox"]
    assert len(hops) <= 20
    rows = [unpack(row) for lane in profiles.lanes.values() for row in lane.values() if is_row(row)]
    assert sum(row.counts["chat"] for row in rows) == len(names) + 1


def test_time_passes_beside_a_browser_called_like_a_person() -> None:
    """Looking for the person while rows are written disturbs nothing."""
    profiles = fed(login("ada", traits={}), chat("ada"), chat(None, "ada"))
    for lane in range(LANES):
        profiles.wake(T0 + 60 * DAY, lane=lane)
    assert not profiles.errors
    assert total(profiles, "ada") == 10


def test_a_login_that_is_rejected_joins_nothing() -> None:
    """Its headers are too large to be sent on: the browser stays what it was."""
    profiles = fed(chat("b"))
    large = record(login("b", "ada"), offset=9, headers=(("x", b"x" * 300_000),))
    profiles.fold(large, lane=by_murmur2(b"b", LANES))
    assert refusals(profiles) == [("size", None)]
    assert (total(profiles, "b"), profiles.found("b").key) == (10, "b")


def test_an_owner_who_was_given_a_lead_under_its_old_id_takes_it_from_nobody() -> None:
    """Andy has Ada; that the browser went to Bea arrives behind its login."""
    profiles = fed(chat("b"), chat(None, "ada"))
    for late in (owner_changed("ada", "andy"), owner_changed("b", "bea")):
        if late.key == b"b":
            profiles.feed(login("b", "ada"))
        key = b"\x01ada" if late.key == b"ada" else b"b"
        profiles.fold(late._replace(key=key), lane=late.partition)
    assert profiles.row("ada").owner == "andy"
