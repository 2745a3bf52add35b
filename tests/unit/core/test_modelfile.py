"""model.yaml: what it means, and what is said about every mistake."""

import copy
import json
from collections.abc import Iterator
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from engine.core.lints import lints
from engine.core.model import COLD, Cycle, Model
from engine.core.modelfile import load_model, read_model
from engine.core.names import Vocabulary, load_names
from engine.core.source import ConfigError
from engine.core.triggers import Alert, FallsBelow
from tests.build import DAY, T0, decoded, model, segment

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
MISTAKES = sorted((GOLDEN / "mistakes").glob("*.yaml"))
RULE = {"when": {"event": "page_view"}, "points": 1}


def said(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_model(text, "model.yaml")
    return str(caught.value)


def test_every_mistake_is_named_in_one_run_with_its_place_and_what_would_be_right() -> None:
    assert said((GOLDEN / "mistakes.yaml").read_text()) + "\n" == (GOLDEN / "mistakes.txt").read_text()


@pytest.mark.parametrize("file", MISTAKES, ids=lambda file: file.stem)
def test_a_broken_model_is_told_what_stands_at_its_head(file: Path) -> None:
    """Each file in `mistakes/` begins with what the user is told about it, as comments."""
    text = file.read_text()
    told = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")]
    assert said(text).splitlines() == told


def test_there_are_broken_models_for_every_kind_of_mistake() -> None:
    assert len(MISTAKES) >= 20


def test_the_complete_example_of_the_grammar_is_a_model() -> None:
    """Every key of the documentation, each with what it says there."""
    complete = load_model((GOLDEN / "complete.yaml").read_text(), "model.yaml")
    assert list(complete.rules) == [
        "page-view",
        "pricing-page",
        "long-read",
        "purchase-value",
        "webinar",
        "demo-request",
        "careers",
        "unsubscribed",
    ]
    assert [alert.id for alert in complete.alerts if alert.is_action] == ["send-product-info"]
    assert len(complete.alerts) == 10
    assert complete.signals == {"dwell", "return_visit", "form_abandoned"}
    assert [name for name, _ in complete.personas] == ["founder"]
    assert [conversion.id for conversion in complete.conversions] == ["sale", "trial"]
    assert complete.watched == (*complete.bands[1:], FallsBelow(30, 40, "warm"))


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places_in(one, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """`value` with `new` at `path`."""
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


COMPLETE = YAML(typ="safe", pure=True).load((GOLDEN / "complete.yaml").read_text())
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1e300,
    "",
    "x",
    "\ud800",
    "{",
    "{a}",
    "cold",
    "0s",
    "9d",
    "0 per 0s",
    "*",
    "properties.",
    [],
    {},
]
ODD += [
    [[]],
    {"any": []},
    {"not": {}},
    {"event": "\ud800"},
    {"gt": 5},
    {"points.": 1},
    {"total": {"gt": 1}},
    "a" * 70_000,
]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(list(places_in(COMPLETE))), st.sampled_from(ODD))
def test_whatever_stands_somewhere_is_a_model_or_mistakes(path: tuple[Any, ...], odd: Any) -> None:
    """Nothing else is ever raised, and the lints look at every model."""
    try:
        lints(read_model(json.dumps(put(COMPLETE, path, odd)), "model.yaml"), "model.yaml")
    except ConfigError as error:
        problems = list(error.problems)
    else:
        problems = []
    assert all(str(problem).isprintable() for problem in problems)


def test_an_empty_file_is_a_model_of_defaults() -> None:
    empty = load_model("", "model.yaml")
    assert (empty.scale, empty.publish_from, empty.rules, empty.alerts) == (100, 30, {}, ())
    assert (empty.engagement_weight, empty.fit_weight) == (1, 1)
    assert [(band.name, band.bound) for band in empty.bands] == [(COLD, -inf), ("warm", 30), ("hot", 80)]
    assert [(grade.name, grade.bound) for grade in empty.grades] == [("D", -inf), ("C", 1), ("B", 10), ("A", 20)]
    assert (empty.stages, empty.cycle, empty.actions_limit, empty.suppress) == ((), (), None, None)
    assert (empty.signals, empty.counted, empty.fit_of_nobody) == (frozenset(), frozenset(), 0)


def test_bands_and_grades_stand_in_the_order_of_their_bounds() -> None:
    loaded = model({"bands": {"hot": 80, "warm": 30, "boiling": 95}, "grades": {"top": 50, "fair": 20}})
    assert [band.name for band in loaded.bands] == [COLD, "warm", "hot", "boiling"]
    assert [loaded.grade(fit) for fit in (0, 20, 49.9, 50)] == ["D", "fair", "fair", "top"]


def test_a_model_without_the_band_warm_publishes_from_its_lowest() -> None:
    assert model({"bands": {"hot": 80, "tepid": 10}}).publish_from == 10
    assert model({"publish_from": "cold"}).publish_from == -inf


def test_stages_cycle_and_limits() -> None:
    loaded = model(
        {
            "stages": {"marketingqualifiedlead": {"total": {"gte": 80}}, "lead": {"known": True}},
            "stage_names": {"marketingqualifiedlead": "Prospect"},
            "cycle": [{"if": {"traits.b2b": True}, "for": "180d"}, {"for": "14d"}],
            "actions_limit": "3 per 1d",
            "suppress": {"counts.unsubscribe": {"gte": 1}},
        }
    )
    assert [stage for stage, _ in loaded.stages] == [1, 2]
    assert loaded.stage_names == {"marketingqualifiedlead": "Prospect"}
    assert [cycle.for_ms // DAY for cycle in loaded.cycle] == [180, 14]
    shop = SimpleNamespace(traits={})
    assert [cycle.holds(shop) for cycle in loaded.cycle] == [False, True]
    assert loaded.actions_limit == (3, DAY)
    assert loaded.suppress is not None
    assert loaded.suppress(SimpleNamespace(counts={"unsubscribe": 1}))
    assert not loaded.suppress(SimpleNamespace(counts={}))
    (always,) = model({"cycle": "30d"}).cycle
    assert isinstance(always, Cycle)
    assert (always.holds(shop), always.for_ms) == (True, 30 * DAY)


def test_the_fit_of_nobody_is_known_where_fit_reads_traits_only() -> None:
    """A condition that something is missing holds for who says nothing."""
    unnamed = {"when": {"traits.company": {"exists": False}}, "points": -3}
    assert model({"fit": {"a": unnamed}}).fit_of_nobody == -3
    assert model({"fit": {"a": unnamed, "b": {"when": {"country": "US"}, "points": 1}}}).fit_of_nobody is None


def test_what_routing_reads_is_decoded_counted_and_remembered() -> None:
    loaded = load_model("", "model.yaml", None, ("traits.plan", "counts.chat", "country"))
    assert loaded.reads == {"traits.plan", "counts.chat", "country"}
    assert loaded.counted == {"chat"}
    assert loaded.places == ("country",)
    event = decoded(loaded, segment("identify", traits={"plan": "gold"}))
    assert loaded.decoder.traits_of(event) == {"plan": "gold"}


def test_falls_are_watched_from_the_lowest_bound() -> None:
    """Of the total; an engagement may fall whatever the total is."""
    assert model({}).watched_from == 30
    assert model({"alerts": {"a": {"falls_below": 12}}}).watched_from == 12
    assert model({"alerts": {"a": {"falls_below": 12, "score": "engagement"}}}).watched_from == -inf


def test_the_version_is_a_hash_of_what_the_files_say() -> None:
    versions = {
        model({"scale": 100}).version,
        model({"scale": 101}).version,
        model({"scale": 100}, {"Order Completed": "purchase"}).version,
        load_model('{"scale": 100}', "", Vocabulary(paths={"a": ("properties.b",)})).version,
    }
    assert len(versions) == 4
    assert model({"scale": 100}).version in versions


def test_the_shipped_files_load() -> None:
    vocabulary = load_names((ROOT / "config/events.yaml").read_text(), "events.yaml")
    shipped: Model = load_model((ROOT / "config/model.yaml").read_text(), "model.yaml", vocabulary)
    assert shipped.rules
    assert all(isinstance(alert, Alert) for alert in shipped.alerts)


def test_rows_have_4_kib_or_what_the_model_itself_needs_and_1500_bytes_for_visitors() -> None:
    """An entry that counts by 90 days takes 90 × (3 + 5 + 5) bytes and some: one leaves 1,500 bytes, two do not."""
    windowed = {**RULE, "window": "90d"}
    one, two = (model({"engagement": dict.fromkeys(names, windowed)}) for names in ("r", "rs"))
    assert 90 * 13 < one.row_bytes_max < 4_096 - 1_500 < two.row_bytes_max
    assert one.row_limit == 4_096
    assert two.row_limit == two.row_bytes_max + 1_500


def test_hour_and_weekday_are_those_of_the_time_zone() -> None:
    """T0 is Monday 00:00 UTC: Sunday 19:00 in New York."""
    when = {"hour": 19, "weekday": "sun"}
    for zone, held in (("America/New_York", True), ("UTC", False)):
        loaded = model({"time_zone": zone, "engagement": {"r": {"when": when, "points": 1}}})
        assert loaded.rules["r"].holds(decoded(loaded, segment("page_view", T0))) is held
