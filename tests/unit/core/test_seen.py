"""What a request for a rep carries of its event, and how routing reads it."""

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.conditions import Getter, compile_condition
from engine.core.fields import LEAD_FIELDS, event_fields
from engine.core.messages import LeadRequested, decode_request, encode
from engine.core.model import Model
from engine.core.modelfile import load_model
from engine.core.names import Vocabulary
from engine.core.reader import Reader
from engine.core.seen import seen
from engine.routing.leadfields import FIELDS
from tests.build import Profiles, decoded, page, segment
from tests.stories import LAWFUL

MODEL = (
    "engagement: {view: {when: {event: page_view}, points: 20}, talk: {when: {event: chat}, points: 30}}\n"
    "alerts: {hot: {crosses: 40}}"
)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text("aA0 5é", max_size=4)
VALUES = SCALARS | st.lists(SCALARS | st.just({"a": 5}) | st.just([5]), max_size=4) | st.just({"a": 5})


def read_by(*fields: str) -> Model:
    """A model of which routing reads these fields."""
    return load_model(MODEL, "model.yaml", None, fields)


def asked(model: Model, *events: dict[str, Any]) -> LeadRequested:
    """The request that the last of `events` causes."""
    outputs = Profiles(model, assign_on=["hot"]).feed(*events)
    (request,) = (decode_request(one.value) for one in outputs if one.topic == "routing-requests")
    assert isinstance(request, LeadRequested)
    return request


def seen_of(value: Any) -> Any:
    """What a request says of a property with this value, after its way to the desk."""
    events = page("/"), page("/", properties={"plan": value})
    return asked(read_by("properties.plan"), *events).seen.get("properties.plan")


def test_a_request_carries_what_routing_reads_and_only_that() -> None:
    """By the names of the fields; what is not there is left out. Two views give 20 each; their visit began directly."""
    fields = ("properties.plan.name", "page.path", "campaign.source", "campaign.term", "event", "signal", "hour")
    model = read_by(*fields, "weekday", "device", "channel", "points.view", "points.talk", "total", "traits.vip")
    context = {"campaign": {"source": "ads", "medium": "cpc"}, "userAgent": "Mozilla/5.0 (X11; Linux x86_64)"}
    last = page("/b") | {"properties": {"plan": {"name": "gold"}, "price": 7}}
    last["context"] |= context
    assert asked(model, page("/a"), last).seen == {
        "properties.plan.name": "gold",
        "page.path": "/b",
        "campaign.source": "ads",
        "event": "page_view",
        "hour": 0,
        "weekday": "mon",
        "device": "desktop",
        "channel": "direct",
        "points.view": 40.0,
        "points.talk": 0.0,
    }


def test_where_routing_reads_nothing_of_an_event_a_request_carries_nothing_of_it() -> None:
    assert asked(read_by("total", "traits.vip", "country"), page("/"), page("/")).seen == {}


def test_nothing_is_looked_at_before_an_alert_asks_for_a_rep() -> None:
    """Of three views, of 20 points each, the second crosses 40; only what names the alert then asks."""
    looks: list[float] = []
    model = replace(read_by(), seen=(("total", lambda lead: looks.append(lead.total)),))
    views = page("/a"), page("/b"), page("/c")
    Profiles(model).feed(*views)
    assert looks == []
    Profiles(model, assign_on=["hot"]).feed(*views)
    assert looks == [40.0]


def test_a_property_is_read_from_the_paths_that_may_hold_it() -> None:
    """As rules of the model read it: `events.yaml` says where other tools write it."""
    vocabulary = Vocabulary(paths={"plan": ("properties.plan", "properties.tier")})
    model = load_model(MODEL, "model.yaml", vocabulary, ["properties.plan"])
    assert asked(model, page("/"), page("/", properties={"tier": "gold"})).seen == {"properties.plan": "gold"}


def test_a_request_written_before_there_was_any_such_field_is_read() -> None:
    """What it does not say is missing, so no operator holds for it."""
    request = asked(read_by(), page("/"), page("/"))
    old = decode_request(encode(request).replace(b'"seen":{},', b""))
    assert old == request
    assert isinstance(old, LeadRequested)
    assert [FIELDS.known["page.path"](old), FIELDS.families["points."]("view")(old)] == [None, None]


@pytest.mark.parametrize(
    ("value", "carried"),
    [
        ("x" * 501, "x" * 500),
        ("a\x1b[31mb", "a[31mb"),
        (True, True),
        (0, 0),
        (10**30, 1e30),
        (10**400, None),
        (None, None),
        ({"a": 1}, None),
        ([], []),
        (["a", None, {"b": 1}, ["c"], 2, False], ["a", 2, False]),
        (list(range(101)), list(range(100))),
        ([{}] * 200 + ["y" * 501], ["y" * 500]),
    ],
)
def test_a_value_is_text_a_number_true_or_false_or_a_list_of_a_hundred_of_these(value: Any, carried: Any) -> None:
    """Text of at most 500 characters without control characters; whatever else is left out."""
    assert seen_of(value) == carried


@LAWFUL
@given(VALUES, st.sampled_from(("true", "5", "'5'", "a*", "{gt: 0}", "{lte: 0}", "{contains: '0'}", "{in: [a, 1]}")))
def test_routing_decides_by_a_request_as_the_model_does_by_the_event(value: Any, stated: str) -> None:
    """Whatever stands in a property, within the limits; what a request leaves out equals nothing."""
    model = read_by("properties.plan")
    lead = SimpleNamespace(event=decoded(model, segment("chat", properties={"plan": value})))
    request = SimpleNamespace(seen=json.loads(json.dumps(seen(model.seen, lead))))
    ((name, get),) = model.seen
    assert holds(name, stated, FIELDS, request) == holds(name, stated, lambda _: get, lead)


def holds(name: str, stated: str, fields: Callable[[str], Getter | str], subject: Any) -> bool:
    reader = Reader("")
    condition = compile_condition(reader.parse(f"{{{name}: {stated}}}"), fields, reader)
    reader.finish()
    return condition.holds(subject)


@pytest.mark.parametrize("name", [*event_fields().known, *LEAD_FIELDS.known, "properties.a", "points.a", "traits.a"])
def test_routing_reads_every_field_of_a_lead_and_what_only_events_have(name: str) -> None:
    assert callable(FIELDS(name))


def test_an_unknown_field_is_told_with_the_nearest_one() -> None:
    assert FIELDS("page.pth") == "`page.pth` is not known; did you mean `page.path`?"
