"""The engagement rules of a model file."""

from math import inf
from typing import Any

import pytest

from tests.build import DAY, HOUR, MINUTE, decoded, model, segment

RULE = {"when": {"event": "page_view"}, "points": 1}


def one_rule(**changes: Any) -> Any:
    return model({"groups": {"g": {"max": 5}}, "engagement": {"r": {**RULE, **changes}}}).rules["r"]


def test_a_rule_decays_by_its_own_half_life_by_whole_days_or_not_at_all() -> None:
    """The default is 30 days; `window` and `decay: none` have no half-life, so it is infinite."""
    assert one_rule().half_life_ms == 30 * DAY
    own = model({"engagement": {"r": RULE, "s": {**RULE, "half_life": "2h"}}, "defaults": {"half_life": "7d"}})
    assert [rule.half_life_ms for rule in own.rules.values()] == [7 * DAY, 2 * HOUR]
    windowed, lasting = one_rule(window="60d"), one_rule(decay="none")
    assert (windowed.half_life_ms, windowed.window_days) == (inf, 60)
    assert (lasting.half_life_ms, lasting.window_days) == (inf, None)
    assert model({"engagement": {"r": {**RULE, "window": "2d"}}}).terms["r"] == (1, inf, None, None, 2)


@pytest.mark.parametrize(
    ("limit", "read"),
    [
        (None, (None, 0, False)),
        ("once", (None, 0, True)),
        ("3 per 1d", (3, DAY, False)),
        ("1 per 1h30m", (1, 90 * MINUTE, False)),
        ("2 per 90d", (2, 90 * DAY, False)),
    ],
)
def test_a_limit_is_once_or_a_number_per_duration(limit: str | None, read: tuple[int | None, int, bool]) -> None:
    rule = one_rule(**({} if limit is None else {"limit": limit}))
    assert (rule.limit, rule.limit_ms, rule.once) == read


def test_times_counts_an_amount_of_the_event() -> None:
    loaded = model(
        {"engagement": {"r": {"when": {"event": "purchase"}, "points": 0.1, "times": "properties.sum", "times_max": 9}}}
    )
    rule = loaded.rules["r"]
    assert rule.times is not None
    assert rule.times(decoded(loaded, segment("purchase", properties={"sum": 12.5}))) == 12.5
    assert rule.times_max == 9


def test_a_rule_has_a_group_a_max_sources_and_a_label() -> None:
    rule = one_rule(group="g", max=3, sources=["web", "email"], label="Read", fast_track=True)
    assert (rule.group, rule.max, rule.sources, rule.label) == ("g", 3, {"web", "email"}, "Read")
    assert rule.fast_track
    assert one_rule(sources="web").sources == {"web"}
