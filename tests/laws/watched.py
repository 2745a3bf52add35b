"""Random models with alerts, and visits in the order in which they happened.

While a lead is silent its score only falls: points above 0 decay, those below do not.
"""

from typing import Any

from hypothesis import strategies as st

from tests.build import DAY, HOUR, MINUTE, SECOND, T0
from tests.laws.engine import Arrival
from tests.laws.models import EVENTS, Stated
from tests.reference.events import Seen

WITHIN_MS = 40 * DAY
START_MS = T0 + 23 * HOUR

_some_events = st.lists(st.sampled_from(EVENTS), min_size=1, max_size=2, unique=True)
_when = st.fixed_dictionaries({"event": _some_events})
_fading = st.fixed_dictionaries(
    {"when": _when, "points": st.integers(10, 60)},
    optional={
        "max": st.integers(40, 90),
        "group": st.just("web"),
        "limit": st.sampled_from(("2 per 1d", "2 per 1h", "once")),
    },
)
_decays: Stated = st.one_of(
    st.fixed_dictionaries({"half_life": st.sampled_from(("1h", "1d", "7d"))}),
    st.fixed_dictionaries({"window": st.sampled_from(("1d", "3d"))}),
    st.just({"decay": "none"}),
)
_faded = st.builds(lambda rule, decay: {**rule, **decay}, _fading, _decays)
_deduction = st.fixed_dictionaries({"when": _when, "points": st.integers(-15, -5), "decay": st.just("none")})
_fast = st.just({"when": {"event": "demo_request"}, "points": 5, "fast_track": True, "decay": "none"})
_ifs: Stated = st.sampled_from(
    (
        {"not": {"traits.title": "dev"}},
        {"traits.title": "ceo"},
        {"total": {"gte": 5}},
        {"known": True},
        {"fit": {"gte": 10}},
    )
)


def _alert(keys: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> Stated:
    held = {"if": _ifs, "cooldown": st.sampled_from(("0s", "30m", "1d", "7d"))}
    return st.fixed_dictionaries(keys, optional={**held, **optional})


_scores = st.sampled_from(("total", "engagement"))
CROSSES = _alert(
    {"crosses": st.one_of(st.integers(20, 60), st.sampled_from(("warm", "hot")))},
    rearm_below=st.integers(1, 20),
    score=_scores,
)
FALLS = _alert(
    {"falls_below": st.one_of(st.integers(10, 40), st.just("warm"))}, rearm_above=st.integers(40, 60), score=_scores
)
WHEN = _alert({"when": _when})
FAST_TRACK = _alert({"fast_track": st.just(True)})
GAINS = _alert({"gains": st.integers(10, 70), "within": st.sampled_from(("1m", "10m", "30m"))})
SILENT = _alert({"silent_for": st.sampled_from(("10m", "1h", "1d", "3d"))})
_followed = st.permutations(EVENTS).map(
    lambda names: {"when": {"event": names[0:2]}, "not_followed_by": {"event": names[2]}}
)
_within = st.fixed_dictionaries({"within": st.sampled_from(("1m", "1h", "1d"))})
FOLLOWED = st.builds(lambda *parts: {**parts[0], **parts[1], **parts[2]}, _followed, _within, _alert({}))


@st.composite
def watched(draw: st.DrawFn, *kinds: Stated) -> dict[str, Any]:
    """A model with up to four kinds of alerts out of these."""
    rules = [draw(rule) for rule in (_faded, _faded, st.one_of(_faded, _deduction), _fast)]
    alerts = [draw(kind) for kind in draw(st.permutations(kinds))[:4]]
    return {
        "scale": 100,
        "bands": {"warm": 30, "hot": 80},
        "groups": {"web": {"max": draw(st.integers(30, 90))}},
        "engagement": {f"rule-{number}": rule for number, rule in enumerate(rules)},
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
    acts = draw(st.lists(st.tuples(_minutes if whole_minutes else _gaps, _acts), min_size=6, max_size=max_size))
    user = lead if lead == "user-cy" else None
    at_ms, stream = START_MS, []
    for place, (gap_ms, (name, title)) in enumerate(acts):
        at_ms += gap_ms
        traits = {} if title is None else {"title": title}
        stream.append((lead, Seen(name, at_ms, id=f"m{place}", traits=traits, user=user)))
        if draw(st.integers(0, 9)) == 0:
            stream.append(stream[-1])
    return stream
