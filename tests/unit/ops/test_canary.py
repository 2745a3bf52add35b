"""Watching canaries: ages by the instants at which they were sent, each loss told once, and only those sent here."""

from hypothesis import given
from hypothesis import strategies as st

from engine.core.canary import STAGES, Stage
from engine.ops.canary import WATCHED_MAX, CanaryWatch


def watching(lost: list[Stage] | None = None) -> CanaryWatch:
    """A watch that begins at 100 s and gives a canary 60 s."""
    told: list[Stage] = [] if lost is None else lost
    return CanaryWatch(100.0, 60.0, told.append)


def test_before_any_came_through_the_age_is_that_of_the_wait() -> None:
    """Since the watch began, then since the first was sent: silence from the start is seen, too."""
    watch = watching()
    assert watch.age_s("routed", 130.0) == 30.0
    watch.sent("a", 0, 130.0)
    assert watch.age_s("routed", 150.0) == 20.0


def test_the_age_is_that_of_the_last_that_came_in_the_lane_where_it_is_oldest() -> None:
    """Both lanes sent to at 110 and 120: lane 0 has seen both, lane 1 the first, so the age at 125 is 15."""
    watch = watching()
    for now_s in (110.0, 120.0):
        for lane in (0, 1):
            watch.sent(f"{lane}-{now_s}", lane, now_s)
    for nonce in ("0-120.0", "0-110.0", "1-110.0"):
        watch.seen("scored", nonce)
    assert watch.age_s("scored", 125.0) == 15.0
    watch.seen("scored", "1-120.0")
    assert watch.age_s("scored", 125.0) == 5.0
    assert watch.age_s("routed", 125.0) == 15.0


def test_what_was_not_sent_here_moves_nothing() -> None:
    """A stranger's canary, one of another projector, one that came through before."""
    lost: list[Stage] = []
    watch = watching(lost)
    watch.sent("a", 0, 110.0)
    for stage in (*STAGES, *STAGES):
        watch.seen(stage, "a")
        watch.seen(stage, "stranger")
    watch.count_lost(1_000.0)
    assert lost == []
    assert watch.age_s("routed", 120.0) == 10.0


def test_a_lost_one_is_told_once_by_the_first_stage_that_it_did_not_come_to() -> None:
    """Not at its last instant, but after; one that comes later is lost, and still says how old the last one is."""
    lost: list[Stage] = []
    watch = watching(lost)
    watch.sent("a", 0, 100.0)
    watch.sent("b", 0, 101.0)
    watch.seen("scored", "b")
    watch.count_lost(160.0)
    assert lost == []
    watch.count_lost(160.5)
    assert lost == ["scored"]
    for _ in range(2):
        watch.count_lost(200.0)
    assert lost == ["scored", "routed"]
    watch.seen("routed", "b")
    assert watch.age_s("routed", 205.0) == 104.0


def test_what_is_remembered_has_a_limit() -> None:
    """Nobody who keeps the line from answering fills the memory: the oldest is forgotten, and lost long before."""
    watch = watching()
    for number in range(WATCHED_MAX + 1):
        watch.sent(str(number), 0, 100.0 + number)
    watch.seen("scored", "0")
    assert watch.age_s("scored", 200.0) == 100.0
    watch.seen("scored", "1")
    assert watch.age_s("scored", 200.0) == 99.0


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans()), min_size=1, max_size=20))
def test_each_canary_is_either_through_or_lost(sent: list[tuple[int, bool, bool]]) -> None:
    """Lost are exactly those that missed a stage; whatever the order in which others are seen."""
    lost: list[Stage] = []
    watch = watching(lost)
    for number, (lane, _, _) in enumerate(sent):
        watch.sent(str(number), lane, 100.0 + number)
    for stage, place in (("routed", 2), ("scored", 1)):
        for number, one in enumerate(sent):
            if one[place]:
                watch.seen("routed" if stage == "routed" else "scored", str(number))
    watch.count_lost(1_000.0)
    assert lost == ["routed" if scored else "scored" for _, scored, routed in sent if not (scored and routed)]
