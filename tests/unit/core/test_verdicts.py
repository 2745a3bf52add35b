"""What is known of a condition before it is asked: nobody who could be let in is turned away."""

from math import inf
from operator import attrgetter
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.conditions import Fields, compile_condition
from engine.core.reader import Reader
from engine.core.source import Node
from engine.core.verdicts import can_hold_from, verdict
from tests.build import model
from tests.stories import LAWFUL

FIELDS = Fields(known={name: attrgetter(name) for name in ("total", "band", "vip")})
NUMBERS = st.sampled_from((-5, 0, 0.5, 10, 30, 80))
_leaves: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda name, number: {"total": {name: number}}, st.sampled_from(("gt", "gte", "lt", "lte")), NUMBERS),
    st.builds(lambda number: {"total": number}, NUMBERS),
    st.builds(lambda one, other: {"total": {"between": sorted((one, other))}}, NUMBERS, NUMBERS),
    st.builds(lambda band: {"band": band}, st.sampled_from(("cold", "hot", ["cold", "hot"]))),
    st.builds(lambda vip: {"vip": vip}, st.booleans()),
)
_conditions = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        inner.map(lambda one: {"not": one}),
        st.lists(inner, min_size=1, max_size=3).map(lambda several: {"any": several}),
        st.lists(inner, min_size=1, max_size=3).map(lambda several: {"all": several}),
    ),
    max_leaves=5,
)


def node(stated: dict[str, Any]) -> Node:
    parsed = Reader("test.yaml").parse(msgspec.json.encode(stated).decode())
    assert parsed is not None
    return parsed


def at(total: float, *, vip: bool = False) -> SimpleNamespace:
    return SimpleNamespace(total=total, band="hot" if total >= 60 else "cold", vip=vip)


def from_total(stated: dict[str, Any]) -> float:
    return can_hold_from(node(stated), FIELDS, at, ("total",), ("band",), (60,))


@LAWFUL
@given(_conditions, st.floats(0, 200), st.booleans())
def test_below_the_number_a_condition_holds_for_nobody(stated: dict[str, Any], total: float, vip: bool) -> None:
    """Whatever the fields are of which nothing was known."""
    holds = compile_condition(node(stated), FIELDS, Reader("test.yaml")).holds
    if holds(at(total, vip=vip)):
        assert from_total(stated) <= total


@pytest.mark.parametrize(
    ("stated", "number"),
    [
        ({"total": {"gte": 30}}, 30),
        ({"total": {"gt": 30}}, 30),
        ({"total": {"lt": 30}}, 0),
        ({"band": "hot"}, 60),
        ({"any": [{"band": "hot"}, {"total": {"gte": 40}}]}, 40),
        ({"all": [{"vip": True}, {"total": {"gte": 40}}]}, 40),
        ({"vip": True}, 0),
        ({"total": {"lt": 0}}, inf),
    ],
)
def test_the_number_is_the_lowest_at_which_it_can(stated: dict[str, Any], number: float) -> None:
    assert from_total(stated) == number


@pytest.mark.parametrize(
    ("stated", "expected"),
    [({"vip": True, "total": 5}, None), ({"vip": True, "total": 6}, False), ({"not": {"total": 6}}, True)],
)
def test_what_is_not_known_leaves_it_open_unless_the_rest_decides(
    stated: dict[str, Any], expected: bool | None
) -> None:
    assert verdict(node(stated), FIELDS, at(5), ("total",)) is expected


STAGED = {
    "engagement": {"long": {"when": {"signal": "dwell", "properties.seconds": {"gt": 600}}, "points": 5}},
    "bands": {"warm": 30, "hot": 80},
}


@pytest.mark.parametrize(
    ("stages", "total"),
    [
        ({"lead": {"known": True}, "marketingqualifiedlead": {"any": [{"band": "hot"}, {"fast_track": True}]}}, 80),
        ({"lead": {"known": True}}, inf),
        ({"lead": {"counts.purchase": {"gte": 1}}}, 0),
    ],
)
def test_a_model_knows_from_which_total_on_a_browser_comes_to_a_stage(stages: dict[str, Any], total: float) -> None:
    assert model({**STAGED, "stages": stages}).stages_from == total


def test_a_model_knows_how_long_a_page_must_be_read_for_anybody_to_look() -> None:
    """The rule asks for more than 600 s, the alert for 90 s or more."""
    alert = {"when": {"signal": "dwell", "properties.seconds": {"gte": 90}, "page.path": "/a"}}
    assert model(STAGED).dwell_s_min == 600
    assert model({**STAGED, "alerts": {"reader": alert}}).dwell_s_min == 90
    assert model({**STAGED, "alerts": {"reader": {"when": {"signal": "dwell"}}}}).dwell_s_min == 0
