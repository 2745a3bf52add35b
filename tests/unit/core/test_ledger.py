"""The ledger: decayed counts in three shapes, none of which depends on the order of arrival."""

from math import inf, isclose
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.instants import DAY_MS
from engine.core.ledger import WINDOWS_MAX, Entry, counted, days_at, mass_at
from engine.core.model import Rule
from engine.core.points import read_entry
from tests.build import HOUR, T0
from tests.stories import BROAD, LAWFUL

BORN_MS = T0 + 5 * HOUR
"""Of the row, so that its own days and windows begin at no round time."""
half_lives = st.integers(1_000, 400 * DAY_MS)
times = st.lists(st.integers(-30 * DAY_MS, 30 * DAY_MS), min_size=1, max_size=20)
orders = times.flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(drawn)))


def rule(**keys: Any) -> Rule:
    return Rule("r", lambda _event: True, 1.0, **{"half_life_ms": float(DAY_MS), **keys})


def ledger(one: Rule, arrivals: list[int], *, amount: float = 1, entry: Entry | None = None) -> Entry | None:
    """The entry after events at these times, in this order, each packed as rows are."""
    now = arrivals[0]
    for time in arrivals:
        now = max(now, time)
        came = counted(one, entry, time, now, BORN_MS, amount)
        if came is not None:
            entry = msgspec.msgpack.decode(msgspec.msgpack.encode(came), type=tuple[Any, ...])
    return entry


def worth(one: Rule, entry: Entry | None, at: int) -> float:
    """What the entry is worth at `at`."""
    assert entry is not None
    return read_entry(entry, one.half_life_ms, one.window_days, at, BORN_MS)[0]


@BROAD
@given(times, half_lives)
def test_a_plain_entry_is_the_sum_of_what_each_event_is_worth_at_the_latest(drawn: list[int], half_life: int) -> None:
    latest = max(drawn)
    entry = ledger(rule(half_life_ms=float(half_life)), drawn)
    assert entry is not None
    mass, last, count = entry
    assert (last, count) == (latest, len(drawn))
    assert isclose(mass, sum(0.5 ** ((latest - time) / half_life) for time in drawn), rel_tol=1e-12)


def shapes(half_life: int) -> list[Rule]:
    """A rule of each shape; the limits are never reached, and no window is closed, by twenty events."""
    return [
        rule(half_life_ms=float(half_life)),
        rule(half_life_ms=inf),
        rule(half_life_ms=float(half_life), once=True),
        rule(half_life_ms=inf, window_days=90),
        rule(half_life_ms=inf, window_days=90, once=True),
        rule(half_life_ms=float(half_life), limit=3, limit_ms=30 * DAY_MS),
        rule(half_life_ms=inf, window_days=90, limit=3, limit_ms=DAY_MS * 10),
    ]


@BROAD
@given(orders, half_lives)
def test_the_order_of_arrival_does_not_matter(drawn: tuple[list[int], list[int]], half_life: int) -> None:
    at = max(drawn[0])
    for one in shapes(half_life):
        there, back = (worth(one, ledger(one, order), at) for order in drawn)
        assert isclose(there, back, rel_tol=1e-9)


@LAWFUL
@given(st.integers(-(10**13), 10**13), half_lives)
def test_an_event_one_half_life_ago_counts_exactly_half(time: int, half_life: int) -> None:
    one = rule(half_life_ms=float(half_life))
    for order in ([time, time + half_life], [time + half_life, time]):
        assert ledger(one, order) == (1.5, time + half_life, 2)


def test_a_mass_that_has_faded_to_nothing_is_nothing_and_no_error() -> None:
    one = rule(half_life_ms=1_000.0)
    for order in ([0, 10**15], [10**15, 0]):
        assert ledger(one, order) == (1.0, 10**15, 2)


def test_what_does_not_decay_stays_a_whole_number() -> None:
    """It packs small: a site has millions of them."""
    entry = ledger(rule(half_life_ms=inf), [0, 5, 3])
    assert entry == (3, 5, 3)
    assert isinstance(entry[0], int)


WINDOW = 6 * HOUR
LIMITED = rule(limit=2, limit_ms=WINDOW)
EDGE = -5 * HOUR
"""T0, a midnight, in the row's time: windows of six hours begin here."""


def test_a_limited_event_is_worth_1_until_its_window_ends() -> None:
    entry = ledger(LIMITED, [EDGE + HOUR])
    end = EDGE + WINDOW
    assert [worth(LIMITED, entry, at) for at in (EDGE + HOUR, end, end + DAY_MS)] == [1, 1, 0.5]


def test_a_window_is_full_at_its_limit_whatever_the_order() -> None:
    for order in ([EDGE, EDGE + 1, EDGE + 2], [EDGE + 2, EDGE, EDGE + 1]):
        entry = ledger(LIMITED, order)
        assert entry is not None
        assert (worth(LIMITED, entry, EDGE + WINDOW), entry[2]) == (2, 2)


def test_a_window_is_half_open() -> None:
    """Its end is the next one's beginning."""
    last, first = EDGE + WINDOW - 1, EDGE + WINDOW
    assert worth(LIMITED, ledger(LIMITED, [EDGE, EDGE, last, first]), first) == 2 + 1


def test_the_newest_16_windows_are_open_and_older_ones_closed() -> None:
    """17 windows with one event each: the oldest takes no more, the second oldest does, up to its limit."""
    starts = [EDGE + WINDOW * place for place in range(WINDOWS_MAX + 1)]
    entry = ledger(LIMITED, starts)
    assert entry is not None
    now = starts[-1]
    assert counted(LIMITED, entry, starts[0], now, BORN_MS, 1) is None
    opened = counted(LIMITED, entry, starts[1], now, BORN_MS, 1)
    assert opened is not None
    assert isclose(worth(LIMITED, opened, now) - worth(LIMITED, entry, now), 0.5 ** ((now - starts[2]) / DAY_MS))
    assert counted(LIMITED, opened, starts[1], now, BORN_MS, 1) is None


def test_a_late_event_in_a_window_of_its_own_closes_the_oldest() -> None:
    """16 windows with events and one that was skipped: it takes its place among the newest 16."""
    starts = [EDGE + WINDOW * place for place in range(WINDOWS_MAX + 1) if place != 8]
    entry = ledger(LIMITED, starts)
    assert entry is not None
    now = starts[-1]
    entry = counted(LIMITED, entry, EDGE + WINDOW * 8, now, BORN_MS, 1)
    assert entry is not None
    assert entry[2] == WINDOWS_MAX + 1
    assert counted(LIMITED, entry, starts[0], now, BORN_MS, 1) is None
    assert counted(LIMITED, entry, starts[1], now, BORN_MS, 1) is not None


def test_a_limited_entry_never_grows_beyond_16_windows() -> None:
    entry = ledger(LIMITED, [EDGE + WINDOW * place for place in range(200)])
    assert entry is not None
    assert len(entry[6]) == 2 * (WINDOWS_MAX - 1)
    by_days = rule(half_life_ms=inf, window_days=90, limit=2, limit_ms=WINDOW)
    entry = ledger(by_days, [EDGE + WINDOW * place for place in range(900)])
    assert entry is not None
    assert (len(entry[4]), len(entry[2])) == (2 * WINDOWS_MAX, 3 * 90)


BY_DAYS = rule(half_life_ms=inf, window_days=3)


def test_days_count_on_their_own_and_the_days_after() -> None:
    """The row was born at five in the morning; days are UTC's, not its own."""
    entry = ledger(BY_DAYS, [EDGE, EDGE + DAY_MS - 1, EDGE + DAY_MS])
    assert entry is not None
    assert [days_at(entry, 3, EDGE + DAY_MS * day, BORN_MS) for day in (1, 2, 3, 4)] == [(3, 3), (3, 3), (1, 1), (0, 0)]


def test_days_hold_amounts_and_counts() -> None:
    entry = ledger(BY_DAYS, [0, 1], amount=2.5)
    assert entry is not None
    assert days_at(entry, 3, 1, BORN_MS) == (5.0, 2)


def test_an_event_of_a_day_that_has_passed_its_window_is_not_counted() -> None:
    entry = ledger(BY_DAYS, [EDGE + 3 * DAY_MS])
    assert counted(BY_DAYS, entry, EDGE + DAY_MS - 1, EDGE + 3 * DAY_MS, BORN_MS, 1) is None
    assert counted(BY_DAYS, entry, EDGE + DAY_MS, EDGE + 3 * DAY_MS, BORN_MS, 1) is not None


@pytest.mark.parametrize("one", [rule(once=True), rule(half_life_ms=inf, window_days=9, once=True)])
def test_once_keeps_the_earliest(one: Rule) -> None:
    entry = ledger(one, [5, 9, 3, 4])
    assert entry is not None
    assert (entry[1], worth(one, entry, 5) > 0) == (3, True)
    assert counted(one, entry, 3, 9, BORN_MS, 1) is None


class TestAnotherShapeAfterAReload:
    """An entry that was written under another `window` or `limit` of its rule."""

    def test_between_window_and_half_life_it_starts_empty(self) -> None:
        """And until then what is there is not read."""
        plain, by_days = ledger(rule(), [0, 0]), ledger(BY_DAYS, [0, 0])
        assert worth(BY_DAYS, plain, 0) == worth(rule(), by_days, 0) == 0
        assert worth(BY_DAYS, ledger(BY_DAYS, [0], entry=plain), 0) == 1
        assert worth(rule(), ledger(rule(), [0], entry=by_days), 0) == 1
        assert worth(LIMITED, ledger(LIMITED, [0], entry=by_days), 0) == 1

    def test_a_limit_from_now_on_keeps_what_was_counted(self) -> None:
        """Five plain events, a day ago, are 2.5 now; of the three that come now two count."""
        entry = ledger(rule(), [0] * 5)
        limited = ledger(LIMITED, [DAY_MS] * 3, entry=entry)
        assert limited is not None
        assert isclose(worth(LIMITED, limited, DAY_MS), 5 / 2 + 2)
        assert limited[2] == 5 + 2

    def test_a_limit_that_is_gone_keeps_what_was_counted(self) -> None:
        entry = ledger(LIMITED, [EDGE, EDGE])
        plain = ledger(rule(), [EDGE + WINDOW + DAY_MS] * 3, entry=entry)
        assert plain is not None
        assert isclose(worth(rule(), plain, EDGE + WINDOW + DAY_MS), 2 / 2 + 3)

    def test_another_length_of_the_windows_of_a_limit_begins_them_anew(self) -> None:
        hourly = rule(limit=2, limit_ms=HOUR)
        entry = ledger(LIMITED, [EDGE, EDGE])
        changed = ledger(hourly, [EDGE, EDGE, EDGE], entry=entry)
        assert changed is not None
        assert isclose(worth(hourly, changed, EDGE + HOUR), 2 + 2 * 0.5 ** (HOUR / DAY_MS))
        assert changed[2] == 2 + 2

    def test_another_number_of_the_same_windows_counts_on(self) -> None:
        """From 2 to 3 there is room for one more, from 2 to 1 for none."""
        entry = ledger(LIMITED, [EDGE, EDGE])
        for limit, count in ((3, 3), (1, 2)):
            changed = ledger(rule(limit=limit, limit_ms=WINDOW), [EDGE, EDGE], entry=entry)
            assert changed is not None
            assert changed[2] == count

    def test_a_limit_of_once_takes_no_more_where_something_was_counted(self) -> None:
        entry = ledger(rule(), [5, 5])
        assert ledger(rule(once=True), [9, 1], entry=entry) == entry

    def test_no_half_life_makes_a_mass_overflow(self) -> None:
        """A limit is added to a rule whose half-life is a second, for an event that is days late."""
        quick = rule(half_life_ms=1_000.0)
        entry = ledger(quick, [90 * DAY_MS])
        limited = rule(half_life_ms=1_000.0, limit=1, limit_ms=WINDOW)
        changed = counted(limited, entry, 0, 90 * DAY_MS, BORN_MS, 1)
        assert changed is not None
        assert mass_at(changed, 1_000.0, 90 * DAY_MS, BORN_MS) < inf


def test_once_asked_for_later_leaves_what_has_counted_alone() -> None:
    """Four days counted before the rule was limited to once: a late event is no reason to forget three of them."""
    before = ledger(rule(half_life_ms=inf, window_days=30), [0, DAY_MS, 2 * DAY_MS, 3 * DAY_MS])
    once = rule(half_life_ms=inf, window_days=30, once=True)
    assert counted(once, before, DAY_MS + 5, 3 * DAY_MS, BORN_MS, 1) is None


def test_a_limit_that_is_gone_leaves_mass_and_time_as_they_were() -> None:
    """One event at 0 counts in full until its window ends at 1 h; two half-lives after that a quarter, and one more."""
    entry = ledger(LIMITED, [0])
    free = rule()
    came = counted(free, entry, 2 * DAY_MS, EDGE + WINDOW + 2 * DAY_MS, BORN_MS, 1)
    assert came is not None
    assert came[1:] == (2 * DAY_MS, 2)
    assert isclose(worth(free, came, EDGE + WINDOW + 2 * DAY_MS), 0.25 + 0.5 ** (HOUR / DAY_MS), rel_tol=1e-12)


def test_once_asked_for_of_an_amount_keeps_it() -> None:
    before = ledger(rule(half_life_ms=inf), [0], amount=7.0)
    assert counted(rule(half_life_ms=inf, once=True), before, -5, 0, BORN_MS, 1) is None
