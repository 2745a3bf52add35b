"""When decay alone changes where a lead stands, against looking at every instant that matters."""

from collections.abc import Callable, Iterator
from math import log2
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.drift import falls_after, next_band, next_fall
from engine.core.instants import from_rfc3339
from engine.core.profile import Row
from engine.core.scoring import score_at
from tests.build import DAY, HOUR, MINUTE, SECOND, T0, Profiles, model, page, segment
from tests.stories import LAWFUL, Spec

NAMES = ("a", "b", "c", "d")
HORIZON = 200 * DAY

decays = st.one_of(
    st.fixed_dictionaries({"half_life": st.sampled_from(("1h", "1d", "5d", "14d"))}),
    st.fixed_dictionaries({"half_life": st.sampled_from(("1h", "1d", "14d")), "limit": st.just("2 per 1d")}),
    st.fixed_dictionaries({"window": st.sampled_from(("1d", "3d", "10d"))}),
    st.just({"decay": "none"}),
)
bounds = st.fixed_dictionaries({}, optional={"max": st.integers(5, 90), "group": st.sampled_from(("g", "h"))})


@st.composite
def specs(draw: st.DrawFn, points: st.SearchStrategy[int]) -> Spec:
    """A model whose rules read one event each; bands and alerts watch it."""
    rules = {
        name: {"when": {"event": name}, "points": draw(points), **draw(decays), **draw(bounds)}
        for name in draw(st.sets(st.sampled_from(NAMES), min_size=1))
    }
    watched = st.one_of(
        st.fixed_dictionaries({"falls_below": st.integers(5, 90)}, optional={"score": st.just("engagement")}),
        st.fixed_dictionaries({"crosses": st.integers(5, 90)}),
    )
    return {
        "bands": {"warm": 30, "hot": 80},
        "groups": {"g": {"max": draw(st.integers(10, 90))}, "h": {"max": draw(st.integers(10, 90))}},
        "engagement": rules,
        "alerts": {str(place): alert for place, alert in enumerate(draw(st.lists(watched, max_size=3)))},
    }


visits = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 3 * 86_400)), min_size=1, max_size=8)
earning, any_points = st.integers(1, 120), st.integers(-60, 120).filter(bool)


def lead(spec: Spec, events: list[tuple[str, int]]) -> Profiles:
    """A lead with these events, in the order of their times."""
    fed = Profiles(model(spec))
    fed.feed(*[segment(name, T0 + second * SECOND) for name, second in sorted(events, key=lambda one: one[1])])
    return fed


def band_of(fed: Profiles) -> Callable[[int], str]:
    """The band of the only lead, whose fit is 0, by the instant."""
    now, row = fed.model, fed.row()
    return lambda at: now.band(score_at(now, row, at, 0.0).total).name


def instants(row: Row, until: int) -> Iterator[int]:
    """From the row's now on, each 6 % later, and around every midnight of the first days until then."""
    midnights = [(day * DAY) - row.born_ms % DAY for day in range(15)]
    after: float = 1
    grid = set()
    while after < until - row.now:
        grid.add(row.now + int(after))
        after = after * 1.06 + 1
    grid |= {time + edge for time in midnights for edge in (-1, 0) if row.now < time < until}
    yield from sorted(time for time in grid if time < until)


@LAWFUL
@given(specs(earning), visits)
def test_without_deductions_next_band_is_the_first_ms_at_which_the_band_differs(
    spec: Spec, events: list[tuple[str, int]]
) -> None:
    """Half-lives, whole days, limits and clamps together. Where there is none, the band stays."""
    fed = lead(spec, events)
    row, now, band = fed.row(), fed.model, band_of(fed)
    found = next_band(now, row, row.now, 0.0)
    until = HORIZON if found is None else found
    assert {band(at) for at in instants(row, until)} <= {band(row.now)}
    if found is not None:
        assert (band(found - 1) if found > row.now + 1 else band(row.now)) == band(row.now)
        assert band(found) != band(row.now)


@LAWFUL
@given(specs(any_points), visits)
def test_with_deductions_next_band_is_a_change_and_misses_only_short_ones(
    spec: Spec, events: list[tuple[str, int]]
) -> None:
    """Another band that lasts for more than a minute, and for more than a quarter of the time gone by, is seen."""
    fed = lead(spec, events)
    row, now, band = fed.row(), fed.model, band_of(fed)
    found = next_band(now, row, row.now, 0.0)
    if found is not None:
        assert band(found) != band(row.now)
        assert band(found - 1) == band(row.now)
    since: int | None = None
    for at in instants(row, HORIZON if found is None else found):
        if band(at) == band(row.now):
            since = None
        else:
            since = at if since is None else since
            assert at - since <= max(MINUTE, (at - row.now) / 4)


@LAWFUL
@given(specs(any_points), visits)
def test_falls_after_is_never_later_than_the_next_fall(spec: Spec, events: list[tuple[str, int]]) -> None:
    """So a wake-up can come too early, never too late; and where it says never, there is none."""
    fed = lead(spec, events)
    row, now = fed.row(), fed.model
    early = falls_after(now, row, row.now, score_at(now, row, row.now, 0.0))
    exact = next_fall(now, row, row.now, 0.0)
    assert exact is None or (early is not None and early <= exact)
    until = HORIZON if early is None else early
    score = score_at(now, row, row.now, 0.0)
    total, engagement = score.total, score.engagement
    for at in instants(row, until):
        later = score_at(now, row, at, 0.0)
        for watched in now.watched:
            of_engagement = getattr(watched, "score", "total") == "engagement"
            before, after = (engagement, later.engagement) if of_engagement else (total, later.total)
            assert before < watched.bound or after >= watched.bound


@LAWFUL
@given(specs(earning), visits)
def test_next_fall_is_the_first_ms_below_a_watched_bound(spec: Spec, events: list[tuple[str, int]]) -> None:
    fed = lead(spec, events)
    row, now = fed.row(), fed.model
    total = score_at(now, row, row.now, 0.0).total

    def fell(at: int) -> bool:
        return any(score_at(now, row, at, 0.0).total < one.bound <= total for one in now.watched)

    found = next_fall(now, row, row.now, 0.0)
    if found is not None:
        assert fell(found)
        assert not fell(found - 1)
    assert not any(fell(at) for at in instants(row, HORIZON if found is None else found))


def change(spec: Spec, *events: dict[str, Any]) -> tuple[int, list[str]]:
    """`next_band_at`, and the bands one ms before it and then."""
    fed = Profiles(model(spec))
    fed.feed(*events)
    at_ms = from_rfc3339(fed.score()["next_band_at"])
    return at_ms, [fed.score(at_ms=at_ms + offset)["band"] for offset in (-1, 0)]


def viewing(**rule: Any) -> Spec:
    return {"engagement": {"view": {"when": {"event": "page_view"}, **rule}}}


def test_a_fading_deduction_can_lift_a_silent_lead() -> None:
    """60 − 40 × 2^(−t) is 30 after log2(4/3) days, the half-life of a year left out."""
    spec = viewing(points=60, decay="none")
    spec["engagement"]["quick"] = {"when": {"event": "unsubscribe"}, "points": -40, "half_life": "1d"}
    at_ms, bands = change(spec, page("/"), segment("unsubscribe"))
    assert bands == ["cold", "warm"]
    assert at_ms == pytest.approx(T0 + DAY * log2(4 / 3), abs=1)


def test_a_score_that_a_clamp_holds_on_the_bound_falls_when_the_clamp_ends() -> None:
    """200 points kept to 30 stay 30, which is warm, until log2(200/30) half-lives have passed."""
    at_ms, bands = change(viewing(points=200, max=30, half_life="100d"), page("/"))
    assert bands == ["warm", "cold"]
    assert at_ms == pytest.approx(T0 + 100 * DAY * log2(200 / 30), abs=1)


def test_a_limited_rule_falls_from_the_end_of_its_window() -> None:
    """60 until midnight, 30 a day after it."""
    at_ms, bands = change(viewing(points=60, limit="1 per 1d", half_life="1d"), page("/", T0 + 5 * HOUR))
    assert (at_ms, bands) == (T0 + 2 * DAY + 1, ["warm", "cold"])


def test_half_lives_of_a_second_and_of_thousands_of_years() -> None:
    """50 × 2^(−t) is below 30 after log2(5/3) s; and a day that no calendar holds is null."""
    empty = {"when": {"event": "page_view"}, "points": 0, "half_life": "9999d"}
    spec = viewing(points=50, half_life="1s")
    at_ms, _ = change({"engagement": {**spec["engagement"], "empty": empty}}, page("/"))
    assert at_ms == T0 + int(SECOND * log2(5 / 3)) + 1
    endless = Profiles(model(viewing(points=50, half_life="9999999d")))
    endless.feed(page("/"))
    assert endless.score()["next_band_at"] is None


def test_fit_carries_a_lead_whose_engagement_fades() -> None:
    """40 by fit and 60: hot until the engagement is 40, and warm for ever then."""
    fed = Profiles(model(viewing(points=60, half_life="1d")))
    fed.feed(page("/"))
    row = fed.row()
    assert next_band(fed.model, row, row.now, 40.0) == pytest.approx(DAY * log2(60 / 40), abs=1)
    assert next_band(fed.model, row, 9 * DAY, 40.0) is None


def test_a_deduction_that_falls_away_at_midnight_lifts_a_silent_lead() -> None:
    """35 − 20 is 15 and cold until the day of the deduction is over."""
    spec = viewing(points=35, decay="none")
    spec["engagement"]["out"] = {"when": {"event": "unsubscribe"}, "points": -20, "window": "1d"}
    assert change(spec, page("/"), segment("unsubscribe")) == (T0 + DAY, ["cold", "warm"])
