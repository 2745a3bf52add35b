"""From a line that tells of a known lead to the event that says so, checked as a worker checks it. Pure."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from engine.core.decode import VALUE_BYTES_MAX, EventDecoder
from engine.core.events import IMPORT, Event, Rejected
from engine.core.flow import InputRecord
from engine.core.identity import normalised_email, person_key, person_of, public_id
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.modelfile import STANDARD_TRAITS
from engine.core.names import NAMED_BY_TYPE, Names
from engine.local.jsonlines import segment_of
from engine.local.lines import AHEAD_MS_MAX, Message

USER, EMAIL, BROWSER, TIME = "userId", "email", "anonymousId", "timestamp"
EVENT_TYPES = frozenset({"track", *NAMED_BY_TYPE})
_ENVELOPE = frozenset({"event", "properties", "traits", "context", "messageId", "specversion", "message"})
_SPELLINGS = {
    USER: ("userid", "id"),
    EMAIL: ("email", "emailaddress"),
    BROWSER: ("anonymousid",),
    TIME: ("timestamp", "at"),
}
_STANDARD = {
    **{trait.lower(): trait for trait in STANDARD_TRAITS},
    "jobtitle": "title",
    "companyname": "company",
    "phonenumber": "phone",
    "postalcode": "zip",
    "zipcode": "zip",
}
_DROPPED = {ord(char): None for char in " _-"}
_ID_BYTES = 16
_SHOWN_CHARS_MAX = 100
_DAY_CHARS = len("2026-11-23")
# What the worker's decoder makes of an event does not depend on a model as far as an import can say what is wrong.
_decoder = EventDecoder(Names({}), 0, (), (EMAIL,))


class Refused(NamedTuple):
    """Why a line is not imported: the `column` at fault where it is one, its value, and what would be right."""

    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        """`column = value: reason`, as far as there are both."""
        value = f" = {self.value[:_SHOWN_CHARS_MAX]!r}" if self.value else ""
        return f"{self.column}{value}: {self.reason}" if self.column else self.reason


class Meaning(NamedTuple):
    """What the names of a table or an object mean: name by field (`userId` …), and the path of a trait by name."""

    fields: Mapping[str, str]
    traits: Mapping[str, tuple[str, ...]]


def meaning_of(names: Iterable[str]) -> Meaning | Refused:
    """Which names are ids and the time; every other one is a trait, one with dots (`address.city`) nested.

    Case, spaces, `_` and `-` make no difference to ids and standard traits: `First Name` is `firstName`.
    """
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(_folded(name), []).append(name)
    fields = {}
    for field, spellings in _SPELLINGS.items():
        spelling = next((one for one in spellings if one in folded), None)
        if spelling is None:
            continue
        name, *others = folded.pop(spelling)
        if others:
            return Refused(others[0], "", f"it says the same as {name}; expected one column for {field}")
        fields[field] = name
    if not {USER, EMAIL, BROWSER} & fields.keys():
        return Refused("", "", "nothing says who the lead is; expected a column userId, email or anonymousId")
    traits = {}
    for name in (one for group in folded.values() for one in group):
        traits[name] = tuple(_STANDARD.get(_folded(part), part.strip()) for part in name.split("."))
        if not all(traits[name]):
            return Refused(name, "", "a trait without a name; expected a name such as company or address.city")
    for (name, path), (other, taken) in pairwise(sorted(traits.items(), key=itemgetter(1))):
        # Sorted, whatever stands inside of a trait comes right behind it.
        if taken[: len(path)] == path:
            return Refused(other, "", f"it says the same as {name}; expected one column for a trait")
    return Meaning(fields, traits)


def _folded(name: str) -> str:
    return name.translate(_DROPPED).lower()


def lead_event(meaning: Meaning, values: Mapping[str, Any], now_ms: int) -> dict[str, Any] | Refused:
    """The `identify` that a row or a plain object comes to; what it leaves empty stays as it was.

    A row without a time says what holds when it is imported: its event has none, and happens when it is sent.
    """
    event: dict[str, Any] = {"type": "identify", "context": {"channel": IMPORT}}
    ids: dict[str, str] = {}
    for field in (USER, EMAIL, BROWSER):
        name = meaning.fields.get(field)
        text = "" if name is None else _id_text(values.get(name))
        if text is None:
            return Refused(name or "", str(values.get(name or "")), "expected text")
        if text:
            ids[field] = text
    if not ids:
        names = ", ".join(meaning.fields[field] for field in (USER, EMAIL, BROWSER) if field in meaning.fields)
        return Refused(names, "", "nothing says who the lead is; expected one of them to be filled in")
    traits: dict[str, Any] = {}
    if EMAIL in ids:
        traits[EMAIL] = ids.pop(EMAIL)
        if USER not in ids and normalised_email(traits[EMAIL]) is None:
            return Refused(meaning.fields[EMAIL], traits[EMAIL], "expected an address such as ada@example.com")
    event |= ids
    name = meaning.fields.get(TIME)
    if name is not None and values.get(name) not in ("", None):
        time_ms = _time_ms(values[name])
        if time_ms is None:
            return Refused(name, str(values[name]), "expected a time such as 2026-11-23 or 2026-11-23T04:30:00Z")
        if time_ms > now_ms + AHEAD_MS_MAX:
            return Refused(name, str(values[name]), "it lies ahead of now; expected when this was so")
        event[TIME] = to_rfc3339(time_ms)
    for name, path in meaning.traits.items():
        value = values.get(name, "")
        if value != "":
            put(traits, path, value)
    if traits:
        event["traits"] = traits
    return event


def put(traits: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set the trait at `path`, objects around it made as they are needed."""
    *outer, last = path
    for name in outer:
        traits = traits.setdefault(name, {})
    traits[last] = value


def _id_text(value: Any) -> str | None:
    """An id as text, also one that was written as a whole number; empty where there is none, None where it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else "" if value is None else None


def _time_ms(value: Any) -> int | None:
    """The instant that a cell names; a day alone is its first instant in UTC."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        return from_rfc3339(f"{text}T00:00:00Z" if len(text) == _DAY_CHARS else text)
    except ValueError:
        return None


def object_event(line: Mapping[str, Any], now_ms: int) -> dict[str, Any] | Refused:
    """The event of an object: an event as it stands, wrapped or not, with source `import`; else that of its traits."""
    kind = line.get("type")
    if not (isinstance(kind, str) and kind in EVENT_TYPES) and not _ENVELOPE & line.keys():
        meaning = meaning_of(line)
        return meaning if isinstance(meaning, Refused) else lead_event(meaning, line, now_ms)
    event = dict(segment_of(dict(line)))
    if not event.get(USER) and not event.get(BROWSER) and line.get(USER):
        event[USER] = line[USER]  # RudderStack's wrapper may say it beside the event
    context = event.get("context")
    event["context"] = {**(context if isinstance(context, dict) else {}), "channel": IMPORT}
    return event


def to_message(event: dict[str, Any], now_ms: int) -> Message | Refused:
    """The record of an event, keyed so that it lands where it is looked at first.

    It is refused for what a worker would refuse. Where it has no `messageId`, that is made of all that it says, so that
    what is imported again counts once.
    """
    try:
        if not event.get("messageId"):
            said = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
            event = {**event, "messageId": f"import-{blake2b(said, digest_size=_ID_BYTES).hexdigest()}"}
        value = orjson.dumps(event)
    except TypeError:  # nested deeper than orjson writes, or text that is no Unicode
        return Refused("", "", "it cannot be written as JSON; expected at most 64 levels of Unicode text")
    if len(value) > VALUE_BYTES_MAX:
        return Refused("", "", f"its event has {len(value):,} bytes; at most {VALUE_BYTES_MAX:,} are read")
    try:
        decoded = _decoder.decode(InputRecord("", 0, 0, now_ms, None, value))
    except Rejected as rejected:
        field = rejected.field or ""
        return Refused(field, str(event.get(field, "")), str(rejected))
    return Message(_home(decoded).encode(), value, None)


def _home(event: Event) -> str:
    """The id at whose home an event is looked at first: the browser's where it says who that is, else the lead's."""
    browser = event.previous_id or event.anonymous_id if event.type == "alias" else event.anonymous_id
    if event.type in ("identify", "alias"):
        return browser or public_id(person_of(event) or "")
    return public_id(person_key(event.user_id)) if event.user_id is not None else browser or ""
