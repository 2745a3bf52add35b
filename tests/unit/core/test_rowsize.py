"""How large the model's own parts of a row can become."""

from typing import Any

import msgspec
import pytest

from engine.core.rowsize import MODEL_BYTES, RULES, row_parts, too_large
from tests.build import DAY, HOUR, T0, Profiles, model, segment

CHAT = {"when": {"event": "chat"}, "points": 1}
SPEC: dict[str, Any] = {
    "engagement": {
        "plain": CHAT,
        "lasting": {**CHAT, "decay": "none"},
        "once": {**CHAT, "limit": "once"},
        "limited": {**CHAT, "limit": "2 per 1h"},
        "by-days": {**CHAT, "window": "20d"},
        "both": {**CHAT, "window": "10d", "limit": "1 per 6h"},
        "amount": {**CHAT, "times": "properties.x", "window": "5d"},
    },
    "alerts": {
        "crossing": {"crosses": 5},
        "falling": {"falls_below": 3},
        "without": {"when": {"event": "chat"}, "not_followed_by": {"event": "call"}, "within": "30d"},
        "surge": {"gains": 2, "within": "5m"},
        "silent": {"silent_for": "1d"},
    },
    "actions": {"mail": {"when": {"event": "chat"}}},
}


def size(value: Any) -> int:
    return len(msgspec.msgpack.encode(value))


def test_no_visitor_makes_a_part_larger_than_was_said() -> None:
    """Here one who chats every three hours for sixty days, for an amount that is no whole number."""
    loaded = model(SPEC)
    fed = Profiles(loaded)
    fed.feed(*(segment("chat", T0 + at, properties={"x": 0.1}) for at in range(0, 60 * DAY, 3 * HOUR)))
    parts, row = row_parts(loaded), fed.row()
    assert set(row.ledger) == set(loaded.rules)
    assert size(row.ledger) <= parts[RULES]
    assert size(row.counts) <= parts["counts of events"]
    assert size(row.alerts) + size(row.waits) <= parts["alerts and actions"]
    assert size(row.gains) <= parts["minutes of `gains`"]
    assert loaded.row_bytes_max == sum(parts.values())


@pytest.mark.parametrize(("largest", "told"), [(2_596, False), (2_597, True)])
def test_a_model_that_leaves_less_than_1500_of_4096_bytes_is_named(largest: int, told: bool) -> None:
    """It is said what is large, the largest first."""
    problem = too_large({"alerts and actions": 96, RULES: largest - 96}, MODEL_BYTES)
    assert (problem is not None) is told
    if problem is not None:
        assert "2,597 bytes" in problem
        assert "engagement rules 2,501, alerts and actions 96" in problem
