"""Instants in ms, RFC 3339, and durations."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.instants import FIRST_MS, LAST_MS, from_rfc3339, parse_duration, to_rfc3339
from tests.stories import LAWFUL

moments = st.integers(FIRST_MS, LAST_MS)


@LAWFUL
@given(moments)
def test_text_and_instant_are_each_others_inverse(instant_ms: int) -> None:
    text = to_rfc3339(instant_ms)
    assert from_rfc3339(text) == instant_ms
    assert datetime.fromisoformat(text) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant_ms)


@LAWFUL
@given(moments, moments)
def test_texts_sort_like_their_instants(one: int, other: int) -> None:
    assert (one < other) == (to_rfc3339(one) < to_rfc3339(other))


@pytest.mark.parametrize("instant_ms", [FIRST_MS - 1, LAST_MS + 1, 2**63])
def test_no_text_is_made_of_what_no_calendar_holds(instant_ms: int) -> None:
    with pytest.raises(OverflowError):
        to_rfc3339(instant_ms)


@pytest.mark.parametrize(
    ("text", "instant_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00", 0),
        ("1970-01-01T05:30:00.001+05:30", 1),
        ("1969-12-31T23:59:59.9999Z", -1),
    ],
)
def test_an_offset_counts_none_is_utc_and_fractions_of_a_ms_are_dropped(text: str, instant_ms: int) -> None:
    assert from_rfc3339(text) == instant_ms


@pytest.mark.parametrize("text", ["", "now", "2026-11-23", "20261123T043000Z", "2026-W48-1", "2026-02-30T00:00:00Z"])
def test_what_is_no_rfc_3339_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time such as"):
        from_rfc3339(text)


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [("30s", 30_000), ("15m", 900_000), ("2h", 7_200_000), ("30d", 2_592_000_000), ("1h30m", 5_400_000), ("0s", 0)],
)
def test_durations(text: str, duration_ms: int) -> None:
    assert parse_duration(text) == duration_ms


@pytest.mark.parametrize("text", ["", "30", "s", "1.5h", "-1s", "1h 30m", "1w", "1H", "٣s"])
def test_what_is_no_duration_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        parse_duration(text)


def test_a_time_whose_offset_takes_it_out_of_the_calendar_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="not within the years 1 to 9999"):
        from_rfc3339("9999-12-31T23:59:59-23:59")
