"""Whatever a visitor sends, the core does not raise, and no row outgrows its bound."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.flow import InputRecord
from tests.build import DAY, MINUTE, T0, record, segment
from tests.build import model as loaded
from tests.laws import hostile
from tests.laws.engine import Lane, values
from tests.laws.models import LAW
from tests.reference.events import Spec

ROW_BYTES_MAX = 4_096
HOSTILE = settings(LAW, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
MODEL: Spec = {
    "publish_from": "cold",
    "groups": {"web": {"max": 40}},
    "products": {"insurance": "/products/insurance*"},
    "engagement": {
        "view": {"when": {"event": "page_view"}, "points": 1, "group": "web"},
        "prices": {
            "when": {"page.path": "/pricing*", "page.title": {"contains": "a"}},
            "points": 5,
            "limit": "3 per 1d",
        },
        "money": {"when": {"event": "purchase"}, "points": 0.1, "times": "properties.revenue", "times_max": 500},
        "units": {"when": {"event": "purchase"}, "points": 1, "times": "properties.percent", "decay": "none"},
        "read": {"when": {"signal": "dwell", "properties.seconds": {"gt": 5}}, "points": 1, "window": "60d"},
        "searched": {"when": {"event": "search", "page.url": {"matches": "(a|b)+c"}}, "points": 1, "limit": "once"},
        "asked": {"when": {"event": ["demo_request", "chat"]}, "points": 50, "fast_track": True},
        "language": {"when": {"event": "click", "language": "de", "device": "mobile"}, "points": 1},
        "paid": {"when": {"event": "page_view", "channel": "paid", "campaign.source": {"exists": True}}, "points": 1},
        "watched": {"when": {"signal": "video_watched"}, "points": 1},
        "left": {"when": {"signal": ["form_abandoned", "cart_abandoned", "checkout_abandoned"]}, "points": 5},
        "returned": {"when": {"signal": ["session_start", "session_end", "bounce", "return_visit"]}, "points": 1},
    },
    "fit": {
        "chief": {"when": {"traits.title": {"matches": r"\b(ceo|owner)\b"}}, "points": 10},
        "age": {"when": {"traits.age": {"between": [30, 45]}}, "points": 5},
        "mail": {"when": {"traits.email_valid": True, "traits.email_free": False}, "points": 5},
        "phone": {"when": {"traits.phone_valid": True, "country": "US"}, "points": 5},
        "sector": {"when": {"traits.industry": {"starts_with": "fin"}}, "points": 5},
    },
    "conversions": {"sale": {"when": {"event": "purchase"}, "value": "properties.revenue"}},
    "stages": {"lead": {"known": True}, "marketingqualifiedlead": {"total": {"gte": 20}}},
    "alerts": {
        "hot": {"crosses": 10, "rearm_below": 5},
        "cooled": {"falls_below": 10, "rearm_above": 12},
        "gains": {"gains": 5, "within": "10m", "cooldown": "0s"},
        "fast": {"fast_track": True, "cooldown": "0s"},
        "silent": {"silent_for": "30m", "cooldown": "0s"},
        "left": {"when": {"event": "add_to_cart"}, "not_followed_by": {"event": "purchase"}, "within": "5m"},
    },
    "actions": {
        "send": {
            "when": {"event": "page_view"},
            "cooldown": "0s",
            "data": {"name": "{traits.title}", "path": "{page.path}", "product": "{product}"},
        }
    },
}


@pytest.fixture(scope="module")
def lane_of_model() -> Any:
    model = loaded(MODEL)
    return lambda: Lane(model)


def fold_all(lane: Lane, records: Sequence[InputRecord]) -> set[bytes]:
    """Each record a chunk, a restart after each; then what falls due, and what is shown of it. Raises for a defect.

    The keys of the rows that the records made, before the idle ones were evicted.
    """
    for each in records:
        lane.fold([each])
        assert all(len(row) <= ROW_BYTES_MAX for row in lane.rows.values())
        lane.restart()
    came = set(lane.rows)
    lane.wake(T0 + 2 * DAY)
    lane.wake(T0 + 40 * DAY)
    lane.scores(T0 + 40 * DAY)
    reasons = [values(output)["data"]["failure"]["reason"] for output in lane.outputs if output.topic == "dead-letters"]
    assert "internal" not in reasons
    return came


@HOSTILE
@given(st.data())
def test_no_event_is_an_internal_failure_or_outgrows_its_row(lane_of_model: Any, data: st.DataObject) -> None:
    """Sound events with hostile texts, numbers and shapes in any of their fields."""
    lived = [data.draw(hostile.events(place)) for place in range(data.draw(st.integers(1, 5)))]
    fold_all(lane_of_model(), [record(value, T0 + place * MINUTE, place) for place, value in enumerate(lived)])


@HOSTILE
@given(st.lists(hostile.garbage, min_size=1, max_size=4))
def test_bytes_that_are_no_event_are_dead_letters_or_events(lane_of_model: Any, garbage: list[bytes]) -> None:
    fold_all(lane_of_model(), [record(value, T0, place) for place, value in enumerate(garbage)])


@pytest.mark.parametrize("text", hostile.TEXTS, ids=range(len(hostile.TEXTS)))
def test_a_nasty_text_in_every_field_at_once_does_no_harm(lane_of_model: Any, text: str) -> None:
    """But in those without which it is no event, and in its times."""
    lane = lane_of_model()
    events = []
    for place, name in enumerate(hostile.NAMES):
        event = segment(name, T0 + place * MINUTE, "ada", messageId=f"m{place}")
        for where in hostile.PLACES:
            if "." in where:
                hostile.put(event, where, text)
        event["properties"] = {**event["properties"], **{f"{text}{number}": text for number in range(3)}}
        events.append(record(event, T0 + place * MINUTE, place))
    assert fold_all(lane, events) == {b"ada"}


def test_a_row_stays_within_its_bound_however_much_of_everything_comes(lane_of_model: Any) -> None:
    """Each history, counter, trait and text as large as it gets; four bytes a character. It is no empty bound."""
    lane = lane_of_model()
    wide = "\U0001f525" * 500
    largest = 0
    for place in range(400):
        name = hostile.NAMES[place % len(hostile.NAMES)]
        event = segment(name, T0 + place * 31 * MINUTE, "ada", messageId=f"m{place}")
        for where in hostile.PLACES:
            if "." in where and where not in ("context.channel", "context.userAgent", "context.ip"):
                hostile.put(event, where, f"{place}{wide}")
        event["properties"]["revenue"] = 1e300 / (place + 1)
        lane.fold([record(event, T0 + place * 31 * MINUTE, place)])
        largest = max(largest, *(len(row) for row in lane.rows.values()))
    assert ROW_BYTES_MAX // 2 < largest <= ROW_BYTES_MAX


@pytest.mark.parametrize("number", [2**63, 2**64, 2**70, -(2**70), 10**300, 1e308, 5e-324])
def test_a_number_of_any_size_in_every_field_does_no_harm(lane_of_model: Any, number: float) -> None:
    """Whatever is summed up of it can be stored."""
    events = []
    for place, name in enumerate(hostile.NAMES):
        event = segment(name, T0 + place * MINUTE, "ada", messageId=f"m{place}")
        for where in hostile.PLACES:
            if where.startswith(("properties.", "traits.")):
                hostile.put(event, where, number)
        events.append(record(event, T0 + place * MINUTE, place))
    assert fold_all(lane_of_model(), events) == {b"ada"}


@pytest.mark.parametrize("size", [250_000, 1_000_000])
@pytest.mark.parametrize("piece", ["a", "\u202e", "(a+)+$", "a@b.", "../", "\\"])
def test_hostile_text_takes_no_time(lane_of_model: Any, size: int, piece: str) -> None:
    """A second for six megabytes would be a hole: a visitor writes as long a text as a record may be."""
    lane = lane_of_model()
    text = piece * (size // len(piece) // 4)
    started = time.process_time()
    for place, where in enumerate(("context.page.url", "context.page.title", "traits.title", "traits.email")):
        event = segment("page_view", T0, "ada", messageId=f"m{place}")
        hostile.put(event, where, text)
        lane.fold([record(event, T0, place)])
    assert time.process_time() - started < 2
