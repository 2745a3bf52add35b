"""Clocks of leads run in working time only, as a reference says that counts it minute by minute."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.build import DAY, HOUR, MINUTE
from tests.laws.models import LAW
from tests.laws.offices import ORGANISATIONS
from tests.laws.test_calendars import Plan
from tests.routing.days import BEGIN_MS, Ask, Day, Go, Life, Rest, Say
from tests.routing.organisations import Organisation, Rep, Rule, organisations
from tests.unit.routing.examples import request

ACCEPT, CONTACT = 20, 40
"""Minutes; the reminder comes after half of them."""
PLANS = [rep.plan for one in organisations(ORGANISATIONS) for rep in one.reps.values()]

said = st.one_of(
    st.builds(Go, st.just("away"), st.just("ann"), st.sampled_from((None, 7 * MINUTE, HOUR, 5 * HOUR))),
    st.just(Go("available", "ann")),
    st.just(Say("accepted", "ada", "ann")),
    st.just(Rest()),
)
waits = st.one_of(st.integers(0, 25), st.sampled_from((ACCEPT, ACCEPT // 2, CONTACT, 5 * 60, 22 * 60)))
histories = st.lists(st.tuples(waits.map(lambda minutes: minutes * MINUTE), said), max_size=10)


def office(plan: Plan) -> Organisation:
    """Leads go to ann, whether she is there or not; what she misses goes to bob."""
    limits = {"accept_within": f"{ACCEPT}m", "contact_within": f"{CONTACT}m"}
    reps = {"ann": Rep(plan), "bob": Rep(Plan("UTC", {}, frozenset(), ()))}
    return Organisation(reps, (Rule("rep ann", nobody="assign_anyway"), Rule("rep bob")), limits=limits, remind_at=0.5)


def expected(plan: Plan, begin_ms: int, day: Day, end_ms: int) -> Iterator[tuple[str, int]]:
    """When ann is reminded, and when the lead goes to bob, counted minute by minute from when she got it."""
    acts, now = [], BEGIN_MS
    for wait_ms, act in day.acts:
        now += wait_ms
        acts.append((now, act))
    limit, ran, is_accepted = ACCEPT, 0, False
    away_until: float = 0
    for at_ms in range(begin_ms, end_ms, MINUTE):
        for _, act in [one for one in acts if one[0] == at_ms]:
            if isinstance(act, Go):
                until = float("inf") if act.for_ms is None else at_ms + act.for_ms
                away_until = until if act.kind == "away" else 0
            elif isinstance(act, Say) and not is_accepted:
                limit, ran, is_accepted = CONTACT, 0, True
        # Who goes away at the last minute has until coming back.
        if ran == limit and at_ms >= away_until:
            yield "reassigned", at_ms
            return
        if ran < limit and at_ms >= away_until and plan.works(at_ms):
            ran += 1
            if ran == limit // 2:
                yield "reminded", at_ms + MINUTE


@settings(LAW, max_examples=60)
@given(st.sampled_from(PLANS), st.integers(0, 47).map(lambda half: half * 30 * MINUTE), histories)
def test_a_clock_runs_while_the_rep_works_and_is_not_away(
    plan: Plan, from_ms: int, history: list[tuple[int, Go | Say | Rest]]
) -> None:
    """Each reminder and each miss comes at the very minute, and what is done at that minute is in time."""
    day = Day(office(plan), ((from_ms, Ask(request("ada", band="hot"))), *history))
    life = Life(day)
    told = [one for moment in life.moments() for one in moment.told]
    end_ms = life.at_ms + 3 * DAY
    told += [one for moment in life.due(end_ms - MINUTE) for one in moment.told]
    mine = [(one.kind, one.at_ms) for one in told if one.kind == "reassigned" or one.previous == one.rep == "ann"]
    assert [one for one in mine if one[0] != "accepted"] == list(expected(plan, BEGIN_MS + from_ms, day, end_ms))
