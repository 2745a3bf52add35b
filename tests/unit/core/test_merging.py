"""Two rows of one person as one, field by field; the laws on streams of events are in `tests/laws/test_merging.py`."""

from math import isclose, log2
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from engine.core.fold import fold_event
from engine.core.merging import merged
from engine.core.model import STAGES
from engine.core.outputs import Profile, score_output
from engine.core.packing import packed_touch, stored_touch
from engine.core.profile import (
    BROWSERS_MAX,
    ID_BYTES,
    Life,
    Pending,
    Published,
    Row,
    StoredTouch,
    Suspect,
    Visit,
)
from tests.build import DAY, HOUR, MINUTE, T0, data_of, decoded, segment
from tests.laws.rows import MODEL, folded, plain


def row(born_ms: int = T0, **fields: Any) -> Row:
    return Row(born_ms=born_ms, **{"anonymous": True, **fields})


def both_ways(one: Row, other: Row) -> Row:
    """The merge, which is the same from either side."""
    there, back = merged(MODEL, one, other), merged(MODEL, other, one)
    assert plain(there) == plain(back)
    return there


def test_who_either_was_is_known_and_only_what_is_all_imported_is_quiet() -> None:
    one = row(owner="andy", published=Published(5, 40, "warm", "D", None, True), quiet=True, browsers=["b"])
    other = row(T0 - 10, anonymous=False, owner="bea", published=Published(9, 0, "cold", "D", None, True))
    both = merged(MODEL, one, other)
    assert (both.born_ms, both.anonymous, both.quiet, both.changed) == (T0 - 10, False, False, True)
    assert (both.owner, both.published and both.published.at) == ("andy", 15)
    assert merged(MODEL, row(), other).owner == "bea"
    assert merged(MODEL, row(), other).published is None
    assert merged(MODEL, replace(other, owner=None), one).owner == "andy"


def test_who_qualified_at_once_under_either_id_has() -> None:
    assert both_ways(row(fast_track=True), row()).fast_track
    assert not both_ways(row(), row()).fast_track


def test_the_last_ten_browsers_stay() -> None:
    one, other = row(browsers=["c", "a"]), row(browsers=["b", "c"])
    assert both_ways(one, other).browsers == ["a", "b", "c"]
    many = row(browsers=[f"z{number}" for number in range(BROWSERS_MAX)])
    assert both_ways(one, many).browsers == many.browsers


def test_a_repeat_is_known_by_the_id_whichever_row_saw_it_and_for_a_day() -> None:
    first, later = segment("chat", T0, messageId="m"), segment("chat", T0 + 2 * HOUR, messageId="n")
    both = both_ways(folded([first]), folded([later]))
    for event, is_repeat in ((first, True), (later, True), ({**first, "messageId": "o"}, False)):
        assert (fold_event(MODEL, both, decoded(MODEL, event, T0 + DAY)) is None) is is_repeat
    next_day = segment("chat", T0 + 25 * HOUR, messageId="m")
    assert fold_event(MODEL, both, decoded(MODEL, next_day, T0 + 2 * DAY)) is not None


def test_an_id_that_both_saw_is_remembered_once_and_since_the_later_time() -> None:
    """It was counted twice, and that cannot be told any more."""
    one, other = (folded([segment("chat", T0 + hours * HOUR, messageId="m")]) for hours in (0, 20))
    both = both_ways(one, other)
    assert (len(both.recent_ids), both.ledger["chat"][2]) == (ID_BYTES, 2)
    after = segment("chat", T0 + 40 * HOUR, messageId="m")
    assert fold_event(MODEL, both, decoded(MODEL, after, T0 + 2 * DAY)) is None


def test_pages_of_both_stand_in_order_with_their_titles_the_last_ten() -> None:
    def read(number: int) -> dict[str, Any]:
        return segment(
            "page_view", T0 + number * MINUTE, context={"page": {"path": f"/{number}", "title": f"T{number // 4}"}}
        )

    both = both_ways(folded(map(read, range(0, 14, 2))), folded(map(read, range(1, 14, 2))))
    shown = data_of(score_output(MODEL, Profile("ada", both), both.now_ms, both.now_ms))["pages"]
    assert [(seen["path"], seen["title"]) for seen in shown] == [
        (f"/{number}", f"T{number // 4}") for number in range(4, 14)
    ]


@pytest.mark.parametrize(
    ("one", "other", "expected", "sessions"),
    [
        (Visit(0, 10, 2), Visit(5, 20, 1), Visit(0, 20, 3), 1),
        (Visit(0, 10, 2), Visit(10 + 30 * MINUTE - 1, 40 * MINUTE, 1), Visit(0, 40 * MINUTE, 3), 1),
        (Visit(0, 10, 2), Visit(10 + 30 * MINUTE, 40 * MINUTE, 1), Visit(10 + 30 * MINUTE, 40 * MINUTE, 1), 2),
        (Visit(0, 90 * MINUTE, 9), Visit(5, 20, 1), Visit(0, 90 * MINUTE, 10), 1),
        (Visit(0, 9, 1, ended=True), Visit(5, 20, 1), Visit(0, 20, 2), 1),
        (Visit(0, 9, 1), Visit(5, 20, 1, ended=True), Visit(0, 20, 2), 1),
        (Visit(0, 9, 1, ended=True), Visit(5, 20, 1, ended=True), Visit(0, 20, 2, ended=True), 1),
        (Visit(0, 9, 1, 3, dwelt=["r"]), Visit(5, 20, 1), Visit(0, 20, 2, 3, dwelt=["r"]), 1),
        (Visit(0, 9, 1, 3, dwelt=["r"]), Visit(5, 20, 1, 6), Visit(0, 20, 2, 6), 1),
    ],
)
def test_visits_less_than_half_an_hour_apart_are_one(one: Visit, other: Visit, expected: Visit, sessions: int) -> None:
    """Of others the later stays; the open page is the one opened last, with what has counted it."""
    both = both_ways(row(visit=one, sessions=1), row(visit=other, sessions=1))
    assert (both.visit, both.sessions) == (expected, sessions)


def test_the_only_visit_stays() -> None:
    assert both_ways(row(visit=Visit(0, 1, 1), sessions=4), row(sessions=2)).visit == Visit(0, 1, 1)
    assert both_ways(row(sessions=4), row(sessions=2)).sessions == 6


def test_touches_stand_in_order_equal_neighbours_are_one_and_the_middle_goes_first() -> None:
    def came(at: int, channel: str) -> msgspec.Raw:
        return packed_touch(StoredTouch(at, channel, None, None, None))

    one, other = row(touches=[came(0, "paid"), came(9, "direct")]), row(touches=[came(5, "paid"), came(10, "social")])
    touches = [came(0, "paid"), came(9, "direct"), came(10, "social")]
    assert [bytes(touch) for touch in both_ways(one, other).touches] == [bytes(touch) for touch in touches]
    even, odd = (row(touches=[came(at, f"c{at}") for at in range(first, 30, 2)]) for first in (0, 1))
    kept = [stored_touch(touch).at for touch in both_ways(even, odd).touches]
    assert kept == [0, *range(11, 30)]


def test_products_add_and_the_five_seen_most_stay() -> None:
    one = row(products={"a": (3, 1.0), "b": (1, 9.0), "c": (2, 0.0), "d": (1, 2.0)})
    other = row(products={"b": (1, 1.0), "e": (1, 2.0), "f": (1, 2.5)})
    assert both_ways(one, other).products == {
        "a": (3, 1.0), "b": (2, 10.0), "c": (2, 0.0), "e": (1, 2.0), "f": (1, 2.5)
    }  # fmt: skip


def test_minutes_of_gains_add_and_old_ones_go() -> None:
    """Of rows born in the first and third minute of T0: the later's minute 7 is the earlier's 9, and now is 10."""
    one = row(T0 + 30_000, gains=[0, 5, 9, 7], now=9 * MINUTE)
    other = row(T0 + 120_000, gains=[7, 1, 8, 0.5], now=8 * MINUTE)
    assert both_ways(one, other).gains == [9, 8, 10, 0.5]


def test_an_alert_has_fired_if_it_has_in_either_and_when_it_last_did() -> None:
    one = row(alerts={"a": (True, 5), "b": (False, 9), "c": (False, None)})
    other = row(T0 - 100, alerts={"a": (False, 200), "c": (True, None), "d": (True, 1)})
    assert both_ways(one, other).alerts == {"a": (True, 200), "b": (False, 109), "c": (True, None), "d": (True, 1)}


def test_what_either_waits_for_is_waited_for_unless_it_followed() -> None:
    one = row(waits={"a": (90, 50), "b": (90, 50), "c": (90, 50), "d": (None, 5)})
    other = row(waits={"a": (80, 40), "b": (None, 60), "c": (None, 40), "d": (None, 7), "e": (7, 1)})
    assert both_ways(one, other).waits == {
        "a": (80, 50), "b": (None, 60), "c": (90, 50), "d": (None, 7), "e": (7, 1)
    }  # fmt: skip


def test_what_was_begun_under_both_is_pending_once_since_the_later_time() -> None:
    def begun(signal: str, at: int, form: str | None = None) -> Pending:
        return Pending(f"{signal}_abandoned", form, at, at + HOUR, None, None, None)

    one = row(pending=[begun("form", 0, "f"), begun("form", 5, "g"), begun("cart", 6)])
    other = row(pending=[begun("form", 3, "f"), begun("form", 1, "h"), begun("cart", 2)])
    both = [begun("form", 1, "h"), begun("form", 3, "f"), begun("form", 5, "g"), begun("cart", 6)]
    assert both_ways(one, other).pending == both
    more = row(pending=[begun("checkout", 4), begun("form", 7, "i")])
    assert both_ways(one, more).pending == [
        begun("form", 0, "f"), begun("form", 5, "g"), begun("checkout", 6), begun("form", 7, "i")
    ]  # fmt: skip


def life(stage: str, at: int = 0, **fields: Any) -> Life:
    return Life(STAGES.index(stage), at, **fields)


@pytest.mark.parametrize(
    ("further", "other"),
    [
        (life("lead", 1), life("subscriber", 5)),
        (life("marketingqualifiedlead", 1), life("lead", 5)),
        (life("recycled", 1), life("lead", 5)),
        (life("recycled", 2), life("marketingqualifiedlead", 1)),
        (life("marketingqualifiedlead", 2, cycle_due=9), life("recycled", 1)),
        (life("disqualified", 1), life("marketingqualifiedlead", 5)),
        (life("salesqualifiedlead", 1), life("disqualified", 5)),
        (life("customer", 1), life("opportunity", 5)),
        (life("evangelist", 1), life("customer", 5)),
        (life("salesqualifiedlead", 2), life("salesqualifiedlead", 3)),
    ],
)
def test_of_two_stages_the_further_stays_with_its_time_and_its_cycle(further: Life, other: Life) -> None:
    both = both_ways(row(life=further), row(life=other)).life
    assert both is not None
    assert (both.stage, both.at, both.cycle_due) == (further.stage, further.at, further.cycle_due)
    assert both_ways(row(life=further), row()).life == further


def test_a_life_adds_what_the_other_brought() -> None:
    one = life("lead", 4, over=3, stale=0b0101, revenue=5.0, actions=(7, 2))
    other = life("subscriber", 0, over=1, stale=0b0010, revenue=2.5, actions=(7, 1))
    assert both_ways(row(life=one), row(life=other)).life == life(
        "lead", 4, over=3, stale=0b0111, revenue=7.5, actions=(7, 3)
    )
    later = replace(other, actions=(8, 1), over=None)
    both = both_ways(row(life=one), row(life=later)).life
    assert both is not None
    assert (both.actions, both.over) == ((8, 1), 3)


def test_a_subscriber_is_one_from_the_first_event_on() -> None:
    both = both_ways(row(life=life("subscriber", revenue=1.0)), row(T0 - HOUR)).life
    assert both == life("subscriber", 0, revenue=1.0)


def test_a_video_has_been_told_of_as_far_as_in_either() -> None:
    one, other = row(videos={"a": 25, "b": 95}), row(videos={"a": 50, "c": 75})
    assert both_ways(one, other).videos == {"a": 50, "b": 95, "c": 75}


def test_traits_are_those_said_last_and_of_the_same_time_the_larger_bytes() -> None:
    one = row(traits={"title": (5, "dev"), "age": (5, 9), "city": (0, "b")})
    other = row(T0 - 10, traits={"title": (14, "ceo"), "age": (16, 8), "city": (10, "a"), "email": (0, "e")})
    assert both_ways(one, other).traits == {
        "title": (15, "dev"), "age": (16, 8), "city": (10, "b"), "email": (0, "e")
    }  # fmt: skip


def test_where_a_lead_is_says_the_later_row_and_what_that_does_not_say_the_other() -> None:
    one, other = row(last=5, place={"country": "US", "city": "Ames"}), row(last=6, place={"country": "DE"})
    assert both_ways(one, other).place == {"country": "DE", "city": "Ames"}
    tied = row(last=5, place={"city": "Bonn"})
    assert both_ways(one, tied).place == {"country": "US", "city": "Bonn"}


def test_who_is_one_with_another_is_no_robot() -> None:
    assert both_ways(row(suspect=Suspect(bot="burst")), row(anonymous=False)).suspect is None
    one = row(suspect=Suspect(owed=5, at=3, delivered=(1, 9), clicked=(4, 2, True)))
    other = row(suspect=Suspect(owed=4, at=9, delivered=(2, 8), clicked=(3, 6, False)))
    assert both_ways(one, other).suspect == Suspect(owed=5, at=3, delivered=(1, 9), clicked=(3, 6, False))


def test_the_score_is_looked_at_again_when_it_falls() -> None:
    """2 × 60 points fall to 80, the bound of hot, after log2(120 / 80) half-lives of a day; nothing never falls."""
    both = both_ways(row(ledger={"chat": (1.0, 0, 1)}), row(ledger={"chat": (1.0, 0, 1)}))
    assert both.falls is not None
    assert isclose(both.falls, DAY * log2(120 / 80), abs_tol=1)
    assert both_ways(row(falls=7), row(falls=7)).falls is None


def test_the_longest_way_to_either_and_the_last_address_asked_for_stay() -> None:
    """Else a chain of aliases would be bounded only until something else is merged."""
    both = both_ways(row(depth=5, address=(9, 1)), row(depth=2, address=(3, 4)))
    assert (both.depth, both.address) == (5, (3, 4))
