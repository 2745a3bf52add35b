"""Random models: small numbers and few names, so that rules meet, limits are reached and clamps hold."""

from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st

LAW = settings(deadline=None, derandomize=True, max_examples=30, phases=[Phase.generate, Phase.shrink])
"""The same examples in every run, so that a law fails for whoever broke it. Few, since each loads a model."""

Stated = st.SearchStrategy[dict[str, Any]]
EVENTS = ("page_view", "purchase", "chat", "demo_request")
PATHS = ("/", "/pricing", "/Pricing/Teams", "/careers")
SOURCES = ("web", "server", "email")
HALF_LIVES = ("1m", "1h", "1d", "14d")

points = st.one_of(st.integers(1, 60), st.integers(-40, 40), st.sampled_from((0.5, -2.5, 7.25)))
_names = st.sampled_from(EVENTS)
_some_names = st.lists(_names, min_size=2, max_size=4, unique=True)
_amounts: Stated = st.sampled_from(({"gt": 2}, {"between": [1, 5]}))
conditions = st.one_of(
    st.fixed_dictionaries({"event": _names}),
    st.fixed_dictionaries({"event": _some_names}),
    st.fixed_dictionaries({"page.path": st.sampled_from(("/pricing*", "/*", "/c?reers"))}),
    st.fixed_dictionaries(
        {"event": _some_names, "properties.amount": st.sampled_from(({"gt": 2}, {"between": [1, 5]}))}
    ),
    st.fixed_dictionaries({"any": st.just([{"event": "chat"}, {"event": "purchase", "properties.kind": ["a", "B"]}])}),
    st.fixed_dictionaries({"event": _some_names, "not": st.just({"properties.kind": "a"})}),
)
_decays: Stated = st.one_of(
    st.fixed_dictionaries({"half_life": st.sampled_from(HALF_LIVES)}),
    st.just({"decay": "none"}),
    st.just({}),
)
_windows = st.builds(lambda days: {"window": f"{days}d"}, st.integers(2, 5))
_counts = st.integers(1, 3)
_limits = st.builds("{} per {}".format, _counts, st.sampled_from(("1m", "90m", "1h", "1d", "7d")))
_limits_of_a_day = st.builds("{} per {}".format, _counts, st.sampled_from(("30m", "6h", "1d")))
_bounds = st.fixed_dictionaries(
    {},
    optional={
        "max": st.integers(1, 60),
        "group": st.sampled_from(("web", "conversion")),
        "sources": st.lists(st.sampled_from(SOURCES), min_size=2, max_size=2, unique=True),
    },
)


def _rule(
    decay: st.SearchStrategy[dict[str, Any]], **keys: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    stated = st.fixed_dictionaries({"when": conditions, "points": points, **keys})
    return st.builds(
        lambda *parts: {key: value for part in parts for key, value in part.items()}, stated, decay, _bounds
    )


RULES = (
    _rule(_decays),
    _rule(_decays, limit=_limits),
    _rule(st.one_of(_decays, _windows), limit=st.just("once")),
    _rule(st.one_of(_decays, _windows), times=st.just("properties.amount")),
    _rule(_decays, times=st.just("properties.amount"), times_max=st.integers(1, 6)),
    _rule(_windows, limit=_limits_of_a_day),
    _rule(_windows),
)
"""Of every kind one: by what it counts and how that fades."""
_fit = st.fixed_dictionaries(
    {
        "when": st.sampled_from(
            (
                {"traits.title": "ceo"},
                {"traits.title": ["cto", "dev"]},
                {"traits.age": {"between": [30, 45]}},
                {"traits.age": {"gte": 40}, "traits.title": {"exists": True}},
                {"not": {"traits.title": "ceo"}},
            )
        ),
        "points": st.integers(-30, 80),
    }
)


def _named(drawn: list[dict[str, Any]], prefix: str) -> dict[str, Any]:
    return {f"{prefix}-{number}": rule for number, rule in enumerate(drawn)}


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    """A model as model.yaml states it, with three to five kinds of rules, without alerts."""
    kinds = draw(st.permutations(RULES))[: draw(st.integers(3, 5))]
    weights = draw(st.sampled_from(((1, 1), (0.5, 2), (2, 0.5), (1, 0), (0, 1))))
    return {
        "scale": draw(st.sampled_from((100, 250))),
        "bands": {"warm": 30, "hot": 80},
        "total": dict(zip(("engagement", "fit"), weights, strict=True)),
        "groups": {"web": {"max": draw(st.integers(5, 60))}, "conversion": {"max": draw(st.integers(5, 90))}},
        "engagement": _named([draw(kind) for kind in kinds], "rule"),
        "fit": _named(draw(st.lists(_fit, min_size=1, max_size=3)), "fit"),
    }
