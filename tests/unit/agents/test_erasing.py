"""Erasing: what is dropped in a lane, what is told whom, and what of older events comes in between."""

from typing import Any

import pytest

from engine.agents.score import ScoreJob
from engine.core.desks import only_main
from engine.core.erasure import erased_header, mark_key, pseudonym
from engine.core.flow import Fold, InputRecord
from engine.core.identity import public_id
from engine.core.messages import (
    INBOX_TOPIC,
    LeadErase,
    LeadForget,
    LeadGone,
    LeadMerge,
    OwnerChanged,
    decode_request,
    encode,
)
from engine.core.packing import pack
from engine.core.partitioner import by_murmur2
from engine.core.pointers import is_row
from engine.core.profile import Row
from engine.core.records import Cause
from engine.local.simulate import final_scores
from tests.build import HOUR, MINUTE, T0, Profiles, model, segment

HASH = pseudonym(b"a key of the test's own")
LANES = 3
MODEL = model({"publish_from": "cold", "engagement": {"chat": {"when": {"event": "chat"}, "points": 10}}})
ERASED_MS = T0 + HOUR
"""When everybody here is erased; what happened at T0 was before."""
BEFORE = Cause("visitor-events", 0, 7, None, "chat", "2026-11-23T00:00:00.000Z")


class Erasable(Profiles):
    """Leads of three lanes that can be erased."""

    def __init__(self, *events: dict[str, Any]) -> None:
        super().__init__(MODEL, LANES)
        self._folds: list[Fold] = []
        self.job = ScoreJob(MODEL, lambda key: by_murmur2(key, LANES), only_main(()), lanes=LANES, pseudonym=HASH)
        self.feed(*events)

    def tell(self, key: str, value: bytes) -> None:
        """Have a message arrive at the home of a key."""
        lane = by_murmur2(public_id(key).encode(), LANES)
        self.fold(InputRecord(INBOX_TOPIC, lane, 0, self.clock_ms, key.encode(), value), lane=lane)

    def erase(self, lead: str, at_ms: int = ERASED_MS) -> None:
        """Erase as the command asks for it."""
        self.tell(lead, encode(LeadErase(lead, at_ms, "asked for", None)))

    def names(self) -> set[str]:
        """The keys of rows and pointers, not of marks."""
        found = {key.decode() for rows in self.lanes.values() for key in rows}
        return {key for key in found if not key.startswith("\x03")}

    def marks(self) -> set[bytes]:
        return {key for rows in self.lanes.values() for key in rows if key.startswith(b"\x03")}

    def counts(self, key: str) -> dict[str, int]:
        """What the row of a key has counted."""
        return self.row(public_id(key)).counts

    def dropped(self) -> int:
        """How many records were dropped for an erasure."""
        return sum(fold.tally.get(("dropped", "erased"), 0) for fold in self._folds)

    def _take(self, lane: int, fold: Fold) -> Fold:
        self._folds.append(fold)
        return super()._take(lane, fold)


def chat(browser: str | None = None, user: str | None = None, at_ms: int = T0, **keys: Any) -> dict[str, Any]:
    return segment("chat", at_ms, anonymousId=browser, userId=user, **keys)


def login(browser: str | None, user: str | None, at_ms: int = T0, **keys: Any) -> dict[str, Any]:
    return segment("identify", at_ms, anonymousId=browser, userId=user, **keys)


def alias(previous: str, user: str, at_ms: int = T0) -> dict[str, Any]:
    return segment("alias", at_ms, anonymousId=None, type="alias", userId=user, previousId=previous)


def test_any_id_erases_the_whole_person() -> None:
    """Row and pointers go; a tombstone with the hash, a receipt without the id and word to the desk for each id."""
    for lead in ("b1", "b2", "email:ada@example.com", "ada"):
        fed = Erasable(chat("b1"), login("b1", None, traits={"email": "ada@example.com"}), login("b2", "ada"))
        fed.feed(login(None, "ada", traits={"email": "ada@example.com"}))
        assert fed.names() == {"b1", "b2", "\x02ada@example.com", "\x01ada"}
        fed.erase(lead)
        ids = {"b1", "b2", "email:ada@example.com", "ada"}
        assert fed.names() == set()
        assert fed.marks() == {mark_key(HASH(one)) for one in ids}
        graves = {
            output.key: output.headers
            for output in fed.outputs
            if output.topic == "lead-scores" and dict(output.headers).keys() == {"heatline-erased"}
        }
        assert graves == {one.encode(): (erased_header(HASH(one), ERASED_MS),) for one in ids}
        receipts = [receipt for receipt in fed.on("lead-stages") if receipt["reason"] == "asked for"]
        assert {receipt["lead"] for receipt in receipts} == {HASH(one) for one in ids}
        asked = [decode_request(output.value) for output in fed.outputs if output.topic == "routing-requests"]
        assert {one.lead for one in asked if isinstance(one, LeadGone)} == ids


def test_it_is_done_as_of_the_last_that_the_row_has_seen() -> None:
    """Nothing that the row counted is later than the erasure, so none of it comes back."""
    late = chat("b", at_ms=ERASED_MS + MINUTE)
    fed = Erasable(late)
    fed.erase("b")
    fed.feed(late, chat("b", at_ms=ERASED_MS + MINUTE + 1))
    assert (fed.counts("b"), fed.dropped()) == ({"chat": 1}, 1)


def test_a_later_event_begins_anew_and_older_ones_stay_dropped_behind_it() -> None:
    fed = Erasable(chat("b"), login("b", "ada"))
    fed.erase("ada")
    fed.feed(chat(None, "ada"), chat("b"), chat(None, "ada", ERASED_MS + 1), chat(None, "ada"), chat("b"))
    assert (fed.names(), fed.counts("\x01ada"), fed.dropped()) == ({"\x01ada"}, {"chat": 1}, 4)


def test_an_old_login_joins_nobody_to_who_was_erased() -> None:
    """Not by an id that was never the person's, nor by an address or alias: all of it is dropped and counted once."""
    fed = Erasable(chat(None, "ada"))
    fed.erase("ada")
    fed.feed(login("b9", "ada"), login(None, "ada", traits={"email": "a@example.com"}), alias("b8", "ada"))
    assert (fed.names(), fed.dropped()) == (set(), 3)


@pytest.mark.parametrize(
    "message",
    [
        OwnerChanged("ada", "\x01ada", "andy", T0, BEFORE),
        LeadMerge("b7", pack(Row(T0, anonymous=True), None), BEFORE),
    ],
)
def test_what_was_under_way_is_dropped(message: OwnerChanged | LeadMerge) -> None:
    """By the time of its cause: it finds nobody, and makes nobody; who came anew is told nothing of it."""
    fed = Erasable(chat(None, "ada"))
    fed.erase("ada")
    fed.tell("\x01ada", encode(message))
    assert (fed.names(), fed.dropped()) == (set(), 1)
    fed.feed(chat(None, "ada", ERASED_MS + 1))
    fed.tell("\x01ada", encode(message))
    assert (fed.row("ada").owner, fed.row("ada").browsers, fed.dropped()) == (None, [], 2)


def test_an_id_that_turns_out_to_be_of_somebody_erased_is_erased_too() -> None:
    """With everything that leads there; what is read of it later is dropped, what happens later begins anew."""
    fed = Erasable(chat(None, "ada"), chat("b"), chat(None, "zed"), chat("z"), login("z", "zed"))
    fed.erase("ada")
    fed.feed(login("b", "ada"), chat("b"), alias("zed", "ada"), chat(None, "zed"), chat("z"))
    assert fed.names() == set()
    found = {receipt["lead"] for receipt in fed.on("lead-stages") if "an id of somebody" in receipt["reason"]}
    assert found == {HASH("b"), HASH("zed"), HASH("z")}
    fed.feed(chat("b", at_ms=ERASED_MS + 1))
    assert fed.counts("b") == {"chat": 1}


def test_who_takes_over_the_browser_of_somebody_erased_gets_nothing_of_theirs() -> None:
    """Older events of that browser are dropped also where it is another person's pointer by now."""
    fed = Erasable(chat("b"), login("b", "ada"), chat(None, "bob"))
    fed.erase("ada")
    fed.feed(login("b", "bob", ERASED_MS + 1), chat("b"), chat(None, "bob"))
    assert (fed.counts("\x01bob")["chat"], fed.dropped()) == (2, 1)


def test_no_pointer_of_another_person_names_who_was_erased() -> None:
    """An id that aliases joined to both keeps what it says of the other."""
    fed = Erasable(chat("x"), alias("x", "ada"), alias("x", "bob"))
    named = [row for rows in fed.lanes.values() for row in rows.values() if b"\x01ada" in row]
    assert named
    fed.erase("ada")
    assert not [row for rows in fed.lanes.values() for row in rows.values() if b"\x01ada" in row]
    assert "x" in fed.names()


def test_an_event_that_asked_for_the_address_of_somebody_erased_is_counted_where_it_belongs() -> None:
    """It is another person's; only the address is not theirs by an event from before the erasure."""
    fed = Erasable(login("b", None, traits={"email": "x@example.com"}))
    fed.erase("email:x@example.com")
    fed.feed(login(None, "bob", traits={"email": "x@example.com"}))
    assert (fed.names(), fed.dropped()) == ({"\x01bob"}, 0)


def test_a_claim_of_somebody_erased_from_before_is_refused() -> None:
    """It counts for its browser only."""
    fed = Erasable(chat(None, "ada"))
    fed.erase("ada")
    fed.feed(login("b", "ada", context={"channel": "mobile"}))
    assert fed.names() == {"b"}


def test_a_pointer_that_nobody_needs_any_more_is_dropped_in_every_lane() -> None:
    """A lane that never heard of the person learns of the erasure, too, and drops what old events would join."""
    fed = Erasable(chat(None, "ada"))
    fed.erase("ada")
    assert all(mark_key(HASH("ada")) in rows for rows in fed.lanes.values())
    assert sum(is_row(row) for rows in fed.lanes.values() for row in rows.values()) == 0
    fed.tell("\x01ada", encode(LeadForget("\x01ada", ERASED_MS, "asked for", None)))
    assert fed.names() == set()


def test_marks_are_walked_past() -> None:
    """By a walk over all rows for a changed model, by an agenda that is made anew, by whoever lists all scores."""
    fed = Erasable(chat("b"), login("b", "ada"), chat("c"))
    fed.erase("ada")
    stored = {key: row for rows in fed.lanes.values() for key, row in rows.items()}
    changed = model({"engagement": {"chat": {"when": {"event": "chat"}, "points": 20}}})
    for lane in fed.lanes:
        fold = fed.restate(changed, ERASED_MS, lane)
        assert (fold.errors, fold.rows.keys() - {b"c"}) == ([], set())
    assert {key for key, row in stored.items() if fed.job.due(row) is not None} == {b"c"}
    assert [output.key for output in final_scores(changed, stored.items(), None)] == [b"c"]


def test_erasing_again_moves_the_instant_on() -> None:
    """What came between both goes, too; an earlier request that comes late brings nothing back."""
    fed = Erasable(chat("b"))
    fed.erase("b")
    fed.feed(chat("b", at_ms=ERASED_MS + 1))
    fed.erase("b", ERASED_MS + HOUR)
    fed.erase("b")
    fed.feed(chat("b", at_ms=ERASED_MS + 1), chat("b", at_ms=ERASED_MS + HOUR))
    assert (fed.names(), fed.dropped()) == (set(), 2)
