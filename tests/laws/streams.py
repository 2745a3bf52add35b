"""Random streams of what leads do: at few instants, most of them beside a border, so that borders are hit."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.build import DAY, HOUR, MINUTE, SECOND, T0
from tests.laws.engine import Arrival
from tests.laws.models import EVENTS, PATHS, SOURCES
from tests.reference.events import Seen

FIRST_MS = T0 + 2 * MINUTE
RECORDED_MS = T0 + 4 * DAY
"""A record time at which every event of a stream in any order is just in time."""
LEADS = ("ada", "bob", "user-cy")

_moments = st.sampled_from((0, 30 * MINUTE, HOUR, 6 * HOUR, 12 * HOUR, DAY, 25 * HOUR, 2 * DAY, 3 * DAY))
_beside = st.sampled_from((0, 0, 1, -1, SECOND, MINUTE, -MINUTE, 29 * MINUTE, 30 * MINUTE - 1, 30 * MINUTE))
instants = st.builds(lambda moment, beside: max(T0 + moment + beside, FIRST_MS), _moments, _beside)

_amounts: st.SearchStrategy[Any] = st.sampled_from((1, 2.5, 5, 40, 0, -3, None, True, "much", []))
_properties = st.fixed_dictionaries(
    {}, optional={"amount": _amounts, "kind": st.sampled_from(("a", "A", "b", "c", None))}
)
_traits = st.fixed_dictionaries(
    {}, optional={"title": st.sampled_from(("ceo", "CTO", "dev")), "age": st.sampled_from((29, 30, 40, 45, 46))}
).filter(bool)
_paths = st.sampled_from((*PATHS, None))


def _seen(name: str, at_ms: int, path: str | None, source: str, properties: dict[str, object]) -> Seen:
    return Seen(name, at_ms, path, source=source, properties=properties, recorded_ms=RECORDED_MS)


acts = st.builds(_seen, st.sampled_from(EVENTS), instants, _paths, st.sampled_from(("web", *SOURCES)), _properties)
identifies = st.builds(
    lambda at_ms, traits: Seen("identify", at_ms, traits=traits, recorded_ms=RECORDED_MS), instants, _traits
)


def with_ids(stream: Sequence[Arrival], unnamed: frozenset[int] = frozenset()) -> list[Arrival]:
    """Each event with a messageId of its own, but for those at the places of `unnamed`."""
    return [
        (lead, seen if place in unnamed else replace(seen, id=f"m{place}")) for place, (lead, seen) in enumerate(stream)
    ]


@st.composite
def streams(draw: st.DrawFn, min_size: int = 8, max_size: int = 24) -> list[Arrival]:
    """What one to three leads did, in any order; some of it comes twice."""
    leads = st.sampled_from(draw(st.sampled_from(((LEADS[0],), (LEADS[2],), LEADS[1:], LEADS))))
    drawn = draw(
        st.lists(st.tuples(leads, st.one_of(acts, acts, acts, identifies)), min_size=min_size, max_size=max_size)
    )
    stream = with_ids(drawn, draw(st.frozensets(st.integers(0, max_size), max_size=2)))
    named = [arrival for arrival in stream if arrival[1].id is not None]
    repeated = draw(st.lists(st.sampled_from(named), max_size=4)) if named else []
    return draw(st.permutations([*stream, *repeated]))
