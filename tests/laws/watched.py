"""Random models with alerts, and visits in the order in which they happened.

While a lead is silent its score only falls: points above 0 decay, those below do not.
"""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.build import DAY, HOUR, MINUTE, SECOND, T0
from tests.laws.engine import Arrival
from tests.laws.models import EVENTS
from tests.reference.events import Seen

WITHIN_MS = 40 * DAY
START_MS = T0 + 23 * HOUR

_when = st.fixed_dictionaries({"when": st.fixed_dictionaries({"event": st.sampled_from(EVENTS)})})
_fading = st.fixed_dictionaries(
    {"points": st.integers(10, 60)},
    optional={
        "max": st.integers(40, 90),
        "group": st.just("web"),
        "limit": st.sampled_from(("2 per 1d", "2 per 1h", "once")),
    },
)
_decay = st.sampled_from(
    (
        {"half_life": "1h"},
        {"half_life": "1d"},
        {"half_life": "7d"},
        {"window": "1d"},
        {"window": "3d"},
        {"decay": "none"},
    )
)
_deduction = st.fixed_dictionaries({"points": st.integers(-15, -5), "decay": st.just("none")})
rules = st.one_of(
    st.builds(lambda when, points, decay: {**when, **points, **decay}, _when, _fading, _decay),
    st.builds(lambda when, points, decay: {**when, **points, **decay}, _when, _fading, _decay),
    st.builds(lambda when, points: {**when, **points}, _when, _deduction),
)
_ifs: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    (
        {"not": {"traits.title": "dev"}},
        {"traits.title": "ceo"},
        {"total": {"gte": 5}},
        {"known": True},
        {"fit": {"gte": 10}},
    )
)
_cooldowns = st.sampled_from(("0s", "30m", "1d", "7d"))
_scores = st.sampled_from(("total", "engagement"))


def _optional(keys: Mapping[str, st.SearchStrategy[Any]]) -> dict[str, st.SearchStrategy[Any]]:
    return {"if": _ifs, "cooldown": _cooldowns, **keys}


score_alerts = st.one_of(
    st.fixed_dictionaries(
        {"crosses": st.one_of(st.integers(20, 60), st.sampled_from(("warm", "hot")))},
        optional=_optional({"rearm_below": st.integers(1, 20), "score": _scores}),
    ),
    st.fixed_dictionaries(
        {"falls_below": st.one_of(st.integers(10, 40), st.just("warm"))},
        optional=_optional({"rearm_above": st.integers(40, 60), "score": _scores}),
    ),
)
_events = st.fixed_dictionaries({"event": st.lists(st.sampled_from(EVENTS), min_size=2, max_size=2, unique=True)})
_followed = st.permutations(EVENTS).map(
    lambda names: {"when": {"event": names[0:2]}, "not_followed_by": {"event": names[2]}}
)
event_alerts = st.one_of(
    st.fixed_dictionaries({"when": _events}, optional=_optional({})),
    st.fixed_dictionaries({"fast_track": st.just(True)}, optional=_optional({})),
    st.fixed_dictionaries(
        {"gains": st.integers(10, 90), "within": st.sampled_from(("1m", "10m", "30m"))}, optional=_optional({})
    ),
    st.fixed_dictionaries({"silent_for": st.sampled_from(("10m", "1h", "1d", "3d"))}, optional=_optional({})),
    st.builds(
        lambda followed, within, rest: {**followed, "within": within, **rest},
        _followed,
        st.sampled_from(("1m", "1h", "1d")),
        st.fixed_dictionaries({}, optional=_optional({})),
    ),
)


@st.composite
def watched(draw: st.DrawFn, one_alert: st.SearchStrategy[dict[str, Any]], *, fast: bool = False) -> dict[str, Any]:
    """A model with alerts; with a rule for the fast track if `fast`."""
    engagement = {f"rule-{number}": rule for number, rule in enumerate(draw(st.lists(rules, min_size=2, max_size=4)))}
    if fast:
        engagement["demo"] = {"when": {"event": "demo_request"}, "points": 5, "fast_track": True, "decay": "none"}
    drawn = draw(st.lists(one_alert, min_size=2, max_size=4))
    # Two of these may wait twice: as much as waits in a row.
    waiting = [alert for alert in drawn if "not_followed_by" in alert][:2]
    alerts = [alert for alert in drawn if "not_followed_by" not in alert] + waiting
    return {
        "scale": 100,
        "bands": {"warm": 30, "hot": 80},
        "groups": {"web": {"max": draw(st.integers(30, 90))}},
        "engagement": engagement,
        "fit": {"chief": {"when": {"traits.title": "ceo"}, "points": draw(st.integers(5, 30))}},
        "alerts": {f"alert-{number}": alert for number, alert in enumerate(alerts)},
    }


@st.composite
def sinking(draw: st.DrawFn) -> dict[str, Any]:
    """A model with one alert, which a fall fires, and deductions that fade faster or slower than what they lower."""
    lives = st.sampled_from(("1h", "6h", "1d", "7d"))
    terms = {
        "rule-0": (30, 60),
        "rule-1": (10, 40),
        "rule-2": (-30, -5),
        "rule-3": (-20, -5),
    }
    engagement = {
        name: {"when": {"event": event}, "points": draw(st.integers(*bounds)), "half_life": draw(lives)}
        for (name, bounds), event in zip(terms.items(), EVENTS, strict=True)
    }
    falls = {"falls_below": draw(st.integers(10, 30)), "rearm_above": draw(st.integers(31, 45))}
    return {"bands": {"warm": 30, "hot": 80}, "engagement": engagement, "alerts": {"sunk": falls}}


_gaps = st.sampled_from(
    (HOUR, 0, SECOND, MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 5 * HOUR, DAY, DAY - HOUR, 3 * DAY, 8 * DAY)
)
_minutes = st.sampled_from((0, MINUTE, MINUTE, 9 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, HOUR, DAY, 3 * DAY))
_acts = st.one_of(
    *(st.just((name, None)) for name in EVENTS), st.sampled_from(("ceo", "dev")).map(lambda t: ("identify", t))
)


@st.composite
def visits(draw: st.DrawFn, *, whole_minutes: bool = False, max_size: int = 14) -> list[Arrival]:
    """What one lead did, in order, each event as old as its record; some of it comes twice."""
    lead = draw(st.sampled_from(("ada", "user-cy")))
    acts = draw(st.lists(st.tuples(_minutes if whole_minutes else _gaps, _acts), min_size=5, max_size=max_size))
    user = lead if lead == "user-cy" else None
    at_ms, stream = START_MS, []
    for place, (gap_ms, (name, title)) in enumerate(acts):
        at_ms += gap_ms
        traits = {} if title is None else {"title": title}
        stream.append((lead, Seen(name, at_ms, id=f"m{place}", traits=traits, user=user)))
        if draw(st.integers(0, 9)) == 0:
            stream.append(stream[-1])
    return stream
