"""What one event does to one row: memory of ids, sessions, counts, pages, who the lead is."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.fold import fold_event, new_row
from tests.build import DAY, HOUR, MINUTE, SECOND, T0, Profiles, decoded, model, page, segment
from tests.stories import LAWFUL, RECORDED_MS, Seen, as_event, instants

COUNTING = model(
    {
        "engagement": {
            "view": {"when": {"event": "page_view"}, "points": 1},
            "plan": {"when": {"event": "identify", "traits.plan": "pro"}, "points": 5},
        }
    }
)


def fed(*events: dict[str, Any], at_ms: int | None = None) -> Profiles:
    profiles = Profiles(COUNTING)
    profiles.feed(*events, at_ms=at_ms)
    return profiles


def views(*events: dict[str, Any], at_ms: int | None = None) -> int:
    return fed(*events, at_ms=at_ms).row().counts.get("page_view", 0)


@LAWFUL
@given(st.lists(st.builds(Seen, st.just("page_view"), instants, id=st.sampled_from("abcde") | st.none()), max_size=15))
def test_a_message_id_counts_once_within_a_day_among_the_last_64(arrivals: list[Seen]) -> None:
    profiles = fed(*map(as_event, [Seen("page_view", T0), *arrivals]), at_ms=RECORDED_MS)
    kept: list[Seen] = []
    for seen in arrivals:
        repeats = (old for old in kept[-64:] if old.id == seen.id and abs(old.at_ms - seen.at_ms) <= DAY)
        if seen.id is not None and not any(repeats):
            kept.append(seen)
    nameless = sum(seen.id is None for seen in arrivals)
    assert profiles.row().counts["page_view"] == 1 + nameless + len(kept)


@pytest.mark.parametrize(("apart", "count"), [(DAY, 1), (DAY + SECOND, 2)])
def test_a_message_id_is_remembered_for_24_hours(apart: int, count: int) -> None:
    first, second = page("/", T0, messageId="m"), page("/", T0 + apart, messageId="m")
    assert views(first, second) == count
    assert views(second, first, at_ms=T0 + apart) == count


@pytest.mark.parametrize(("between", "count"), [(63, 1), (64, 2)])
def test_a_message_id_is_remembered_among_the_last_64(between: int, count: int) -> None:
    others = [segment("chat", messageId=f"other-{number}") for number in range(between)]
    assert views(page("/", messageId="m"), *others, page("/", messageId="m")) == count


def test_a_repeat_changes_nothing_at_all() -> None:
    row = new_row(event := decoded(COUNTING, page("/", messageId="m")), anonymous=True)
    folded = fold_event(COUNTING, row, event)
    assert folded is not None
    assert fold_event(COUNTING, folded.row, event) is None


def test_the_row_that_goes_in_is_left_as_it_was() -> None:
    """So that a record that fails midway leaves no trace."""
    events = [
        page("/a", messageId="1"),
        segment("identify", userId="ada@example.com", traits={"plan": "pro"}, messageId="2"),
        page("/b", T0 + HOUR, messageId="3"),
    ]
    row = fed(*events).row()
    before = copy.deepcopy(row)
    for event in [page("/c", messageId="4"), segment("identify", traits={"plan": "free"}, messageId="5")]:
        fold_event(COUNTING, row, decoded(COUNTING, event))
    assert row == before


def test_times_are_those_of_the_events_and_now_never_goes_back() -> None:
    score = fed(page("/", T0), page("/", T0 - HOUR), at_ms=T0).score()
    times = (score["at"], score["first_seen"], score["last_seen"])
    assert times == ("2026-11-23T00:00:00.000Z", "2026-11-22T23:00:00.000Z", "2026-11-23T00:00:00.000Z")


def test_a_session_ends_with_half_an_hour_of_silence() -> None:
    """An event of the web after 30 minutes begins another; other sources begin none."""
    assert fed(page("/"), page("/", T0 + 30 * MINUTE - 1)).row().sessions == 1
    assert fed(page("/"), page("/", T0 + 30 * MINUTE)).row().sessions == 2
    assert fed(page("/"), segment("chat", T0 + HOUR, context={"channel": "email"})).row().sessions == 1


def test_the_last_ten_pages_are_kept_short_and_clean() -> None:
    long = segment("page_view", T0 + 12, context={"page": {"path": "/" + "p" * 100, "title": "\x1b[31m" + "t" * 100}})
    profiles = fed(*[page(f"/{number}", T0 + number) for number in range(12)], long)
    pages = profiles.score()["pages"]
    assert [one["path"] for one in pages[:-1]] == [f"/{number}" for number in range(3, 12)]
    assert pages[-1] == {
        "at": "2026-11-23T00:00:00.012Z",
        "path": "/" + "p" * 63,
        "title": "[31m" + "t" * 59,
        "seconds": None,
    }


def test_an_identify_makes_the_browsers_row_the_persons() -> None:
    """All of it, and what the browser does later is the person's, too."""
    score = fed(page("/"), segment("identify", userId="ada@example.com"), page("/later")).score()
    assert (score["lead"], score["known"]) == ("ada@example.com", True)
    assert [one["path"] for one in score["pages"]] == ["/", "/later"]
    assert score["ids"] == {"user": "ada@example.com", "anonymous": ["ada"]}


def test_an_event_of_a_user_id_alone_makes_a_known_lead() -> None:
    score = fed(segment("chat", anonymousId=None, userId="ada@example.com")).score("ada@example.com")
    assert (score["lead"], score["known"]) == ("ada@example.com", True)
    assert score["ids"] == {"user": "ada@example.com", "anonymous": []}


@pytest.mark.parametrize("name", ["chat", "Identify", "page_view"])
def test_only_an_identify_stitches(name: str) -> None:
    """A track with both ids counts for the userId, even one that is called Identify; its traits are not the lead's.

    The browser stays nobody's.
    """
    profiles = fed(segment("scroll"), segment(name, userId="ada@example.com", traits={"plan": "pro"}))
    person, browser = profiles.row("ada@example.com"), profiles.row()
    assert (person.known, person.traits, person.browsers) == (True, {}, [])
    assert (browser.known, browser.recent_ids) == (False, b"")
    assert (browser.last, person.first) == (0, 0)


def test_what_came_before_a_second_login_stays_with_the_first_person() -> None:
    """Nor do the second person's traits become the first one's."""
    ada = segment("identify", userId="ada", traits={"email": "ada@example.com"})
    bob = segment("identify", T0 + 1, userId="bob", traits={"email": "bob@example.com"})
    score = fed(ada, bob).score()
    assert (score["lead"], score["traits"]) == ("ada", {"email": "ada@example.com"})


def traits(*said: tuple[int, Any]) -> dict[str, Any]:
    events = [segment("identify", T0 + after, traits={"plan": value}) for after, value in said]
    shown: dict[str, Any] = fed(*events, at_ms=T0 + 9).score()["traits"]
    return shown


def test_a_traits_value_is_that_of_the_latest_event_time() -> None:
    """At the same time the larger bytes win, whatever the order of arrival; null is a value."""
    assert traits((2, "new"), (1, "old")) == {"plan": "new"}
    assert traits((1, "a"), (1, "b")) == traits((1, "b"), (1, "a")) == {"plan": "b"}
    assert traits((1, "pro"), (2, None)) == {"plan": None}


def test_only_named_and_standard_traits_are_kept_and_all_of_them_small() -> None:
    said = {
        "plan": ["x" * 99] * 99,
        "email": "e" * 300,
        "company": {"name": "c" * 99, "deep": {"er": 1}, **{str(n): n for n in range(20)}},
        "age": 10**40,
        "title": "\u202eCEO",
        "secret": "s",
    }
    kept = fed(segment("identify", traits=said)).score()["traits"]
    assert kept["plan"] == ["x" * 64] * 2
    assert kept["email"] == "e" * 254
    assert 10 < len(kept["company"]) < 22
    assert (kept["company"]["name"], kept["company"]["deep"]) == ("c" * 64, None)
    assert (kept["age"], kept["title"]) == (1e40, "CEO")
    assert "secret" not in kept
