"""Time: when an event counts as, what comes too late or too early, imports, and leads that are given up."""

from typing import Any

import pytest

from engine.core.instants import to_rfc3339
from tests.build import DAY, HOUR, MINUTE, SECOND, T0
from tests.examples.harness import at, chats, known, near, record, scoring, simulate, since, visits

CHAT = {"type": "track", "event": "chat", "anonymousId": "ada"}


def seen(event: Any, recorded: int = 0) -> int:
    """When an event in a record of T0 + `recorded` counts as."""
    return since(simulate(scoring(chats(1)), record(event, recorded)).score()["last_seen"])


def stamps(**after: int) -> dict[str, Any]:
    return {**CHAT, **{name: to_rfc3339(T0 + time) for name, time in after.items()}}


def test_a_browsers_clock_is_put_right_by_when_it_was_sent_and_received() -> None:
    """Time = receivedAt − (sentAt − originalTimestamp): written 2 minutes before it was sent, received at 10:00."""
    wrong = {"originalTimestamp": 500 * DAY, "sentAt": 500 * DAY + 2 * MINUTE}
    assert seen(stamps(**wrong, receivedAt=10 * HOUR, timestamp=HOUR), 10 * HOUR) == 10 * HOUR - 2 * MINUTE


def test_else_its_timestamp_counts_and_else_the_records_time() -> None:
    assert seen(stamps(timestamp=HOUR, sentAt=2 * HOUR, receivedAt=3 * HOUR), 5 * HOUR) == HOUR
    assert seen(CHAT, 5 * HOUR) == 5 * HOUR


def test_an_event_up_to_5_minutes_ahead_is_set_to_its_records_time() -> None:
    assert seen(at(5 * MINUTE), 0) == 0
    assert seen(at(1), 0) == 0


def test_further_ahead_or_older_than_lateness_is_a_dead_letter() -> None:
    """96 hours, to the millisecond."""
    for event, recorded in ((at(5 * MINUTE + 1), 0), (at(0), 96 * HOUR + 1)):
        told = simulate(scoring(chats(1)), record(event, recorded))
        assert told.rejected() == ["time"]
        assert told.on("dead-letters")[0]["failure"]["field"] == "timestamp"
        assert told.on("lead-scores") == []
    assert seen(at(0), 96 * HOUR) == 0


def test_lateness_is_the_models_own() -> None:
    assert simulate(scoring(chats(1), lateness="1h"), record(at(0), HOUR + 1)).rejected() == ["time"]
    assert simulate(scoring(chats(1), lateness="1h"), record(at(0), HOUR)).total() == 1


def test_an_import_knows_no_lateness() -> None:
    """A year old, and it counts as of its own time."""
    old = record(at(-365 * DAY, context={"channel": "import"}), 0)
    told = simulate(scoring(chats(64, half_life="73d")), old, until=0)
    assert told.rejected() == []
    assert told.total() == near(64 * 2 ** (-365 / 73))


def test_a_rows_now_is_the_latest_event_time_it_has_seen() -> None:
    score = simulate(scoring(chats(1)), at(DAY), at(0)).score()
    assert [since(score[name]) for name in ("at", "first_seen", "last_seen")] == [DAY, 0, DAY]


def test_an_anonymous_lead_of_whom_nothing_is_left_is_given_up_after_30_days() -> None:
    """Under one point, 1.9 × 2^(−30/30) = 0.95: a tombstone, and no lead at the end."""
    spec = scoring(chats(1.9))
    before = simulate(spec, at(0), until=30 * DAY - 1)
    assert before.gone() == []
    assert before.total() == near(1.9 * 2 ** (-(30 * DAY - 1) / (30 * DAY)))
    after = simulate(spec, at(0), until=30 * DAY)
    assert after.gone() == ["ada"]
    assert after.lines[-1]["value"] is None


def test_a_later_event_begins_a_new_lead() -> None:
    told = simulate(scoring(chats(1.9)), at(0), at(31 * DAY))
    assert told.gone() == ["ada"]
    assert (told.total(), since(told.score()["first_seen"])) == (1.9, 31 * DAY)


@pytest.mark.parametrize("points", [4, -4])
def test_who_has_more_than_a_point_left_stays_until_it_has_decayed(points: float) -> None:
    """4 × 2^(−t/30) is below 1 after 60 days; a deduction is as good as points."""
    spec = scoring(chats(points))
    assert simulate(spec, at(0), until=59 * DAY).gone() == []
    assert simulate(spec, at(0), until=62 * DAY).gone() == ["ada"]


def test_who_is_known_is_never_given_up() -> None:
    assert simulate(scoring(chats(1)), known(0), until=900 * DAY).gone() == []


def test_points_that_never_decay_keep_a_lead_for_ever() -> None:
    assert simulate(scoring(chats(1, decay="none")), at(0), until=900 * DAY).gone() == []
    assert simulate(scoring(chats(0.9, decay="none")), at(0), until=30 * DAY).gone() == ["ada"]


def test_who_comes_back_in_time_is_not_given_up() -> None:
    told = simulate(scoring(chats(1)), at(0), at(29 * DAY), until=58 * DAY)
    assert told.gone() == []
    assert simulate(scoring(chats(1)), at(0), at(29 * DAY), until=59 * DAY).gone() == ["ada"]


def test_a_lead_that_was_never_published_is_given_up_without_a_tombstone() -> None:
    spec = {**scoring(chats(1)), "publish_from": "warm"}
    told = simulate(spec, at(0), until=30 * DAY)
    assert told.lines == []


def test_what_waits_for_something_is_not_given_up_before_it() -> None:
    """An alert that waits 40 days for what should follow."""
    wait = {"when": {"event": "chat"}, "not_followed_by": {"event": "call"}, "within": "40d"}
    spec = scoring(chats(1), alerts={"left": wait})
    assert simulate(spec, at(0), until=39 * DAY).gone() == []
    told = simulate(spec, at(0), until=80 * DAY)
    assert (told.alerts(), told.gone()) == ([("left", 40 * DAY)], ["ada"])


def test_an_event_with_a_message_id_counts_once_within_24_hours() -> None:
    spec = scoring(chats(1, decay="none"))
    assert simulate(spec, at(0, messageId="m"), at(DAY, messageId="m")).total() == 1
    assert simulate(spec, at(0, messageId="m"), at(DAY + SECOND, messageId="m")).total() == 2
    assert simulate(spec, at(0, messageId="m"), at(0, lead="bob", messageId="m")).total("bob") == 1


def test_what_falls_due_happens_in_its_order_whatever_comes_first() -> None:
    """A session's end at 0:30, a form abandoned at 0:40, and only then the page view of 0:50."""
    rules = [{"when": {"signal": name}, "points": 10} for name in ("form_abandoned", "session_end")]
    alerts = {
        "form": {"when": {"signal": "form_abandoned"}},
        "end": {"when": {"signal": "session_end"}},
        "page": {"when": {"event": "page_view", "page.path": "/late"}},
    }
    spec = scoring(*rules, alerts=alerts)
    form = at(10 * MINUTE, "form_start", context={"channel": "server"})
    told = simulate(spec, visits("/", 0), form, visits("/late", 50 * MINUTE))
    assert told.alerts() == [("end", 30 * MINUTE), ("form", 40 * MINUTE), ("page", 50 * MINUTE)]
