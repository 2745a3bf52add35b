"""Every turn from armed to fired outside a cool-down is reported exactly once, at its time, also by silence."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import ceil, log2
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.build import DAY, HOUR, MINUTE, T0
from tests.build import model as loaded
from tests.laws.engine import Arrival, Lane, cause_ms, cut, folded, records, simulated
from tests.laws.models import LAW
from tests.laws.watched import (
    CROSSES,
    FALLS,
    FAST_TRACK,
    FOLLOWED,
    GAINS,
    SILENT,
    WHEN,
    WITHIN_MS,
    sinking,
    visits,
    watched,
)
from tests.reference.alerts import Report, reports
from tests.reference.events import Seen, Spec, accepted
from tests.reference.score import account, score, weighed

NEAR_MS = 2
"""How far the instant of a fall may be from the reference's: it is a root of a sum of powers."""
watched_scores = watched(CROSSES, CROSSES, FALLS, FALLS)
watched_events = watched(WHEN, FAST_TRACK, GAINS, SILENT, FOLLOWED, FOLLOWED, CROSSES, FALLS)


def until_ms(arrivals: Sequence[Arrival]) -> int:
    return max(seen.arrived_ms for _, seen in arrivals) + WITHIN_MS


def wanted(spec: Spec, arrivals: Sequence[Arrival]) -> list[Report]:
    return reports(spec, [seen for _, seen in arrivals], until_ms(arrivals))


def assert_reported(spec: Spec, came: Sequence[Mapping[str, Any]], wanted: Sequence[Report]) -> None:
    """Of each alert the same reports, in order, at the same instants."""
    for name in spec["alerts"]:
        said = [cause_ms(alert) for alert in came if alert["data"]["alert"] == name]
        due = [report.at_ms for report in wanted if report.alert == name]
        same = len(said) == len(due) and all(abs(one - two) <= NEAR_MS for one, two in zip(said, due, strict=True))
        assert same, (name, spec["alerts"][name], said, due)
    assert len({alert["id"] for alert in came}) == len(came)


def one_by_one(spec: Spec, arrivals: Sequence[Arrival]) -> Lane:
    return folded(spec, [[record] for record in records(arrivals)], until_ms(arrivals))


@LAW
@given(watched_scores, visits())
def test_score_alerts_come_when_the_reference_says(spec: Spec, arrivals: list[Arrival]) -> None:
    """`crosses` and `falls_below`, with hysteresis, cool-downs and conditions; a silent lead falls on time."""
    assert_reported(spec, one_by_one(spec, arrivals).alerts(), wanted(spec, arrivals))


@settings(LAW, max_examples=20)
@given(watched_scores, visits())
def test_an_alert_tells_the_total_before_and_after(spec: Spec, arrivals: list[Arrival]) -> None:
    """Of what an event caused; `to` is the total that the alert states."""
    came = [alert["data"] for alert in one_by_one(spec, arrivals).alerts() if alert["data"]["cause"]["topic"]]
    told = {(report.alert, report.at_ms): report for report in wanted(spec, arrivals)}
    for alert in came:
        if spec["alerts"][alert["alert"]].get("score", "total") == "total":
            report = told[alert["alert"], cause_ms({"data": alert})]
            assert abs(alert["from"] - report.before) <= 1e-6
            assert abs(alert["to"] - report.after) <= 1e-6
            assert alert["to"] == alert["total"]


@LAW
@given(watched_events, visits(whole_minutes=True))
def test_other_alerts_come_when_the_reference_says(spec: Spec, arrivals: list[Arrival]) -> None:
    """`when`, `not_followed_by`, `fast_track`, `gains` and `silent_for`, beside score alerts."""
    assert_reported(spec, one_by_one(spec, arrivals).alerts(), wanted(spec, arrivals))


@LAW
@given(st.one_of(watched_scores, watched_events), visits(whole_minutes=True), st.lists(st.integers(0, 20), max_size=4))
def test_chunks_and_restarts_change_no_alert_and_no_id(spec: Spec, arrivals: list[Arrival], places: list[int]) -> None:
    """Nor does `simulate`; and nothing that happened happens again."""
    model = loaded(spec)
    one = folded(model, [[record] for record in records(arrivals)], until_ms(arrivals)).alerts()
    two = folded(model, cut(records(arrivals), places), until_ms(arrivals), restarting=True).alerts()
    lines = simulated(model, arrivals, until_ms(arrivals))
    three = [line["value"] for line in lines if line["topic"] == "lead-alerts"]
    assert [alert["id"] for alert in one] == [alert["id"] for alert in two] == [alert["id"] for alert in three]


@settings(LAW, max_examples=20)
@given(sinking(), visits())
def test_a_silent_lead_falls_at_the_first_ms_below_the_bound_also_where_deductions_fade(
    spec: Spec, arrivals: list[Arrival]
) -> None:
    """An event that leaves the score over the re-arm bound arms; then a dip before the next one is told once."""
    events = accepted(spec, [seen for _, seen in arrivals])
    times_ms = [cause_ms(alert) for alert in one_by_one(spec, arrivals).alerts()]
    alert, ends_ms = spec["alerts"]["sunk"], [*(seen.at_ms for seen in events[1:]), until_ms(arrivals)]
    for place, (seen, end_ms) in enumerate(zip(events, ends_ms, strict=True), 1):
        total = partial(lambda so_far, at_ms: weighed(spec, so_far, at_ms).total, account(spec, events[:place]))
        told = [at_ms for at_ms in times_ms if seen.at_ms < at_ms < end_ms]
        for at_ms in told:
            assert total(at_ms + NEAR_MS) < alert["falls_below"] <= total(at_ms - NEAR_MS)
        grid_ms = range(seen.at_ms, end_ms, max(1, (end_ms - seen.at_ms) // 60))
        dips_ms = [at_ms for at_ms in grid_ms if total(at_ms) < alert["falls_below"] - 1e-6]
        if total(seen.at_ms) >= alert["rearm_above"] and dips_ms:
            assert told
            assert told[0] <= dips_ms[0]


@LAW
@given(watched_scores, visits(max_size=24))
def test_between_two_reports_the_score_was_beyond_its_rearm_bound(spec: Spec, arrivals: list[Arrival]) -> None:
    """Before some event in between for what crosses, after one for what falls, where it is lowest and highest."""
    events = accepted(spec, [seen for _, seen in arrivals])
    came = [alert["data"] for alert in one_by_one(spec, arrivals).alerts()]
    for name, alert in spec["alerts"].items():
        rising = "crosses" in alert
        times_ms = [cause_ms({"data": data}) for data in came if data["alert"] == name]
        for first_ms, second_ms in pairwise(times_ms):
            places = [place for place, seen in enumerate(events) if first_ms <= seen.at_ms <= second_ms]
            seen_then = [
                getattr(score(spec, events[: place if rising else place + 1], events[place].at_ms), watched_of(alert))
                for place in places
            ]
            bound = rearm_bound(spec, alert)
            assert min(seen_then) < bound if rising else max(seen_then) >= bound


def watched_of(alert: Spec) -> str:
    watched: str = alert.get("score", "total")
    return watched


def rearm_bound(spec: Spec, alert: Spec) -> float:
    stated = alert.get("crosses", alert.get("falls_below"))
    bound: float = spec["bands"][stated] if isinstance(stated, str) else stated or 0
    if "crosses" in alert:
        return float(alert.get("rearm_below", max(bound - 10, bound / 2)))
    return float(alert.get("rearm_above", min(bound + 10, (bound + 100) / 2)))


@LAW
@given(
    st.tuples(WHEN, FAST_TRACK, GAINS),
    visits(whole_minutes=True, max_size=10),
    st.lists(st.sampled_from((0, 0, MINUTE, HOUR, HOUR + MINUTE, 100 * MINUTE)), min_size=20, max_size=20),
)
def test_an_event_more_than_an_hour_late_fires_no_event_trigger_and_gains_nothing(
    alerts: tuple[Spec, Spec, Spec], arrivals: list[Arrival], late_ms: list[int]
) -> None:
    """Later than the row's now; nothing here falls due, so that is the latest event's time."""
    when, fast, gains = alerts
    spec: Spec = {
        "bands": {"warm": 30, "hot": 80},
        "engagement": {
            "chat": {"when": {"event": "chat"}, "points": 20, "decay": "none"},
            "demo": {"when": {"event": "demo_request"}, "points": 5, "fast_track": True, "decay": "none"},
        },
        "alerts": {
            "when": unconditional(when),
            "fast": unconditional(fast),
            "gains": {**unconditional(gains), "within": "2h"},
        },
    }
    recorded_ms = max(seen.at_ms for _, seen in arrivals)
    late = [
        (lead, replace(seen, id=f"{place}", at_ms=seen.at_ms - late_ms[place % 20], recorded_ms=recorded_ms))
        for place, (lead, seen) in enumerate(arrivals)
        if recorded_ms - seen.at_ms < 3 * DAY
    ]
    assert_reported(spec, one_by_one(spec, late).alerts(), wanted(spec, late))


def unconditional(alert: Spec) -> Spec:
    return {key: value for key, value in alert.items() if key != "if"}


@pytest.mark.parametrize(
    ("alert", "minutes", "points", "came"),
    [
        # A minute counts on its own and in the nine after it.
        ({"gains": 20, "within": "10m"}, (0, 9), 10, [9]),
        ({"gains": 20, "within": "10m"}, (0, 10), 10, []),
        # Armed from 30 + 100 / 10 on; after an hour 40 is 20: it fell below 30 after log2(4 / 3) hours.
        ({"falls_below": 30}, (0,), 40, [60 * log2(4 / 3)]),
        ({"falls_below": 30}, (0,), 39.9, []),
        # Armed again below 50 - 100 / 10: after an hour of 79.9 it is 39.95, of 80 it is 40.
        ({"crosses": 50}, (0, 60), 79.9, [0, 60]),
        ({"crosses": 50}, (0, 60), 80, [0]),
    ],
)
def test_the_borders_of_gains_and_of_hysteresis(
    alert: Spec, minutes: Sequence[int], points: float, came: Sequence[float]
) -> None:
    """By hand, in the engine and in the reference."""
    chats = {"when": {"event": "chat"}, "points": points, "half_life": "1h"}
    spec: Spec = {"bands": {"warm": 30, "hot": 80}, "engagement": {"chats": chats}, "alerts": {"watched": alert}}
    arrivals = [("user-cy", Seen("chat", T0 + minute * MINUTE, id=f"m{minute}", user="user-cy")) for minute in minutes]
    found = wanted(spec, arrivals)
    assert_reported(spec, one_by_one(spec, arrivals).alerts(), found)
    assert [report.at_ms for report in found] == [T0 + ceil(minute * MINUTE) for minute in came]
