import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.events import IMPORT
from engine.core.instants import from_rfc3339
from engine.local.leadrow import Refused, lead_event, meaning_of, object_event, to_message
from engine.local.lines import Message
from tests.build import decoded, model
from tests.laws.hostile import TEXTS

NOW_MS = from_rfc3339("2026-11-23T12:00:00Z")
MODEL = model("scale: 100")


def made(line: dict[str, Any]) -> Message | Refused:
    event = object_event(line, NOW_MS)
    return event if isinstance(event, Refused) else to_message(event, NOW_MS)


def sent(**line: Any) -> dict[str, Any]:
    """The event that is sent, without its messageId."""
    message = made(line)
    assert isinstance(message, Message), message
    event: dict[str, Any] = json.loads(message.value)
    del event["messageId"]
    return event


def refused(**line: Any) -> Refused:
    result = made(line)
    assert isinstance(result, Refused), result
    return result


def key(**line: Any) -> bytes | None:
    message = made(line)
    assert isinstance(message, Message), message
    return message.key


def test_ids_and_standard_traits_are_known_however_they_are_spelt() -> None:
    """Names of others stay, since a model names them as they are; dots go inside."""
    line = {"User ID": 7, "E-Mail Address": "A@b.de", "anonymous_id": "b", "first name": "Ada", "Job-Title": "CEO"}
    assert sent(**line, **{"Plan Type": "pro", "Address.ZIP code": "02134", "a.b.c": 1}) == {
        "type": "identify",
        "context": {"channel": "import"},
        "userId": "7",
        "anonymousId": "b",
        "traits": {
            "email": "A@b.de",
            "firstName": "Ada",
            "title": "CEO",
            "Plan Type": "pro",
            "address": {"zip": "02134"},
            "a": {"b": {"c": 1}},
        },
    }


def test_an_id_beside_a_user_id_is_a_trait() -> None:
    """Tables of many systems have a number of their own in front."""
    assert sent(id="12", user_id="u")["userId"] == "u"
    assert sent(id="12", user_id="u")["traits"] == {"id": "12"}
    assert sent(id="12")["userId"] == "12"


@pytest.mark.parametrize(
    ("line", "home"),
    [
        ({"userId": "u", "email": "a@b.de"}, b"u"),
        ({"email": "Ada@Example.COM"}, b"email:ada@example.com"),
        ({"email": "a@b.de", "anonymousId": "b"}, b"b"),
        ({"type": "track", "event": "x", "userId": "u", "anonymousId": "b"}, b"u"),
        ({"type": "track", "event": "x", "userId": "email:Ada@example.com"}, b"email:ada@example.com"),
        ({"type": "page", "anonymousId": "b"}, b"b"),
        ({"type": "alias", "userId": "u", "previousId": "old"}, b"old"),
        ({"type": "alias", "userId": "u", "anonymousId": "b"}, b"b"),
    ],
)
def test_a_record_is_keyed_so_that_it_lands_where_it_is_looked_at_first(line: dict[str, Any], home: bytes) -> None:
    """The browser's home where it says who that is, else the lead's."""
    assert key(**line) == home


def test_what_is_said_twice_has_one_message_id_and_what_differs_another() -> None:
    """Whatever the order of its keys and the clock; one that is there stays."""
    first = object_event({"userId": "u", "a": 1, "b": 2}, NOW_MS)
    later = object_event({"b": 2, "a": 1, "userId": "u"}, NOW_MS + 1)
    other = object_event({"b": 2, "a": 2, "userId": "u"}, NOW_MS)
    ids = []
    for event in (first, later, other):
        assert isinstance(event, dict)
        message = to_message(event, NOW_MS)
        assert isinstance(message, Message)
        ids.append(json.loads(message.value)["messageId"])
    assert ids[0] == ids[1] != ids[2]
    own = made({"type": "page", "anonymousId": "b", "messageId": "mine"})
    assert isinstance(own, Message)
    assert json.loads(own.value)["messageId"] == "mine"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-23", "2026-11-23T00:00:00.000Z"),
        (" 2020-02-29T10:00:00+01:00 ", "2020-02-29T09:00:00.000Z"),
        ("2026-11-23T12:05:00Z", "2026-11-23T12:05:00.000Z"),
        ("", None),
        (None, None),
    ],
)
def test_a_row_says_when_it_was_so_or_holds_now(text: str | None, time: str | None) -> None:
    """A day is its first instant in UTC."""
    assert sent(userId="u", at=text).get("timestamp") == time


@pytest.mark.parametrize(
    ("line", "column", "value", "reason"),
    [
        ({"email": "bob"}, "email", "bob", "expected an address such as ada@example.com"),
        ({"email": "", "anonymousId": " "}, "email, anonymousId", "", "nothing says who the lead is"),
        ({"name": "Ada"}, "", "", "expected a column userId, email or anonymousId"),
        ({"userId": 1.5}, "userId", "1.5", "expected text"),
        ({"userId": True}, "userId", "True", "expected text"),
        ({"userId": "u", "at": "1/2/2026"}, "at", "1/2/2026", "expected a time such as 2026-11-23 or"),
        ({"userId": "u", "at": "2026-11-23T12:05:01Z"}, "at", "2026-11-23T12:05:01Z", "it lies ahead of now"),
        ({"userId": "u", "at": 1_795_000_000}, "at", "1795000000", "expected a time such as"),
        ({"userId": "u", "User ID": "v"}, "User ID", "", "it says the same as userId"),
        ({"userId": "u", "a": 1, "a.b": 2}, "a.b", "", "it says the same as a;"),
        ({"userId": "u", "zip": 1, "Postal Code": 2}, "Postal Code", "", "it says the same as zip;"),
        ({"userId": "u", "a..b": 2}, "a..b", "", "a trait without a name"),
        ({"userId": "u" * 501}, "userId", "u" * 501, "at most 500"),
        ({"userId": "u", "x": "y" * 300_000}, "", "", "at most 262,144 are read"),
        ({"type": "trak", "event": "x", "userId": "u"}, "type", "trak", "expected track, page, screen"),
        ({"event": "x", "userId": "u"}, "type", "", "type is missing"),
        ({"type": "track", "userId": "u"}, "event", "", "a track event needs a name"),
        ({"type": "track", "event": "x"}, "anonymousId", "", "neither anonymousId nor userId"),
        ({"type": "page", "userId": "u", "timestamp": "noon"}, "timestamp", "noon", "Invalid RFC3339"),
        ({"type": "page", "userId": "u", "timestamp": "2027-01-01T00:00:00Z"}, "timestamp", "2027", "after its record"),
    ],
)
def test_what_is_refused_says_where_what_and_what_would_be_right(
    line: dict[str, Any], column: str, value: str, reason: str
) -> None:
    found = refused(**line)
    assert found.column == column
    assert found.value.startswith(value)
    assert reason in found.reason


def test_a_bad_address_beside_a_user_id_is_imported_as_it_is() -> None:
    """The lead is known all the same, and a model may ask whether its address is one."""
    assert sent(userId="u", email="bob")["traits"] == {"email": "bob"}


def test_a_trait_may_be_called_type() -> None:
    assert sent(userId="u", type="b2b")["traits"] == {"type": "b2b"}


def test_a_wrapped_event_is_sent_bare() -> None:
    """RudderStack's wrapper and a CloudEvent; what it says of its channel gives way to the source."""
    inner = {"type": "track", "event": "x", "context": {"channel": "web", "locale": "en"}}
    bare = {**inner, "userId": "u", "context": {"channel": "import", "locale": "en"}}
    assert sent(message=inner, userId="u", topic="t") == bare
    assert sent(specversion="1.0", data={**inner, "userId": "u"}) == bare


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(TEXTS), st.lists(st.sampled_from(TEXTS))
)
_LINES = st.dictionaries(
    st.sampled_from(["userId", "email", "anonymousId", "at", "type", "event", "traits", "context", "previousId"])
    | st.sampled_from(TEXTS)
    | st.text(max_size=9),
    _VALUES | st.sampled_from(["track", "identify", "alias", "ada@example.com", "2020-01-01"]),
    max_size=6,
)


@given(_LINES)
def test_a_worker_takes_whatever_is_not_refused(line: dict[str, Any]) -> None:
    """With the source `import`, keyed, and nothing raises."""
    result = made(line)
    if isinstance(result, Message):
        event = decoded(MODEL, result.value, NOW_MS)
        assert event.source == IMPORT
        assert result.key
        assert event.id


def test_empty_cells_say_nothing_and_null_takes_a_trait_away() -> None:
    """A table cannot tell the two apart, JSON can."""
    meaning = meaning_of(["userId", "a", "b"])
    assert not isinstance(meaning, Refused)
    event = lead_event(meaning, {"userId": "u", "a": "", "b": None}, NOW_MS)
    assert isinstance(event, dict)
    assert event["traits"] == {"b": None}
