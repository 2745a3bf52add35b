"""Two ledgers as one: what each rule counted, by hand, and what a changed model left in either."""

from math import inf, isclose, isfinite
from typing import Any

from engine.core.instants import DAY_MS
from engine.core.ledger import GONE, WINDOWS_MAX, Entry
from engine.core.ledgermerge import merged_ledgers
from engine.core.model import Rule
from engine.core.points import read_entry
from tests.build import DAY, HOUR, T0

START, DAY_NUMBER = T0 // HOUR, T0 // DAY_MS
"""The window of an hour, and the day, that begin with T0; rows are born then."""


def rule(**keys: Any) -> Rule:
    return Rule("r", lambda _event: True, 1.0, **{"half_life_ms": float(DAY), **keys})


PLAIN, FOR_EVER = rule(), rule(half_life_ms=inf)
ONCE = rule(once=True)
HOURLY = rule(limit=2, limit_ms=HOUR)
BY_DAYS = rule(half_life_ms=inf, window_days=3)
BY_DAYS_LIMITED = rule(half_life_ms=inf, window_days=3, limit=2, limit_ms=6 * HOUR)


def added(one: Rule, first: Entry, second: Entry, now: int = 0) -> Entry:
    """Both entries of a rule as one, which is the same from either side."""
    there, back = (
        merged_ledgers({"r": one}, {"r": a}, {"r": b}, now, T0) for a, b in ((first, second), (second, first))
    )
    assert there == back
    return there["r"]


def hours(newest: int, here: int, *before: int, mass: float = 0.0, count: int = 0) -> Entry:
    """An entry of HOURLY: windows by their distance from START."""
    listed = [START + number if place % 2 == 0 else number for place, number in enumerate(before)]
    return (mass, newest * HOUR, count or here + sum(before[1::2]), 3_600, START + newest, here, listed)


def test_masses_restate_to_the_later_time_and_add() -> None:
    """2 events one half-life before the later: 2 / 2 + 1 = 2."""
    assert added(PLAIN, (2.0, 0, 2), (1.0, DAY, 1)) == (2.0, DAY, 3)


def test_what_does_not_decay_adds_as_whole_numbers() -> None:
    entry = added(FOR_EVER, (2, 0, 2), (1, DAY, 1))
    assert entry == (3, DAY, 3)
    assert isinstance(entry[0], int)


def test_once_keeps_the_earliest() -> None:
    assert added(ONCE, (1, 7, 1), (1, 5, 1)) == (1, 5, 1)
    by_days = rule(half_life_ms=inf, window_days=3, once=True)
    entries: list[Entry] = [(None, at, [DAY_NUMBER, 1, 1], 0, []) for at in (7, 5)]
    assert added(by_days, entries[0], entries[1]) == entries[1]


def test_a_rule_that_only_one_counted_is_as_it_was() -> None:
    rules = {"a": PLAIN, "b": HOURLY}
    assert merged_ledgers(rules, {"a": (1.0, 0, 1)}, {"b": hours(0, 1)}, 0, T0) == {"a": (1.0, 0, 1), "b": hours(0, 1)}


def test_windows_add_up_to_the_limit() -> None:
    """Window 0 has 1 + 1, the limit; window 1 has 2 + 1, one more, which counts no more."""
    one, other = hours(1, 2, 0, 1, mass=1.0), hours(1, 1, 0, 1, mass=1.0)
    assert added(HOURLY, one, other) == hours(1, 2, 0, 2, mass=2.0, count=4)


def test_what_is_over_the_limit_of_an_ended_window_leaves_the_mass() -> None:
    """Window 0 has 2 + 2, of which 2 count: worth 2 where window 1 begins, 2 × 2^(−1/24) where window 2 does."""
    entry = added(HOURLY, hours(1, 1, 0, 2, mass=2.0), hours(2, 1, 0, 2, mass=2 * 2 ** (-1 / 24)))
    assert (entry[2], *entry[4:]) == (4, START + 2, 1, [START + 1, 1, START, 2])
    assert isclose(entry[0], 1 + 2 * 2 ** (-1 / 24))


def test_the_newest_16_windows_stay_listed_and_older_ones_are_closed() -> None:
    """Windows 0 to 15 and 16 to 31 of one event each, all worth what they were."""
    mass = sum(2 ** (-age / 24) for age in range(15))
    early, late = (
        hours(newest, 1, *(number for age in range(1, 16) for number in (newest - age, 1)), mass=mass)
        for newest in (15, 31)
    )
    entry = added(HOURLY, early, late)
    assert (entry[2], len(entry[6])) == (32, 2 * (WINDOWS_MAX - 1))
    assert entry[5:] == late[5:]
    assert isclose(entry[0], sum(2 ** (-age / 24) for age in range(31)))


def test_a_limit_that_was_lowered_takes_back_nothing_that_counted() -> None:
    """Of a window with 5 under the limit before, 5 stay, but none of the other's 1 come on top."""
    assert added(HOURLY, hours(0, 5), hours(0, 1)) == hours(0, 5)
    assert added(HOURLY, hours(0, 5), hours(0, 1, count=1))[2] == 5
    one: Entry = (None, 9, [DAY_NUMBER, 5, 5], 21_600, [DAY_NUMBER * 4, 5])
    other: Entry = (None, 5, [DAY_NUMBER, 1, 1], 21_600, [DAY_NUMBER * 4, 1])
    assert added(BY_DAYS_LIMITED, one, other) == one


def test_days_add_and_those_that_count_no_more_go() -> None:
    """Of three days the last two of 23 to 26 November and the third."""
    one: Entry = (None, 0, [DAY_NUMBER - 1, 1, 1, DAY_NUMBER, 2.5, 2], 0, [])
    other: Entry = (None, 2 * DAY, [DAY_NUMBER, 1, 1, DAY_NUMBER + 2, 4, 3], 0, [])
    assert added(BY_DAYS, one, other) == (None, 2 * DAY, [DAY_NUMBER, 3.5, 3, DAY_NUMBER + 2, 4, 3], 0, [])


def test_what_is_over_the_limit_of_a_window_leaves_its_day() -> None:
    """2 + 1 in the first quarter of a day, of which 2 may count, and 1 in the last."""
    first, last = DAY_NUMBER * 4, DAY_NUMBER * 4 + 3
    one: Entry = (None, 9, [DAY_NUMBER, 3, 3], 21_600, [last, 1, first, 2])
    other: Entry = (None, 5, [DAY_NUMBER, 1, 1], 21_600, [first, 1])
    assert added(BY_DAYS_LIMITED, one, other) == (None, 9, [DAY_NUMBER, 3, 3], 21_600, [last, 1, first, 2])


def test_an_entry_from_before_the_limit_adds_to_what_is_within_it() -> None:
    """One event half a day before the window's start is worth 2^(−1/2) there; the window goes on where it was."""
    entry = added(HOURLY, hours(0, 2), (1.0, -12 * HOUR, 1))
    assert (entry[1], entry[2], entry[4:]) == (0, 3, hours(0, 2)[4:])
    assert isclose(entry[0], 2**-0.5)


def test_windows_of_another_length_close_and_are_worth_what_they_were() -> None:
    """At the merge, ten minutes into the hour: nothing of it has begun to decay."""
    now = HOUR // 6
    for other in (rule(), rule(limit=2, limit_ms=2 * HOUR)):
        entry = added(other, hours(0, 2), (1.0, now - DAY, 1), now)
        assert len(entry) == 3
        assert isclose(read_entry(entry, other.half_life_ms, None, now, T0)[0], 2.5)
        assert entry[2] == 3


def test_an_entry_that_its_rule_can_read_stays_before_one_that_it_cannot() -> None:
    """Between `window` and `half_life` a rule starts empty; of two from before the later stays."""
    by_days: Entry = (None, 0, [DAY_NUMBER, 1, 1], 0, [])
    plain: Entry = (7.0, 5, 7)
    assert added(BY_DAYS, by_days, plain) == by_days
    assert added(PLAIN, by_days, plain) == plain
    assert added(BY_DAYS, plain, (1.0, 9, 1)) == (1.0, 9, 1)


def test_what_counted_before_a_rule_was_limited_to_once_stays_and_nothing_comes_on_top() -> None:
    assert added(ONCE, (2.5, 9, 3), (1, 5, 1)) == (2.5, 9, 3)
    assert added(ONCE, (2.5, DAY, 3), (3.0, 0, 3)) == (4.0, DAY, 6)


def test_an_entry_whose_rule_came_back_counts_again() -> None:
    """The other row was written under a model without the rule."""
    ledger = merged_ledgers({"r": PLAIN}, {"r": (2.0, 0, 2)}, {f"{GONE}r": (99, 1.0, DAY, 1)}, DAY, T0)
    assert ledger == {"r": (2.0, DAY, 3)}


def test_of_a_rule_that_is_gone_the_later_entry_is_kept_and_since_when_it_is() -> None:
    later = (50, 1.0, 9, 1)
    assert merged_ledgers({}, {f"{GONE}r": (99, 2.0, 5, 2)}, {f"{GONE}r": later}, 100, T0) == {f"{GONE}r": later}
    assert merged_ledgers({}, {"r": (1.0, 9, 1)}, {}, 100, T0) == {f"{GONE}r": (100, 1.0, 9, 1)}


def test_numbers_that_no_clock_shows_do_not_overflow() -> None:
    short = rule(half_life_ms=1.0, limit=2, limit_ms=HOUR)
    far: Entry = (0.0, 10**15, 1, 3_600, 10**9, 1, [])
    assert added(short, hours(0, 2), far)[4] == 10**9
    assert isfinite(added(rule(half_life_ms=1.0), (1.0, -(10**15), 1), hours(0, 2))[0])
    assert isfinite(added(short, (1.0, 10**15, 1), hours(0, 2))[0])
