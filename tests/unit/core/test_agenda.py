"""What falls due, in which order, and when to look."""

from itertools import pairwise
from math import inf

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine.core.agenda import Agenda

SPAN_MS = 60_000
keys = st.sampled_from([b"a", b"b", b"c", b"d"])
near = st.integers(0, 3 * SPAN_MS)
instants = near | st.integers(0, 10**13) | st.sampled_from([SPAN_MS - 1, SPAN_MS, SPAN_MS + 1])


def emptied(agenda: Agenda, due: dict[bytes, int], until_ms: float = inf) -> list[tuple[int, bytes]]:
    """All that is due; a row that was found is due no more."""
    found = []
    while (first := agenda.pop(until_ms, due.get)) is not None:
        found.append(first)
        del due[first[1]]
    return found


@given(st.dictionaries(st.binary(max_size=3), instants), st.lists(instants, max_size=4))
def test_rows_come_by_due_time_and_key_and_none_too_early(due: dict[bytes, int], stops: list[int]) -> None:
    """However time advances in between."""
    agenda = Agenda((due_ms, key) for key, due_ms in due.items())
    expected = sorted((due_ms, key) for key, due_ms in due.items())
    found: list[tuple[int, bytes]] = []
    for stop in [*sorted(stops), inf]:
        found += emptied(agenda, due, stop)
        assert found == [entry for entry in expected if entry[0] <= stop]
    assert agenda.next_ms == inf


def test_the_first_row_stays_until_it_is_taken() -> None:
    """Looking changes nothing."""
    agenda = Agenda([(7, b"b"), (5, b"a")])
    due = {b"a": 5, b"b": 7}
    assert [agenda.first(9, due.get), agenda.first(9, due.get), agenda.pop(9, due.get)] == [(5, b"a")] * 3
    assert agenda.first(6, due.get) is None
    assert agenda.pop(9, due.get) == (7, b"b")


def test_an_entry_that_comes_too_early_is_put_back_to_when_its_row_is_due() -> None:
    """So a due time that moves back need not be told."""
    agenda = Agenda([(5, b"a"), (6, b"b")])
    due = {b"a": 2 * SPAN_MS, b"b": 6}
    assert agenda.pop(SPAN_MS, due.get) == (6, b"b")
    assert agenda.next_ms == 2 * SPAN_MS
    assert agenda.pop(2 * SPAN_MS - 1, due.get) is None
    assert agenda.pop(2 * SPAN_MS, due.get) == (2 * SPAN_MS, b"a")


def test_a_row_that_is_gone_leads_nowhere() -> None:
    """Nor does one that is never due."""
    agenda = Agenda([(5, b"a"), (5, b"b"), (SPAN_MS, b"c")])
    assert agenda.pop(inf, {b"c": SPAN_MS}.get) == (SPAN_MS, b"c")
    assert agenda.pop(inf, lambda key: None) is None
    assert agenda.next_ms == inf


@given(st.lists(instants, min_size=2, max_size=8))
def test_of_many_entries_of_a_row_one_counts(entries: list[int]) -> None:
    """A due time that moves to and fro leaves entries behind; the row is found once, when it is due."""
    agenda = Agenda((entry, b"a") for entry in entries)
    due = {b"a": max(entries)}
    assert emptied(agenda, due) == [(max(entries), b"a")]
    assert agenda.next_ms == inf


class Lane(RuleBasedStateMachine):
    """An agenda beside the due times themselves: rows change, come and go, and time advances.

    As a job does, a row is put where it comes to be due earlier than before, or is new, or was taken.
    """

    def __init__(self) -> None:
        super().__init__()
        self.agenda = Agenda()
        self.due: dict[bytes, int] = {}
        self.now_ms = 0

    @rule(key=keys, in_ms=instants)
    def change(self, key: bytes, in_ms: int) -> None:
        """A fold leaves the row due then."""
        due_ms = self.now_ms + in_ms
        before = self.due.get(key)
        self.due[key] = due_ms
        if before is None or due_ms < before:
            self.agenda.put(due_ms, key)

    @rule(key=keys)
    def remove(self, key: bytes) -> None:
        """A fold leaves no row."""
        self.due.pop(key, None)

    @rule(in_ms=instants, again_ms=st.none() | near)
    def advance(self, in_ms: int, again_ms: int | None) -> None:
        """Everything due is found in order, once; each row may be due again later."""
        self.now_ms += in_ms
        found: list[tuple[int, bytes]] = []
        expected: list[tuple[int, bytes]] = []
        while (first := self.agenda.pop(self.now_ms, self.due.get)) is not None:
            expected.append(min((due_ms, key) for key, due_ms in self.due.items()))
            found.append(first)
            due_ms, key = first
            if again_ms is None:
                del self.due[key]
            else:
                self.due[key] = due_ms + again_ms + 1
                self.agenda.put(self.due[key], key)
            if len(found) > 20:
                break
        else:
            assert all(due_ms > self.now_ms for due_ms in self.due.values())
        assert found == expected
        assert all(before <= after for before, after in pairwise(found))

    @invariant()
    def nothing_is_due_before_next_ms(self) -> None:
        """So whoever waits for it misses nothing."""
        assert self.agenda.next_ms <= min(self.due.values(), default=inf)


TestLane = Lane.TestCase
