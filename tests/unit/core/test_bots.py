"""Robots: what each is told by, what becomes of its row, and that ordinary visitors pay nothing."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.bots import BURST, CRAWLER, GATEWAY, HONEYPOT, judge
from engine.core.fold import new_row
from engine.core.identity import person_key
from engine.core.instants import from_rfc3339
from engine.core.model import Bots
from engine.core.packing import pack, unpack
from engine.core.profile import Row, Suspect
from tests.build import DAY, HOUR, MINUTE, SECOND, T0, Profiles, decoded, model, record, segment

Spec = dict[str, Any]

CHAT = {"when": {"event": "chat"}, "points": 50, "decay": "none"}
HOT = {"crosses": 30}
SPEC: Spec = {"engagement": {"chat": CHAT}, "alerts": {"hot": HOT, "still": {"silent_for": "1d"}}}
ADA = person_key("ada")
EMPTY = model({})
CRAWLS = {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}


def table(**bots: Any) -> Profiles:
    return Profiles(model({**SPEC, "bots": bots} if bots else SPEC))


def counted(profiles: Profiles, *events: Any, at_ms: int | None = None) -> dict[str, int]:
    """How many events were scored, and how many dropped by kind; a chunk for each event."""
    found: dict[str, int] = {}
    for event in events:
        recorded_ms = from_rfc3339(event["timestamp"]) if at_ms is None else at_ms
        fold = profiles.fold(record(event, recorded_ms, len(profiles.outputs)))
        assert not fold.errors
        for (name, *labels), count in fold.tally.items():
            if count and name in ("bot", "scored"):
                kind = labels[0] if labels else name
                found[kind] = found.get(kind, 0) + count
    return found


def at(after_ms: int, name: str = "chat", **keys: Any) -> Spec:
    return segment(name, T0 + after_ms, keys.pop("lead", "ada"), **keys)


def by_ada(after_ms: int, name: str = "chat", **keys: Any) -> Spec:
    return segment(name, T0 + after_ms, anonymousId=None, userId="ada", **keys)


def test_a_crawlers_event_makes_no_row() -> None:
    """Nor does it touch the one that is there, whoever it says it is."""
    profiles = table()
    assert counted(profiles, at(0, context=CRAWLS), by_ada(0, context=CRAWLS)) == {CRAWLER: 2}
    assert profiles.lanes[0] == {}
    assert profiles.outputs == []
    counted(profiles, at(SECOND))
    held = dict(profiles.lanes[0])
    assert counted(profiles, at(2 * SECOND, context=CRAWLS)) == {CRAWLER: 1}
    assert profiles.lanes[0] == held


def test_what_went_into_a_honeypot_is_void_and_silent_from_then_on() -> None:
    """50 points, an alert; then the trap. Later events are dropped, and no silence is told."""
    profiles = table()
    assert counted(profiles, at(0)) == {"scored": 1}
    assert profiles.alerts() == ["hot"]
    assert counted(profiles, at(1, "bot_trap"), at(2), at(HOUR)) == {HONEYPOT: 3}
    profiles.wake(T0 + 2 * DAY)
    row = profiles.row()
    assert (row.ledger, row.counts, row.pages, row.touches, row.sessions, row.fast_track) == ({}, {}, [], [], 0, False)
    assert row.suspect == Suspect(bot=HONEYPOT)
    assert profiles.score()["total"] == 0
    assert profiles.alerts() == ["hot"]
    assert len(profiles.lanes[0][b"ada"]) < 100


def test_a_robot_scores_nothing_where_even_nobody_fits() -> None:
    """A fit rule that holds for who said nothing gives a visitor 40, a robot 0."""
    nobody = {"when": {"not": {"traits.title": "ceo"}}, "points": 40}
    profiles = Profiles(model({**SPEC, "fit": {"nobody": nobody}, "publish_from": "cold"}))
    counted(profiles, at(0, lead="bea"), at(0), at(1, "bot_trap"))
    assert (profiles.score("bea")["fit"], profiles.score()["fit"], profiles.score()["total"]) == (40, 0, 0)
    assert profiles.on("lead-scores")[-1]["total"] == 0


def test_lead_scores_is_told_that_a_robots_score_is_void() -> None:
    profiles = table()
    counted(profiles, at(0), at(MINUTE, "bot_trap"))
    assert [score["total"] for score in profiles.on("lead-scores")] == [50, 0]


def test_a_robots_first_event_can_be_the_trap() -> None:
    profiles = table(honeypot=["Hidden Link"])
    assert counted(profiles, at(0, "Hidden Link"), at(1)) == {HONEYPOT: 2}
    assert counted(profiles, at(0, "bot_trap", lead="bea")) == {"scored": 1}, "the default's name is then none"


def test_a_robots_row_is_given_up_when_idle_like_any_other() -> None:
    """30 days after its last event that was none of a robot's; what is dropped does not keep it."""
    profiles = table()
    counted(profiles, at(0), at(1, "bot_trap"), at(29 * DAY))
    profiles.wake(T0 + 30 * DAY - 1)
    assert b"ada" in profiles.lanes[0]
    profiles.wake(T0 + 30 * DAY)
    assert profiles.lanes[0] == {}


def test_a_persons_row_is_never_voided() -> None:
    """A customer whose script runs wild, or who falls into the trap, loses these events and nothing else."""
    profiles = table(burst=2, per_second=1)
    assert counted(profiles, by_ada(0), by_ada(1, "bot_trap"), by_ada(2), by_ada(3), by_ada(4)) == {
        "scored": 2,
        HONEYPOT: 1,
        BURST: 2,
    }
    assert profiles.score(ADA)["total"] == 100
    assert counted(profiles, by_ada(HOUR)) == {"scored": 1}


def test_a_robot_that_is_identified_brings_nothing_along() -> None:
    """Its browser is the person's from then on, and what it does then counts for the person."""
    profiles = table()
    counted(profiles, at(0), at(1, "bot_trap"))
    profiles.feed(at(2, "identify", userId="ada"), at(MINUTE))
    assert profiles.score(ADA)["total"] == 50
    assert profiles.row(ADA).suspect is None
    assert profiles.row(ADA).browsers == ["ada"]


def test_a_burst_is_a_thousand_events_then_a_hundred_a_second() -> None:
    """At one instant 1,000 of 1,003 count; a second later 100 have come back, so 100 of 101 count.

    Ten ms later one has come back.
    """
    profiles = table()
    assert counted(profiles, *[by_ada(0)] * 1_003) == {"scored": 1_000, BURST: 3}
    assert counted(profiles, *[by_ada(SECOND)] * 101) == {"scored": 100, BURST: 1}
    assert counted(profiles, *[by_ada(SECOND + 10)] * 2) == {"scored": 1, BURST: 1}
    assert counted(profiles, *[by_ada(10 * MINUTE)] * 1_001) == {"scored": 1_000, BURST: 1}


def test_a_browsers_burst_is_void() -> None:
    profiles = table(burst=10, per_second=10)
    assert counted(profiles, *[at(0)] * 11, at(HOUR)) == {"scored": 10, BURST: 2}
    assert profiles.score()["total"] == 0
    assert profiles.row().suspect == Suspect(bot=BURST)


def test_how_a_flood_is_cut_into_chunks_changes_nothing() -> None:
    """The row alone says what is owed."""
    events = [by_ada(number % 7) for number in range(60)]
    one, many = table(burst=20, per_second=1), table(burst=20, per_second=1)
    fold = one.fold(*(record(event, T0 + 7, number) for number, event in enumerate(events)))
    assert fold.tally["bot", BURST] == 40
    assert counted(many, *events, at_ms=T0 + 7) == {"scored": 20, BURST: 40}
    assert one.row(ADA).ledger == many.row(ADA).ledger


@given(
    st.integers(1, 5),
    st.sampled_from([1, 3, 10, 100, 1_000, 5_000]),
    st.lists(st.sampled_from([0, 1, 2, 9, 10, 11, 334, 1_000, 5_000]), min_size=1, max_size=40),
)
def test_what_counts_is_what_a_bucket_in_plain_sight_lets_through(burst: int, per_second: int, gaps: list[int]) -> None:
    """That no bucket is written down for events that are far apart changes nothing, to the single event."""
    bots = Bots(burst, per_second)
    row: Row | None = None
    now, full, level, before = T0, burst * 1_000, burst * 1_000, T0
    for gap in gaps:
        now += gap
        event = decoded(EMPTY, segment("chat", now, anonymousId=None, userId="ada"), now)
        held = row or new_row(event, anonymous=False)
        verdict = judge(bots, held, event, now, is_new=row is None)
        level, before = min(full, level + (now - before) * per_second), now
        assert (verdict is not None and verdict.kind == BURST) == (level < 1_000)
        if level >= 1_000:
            level -= 1_000
            row = unpack(pack(held if verdict is None else verdict.row, None))
            row.now = now - row.born_ms
        assert row is not None


def test_ordinary_visitors_have_no_bucket() -> None:
    """Twenty clicks a second, each at its own instant, leave the row as if nobody looked."""
    profiles = table()
    for number in range(40):
        counted(profiles, at(50 * number))
        assert profiles.row().suspect is None


def test_times_that_look_like_a_slow_visitors_hide_no_flood() -> None:
    """A minute and more behind their records events are counted whatever times they state."""
    profiles = table(burst=10, per_second=10)
    found = counted(profiles, *(by_ada(number * SECOND) for number in range(30)), at_ms=T0 + HOUR)
    assert found == {"scored": 10, BURST: 20}


def test_a_flood_that_is_a_while_on_its_way_is_one() -> None:
    """Half a minute, the same for all of it."""
    flood = [by_ada(0)] * 30
    assert counted(table(burst=10, per_second=10), *flood, at_ms=T0 + 30 * SECOND) == {"scored": 10, BURST: 20}


def test_imports_know_no_burst() -> None:
    """A history of years comes at once."""
    profiles = table(burst=1, per_second=1)
    assert counted(profiles, *[at(0, context={"channel": "import"})] * 5) == {"scored": 5}


def test_a_flood_is_dropped_without_writing() -> None:
    """Of a robot's row, and of a person's beyond the rate: no row, no output, not even a look at the rules."""
    for flood, kind in (([by_ada(0)] * 20, BURST), ([at(0, "bot_trap")] * 20, HONEYPOT)):
        profiles = table(burst=10, per_second=1)
        counted(profiles, *flood)
        fold = profiles.fold(*(record(event, T0, 100 + number) for number, event in enumerate(flood)))
        assert (fold.tally["bot", kind], fold.rows, fold.outputs, fold.urgent) == (20, {}, [], False)


def mail(after_ms: int, name: str, mail: Any = "m1", link: Any = None, **keys: Any) -> Spec:
    said = {"email_id": mail, "link_url": link}
    return by_ada(after_ms, name, properties={key: value for key, value in said.items() if value is not None}, **keys)


def test_who_opens_or_clicks_within_ten_seconds_of_delivery_is_a_gateway() -> None:
    """To the millisecond; another mail than that delivered last is not judged by it."""
    for after_ms, kind in ((0, GATEWAY), (10 * SECOND - 1, GATEWAY), (10 * SECOND, "scored")):
        for name in ("email_open", "email_click"):
            delivered = mail(0, "email_delivered")
            expected = {"scored": 1, GATEWAY: 1} if kind == GATEWAY else {"scored": 2}
            assert counted(table(), delivered, mail(after_ms, name, link="/a")) == expected
            assert counted(table(), delivered, mail(after_ms, name, "m2", link="/a")) == {"scored": 2}


def test_who_clicks_on_two_links_within_two_seconds_is_a_gateway() -> None:
    """The first click has counted; all that follow without a pause are dropped, and a human's click later counts."""
    clicks = [mail(hour * SECOND, "email_click", link=f"/{hour}") for hour in range(5)]
    profiles = table()
    assert counted(profiles, *clicks) == {"scored": 1, GATEWAY: 4}
    assert counted(profiles, clicks[-1]) == {GATEWAY: 1}, "sent twice"
    assert counted(profiles, mail(6 * SECOND, "email_click", link="/0")) == {"scored": 1}
    assert counted(profiles, mail(8 * SECOND, "email_click", link="/1")) == {"scored": 1}


def test_a_double_click_on_one_link_is_a_humans() -> None:
    assert counted(table(), *[mail(number, "email_click", link="/a") for number in range(2)]) == {"scored": 2}


def test_a_gateway_that_says_so_is_one() -> None:
    said = {"userAgent": "Barracuda Sentinel (EE)"}
    profiles = table()
    assert counted(profiles, *(mail(0, name, context=said) for name in ("email_open", "email_click"))) == {GATEWAY: 2}
    assert profiles.lanes[0] == {}


@pytest.mark.parametrize("said", [5, ["a"], {"a": "b"}, "\ud800", "x" * 100_000, True, 1e300])
def test_a_mail_may_be_called_anything(said: Any) -> None:
    event = decoded(EMPTY, mail(0, "email_click"))
    for key in ("email_id", "link_url"):
        setattr(event.properties, "key_" + key.encode().hex(), said)
    verdict = judge(Bots(), Row(T0, anonymous=False), event, T0, is_new=True)
    assert verdict is not None
    assert verdict.kind is None


def test_a_model_may_bound_what_passers_by_cost() -> None:
    """Cold ones that came once go after an hour, whatever little they earned; who came twice, or is warm, stays."""
    spec = {**SPEC, "engagement": {"chat": {**CHAT, "points": 20}}, "bots": {"keep_one_visit": "1h"}}
    profiles = Profiles(model({**spec, "alerts": {}}))
    counted(profiles, at(0, lead="once"), at(0, lead="twice"), at(0, lead="warm"), at(1, lead="warm"))
    counted(profiles, at(31 * MINUTE, lead="twice"))
    assert profiles.wake(T0 + HOUR - 1).rows == {}
    assert profiles.wake(T0 + HOUR).rows[b"once"] is None
    profiles.wake(T0 + 2 * HOUR)
    assert sorted(profiles.lanes[0]) == [b"twice", b"warm"]


def test_passers_by_who_are_there_go_once_the_model_bounds_them() -> None:
    """A reload reaches the rows of a flood that is under way."""
    spec = {**SPEC, "engagement": {"chat": {**CHAT, "points": 20}}, "alerts": {}}
    profiles = Profiles(model(spec))
    counted(profiles, *(at(0, lead=f"a{number}") for number in range(20)))
    profiles.restate(model({**spec, "bots": {"keep_one_visit": "1h"}}), T0 + 2 * HOUR)
    profiles.wake(T0 + 2 * HOUR)
    assert profiles.lanes[0] == {}


def test_who_keeps_coming_through_an_app_is_no_passer_by() -> None:
    """Web sessions are of browsers; an app's visitor of two days stays."""
    spec = {**SPEC, "alerts": {}, "bots": {"keep_one_visit": "1h"}, "engagement": {"chat": {**CHAT, "points": 1}}}
    profiles = Profiles(model(spec))
    app: Spec = {"context": {"channel": "mobile"}}
    counted(profiles, at(0, **app), at(30 * MINUTE, **app, lead="bea"))
    for hour in range(25):
        counted(profiles, at(hour * HOUR // 2, **app))
    counted(profiles, at(12 * HOUR + 25 * MINUTE, **app), at(13 * HOUR, **app))
    assert list(profiles.lanes[0]) == [b"ada"]
    for hour in range(27, 51):
        counted(profiles, at(hour * HOUR // 2, **app))
    profiles.wake(T0 + 3 * DAY)
    assert profiles.row().last == 25 * HOUR


def test_verdicts_leave_the_row_that_went_in_as_it_was() -> None:
    row = Row(T0, anonymous=True, ledger={"chat": (1, 0, 1)})
    before = pack(row, None)
    for (name, one), (_, other) in pairwise([("bot_trap", 0), ("email_click", 1), ("chat", 2), ("chat", 3)]):
        event = decoded(EMPTY, at(one, name))
        judge(Bots(burst=1, per_second=1), row, event, T0 + other, is_new=False)
        assert pack(row, None) == before
