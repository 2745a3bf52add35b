"""Random models and random visits for laws: small numbers, few names, so that they meet."""

from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.build import DAY, SECOND, T0, segment

Spec = dict[str, Any]

LAWFUL = settings(deadline=None, max_examples=40)
BROAD = settings(deadline=None, max_examples=100)
NAMES = ("page_view", "form_submit", "demo_request", "unsubscribe", "chat")
PATHS = ("/", "/pricing", "/pricing/teams", "/careers", None)
WITHIN_S = 3 * 86_400
"""All events lie within so many seconds, less than the lateness."""


@dataclass(frozen=True)
class Seen:
    """An event of one lead: `user` makes an `identify` of it."""

    name: str
    at_ms: int
    path: str | None = None
    id: str | None = None
    user: str | None = None


durations = st.sampled_from(("1s", "60s", "3600s", "86400s", "1209600s", "7776000s"))
conditions = st.one_of(
    st.fixed_dictionaries({"event": st.sampled_from(NAMES)}),
    st.fixed_dictionaries({"event": st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)}),
    st.fixed_dictionaries({"page.path": st.sampled_from(("/pricing*", "/careers*", "/*"))}),
    st.fixed_dictionaries({"event": st.just("page_view"), "page.path": st.just("/pricing*")}),
)
rules = st.fixed_dictionaries(
    {"when": conditions, "points": st.integers(-40, 60), "half_life": durations},
    optional={
        "group": st.sampled_from(("web", "conversion")),
        "max": st.integers(1, 60),
        "fast_track": st.booleans(),
    },
)
_hold = {"cooldown": st.sampled_from(("0s", "60s", "86400s"))}
_if_known = {"if": st.just({"known": True})}
alerts = st.one_of(
    st.fixed_dictionaries(
        {"crosses": st.integers(20, 100), "rearm_below": st.integers(1, 20), **_hold}, optional=_if_known
    ),
    st.fixed_dictionaries({"fast_track": st.just(True), **_hold}, optional=_if_known),
)


@st.composite
def specs(draw: st.DrawFn, deductions: bool = True) -> Spec:
    """A model as model.yaml states it."""
    drawn: list[Spec] = draw(st.lists(rules, min_size=1, max_size=5))
    if not deductions:
        drawn = [{**rule, "points": abs(rule["points"])} for rule in drawn]
    watched = draw(st.lists(alerts, max_size=3))
    return {
        "scale": 100,
        "bands": {"warm": 30, "hot": 80},
        "groups": {"web": {"max": draw(st.integers(5, 60))}, "conversion": {"max": draw(st.integers(5, 90))}},
        "engagement": {f"rule-{number}": rule for number, rule in enumerate(drawn)},
        "alerts": {f"alert-{number}": alert for number, alert in enumerate(watched)},
    }


instants = st.integers(0, WITHIN_S).map(lambda second: T0 + second * SECOND)
visits = st.builds(Seen, st.sampled_from(NAMES), instants, st.sampled_from(PATHS))


def as_event(seen: Seen, lead: str = "ada") -> dict[str, Any]:
    """The Segment event of what a visitor did."""
    if seen.user is not None:
        return segment("identify", seen.at_ms, lead, userId=seen.user, messageId=seen.id)
    context = None if seen.path is None else {"page": {"path": seen.path}}
    return segment(seen.name, seen.at_ms, lead, context=context, messageId=seen.id)


RECORDED_MS = T0 + 4 * DAY
"""A record time at which every one of the instants still is in time."""
