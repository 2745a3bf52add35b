"""Alerts on events, signals and their absence: when, not_followed_by, gains, silent_for, enters, fast_track."""

from typing import Any

from tests.build import DAY, HOUR, MINUTE, SECOND
from tests.examples.harness import Line, Spec, at, chats, known, record, scoring, simulate, visits


def alerting(*rules: Spec, **alert: Any) -> Spec:
    return scoring(*rules, alerts={"told": alert})


def times(spec: Spec, *events: Line, until: int | None = None) -> list[int]:
    """When the alert fired, in ms after T0."""
    return [time for _, time in simulate(spec, *events, until=until).alerts()]


def test_when_fires_for_an_event_and_then_cools_down_for_a_day() -> None:
    spec = alerting(when={"event": "enquiry"})
    assert times(spec, at(0, "enquiry"), at(DAY - 1, "enquiry"), at(DAY, "enquiry")) == [0, DAY]


def test_when_fires_for_a_signal() -> None:
    spec = alerting(when={"signal": "return_visit"}, **{"if": {"known": True}})
    events = [at(0, "identify", userId="u"), visits("/", 7 * DAY), visits("/", 15 * DAY)]
    assert times(spec, *events) == [7 * DAY, 15 * DAY]


def test_a_cool_down_of_its_own() -> None:
    spec = alerting(when={"event": "enquiry"}, cooldown="10m")
    enquiries = [at(minutes * MINUTE, "enquiry") for minutes in (0, 9, 10, 15, 20)]
    assert times(spec, *enquiries) == [0, 10 * MINUTE, 20 * MINUTE]


def test_an_if_that_does_not_hold_holds_an_event_back_for_good() -> None:
    """It is not armed: becoming known later fires nothing, and no cool-down has begun."""
    spec = alerting(when={"event": "enquiry"}, **{"if": {"known": True}})
    assert times(spec, at(0, "enquiry"), at(1, "identify", userId="u"), at(2, "enquiry")) == [2]


def test_an_if_reads_the_lead_as_it_is_after_the_event() -> None:
    spec = alerting(chats(40), when={"event": "chat"}, cooldown="1s", **{"if": {"total": {"gte": 80}}})
    assert times(spec, at(0), at(0)) == [0]
    assert times(spec, at(0)) == []


def test_an_event_more_than_an_hour_older_than_the_rows_now_fires_no_event_trigger() -> None:
    spec = alerting(when={"event": "enquiry"})
    for age, fired in ((HOUR, [0]), (HOUR + 1, [])):
        assert times(spec, at(age), record(at(0, "enquiry"), age)) == fired


FOLLOWED = alerting(when={"event": "add_to_cart"}, not_followed_by={"event": "purchase"}, within="30m")


def test_not_followed_by_fires_that_long_after_it_unless_the_other_came() -> None:
    begun = at(0, "add_to_cart")
    assert times(FOLLOWED, begun, until=30 * MINUTE - 1) == []
    assert times(FOLLOWED, begun, until=DAY) == [30 * MINUTE]
    assert times(FOLLOWED, begun, at(30 * MINUTE - 1, "purchase"), until=DAY) == []
    assert times(FOLLOWED, begun, at(30 * MINUTE, "purchase"), until=DAY) == [30 * MINUTE]


def test_what_came_before_does_not_count_as_following() -> None:
    late = record(at(-MINUTE, "purchase"), MINUTE)
    assert times(FOLLOWED, at(-HOUR, "purchase"), at(0, "add_to_cart"), late, until=DAY) == [30 * MINUTE]


def test_not_followed_by_waits_for_a_signal_as_well() -> None:
    """Reads the prices for more than 3 minutes, and does not buy within half an hour of that being seen."""
    spec = alerting(
        when={"signal": "dwell", "page.path": "/pricing*", "properties.seconds": {"gt": 180}},
        not_followed_by={"event": "purchase"},
        within="30m",
    )
    left = at(4 * MINUTE, "page_leave")
    assert times(spec, visits("/pricing", 0), left, until=DAY) == [34 * MINUTE]
    assert times(spec, visits("/pricing", 0), left, at(20 * MINUTE, "purchase"), until=DAY) == []
    assert times(spec, visits("/pricing", 0), at(3 * MINUTE, "page_leave"), until=DAY) == []


def test_a_waiting_alert_asks_its_if_when_the_time_has_come() -> None:
    spec = alerting(
        when={"event": "add_to_cart"},
        not_followed_by={"event": "purchase"},
        within="30m",
        **{"if": {"known": True}},
    )
    assert times(spec, at(0, "add_to_cart"), until=DAY) == []
    assert times(spec, at(0, "add_to_cart"), at(MINUTE, "identify", userId="u"), until=DAY) == [30 * MINUTE]


SURGE = {"gains": 30, "within": "10m"}


def test_gains_fires_once_the_points_of_the_last_minutes_come_to_it() -> None:
    """3 × 10 in 9 minutes do; the same in 20 minutes do not."""
    spec = alerting(chats(10), **SURGE)
    assert times(spec, at(0), at(5 * MINUTE), at(9 * MINUTE)) == [9 * MINUTE]
    assert times(spec, at(0), at(10 * MINUTE), at(20 * MINUTE)) == []


def test_gains_are_points_before_decay_and_clamps() -> None:
    """A rule that decays by half each second, of which no more than 1 counts."""
    spec = alerting(chats(10, half_life="1s", max=1), **SURGE)
    assert times(spec, at(0), at(MINUTE), at(2 * MINUTE)) == [2 * MINUTE]


def test_deductions_are_gains_below_0_and_times_multiplies_them() -> None:
    rules = [
        {"when": {"event": "purchase"}, "points": 0.1, "times": "properties.revenue"},
        {"when": {"event": "refund"}, "points": -15},
    ]
    spec = alerting(*rules, **SURGE)
    bought = at(SECOND, "purchase", properties={"revenue": 310})
    assert times(spec, bought) == [SECOND]
    assert times(spec, at(0, "refund"), bought) == []
    assert times(spec, at(0, "refund"), bought, at(2 * SECOND, "purchase", properties={"revenue": 140})) == [2 * SECOND]


def test_what_a_limit_keeps_from_counting_is_no_gain() -> None:
    spec = alerting(chats(10, limit="2 per 1d"), **SURGE)
    assert times(spec, at(0), at(1), at(2), at(3)) == []


def test_gains_arm_again_below_it() -> None:
    """Twice a surge with a quiet hour between them; without a cool-down each is told once."""
    spec = alerting(chats(10), **SURGE, cooldown="1s")
    first = [at(minute * MINUTE) for minute in range(5)]
    second = [at(HOUR + minute * MINUTE) for minute in range(5)]
    assert times(spec, *first, *second) == [2 * MINUTE, HOUR + 2 * MINUTE]


def test_gains_cool_down_for_a_day_unless_said() -> None:
    spec = alerting(chats(10), **SURGE)
    surges = [at(hours * HOUR + minute) for hours in (0, 23, 25) for minute in range(3)]
    assert times(spec, *surges) == [2, 25 * HOUR + 2]


def test_an_event_more_than_an_hour_late_adds_nothing_to_gains() -> None:
    spec = alerting(chats(10), {"when": {"event": "call"}, "points": 0}, gains=30, within="120m")
    for age, fired in ((HOUR, [0]), (HOUR + 1, [])):
        late = [record(at(0), age) for _ in range(3)]
        assert times(spec, at(age, "call"), *late) == fired


def test_silent_for_fires_once_nothing_came_for_that_long() -> None:
    spec = alerting(chats(10), silent_for="30d")
    assert times(spec, at(0), until=30 * DAY - 1) == []
    assert times(spec, at(0), until=200 * DAY) == [30 * DAY]
    assert times(spec, at(0), at(29 * DAY), until=200 * DAY) == [59 * DAY]


def test_a_second_silence_is_told_again() -> None:
    spec = alerting(chats(10), silent_for="5d", **{"if": {"band": "cold"}})
    assert times(spec, at(0), at(10 * DAY), until=29 * DAY) == [5 * DAY, 15 * DAY]


def test_silent_for_asks_its_if_when_the_time_has_come() -> None:
    """80 points with a half-life of 10 days are 10 after 30 days, not warm; with one of 30 days they are 40."""
    warm = {"if": {"band": ["warm", "hot"]}}
    assert times(alerting(chats(80, half_life="10d"), silent_for="30d", **warm), at(0), until=99 * DAY) == []
    assert times(alerting(chats(80), silent_for="30d", **warm), at(0), until=99 * DAY) == [30 * DAY]


def test_enters_fires_when_the_lead_goes_to_a_stage() -> None:
    spec = scoring(chats(40), stages={"lead": {"known": True}}, alerts={"new": {"enters": "lead", "priority": "low"}})
    told = simulate(spec, at(0), at(1, "identify", userId="u"), at(2))
    assert told.alerts() == [("new", 1)]
    (alert,) = told.on("lead-alerts")
    assert (alert["stage"], alert["priority"], alert["lead"]) == ("lead", "low", "u")


def test_fast_track_fires_for_each_event_of_such_a_rule_outside_its_cool_down() -> None:
    rule = {"when": {"event": "demo_request"}, "points": 1, "fast_track": True}
    spec = alerting(rule, fast_track=True)
    assert times(spec, *[at(time, "demo_request") for time in (0, DAY - 1, DAY)]) == [0, DAY]
    assert times(spec, known(0)) == []


def test_an_import_fires_no_event_trigger_and_nothing_that_falls_due() -> None:
    imported: dict[str, Any] = {"context": {"channel": "import"}}
    spec = scoring(
        chats(50, fast_track=True),
        alerts={
            "when": {"when": {"event": "chat"}},
            "fast": {"fast_track": True},
            "surge": SURGE,
            "left": {"when": {"event": "chat"}, "not_followed_by": {"event": "call"}, "within": "10m"},
            "silent": {"silent_for": "5d"},
            "cooled": {"falls_below": 30},
        },
    )
    assert simulate(spec, at(0, **imported), until=90 * DAY).alerts() == []


def test_alerts_of_one_event_come_in_the_models_order() -> None:
    spec = scoring(
        chats(90, fast_track=True),
        alerts={"fast": {"fast_track": True}, "chat": {"when": {"event": "chat"}}, "hot": {"crosses": "hot"}},
    )
    assert [name for name, _ in simulate(spec, at(0)).alerts()] == ["fast", "chat", "hot"]


def test_a_silence_is_told_before_the_lead_is_given_up() -> None:
    """Both are due after 30 days: 1 × 2^(−30/30) is less than a point."""
    told = simulate(alerting(chats(1), silent_for="30d"), at(0), until=60 * DAY)
    assert (told.alerts(), told.gone()) == ([("told", 30 * DAY)], ["ada"])


def test_an_import_of_older_events_does_not_silence_what_live_ones_began() -> None:
    """A nightly import of traits says nothing about the check-out that waits for its purchase."""
    spec = alerting(when={"event": "begin_checkout"}, not_followed_by={"event": "purchase"}, within="30m")
    imported = record(known(-DAY), MINUTE, **{"heatline-source": "import"})
    assert times(spec, at(0, "begin_checkout"), imported, until=HOUR) == [30 * MINUTE]
    of_the_lead = at(-DAY, "identify", context={"channel": "import"}, traits={"title": "CEO"})
    assert times(spec, at(0, "begin_checkout"), record(of_the_lead, MINUTE), until=HOUR) == [30 * MINUTE]


def test_what_followed_counts_whichever_arrives_first() -> None:
    """The purchase after 10 s arrives before the check-out it follows; or between two check-outs after both."""
    spec = alerting(when={"event": "begin_checkout"}, not_followed_by={"event": "purchase"}, within="30m")
    late = record(at(0, "begin_checkout"), 11 * SECOND)
    assert times(spec, at(10 * SECOND, "purchase"), late, until=2 * HOUR) == []
    between = record(at(10 * MINUTE, "purchase"), 21 * MINUTE)
    begun = (at(0, "begin_checkout"), at(20 * MINUTE, "begin_checkout"))
    assert times(spec, *begun, between, until=2 * HOUR) == [50 * MINUTE]


def test_a_rule_and_an_alert_of_one_name_both_count_a_dwell() -> None:
    dwell = {"signal": "dwell", "properties.seconds": {"gt": 60}}
    spec = scoring({"when": dwell, "points": 5}, alerts={"r1": {"when": dwell}})
    told = simulate(spec, visits("/prices", 0), visits("/", 2 * MINUTE))
    assert (told.total(), told.alerts()) == (5, [("r1", 2 * MINUTE)])


def test_an_anonymous_lead_is_kept_as_long_as_its_silence_may_be_waited_for() -> None:
    told = simulate(alerting(chats(1), silent_for="45d"), at(0), until=60 * DAY)
    assert told.alerts() == [("told", 45 * DAY)]
    assert told.gone() == ["ada"]


def test_nothing_follows_itself() -> None:
    """The last page of a visit: each view follows the one before, and nothing follows the last."""
    spec = alerting(when={"event": "page_view"}, not_followed_by={"event": "page_view"}, within="30m", cooldown="0s")
    assert times(spec, visits("/", 0), visits("/", 5 * MINUTE), until=DAY) == [35 * MINUTE]


def test_an_import_is_no_doing_of_a_lead_that_did_something_itself() -> None:
    """A nightly import of traits, stated for now: the lead is as silent as before, and what it began still waits."""
    imported = at(10 * MINUTE, "identify", context={"channel": "import"}, traits={"title": "CEO"})
    missed = alerting(when={"event": "begin_checkout"}, not_followed_by={"event": "purchase"}, within="30m")
    assert times(missed, at(0, "begin_checkout"), imported, until=HOUR) == [30 * MINUTE]
    assert times(alerting(chats(), silent_for="1d"), at(0), imported, until=2 * DAY) == [DAY]
    falls = alerting(chats(50, half_life="1d"), falls_below=25, rearm_above=30)
    assert times(falls, at(0), imported, until=2 * DAY) == [DAY + 1]


def test_a_very_long_silence_is_waited_for_with_known_leads_only() -> None:
    spec = alerting(chats(1), silent_for="100d")
    told = simulate(spec, at(0), known(0, "bob"), until=110 * DAY)
    assert told.gone() == ["ada"]
    assert [alert["lead"] for alert in told.on("lead-alerts")] == ["bob"]
