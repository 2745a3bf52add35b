"""What a visit says: how long a page was read, sessions, returns, videos. Signals count like events."""

from typing import Any

import pytest

from tests.build import DAY, HOUR, MINUTE, SECOND
from tests.examples.harness import Spec, Told, at, record, scoring, simulate, visits


def on(signal: str, points: float = 1, **keys: Any) -> Spec:
    """A rule on a signal, that does not decay."""
    conditions = {key: keys.pop(key) for key in list(keys) if "." in key}
    return {"when": {"signal": signal, **conditions}, "points": points, "decay": "none", **keys}


LONG = on("dwell", 10, **{"properties.seconds": {"gt": 600}})


@pytest.mark.parametrize(
    ("seconds", "points"), [(599, 0), (600, 0), (600.001, 10), (1_799, 10)], ids=["less", "just", "more", "long"]
)
@pytest.mark.parametrize("name", ["page_view", "page_leave", "click", "heartbeat"])
def test_dwell_is_the_seconds_on_a_page_until_the_next_event(seconds: float, points: int, name: str) -> None:
    told = simulate(scoring(LONG), visits("/", 0), at(int(seconds * SECOND), name))
    assert told.total() == points


def test_no_dwell_over_a_session_gap() -> None:
    """29:59 minutes are read, 30 minutes of silence end the session."""
    spec = scoring(on("dwell"))
    assert simulate(spec, visits("/", 0), visits("/", 30 * MINUTE - SECOND)).total() == 1
    assert simulate(spec, visits("/", 0), visits("/", 30 * MINUTE)).total() == 0


def test_dwell_is_of_the_page_that_was_read_and_not_of_the_next() -> None:
    """Two minutes on /pricing, one minute on /about."""
    about, pricing = ({"page.path": path} for path in ("/about", "/pricing*"))
    rules = [on("dwell", 1, **about), on("dwell", 10, **pricing, **{"properties.seconds": {"between": [120, 120]}})]
    events = [visits("/pricing/teams", 0), visits("/about", 2 * MINUTE), at(3 * MINUTE, "page_leave")]
    assert simulate(scoring(*rules), *events).total() == 10 + 1


def test_with_heartbeats_a_rule_counts_at_most_one_dwell_a_page_view() -> None:
    """A heartbeat each minute for a quarter of an hour tells the seconds so far: once over 600, and once over 60."""
    minutes = [at(minute * MINUTE, "heartbeat") for minute in range(1, 16)]
    short = on("dwell", 1, **{"properties.seconds": {"gt": 60}})
    told = simulate(scoring(LONG, short), visits("/", 0), *minutes)
    assert {one["rule"]: one["count"] for one in told.score()["contributions"]} == {"r1": 1, "r2": 1}
    again = [visits("/", 16 * MINUTE), *[at(minute * MINUTE, "heartbeat") for minute in range(17, 28)]]
    assert simulate(scoring(LONG, short), visits("/", 0), *minutes, *again).total() == 2 * (10 + 1)


def test_heartbeats_keep_a_session_going_and_page_leave_closes_the_page() -> None:
    """25 minutes, a heartbeat, 25 minutes more: 50 minutes read; after `page_leave` nobody reads any more."""
    spec = scoring(on("dwell", 1, **{"properties.seconds": {"gt": 2_999}}))
    beating = [visits("/", 0), at(25 * MINUTE, "heartbeat"), visits("/b", 50 * MINUTE)]
    assert simulate(spec, *beating).total() == 1
    left = [visits("/", 0), at(25 * MINUTE, "page_leave"), visits("/b", 50 * MINUTE)]
    assert simulate(spec, *left).total() == 0


def test_events_of_other_sources_end_no_reading() -> None:
    """A phone call while a page is open is no event of the browser."""
    told = simulate(scoring(on("dwell")), visits("/", 0), at(MINUTE, "call", context={"channel": "phone"}))
    assert told.total() == 0


def test_a_session_begins_with_the_first_event_of_the_web_and_again_after_half_an_hour() -> None:
    spec = scoring(on("session_start", 1), on("session_end", 10))
    told = simulate(spec, visits("/", 0), visits("/b", 29 * MINUTE), visits("/", 2 * HOUR), until=2 * HOUR)
    assert (told.total(), told.score()["sessions"]) == (2 * 1 + 10, 2)


def test_a_session_ends_half_an_hour_after_its_last_event_on_time() -> None:
    """Without anything more coming; an event of the mailing tool does not keep it going."""
    spec = scoring(on("session_end", 10))
    events = [visits("/", 0), visits("/b", 5 * MINUTE), at(20 * MINUTE, "email_open", context={"channel": "email"})]
    for until, total in ((35 * MINUTE - 1, 0), (35 * MINUTE, 10), (9 * HOUR, 10)):
        assert simulate(spec, *events, until=until).total() == total


def test_a_bounce_is_a_session_of_one_page() -> None:
    spec = scoring(on("bounce", 5))
    assert simulate(spec, visits("/", 0), at(MINUTE, "scroll"), until=HOUR).total() == 5
    assert simulate(spec, visits("/", 0), visits("/b", MINUTE), until=HOUR).total() == 0
    assert simulate(spec, at(0, "click"), until=HOUR).total() == 0


def test_a_return_visit_is_an_event_of_the_web_at_least_7_days_after_the_last() -> None:
    spec = scoring(on("return_visit", 5))
    assert simulate(spec, visits("/", 0), visits("/", 7 * DAY - 1)).total() == 0
    assert simulate(spec, visits("/", 0), visits("/", 7 * DAY)).total() == 5
    assert simulate(spec, visits("/", 0), at(7 * DAY, context={"channel": "phone"})).total() == 0
    assert simulate(spec, visits("/", 0)).total() == 0


def watched(percent: float, after_ms: int = 0, video: str = "tour") -> Any:
    return at(after_ms, "video_progress", properties={"percent": percent, "video_id": video})


def passed(*events: Any) -> list[int]:
    """How often each of 25, 50, 75 and 95 percent was told."""
    rules = [on("video_watched", 1, **{"properties.percent": percent}) for percent in (25, 50, 75, 95)]
    score = simulate(scoring(*rules), *events).score()
    counts = {one["rule"]: one["count"] for one in score["contributions"]}
    return [counts.get(f"r{place}", 0) for place in (1, 2, 3, 4)]


def test_video_watched_is_told_the_first_time_that_a_threshold_is_reached() -> None:
    assert passed(watched(10), watched(24.9)) == [0, 0, 0, 0]
    assert passed(watched(25), watched(30), watched(50), watched(20)) == [1, 1, 0, 0]
    assert passed(watched(80)) == [1, 1, 1, 0]
    assert passed(watched(100), watched(95)) == [1, 1, 1, 1]


def test_each_video_has_thresholds_of_its_own() -> None:
    assert passed(watched(30), watched(60, video="demo")) == [2, 1, 0, 0]


def read(told: Told) -> list[tuple[str, float | None]]:
    return [(page["path"], page["seconds"]) for page in told.score()["pages"]]


def test_the_last_pages_are_shown_with_the_seconds_they_were_read() -> None:
    """The page that is open, or that a silence ended, has none known."""
    events = [visits("/", 0), visits("/b", 90 * SECOND), at(100 * SECOND, "page_leave"), visits("/c", 5 * MINUTE)]
    assert read(simulate(scoring(), *events)) == [("/", 90), ("/b", 10), ("/c", None)]
    assert read(simulate(scoring(), *events, at(9 * MINUTE, "heartbeat")))[-1] == ("/c", 4 * 60)
    assert read(simulate(scoring(), *events, visits("/d", HOUR)))[-2:] == [("/c", None), ("/d", None)]


def test_the_last_ten_pages_are_kept_by_time() -> None:
    """Eleven in time, and one late between the tenth and the eleventh."""
    pages = [visits(f"/{minute}", minute * MINUTE) for minute in range(11)]
    late = record(visits("/late", 9 * MINUTE + 1), 11 * MINUTE)
    told = simulate(scoring(), *pages, late)
    assert [path for path, _ in read(told)] == [*(f"/{minute}" for minute in range(2, 10)), "/late", "/10"]


def test_a_signal_is_counted_like_an_event_where_the_model_names_it() -> None:
    spec = scoring(alerts={"again": {"crosses": 1, "if": {"counts.bounce": {"gte": 2}, "counts.page_view": 2}}})
    told = simulate(spec, visits("/", 0), visits("/", HOUR), until=2 * HOUR)
    assert told.score()["counts"] == {"bounce": 2, "page_view": 2}


def test_an_event_older_than_the_last_of_its_visit_neither_begins_nor_ends_anything() -> None:
    """Signals are derived in order of arrival: a page view that comes late reads nothing to its end."""
    spec = scoring(on("dwell"), on("session_start", 10))
    told = simulate(spec, visits("/", 0), record(visits("/b", -MINUTE), MINUTE))
    assert told.total() == 10
