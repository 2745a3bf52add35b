from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.flow import InputRecord
from engine.core.instants import from_rfc3339
from engine.local.export import Latest, Wanted
from engine.readmodel.events import SCORES
from tests.unit.readmodel.samples import NOW_MS, as_record, score, scored

LEADS = ["ada", "bob", "email:c@example.com", "=x"]


def gone(lead: str) -> InputRecord:
    return InputRecord(SCORES, 0, 0, NOW_MS, lead.encode(), None)


@given(st.lists(st.tuples(st.sampled_from(LEADS), st.none() | st.integers(0, 100)), max_size=12))
def test_of_each_lead_the_last_record_counts_and_a_tombstone_takes_it_out(told: list[tuple[str, int | None]]) -> None:
    """In the order of the leads' ids."""
    expected: dict[str, float] = {}
    with closing(Latest()) as latest:
        for lead, total in told:
            expected.pop(lead, None)
            if total is not None:
                expected[lead] = total
            latest.take(gone(lead) if total is None else as_record(scored(lead, total)))
        assert [(one.lead, one.total) for one in latest.scores()] == sorted(expected.items())
        assert len(latest) == len(expected)


def test_records_that_cannot_be_read_are_counted_and_change_nothing() -> None:
    """Broken ones, and kinds that a newer version writes."""
    with closing(Latest()) as latest:
        latest.take(as_record(scored("ada", 40.0)))
        latest.take(gone("ada")._replace(value=b"{oops"))
        latest.take(gone("ada")._replace(value=b'{"type": "io.heatline.lead.dreamt.v1"}'))
        assert (len(latest), latest.unreadable) == (1, 2)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Wanted(), True),
        (Wanted(bands=("cold", "warm")), True),
        (Wanted(bands=("hot",)), False),
        (Wanted(stages=("lead",)), True),
        (Wanted(stages=("customer",)), False),
        (Wanted(owners=("bea", "andy")), True),
        (Wanted(owners=("bea",)), False),
        (Wanted(since_ms=from_rfc3339("2026-11-23T10:00:00Z")), True),
        (Wanted(since_ms=from_rfc3339("2026-11-23T10:00:00.001Z")), False),
        (Wanted(bands=("warm",), owners=("bea",)), False),
    ],
)
def test_a_lead_is_taken_if_it_is_all_that_is_asked_for(wanted: Wanted, taken: bool) -> None:
    """`since` is when it was last seen, that instant included."""
    made = score("ada", 40.0, last_seen="2026-11-23T10:00:00.000Z")
    assert wanted.takes(made) is taken


def test_a_lead_whose_last_time_nobody_can_read_was_not_seen_since() -> None:
    assert not Wanted(since_ms=0).takes(score("ada", last_seen="soon"))
