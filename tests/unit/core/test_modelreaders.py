"""What looks at an event is found by its name, and looks at nothing else."""

from typing import Any

import pytest

from tests.build import decoded, model, segment

EVENTS = ("page_view", "screen_view", "identify", "chat")


@pytest.mark.parametrize(
    ("when", "seen", "signals"),
    [
        ({"page.path": "/x*"}, {"page_view", "screen_view"}, set()),
        ({"event": "chat"}, {"chat"}, set()),
        ({"event": ["chat", "Page_View"]}, {"chat", "page_view"}, set()),
        ({"event": "*view"}, {"page_view", "screen_view"}, set()),
        ({"not": {"event": "chat"}}, {"page_view", "screen_view", "identify"}, set()),
        ({"any": [{"event": "chat"}, {"page.path": "/x"}]}, set(EVENTS), set()),
        ({"all": [{"event": "chat"}, {"page.path": "/x"}]}, {"chat"}, set()),
        ({"event": "chat", "page.path": "/y"}, set(), set()),
        ({"signal": "dwell"}, set(), {"dwell"}),
        ({"signal": ["dwell", "bounce"], "page.path": "/x"}, set(), {"dwell", "bounce"}),
        ({"any": [{"event": "chat"}, {"signal": "dwell"}]}, {"chat"}, {"dwell"}),
        ({"not": {"any": [{"signal": ["dwell", "session_*", "*abandoned"]}, {"event": {"exists": True}}]}}, set(),
         {"bounce", "return_visit", "video_watched"}),
        ({"signal": "dwell", "event": "chat"}, set(), set()),
    ],
)  # fmt: skip
def test_a_rule_sees_the_events_and_signals_that_it_names_else_views(
    when: Any, seen: set[str], signals: set[str]
) -> None:
    """And looks at no more than it can hold for, however the condition says so; only those signals are derived."""
    loaded = model({"engagement": {"r": {"when": when, "points": 1}}})
    events = [decoded(loaded, segment(name, context={"page": {"path": "/x"}})) for name in EVENTS]
    held = {event.name for event in events if any(rule.holds(event) for rule in loaded.readers_of(event.name).rules)}
    assert held == seen
    assert set(loaded.readers_by_signal) == set(loaded.signals) == signals


def test_readers_are_found_by_name_in_the_models_order() -> None:
    chat, any_event = {"event": "chat"}, {"event": {"exists": True}}
    loaded = model(
        {
            "engagement": {
                name: {"when": when, "points": 1} for name, when in zip("abc", (chat, any_event, chat), strict=True)
            },
            "conversions": {"sale": {"when": {"event": "purchase"}}},
            "alerts": {"w": {"when": chat, "not_followed_by": {"event": "call"}, "within": "5m"}},
        }
    )
    assert [rule.id for rule in loaded.readers_of("chat").rules] == ["a", "b", "c"]
    assert [rule.id for rule in loaded.readers_of("never named").rules] == ["b"]
    assert [alert.id for alert, _ in loaded.readers_of("chat").whens] == ["w"]
    assert [alert.id for alert, _ in loaded.readers_of("call").followers] == ["w"]
    assert [conversion.id for conversion in loaded.readers_of("purchase").conversions] == ["sale"]


def test_what_finding_by_name_decides_is_not_asked_again() -> None:
    """Two rules with nothing else in their condition share the test that is always true."""
    loaded = model(
        {"engagement": {"a": {"when": {"event": "chat"}, "points": 1}, "b": {"when": {"signal": "dwell"}, "points": 1}}}
    )
    assert loaded.rules["a"].holds is loaded.rules["b"].holds


def test_counted_is_what_conditions_name_wherever_they_do() -> None:
    loaded = model(
        {
            "engagement": {"r": {"when": {"any": [{"event": ["a", "b*"]}, {"not": {"event": "c"}}]}, "points": 1}},
            "conversions": {"v": {"when": {"event": "purchase"}}},
            "alerts": {"h": {"crosses": "hot", "if": {"counts.email_open": {"gt": 1}, "counts.dwell": {"lt": 9}}}},
            "suppress": {"event": "refund"},
        }
    )
    assert loaded.counted == {"a", "c", "purchase", "email_open", "dwell", "refund"}
    assert loaded.signals == {"dwell"}
