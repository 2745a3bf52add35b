"""What reps write on `rep-events`: read into a saying, or refused with the field and what would be right."""

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.events import Rejected
from engine.core.flow import InputRecord
from engine.core.instants import from_rfc3339
from engine.routing.saying import AVAILABLE, AWAY, KINDS, Saying, read_saying
from engine.stream.accepted import ACCEPTED
from tests.unit.stream.test_contract import validator

AT = "2026-11-23T04:30:00.000Z"
AT_MS = from_rfc3339(AT)
UNTIL = "2027-05-23T04:30:00.000Z"
SAID = {"rep": "andy", "lead": "ada", "at": AT}
TYPES = (AVAILABLE, AWAY, *KINDS)
OWN_FIELDS: dict[str, dict[str, Any]] = {
    "rep.away": {"until": UNTIL},
    "lead.declined": {"reason": "on leave"},
    "lead.contacted": {"channel": "phone"},
    "lead.snoozed": {"until": UNTIL, "text": "call again in six months"},
    "lead.disqualified": {"reason": "a student"},
    "lead.opportunity": {"amount": 1200.5, "close_on": "2026-12-31"},
    "lead.won": {"amount": 900.0, "currency": "EUR"},
    "lead.lost": {"reason": "too dear"},
    "lead.noted": {"text": "nice"},
}
"""What belongs to a type, besides rep, lead and time."""
ALL_FIELDS = {field: value for fields in OWN_FIELDS.values() for field, value in fields.items()}


def read(value: Any, at_ms: int = AT_MS) -> Saying:
    packed = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    return read_saying(InputRecord("rep-events", 0, 7, at_ms, b"main", packed))


def said(kind: str = "accepted", **changes: Any) -> dict[str, Any]:
    return {"type": f"lead.{kind}", **SAID, **changes}


def usual(kind: str) -> dict[str, Any]:
    """What the schema promises for a type."""
    about = SAID if kind in KINDS else {"rep": "andy", "at": AT}
    return {"type": kind, **about, **OWN_FIELDS.get(kind, {})}


def refused(value: Any, at_ms: int = AT_MS) -> tuple[str, str | None, str]:
    with pytest.raises(Rejected) as caught:
        read(value, at_ms)
    return caught.value.reason, caught.value.field, str(caught.value)


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_is_read_with_what_belongs_to_it_and_nothing_else(kind: str) -> None:
    """Fields of other types are not read, whatever they hold."""
    own = OWN_FIELDS.get(kind, {})
    others = {field: [1] for field in ALL_FIELDS if field not in own}
    if kind not in KINDS:
        others["lead"] = [1]
    expected = {**dict.fromkeys(ALL_FIELDS), **own}
    until = expected.pop("until")
    assert msgspec.to_builtins(read({**usual(kind), **others})) == {
        **expected,
        "kind": kind,
        "rep": "andy",
        "lead": "ada" if kind in KINDS else "",
        "at_ms": AT_MS,
        "until_ms": None if until is None else from_rfc3339(until),
    }


@pytest.mark.parametrize("kind", TYPES)
def test_what_the_schema_promises_is_read_and_what_it_forbids_is_refused(kind: str) -> None:
    """Field by field: the schema and the reading know the same ones, and take nothing but their types."""
    schema = validator(ACCEPTED["rep-events"])
    (stated,) = (one for one in ACCEPTED["rep-events"]["oneOf"] if one["title"] == kind)
    right = usual(kind)
    assert set(stated["properties"]) == set(right)
    assert schema.is_valid(right)
    for field, property_ in stated["properties"].items():
        assert not schema.is_valid({**right, field: [1]})
        assert refused({**right, field: [1]})[:2] == ("schema", field)
        if "null" in property_.get("type", ()):
            assert schema.is_valid({**right, field: None})
            assert read({**right, field: None}).kind == kind


def test_who_does_not_say_until_when_is_away_until_coming_back() -> None:
    assert read({"type": "rep.away", "rep": "andy", "at": AT}).until_ms is None


TIME = "a time such as 2026-11-23T04:30:00Z"


@pytest.mark.parametrize(
    ("value", "field", "message"),
    [
        ({**SAID}, "type", "type is missing; expected one of rep.available, rep.away, lead.accepted, lead.declined, "),
        ({**SAID, "type": 7}, "type", "type is 7; expected one of rep.available, "),
        ({**SAID, "type": "lead.kissed"}, "type", "type is 'lead.kissed'; expected one of rep.available, "),
        (said(rep=None), "rep", "rep is missing; expected the id of a rep"),
        (said(rep=""), "rep", "rep is missing or empty; expected the id of a rep"),
        ({"type": "lead.lost", "rep": "andy"}, "lead", "lead is missing or empty; expected the id of a lead"),
        (said(lead=["ada"]), "lead", "lead is ['ada']; expected the id of a lead"),
        ({"type": "rep.away"}, "rep", "rep is missing or empty; expected the id of a rep"),
        ({"type": "rep.away", "rep": "andy", "until": 7}, "until", f"until is 7; expected {TIME}"),
        (said(lead="a" * 501), "lead", "lead has 501 characters; at most 500 are an id"),
        (said(at="yesterday"), "at", f"at is 'yesterday'; expected {TIME}"),
        (said(at=AT_MS), "at", f"at is {AT_MS}; expected {TIME}"),
        (said("snoozed", until="May"), "until", f"until is 'May'; expected {TIME}"),
        (said("won", amount="much"), "amount", "amount is 'much'; expected a number"),
        (said("won", amount=True), "amount", "amount is True; expected a number"),
        (said("won", currency=978), "currency", "currency is 978; expected text"),
        (
            said("opportunity", close_on="2026-13-01"),
            "close_on",
            "close_on is '2026-13-01'; expected a day such as 2026-12-31",
        ),
        (said("declined", reason={}), "reason", "reason is {}; expected text"),
        (said("contacted", channel=0), "channel", "channel is 0; expected text"),
        (said("noted", text=0), "text", "text is 0; expected text"),
        (
            json.dumps(said("won", amount=0)).replace(": 0}", ": 1e999}").encode(),
            None,
            "Number out of range - at `$[...]`; expected numbers that a 64-bit float holds",
        ),
    ],
)
def test_a_wrong_type_is_named_with_its_field_and_what_would_be_right(
    value: object, field: str | None, message: str
) -> None:
    reason, named, told = refused(value)
    assert (reason, named) == ("schema", field)
    assert told.startswith(message) if message.endswith(", ") else told == message


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused_as_such(value: bytes | None) -> None:
    reason, field, _ = refused(value)
    assert (reason, field) == ("json", None)


def test_unread_fields_must_be_text_and_no_deeper_than_64_levels() -> None:
    """As with visitor events: the object itself is the first level."""
    deep: Any = "x"
    for _ in range(63):
        deep = [deep]
    assert read(said(more=deep)).lead == "ada"
    assert refused(said(more=[deep])) == ("json", None, "nested deeper than 64 levels")
    value = json.dumps(said(more="?")).encode()
    assert refused(value.replace(b"?", b"\xff"))[0] == "json"
    assert refused(value.replace(b"?", b"\\ud800"))[0] == "json"


def test_a_value_over_256_kib_is_refused() -> None:
    value = json.dumps(said(more="")).encode()
    padding = 256 * 1024 - len(value)
    assert read(said(more="x" * padding)).lead == "ada"
    assert refused(said(more="x" * (padding + 1)))[0] == "size"


@pytest.mark.parametrize(
    ("at", "recorded_ms", "at_ms"),
    [
        (AT, AT_MS + 1_000, AT_MS),
        ("2026-11-23T05:30:00+01:00", AT_MS + 1_000, AT_MS),
        (None, AT_MS + 1_000, AT_MS + 1_000),
        (AT, AT_MS - 300_000, AT_MS - 300_000),
    ],
)
def test_a_saying_is_of_its_own_time_else_of_its_record_s_and_never_after_it(
    at: str | None, recorded_ms: int, at_ms: int
) -> None:
    assert read(said(at=at), recorded_ms).at_ms == at_ms


@pytest.mark.parametrize(
    ("changes", "recorded_ms", "field", "message"),
    [
        ({}, AT_MS - 301_000, "at", "301 s after its record; at most 300 s are"),
        ({"at": "0001-01-01T00:00:00+14:00"}, AT_MS, "at", "0001-01-01T00:00:00+14:00 is outside the years 1 to 9999"),
        ({"until": "9999-12-31T23:00:00-10:00"}, AT_MS, "until", "9999-12-31T23:00:00-10:00 is outside the years"),
        ({"at": None}, 2**62, None, f"{2**62} ms after 1970 is outside the years 1 to 9999"),
    ],
)
def test_times_that_cannot_be_are_refused(
    changes: dict[str, Any], recorded_ms: int, field: str | None, message: str
) -> None:
    reason, named, told = refused(said("snoozed", **changes), recorded_ms)
    assert (reason, named) == ("time", field)
    assert told.startswith(message)


def test_what_reps_write_is_cut_and_without_control_characters() -> None:
    told = read(said("noted", text="a\x00b\u202e" + "c" * 1_000, lead="a\u202eda"))
    assert told.text == "ab" + "c" * 496
    assert told.lead == "ada"


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([AT, "ada", "andy"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)


@given(
    st.binary(max_size=50)
    | st.fixed_dictionaries(
        {"type": st.sampled_from(TYPES) | JSON_VALUES},
        optional=dict.fromkeys([*SAID, *ALL_FIELDS], JSON_VALUES),
    ),
    st.integers(-(2**63), 2**63 - 1),
)
def test_nothing_raises_anything_else(value: object, recorded_ms: int) -> None:
    """Accepted or refused with a reason, whatever a record holds."""
    with suppress(Rejected):
        assert read(value, recorded_ms).rep
