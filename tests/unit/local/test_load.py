import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.core.instants import from_rfc3339
from engine.local.load import benchmark_events

START_MS = from_rfc3339("2026-11-23T12:00:00Z")


@given(st.integers(0, 10**6), st.integers(1, 1000))
def test_a_seed_gives_the_same_load(seed: int, leads: int) -> None:
    """And another seed another."""
    assert list(benchmark_events(seed, leads, 50, START_MS)) == list(benchmark_events(seed, leads, 50, START_MS))
    assert list(benchmark_events(seed, leads, 50, START_MS)) != list(benchmark_events(seed + 1, leads, 50, START_MS))


def test_the_load_is_what_it_says() -> None:
    """So many events, each of them a Segment event with its visitor's key, its time and a messageId of its own."""
    records = list(benchmark_events(1, 5_000, 20_000, START_MS, events_per_s=2_000))
    events = [json.loads(value) for _, value in records]
    assert len(events) == len({event["messageId"] for event in events}) == 20_000
    assert [key.decode() for key, _ in records] == [event["anonymousId"] for event in events]
    assert [from_rfc3339(event["timestamp"]) - START_MS for event in events] == [
        n * 1000 // 2_000 for n in range(20_000)
    ]
    assert 350 < sum(len(value) for _, value in records) / len(records) < 500
    assert {event["type"] for event in events} == {"page", "track", "identify"}


def test_few_visitors_make_much_of_the_traffic() -> None:
    """A hundredth makes about a fifth, most come more than once or not at all, and none is beyond `leads`."""
    visits = Counter(key for key, _ in benchmark_events(1, 5_000, 50_000, START_MS))
    assert len(visits) <= 5_000
    busiest = sum(count for _, count in visits.most_common(50))
    assert 0.15 < busiest / 50_000 < 0.3
