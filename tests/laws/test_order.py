"""For rules on input events the score depends on what happened, not on how it came in."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.build import DAY, HOUR, MINUTE
from tests.build import model as loaded
from tests.laws.compare import assert_near, assert_says, expected
from tests.laws.engine import Arrival, Lane, cut, folded, last_scores, records, simulated
from tests.laws.models import LAW, models
from tests.laws.streams import RECORDED_MS, streams, with_ids
from tests.reference.events import Seen, Spec, accepted, ms
from tests.reference.score import WINDOWS_KEPT, counted

later = st.sampled_from((0, 1, HOUR, 8 * HOUR, DAY, 2 * DAY, 14 * DAY, 40 * DAY))
"""How long after the last record a score is asked for."""
places = st.lists(st.integers(0, 40), max_size=6)


def windows_in_all(spec: Spec, arrivals: Sequence[Arrival]) -> int:
    """The most limit windows that a rule of this model has with a lead."""
    most = 0
    for rule in spec["engagement"].values():
        if " per " not in rule.get("limit", ""):
            continue
        width_ms = ms(rule["limit"].partition(" per ")[2])
        every = {**rule, "limit": "once"}
        for lead in {lead for lead, _ in arrivals}:
            of_lead = accepted(spec, [seen for who, seen in arrivals if who == lead])
            most = max(most, len({seen.at_ms // width_ms for seen in of_lead if counted(every, [seen])}))
    return most


def assert_all_say(spec: Spec, lane: Lane, arrivals: Sequence[Arrival], at_ms: int) -> None:
    """Each lead's score is the reference's; only who has next to none may have been evicted."""
    said = lane.scores(at_ms)
    for lead, wanted in expected(spec, arrivals, at_ms).items():
        if lead not in said:
            assert at_ms >= RECORDED_MS + 20 * DAY
            assert not lead.startswith("user-")
            assert sum(abs(points) for (part, _), (points, _) in wanted.contributions.items() if part != "fit") < 1
        else:
            assert_says(spec, said[lead], wanted)


@LAW
@given(models(), streams(), later, places)
def test_the_score_is_the_references_however_the_events_are_cut_into_chunks(
    spec: Spec, arrivals: list[Arrival], later_ms: int, places: list[int]
) -> None:
    """The reference keeps every event and works the score out anew from the definitions."""
    at_ms = RECORDED_MS + later_ms
    assert_all_say(spec, folded(spec, cut(records(arrivals), places), at_ms), arrivals, at_ms)


@LAW
@given(models(), streams(), later, places, st.randoms(use_true_random=False))
def test_order_chunks_and_restarts_change_no_score(
    spec: Spec, arrivals: list[Arrival], later_ms: int, places: list[int], random: Random
) -> None:
    """Two orders of arrival, the second cut into chunks with a restart after each; up to 16 windows of a limit."""
    if windows_in_all(spec, arrivals) > WINDOWS_KEPT:
        return
    at_ms = RECORDED_MS + later_ms
    other = list(arrivals)
    random.shuffle(other)
    model = loaded(spec)
    one = folded(model, [records(arrivals)], at_ms).scores(at_ms)
    two = folded(model, cut(records(other), places), at_ms, restarting=True).scores(at_ms)
    assert {*one} == {*two}
    for lead, said in one.items():
        near = 1e-9 * max(1, sum(abs(each["points"]) for each in said["contributions"]))
        for key in ("contributions", "clamps"):
            name = "rule" if key == "contributions" else "clamp"
            first, second = (
                {(each["part"], each[name]): each["points"] for each in scores[lead][key]} for scores in (one, two)
            )
            assert_near(first, second, near)
        assert abs(said["total"] - two[lead]["total"]) <= near


@LAW
@given(
    st.sampled_from(({"half_life": "1h"}, {"decay": "none"}, {"window": "2d"})),
    st.integers(1, 2),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 29)), min_size=17, max_size=45),
)
def test_an_event_older_than_the_newest_16_windows_of_a_limit_counts_no_more(
    decay: Spec, at_most: int, halves: list[tuple[int, int]]
) -> None:
    """In that order of arrival: which windows are the newest is known only as they come."""
    rule = {"when": {"event": "chat"}, "points": 1, "limit": f"{at_most} per 30m", **decay}
    spec: Spec = {"bands": {"warm": 30, "hot": 80}, "engagement": {"chats": rule}}
    first_ms = RECORDED_MS - 30 * HOUR
    arrivals = [
        ("ada", Seen("chat", first_ms + half * 30 * MINUTE + minute * MINUTE, recorded_ms=RECORDED_MS))
        for half, minute in halves
    ]
    lane = folded(spec, [records(with_ids(arrivals))], RECORDED_MS)
    assert_all_say(spec, lane, with_ids(arrivals), RECORDED_MS)


@LAW
@given(models(), streams(max_size=12), later)
def test_simulate_says_the_same(spec: Spec, arrivals: list[Arrival], later_ms: int) -> None:
    """Each line a chunk of its own, `--final` at `--until`."""
    at_ms = RECORDED_MS + later_ms
    final = last_scores(simulated(loaded(spec), arrivals, at_ms))
    for lead, wanted in expected(spec, arrivals, at_ms).items():
        if lead in final or later_ms < 20 * DAY:
            assert_says(spec, final[lead], wanted)


@LAW
@given(models(), streams(max_size=12), st.sampled_from((-1, 0, 1)))
def test_an_event_counts_up_to_its_lateness_and_up_to_five_minutes_ahead(
    spec: Spec, arrivals: list[Arrival], beside_ms: int
) -> None:
    """Of the record's time; one that is a little ahead happened as it arrived, others are dead letters."""
    late = {**spec, "lateness": "30h"}
    moved = [
        (lead, replace(seen, recorded_ms=seen.at_ms + (30 * HOUR, -5 * MINUTE, 0)[place % 3] + beside_ms))
        for place, (lead, seen) in enumerate(arrivals)
    ]
    at_ms = RECORDED_MS + 2 * DAY
    lane = folded(late, [records(moved)], at_ms)
    assert_all_say(late, lane, moved, at_ms)
