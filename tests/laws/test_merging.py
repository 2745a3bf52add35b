"""However a person's events were spread over ids: the merge of their rows holds what one id would have."""

from collections.abc import Sequence
from math import isclose
from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.core.events import Event
from engine.core.fold import fold_event, new_row
from engine.core.instants import MINUTE_MS
from engine.core.ledger import WINDOWS_MAX
from engine.core.merging import merged
from engine.core.model import Model
from engine.core.outputs import Profile, score_output
from engine.core.packing import BYTES_MAX, pack
from engine.core.points import points_of
from engine.core.profile import BROWSERS_MAX, ID_BYTES, RECENT_IDS_MAX, TOUCHES_MAX, Row
from engine.core.rebasing import rebased
from tests.build import DAY, HOUR, data_of, decoded
from tests.build import model as loaded
from tests.laws.engine import as_segment
from tests.laws.models import LAW, models
from tests.laws.rows import MODEL, Draw, full, plain
from tests.laws.streams import RECORDED_MS, acts, identifies, with_ids
from tests.reference.events import Seen, Spec

RELATIVE = 1e-9
READ: Spec = {
    "alerts": {"surge": {"gains": 30, "within": "90m"}},
    "suppress": {"any": [{"counts.chat": {"gte": 9}}, {"counts.identify": {"gte": 9}}]},
}
"""What makes rows keep counts and gains."""
specs = models().map(lambda spec: {**spec, **READ})
seeds = st.integers(0, 2**32 - 1)
lives = st.lists(st.one_of(acts, acts, acts, identifies), min_size=4, max_size=WINDOWS_MAX)
"""What a person did; in so few events no limit has more windows than are counted one by one."""
later = st.sampled_from((0, HOUR, DAY, 14 * DAY))


def decoded_by_time(model: Model, life: Sequence[Seen]) -> list[Event]:
    """The events of a life in order of time, as decoded."""
    in_order = sorted(life, key=lambda seen: (seen.at_ms, seen.path or ""))
    return [
        decoded(model, as_segment(lead, seen), seen.arrived_ms)
        for lead, seen in with_ids([("ada", seen) for seen in in_order])
    ]


def row_of(model: Model, events: Sequence[Event]) -> Row:
    """The row of an id under which these events came."""
    row = new_row(events[0], anonymous=True)
    for event in events:
        came = fold_event(model, row, event)
        assert came is not None
        row = came.row
    return row


def spread(model: Model, events: Sequence[Event], random: Random) -> list[Row]:
    """The rows of two to four ids, each event under one of them."""
    ids = random.randint(2, 4)
    parts: dict[int, list[Event]] = {}
    for event in events:
        parts.setdefault(random.randrange(ids), []).append(event)
    return [row_of(model, part) for part in parts.values()]


def united(model: Model, rows: Sequence[Row], random: Random) -> Row:
    """All of them as one, by merges of any two until one is left."""
    left = list(rows)
    while len(left) > 1:
        random.shuffle(left)
        left.append(merged(model, left.pop(), left.pop()))
    return left[0]


def held(model: Model, row: Row) -> dict[str, Any]:
    """What a row holds that depends on what happened alone, in times since the epoch."""
    shown = data_of(score_output(model, Profile("ada", row), row.now_ms, row.now_ms))
    row = rebased(row, 0)
    ids = [row.recent_ids[place : place + ID_BYTES] for place in range(0, len(row.recent_ids), ID_BYTES)]
    return {
        "times": (row.now, row.first, row.last),
        "counts": row.counts,
        "traits": row.traits,
        "pages": [(page["at"], page["path"]) for page in shown["pages"]],
        "recent ids": sorted(ids),
        "minutes": row.gains[::2],
        "rules": sorted(row.ledger),
    }


def assert_same(model: Model, one: Row, other: Row, later_ms: int) -> None:
    """Both hold the same, and every rule has the same points, to rounding, then and later."""
    assert held(model, one) == held(model, other)
    for here, there in zip(one.gains[1::2], other.gains[1::2], strict=True):
        assert isclose(here, there, rel_tol=RELATIVE, abs_tol=RELATIVE)
    for at_ms in (one.now_ms, one.now_ms + later_ms):
        points, wanted = (points_of(model, row.ledger, at_ms - row.born_ms, row.born_ms) for row in (one, other))
        near = RELATIVE * max(1.0, sum(map(abs, wanted.values())))
        for rule in points.keys() | wanted.keys():
            assert isclose(points.get(rule, 0.0), wanted.get(rule, 0.0), rel_tol=0, abs_tol=near), (rule, at_ms)
    for rule in one.ledger:
        assert events_of(one, rule) == events_of(other, rule), rule


def events_of(row: Row, rule: str) -> tuple[Any, ...]:
    """How many events a rule counted, and in which windows: those that are listed."""
    entry = row.ledger[rule]
    if entry[0] is None:
        return (sum(entry[2][2::3]), *entry[3:])
    return (entry[2], *entry[3:])


@LAW
@given(specs, lives, later, st.randoms(use_true_random=False))
def test_rows_of_several_ids_merge_to_the_row_of_one(
    spec: Spec, life: list[Seen], later_ms: int, random: Random
) -> None:
    """In any order and association; ledger, counts, traits, pages, gains and recent ids."""
    model = loaded(spec)
    events = decoded_by_time(model, life)
    rows = spread(model, events, random)
    assert_same(model, united(model, rows, random), row_of(model, events), later_ms)


@LAW
@given(specs, lives, st.randoms(use_true_random=False))
def test_what_comes_after_a_merge_counts_as_if_there_had_been_one_id(
    spec: Spec, life: list[Seen], random: Random
) -> None:
    """Limits go on where they were, and `once` has been."""
    model = loaded(spec)
    events = decoded_by_time(model, life)
    before, after = events[: len(events) // 2], events[len(events) // 2 :]
    row = united(model, spread(model, before, random), random)
    for event in after:
        came = fold_event(model, row, event)
        assert came is not None
        row = came.row
    assert_same(model, row, row_of(model, events), DAY)


CROWDED = loaded(
    {
        "engagement": {
            name: {"when": {"event": "chat"}, "points": 1, **keys}
            for name, keys in {
                "hours": {"half_life": "1h", "limit": "2 per 1h"},
                "quarters": {"window": "3d", "limit": "1 per 6h"},
                "days": {"window": "2d"},
                "once": {"half_life": "1d", "limit": "once"},
                "all": {"half_life": "6h"},
                "kept": {"decay": "none"},
            }.items()
        }
    }
)


@LAW
@given(st.lists(st.integers(0, 40), min_size=8, max_size=40), st.randoms(use_true_random=False))
def test_a_limit_that_several_ids_share_holds_for_all_of_them(quarters: list[int], random: Random) -> None:
    """Chats within ten hours, many of which only one of the ids had room for."""
    life = [
        Seen("chat", RECORDED_MS - 3 * DAY + quarter * 15 * MINUTE_MS, recorded_ms=RECORDED_MS) for quarter in quarters
    ]
    events = decoded_by_time(CROWDED, life)
    assert_same(CROWDED, united(CROWDED, spread(CROWDED, events, random), random), row_of(CROWDED, events), HOUR)


STREAK: Spec = {
    "bands": {"warm": 30, "hot": 80},
    "engagement": {"chat": {"when": {"event": "chat"}, "points": 1, "half_life": "1d", "limit": "2 per 30m"}},
}


@LAW
@given(
    st.lists(st.integers(0, 90), min_size=20, max_size=40, unique=True),
    st.integers(1, 19),
)
def test_windows_that_are_pushed_out_of_the_newest_16_keep_their_mass(halves: list[int], place: int) -> None:
    """One event a half hour, so no limit is reached, and what either row has closed simply adds."""
    model = loaded(STREAK)
    born_ms = RECORDED_MS - 2 * DAY
    life = [Seen("chat", born_ms + half * MINUTE_MS * 30, recorded_ms=RECORDED_MS) for half in halves]
    events = decoded_by_time(model, life)
    random = Random(place)
    random.shuffle(events)
    parts = [sorted(part, key=lambda event: event.time_ms) for part in (events[:place], events[place:])]
    one, other = (row_of(model, part) for part in parts)
    whole = row_of(model, sorted(events, key=lambda event: event.time_ms))
    assert_same(model, merged(model, one, other), whole, DAY)


IN_ORDER = ("sessions", "visit", "touches", "waits", "place", "falls", "products")
"""What depends on which rows meet first, since a row forgets."""


def near(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(near, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
    if isinstance(one, float) or isinstance(other, float):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other)


@LAW
@given(seeds)
def test_it_does_not_matter_which_is_merged_into_which(seed: int) -> None:
    """But for the owner and what was published; the rows that went in are as they were."""
    draw = Draw(seed)
    one, other = draw.row(), draw.row()
    before = msgspec.msgpack.encode([one, other])
    assert near(plain(merged(MODEL, one, other)), plain(merged(MODEL, other, one)))
    assert msgspec.msgpack.encode([one, other]) == before


@LAW
@given(seeds)
def test_it_does_not_matter_which_meet_first(seed: int) -> None:
    draw = Draw(seed)
    one, two, three = draw.row(), draw.row(), draw.row()
    left = merged(MODEL, merged(MODEL, one, two), three)
    right = merged(MODEL, one, merged(MODEL, two, three))
    for name in Row.__struct_fields__:
        if name not in IN_ORDER:
            assert near(plain(getattr(left, name)), plain(getattr(right, name))), name


@LAW
@given(seeds, st.integers(-10 * DAY, 10 * DAY))
def test_it_does_not_matter_from_when_times_count(seed: int, by: int) -> None:
    """The same rows stated from other instants merge to the same; the first stage begins with the row."""
    draw = Draw(seed)
    one, other = draw.row(), draw.row()
    here = merged(MODEL, one, other)
    there = merged(MODEL, rebased(one, one.born_ms + by), rebased(other, other.born_ms - by))
    moved = rebased(there, here.born_ms)
    if here.life is not None and here.stage == 0:
        moved.life = here.life
    assert near(plain(here), plain(moved))


def test_a_row_stays_within_its_bound_however_often_it_is_merged() -> None:
    """Forty rows, each as full as a visitor can make it."""
    rows = [full(number) for number in range(40)]
    whole = rows[0]
    for other in rows[1:]:
        whole = merged(MODEL, whole, other)
        assert len(whole.touches) == TOUCHES_MAX
        assert (len(whole.pages), len(whole.products), len(whole.videos), len(whole.pending)) == (10, 5, 8, 4)
        assert (len(whole.recent_ids), len(whole.browsers)) == (ID_BYTES * RECENT_IDS_MAX, BROWSERS_MAX)
        assert len(whole.gains) == 2 * 10
        assert [len(whole.ledger[name]) for name in ("chat", "page", "visit")] == [3, 7, 5]
        assert (len(whole.ledger["page"][6]), len(whole.ledger["visit"][2]), len(whole.ledger["visit"][4])) == (
            30,
            9,
            32,
        )
    assert len(pack(whole, None)) <= BYTES_MAX
