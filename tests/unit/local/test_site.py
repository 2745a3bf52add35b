from collections import Counter, defaultdict
from itertools import islice, pairwise, takewhile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.local.site import EVENTS_PER_VISITOR, Step, visits

SEEDS = st.integers(0, 10**6)


def first(count: int, seed: int = 1, events_per_s: float = 20.0) -> list[Step]:
    return list(islice(visits(seed, events_per_s), count))


def by_visitor(steps: list[Step]) -> dict[int, list[dict[str, Any]]]:
    events = defaultdict(list)
    for step in steps:
        events[step.visitor].append(step.event)
    return events


@given(SEEDS)
def test_a_seed_gives_the_same_visits(seed: int) -> None:
    """And another seed others."""
    assert first(60, seed) == first(60, seed)
    assert first(60, seed) != first(60, seed + 1)


@given(SEEDS)
def test_time_only_goes_forward(seed: int) -> None:
    assert all(before.at_s <= after.at_s for before, after in pairwise(first(200, seed)))


@given(SEEDS, st.sampled_from([5.0, 50.0, 500.0]))
def test_a_visitor_does_the_same_at_any_rate(seed: int, events_per_s: float) -> None:
    """One is a beginning of the other, since both are cut off."""
    one, other = by_visitor(first(150, seed)), by_visitor(first(150, seed, events_per_s))
    for visitor in one.keys() & other.keys():
        length = min(len(one[visitor]), len(other[visitor]))
        assert one[visitor][:length] == other[visitor][:length]


@given(SEEDS)
def test_each_event_is_a_visitors_own(seed: int) -> None:
    """One anonymousId a visitor, each messageId once, and from the identify on always that visitor's userId."""
    steps = first(300, seed)
    assert len({step.event["messageId"] for step in steps}) == len(steps)
    visitors = by_visitor(steps)
    assert len({event["anonymousId"] for events in visitors.values() for event in events}) == len(visitors)
    for visitor, events in visitors.items():
        assert len({event["anonymousId"] for event in events}) == 1
        identified = [event["type"] for event in events].index("identify") if "userId" in events[-1] else len(events)
        assert [event.get("userId") for event in events] == [None] * identified + [f"user-{visitor}"] * (
            len(events) - identified
        )


@given(SEEDS)
def test_the_first_visitor_asks_for_something_within_seconds(seed: int) -> None:
    """So that the first alert of a demo comes soon, at any rate."""
    soon = [step.event for step in takewhile(lambda step: step.at_s < 8, visits(seed, 5.0)) if step.visitor == 0]
    assert {"Form Submitted", "demo_request"} < {event.get("event") for event in soon}
    assert [event["type"] for event in soon].count("identify") == 1


def test_events_come_at_the_rate_that_was_asked_for() -> None:
    """To a tenth, which is what EVENTS_PER_VISITOR stands for."""
    steps = first(20_000, events_per_s=50.0)
    assert len(steps) / steps[-1].at_s == pytest.approx(50, rel=0.1)
    assert len(steps) / len(by_visitor(steps)) == pytest.approx(EVENTS_PER_VISITOR, rel=0.1)


def test_most_visitors_stay_strangers_and_some_do_everything() -> None:
    """Visits end early as a rule; every kind of event is there, and people come back."""
    visitors = by_visitor(first(20_000))
    lengths = [len(events) for events in visitors.values()]
    assert sum(length <= 3 for length in lengths) > 0.75 * len(lengths)
    assert 0.03 < sum("userId" in events[-1] for events in visitors.values()) / len(visitors) < 0.2
    names = Counter(event.get("event", event["type"]) for events in visitors.values() for event in events)
    assert set(names) == {
        *("page", "page_leave", "heartbeat", "identify", "file_download", "form_start", "Form Submitted"),
        *("webinar_register", "demo_request", "demo_cancel", "Trial Started", "Product Viewed", "Product Added"),
        *("Checkout Started", "Order Completed", "Email Opened", "Email Link Clicked", "Unsubscribed"),
    }
    paths = {event["context"].get("page", {}).get("path") for events in visitors.values() for event in events}
    assert {"/pricing", "/products/insurance", "/careers"} <= paths
    assert any("campaign" in event["context"] for events in visitors.values() for event in events)


def test_some_leave_what_they_began() -> None:
    """Forms and carts both; who buys says for how much."""
    journeys = [[event.get("event") for event in events] for events in by_visitor(first(20_000)).values()]
    forms = [names for names in journeys if "form_start" in names]
    carts = [names for names in journeys if "Product Added" in names]
    assert 0.1 < sum("Form Submitted" not in names for names in forms) / len(forms) < 0.5
    assert 0.5 < sum("Order Completed" not in names for names in carts) / len(carts) < 0.9
    orders = [step.event["properties"] for step in first(20_000) if step.event.get("event") == "Order Completed"]
    assert all(order["revenue"] > 0 and order["currency"] == "USD" for order in orders)


def test_people_say_who_they_are() -> None:
    """What fit is made of: title, industry, size of the company, age, country."""
    said = [step.event["traits"] for step in first(5_000) if step.event["type"] == "identify"]
    assert all({"email", "title", "industry", "employees", "age", "country"} <= traits.keys() for traits in said)
    assert len({traits["title"] for traits in said}) > 5
    assert all({"state", "zip", "city"} <= traits.keys() for traits in said if traits["country"] == "US")
    assert len({traits["state"] for traits in said if traits["country"] == "US"}) > 5
