"""Visitor events: from a record's bytes to an `Event`, or to the reason why not.

Input is the Segment spec, bare, in RudderStack's wrapper `{message, userId, topic}`, or as a CloudEvent
(structured, or binary with `ce_*` headers). Only the fields that the model reads are decoded.
"""

import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from engine.core.context import context_of
from engine.core.events import CANARY, IMPORT, NO_PAGE, Canary, Event, Page, Rejected, attribute, outside_years, partial
from engine.core.flow import Record
from engine.core.identity import stated_email
from engine.core.instants import FIRST_MS, LAST_MS, from_datetime
from engine.core.names import NAMED_BY_TYPE, Names
from engine.core.text import clean

VALUE_BYTES_MAX = 256 * 1024
DEPTH_MAX = 64
ID_CHARS_MAX = 500
ID_BYTES_MAX = 500
TEXT_CHARS_MAX = 500
URL_CHARS_MAX = 1_000
AHEAD_MS_MAX = 5 * 60_000
SOURCE_HEADER = "heatline-source"
# Possessive, and an open string ends with the text: linear whatever it looks at.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_any_json = msgspec.json.Decoder(msgspec.Raw)
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
SOURCES = frozenset({"web", "server", "mobile", "email", IMPORT, "phone", "chat", "event"})


ProductPaths = tuple[tuple[str, Callable[[str], bool]], ...]
"""Products with the tests of the paths that are about them."""
_TEXTS = ("type", "event", "messageId", "anonymousId", "userId", "previousId")
_PRODUCT_KEYS = ("product", "product_id", "category")
_PATHS_CACHED_MAX = 4_096


class EventDecoder:
    """Decodes records into events, reading only what is named: keys of `properties` and `traits`, fields of `context`.

    `reads` are fields of events and leads, of which those that stand in `context` count; `products` give the product
    of interest by path. `located`: IP addresses are looked up.
    """

    def __init__(
        self,
        names: Names,
        lateness_ms: int,
        properties: Iterable[str],
        traits: Iterable[str],
        reads: Collection[str] = (),
        products: ProductPaths = (),
        *,
        located: bool = False,
    ) -> None:
        self._canonical = names.canonical
        self._lateness_ms = lateness_ms
        self._page_attributes = [(key, attribute(key)) for key in Page.__struct_fields__]
        self._products_of = attrgetter(*map(attribute, _PRODUCT_KEYS))
        # Bounded, paths and number of them, since visitors choose them.
        self._product_of_path = lru_cache(_PATHS_CACHED_MAX)(_by_path(products)) if products else None
        properties = {*properties, *Page.__struct_fields__, *_PRODUCT_KEYS}
        traits = sorted(set(traits))
        self._trait_attributes = [(key, attribute(key)) for key in traits]
        body = msgspec.defstruct(
            "Body",
            [
                *((key, str | None, None) for key in _TEXTS),
                *((key, datetime | None, None) for key in ("timestamp", "originalTimestamp", "sentAt", "receivedAt")),
                ("context", context_of(reads, located=located) | None, None),
                ("properties", partial("Properties", properties) | None, None),
                ("traits", partial("Traits", traits) | None, None),
                ("specversion", Any, None),
                ("data", msgspec.Raw | UnsetType, UNSET),
                ("message", msgspec.Raw | UnsetType, UNSET),
            ],
            gc=False,
        )
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(body)

    def traits_of(self, event: Event) -> dict[str, Any]:
        """The traits that `event` says, of those that are read; null ones included."""
        if event.traits is None:
            return {}
        said = {key: getattr(event.traits, name) for key, name in self._trait_attributes}
        return {key: value for key, value in said.items() if value is not UNSET}

    def decode(self, record: Record) -> Event:
        """The event that `record` holds. Raises `Rejected`, of a canary `Canary`, and nothing else."""
        value = record.value
        if not value:
            raise Rejected("json", None, "the value is empty; expected a JSON object")
        if len(value) > VALUE_BYTES_MAX:
            raise Rejected("size", None, f"the value has {len(value)} bytes; at most {VALUE_BYTES_MAX} are read")
        try:
            _check_depth(value)
            if not value.isascii():
                # msgspec does not look at what it skips.
                value.decode()
            body = self._decoder.decode(value)
            if body.type is None or body.specversion is not None:
                body = self._unwrapped(body)
        except msgspec.ValidationError as error:
            raise _not_json(value) or _wrong_type(error) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Rejected("json", None, f"not JSON: {error}") from None
        except RecursionError:
            raise _too_deep() from None
        return self._event(record, body)

    def _unwrapped(self, body: Any) -> Any:
        """The Segment event in what a CloudEvent or RudderStack has put around it."""
        if body.specversion is not None:
            if body.data is UNSET:
                raise Rejected("schema", "data", "a CloudEvent without data; expected a Segment event in it")
            body = self._inner("data", body.data)
        if body.type is None and body.message is not UNSET:
            wrapped = self._inner("message", body.message)
            if not wrapped.userId and not wrapped.anonymousId:
                wrapped.userId = body.userId
            return wrapped
        return body

    def _inner(self, field: str, value: msgspec.Raw) -> Any:
        try:
            return self._decoder.decode(value)
        except msgspec.ValidationError as error:
            raise _wrong_type(error, field) from None

    def _event(self, record: Record, body: Any) -> Event:
        kind = body.type
        if kind == "track":
            name = self._canonical(body.event) if body.event else ""
        elif kind in NAMED_BY_TYPE:
            name = NAMED_BY_TYPE[kind]
        elif kind == CANARY:
            raise Canary(body.messageId)
        else:
            expected = "track, page, screen, identify, group or alias"
            raise Rejected("schema", "type", f"type is {_shown(kind)}; expected {expected}")
        if not name:
            raise Rejected("schema", "event", "a track event needs a name; expected text such as Order Completed")
        anonymous_id = _id("anonymousId", body.anonymousId) if body.anonymousId else None
        user_id = _id("userId", body.userId) if body.userId else None
        if anonymous_id is None and user_id is None and _email(body) is None:
            raise Rejected("identity", "anonymousId", "neither anonymousId nor userId is there; one of them is needed")
        context = body.context
        source = _source(record, context)
        time_ms = self._time_ms(record, body, source)
        if not FIRST_MS <= time_ms <= LAST_MS:
            raise outside_years(time_ms)
        page = self._page(context, body.properties)
        return Event(
            kind,
            name,
            time_ms,
            body.messageId or None,
            anonymous_id,
            user_id,
            source,
            page,
            None if context is None else context.campaign,
            body.properties,
            body.traits,
            context,
            self._product(body.properties, page.path),
            previous_id=_id("previousId", body.previousId) if kind == "alias" and body.previousId else None,
        )

    def _time_ms(self, record: Record, body: Any, source: str) -> int:
        recorded_ms = record.timestamp
        if body.receivedAt is not None and body.sentAt is not None and body.originalTimestamp is not None:
            field = "originalTimestamp"
            queued_ms = from_datetime(body.sentAt) - from_datetime(body.originalTimestamp)
            time_ms = from_datetime(body.receivedAt) - queued_ms
        elif body.timestamp is not None:
            field = "timestamp"
            time_ms = from_datetime(body.timestamp)
        else:
            return recorded_ms
        age_ms = recorded_ms - time_ms
        if 0 <= age_ms <= self._lateness_ms:
            return time_ms
        if age_ms < -AHEAD_MS_MAX:
            raise Rejected("time", field, f"{-age_ms // 1000} s after its record; at most {AHEAD_MS_MAX // 1000} s are")
        if age_ms < 0:
            return recorded_ms
        if source == IMPORT:
            return time_ms
        allowed_s = self._lateness_ms // 1000
        raise Rejected("time", field, f"{age_ms // 1000} s before its record; lateness allows {allowed_s} s")

    def _product(self, properties: Any, path: str | None) -> str | None:
        if properties is not None:
            for value in self._products_of(properties):
                if value is not UNSET and (product := _product_named(value)):
                    return product
        if path is None or self._product_of_path is None:
            return None
        return self._product_of_path(path)

    def _page(self, context: Any, properties: Any) -> Page:
        page: Page | None = None if context is None else context.page
        if page is None or page.path is None:
            if properties is not None:
                # Segment's page calls repeat the page in properties; a sender without context has it there only.
                page = page or Page()
                for key, name in self._page_attributes:
                    value = getattr(properties, name)
                    if isinstance(value, str) and getattr(page, key) is None:
                        setattr(page, key, value)
            if page is None:
                return NO_PAGE
            if page.path is None and page.url is not None:
                page.path = _path_of(page.url)
        if page.path is not None:
            page.path = clean(page.path, TEXT_CHARS_MAX)
        return page


def _product_named(value: Any) -> str:
    """The product that a property names, text or a number; empty where it names none."""
    if isinstance(value, float) and value.is_integer():
        value = f"{value:.0f}"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return clean(value, TEXT_CHARS_MAX).strip() if isinstance(value, str) else ""


def _by_path(products: ProductPaths) -> Callable[[str], str | None]:
    def product_of(path: str) -> str | None:
        return next((product for product, is_about in products if is_about(path)), None)

    return product_of


def _path_of(url: str) -> str:
    """The path of a URL, `/` where it has none; what is no URL is taken for a path."""
    bare = url[:URL_CHARS_MAX].partition("#")[0].partition("?")[0]
    rest = bare.partition("://")[2]
    return "/" + rest.partition("/")[2] if rest else bare


def _check_depth(value: bytes) -> None:
    """Raise where `value` is nested too deep: msgspec does not look at what it skips."""
    if value.count(b"{") + value.count(b"[") > DEPTH_MAX and _depth(value) > DEPTH_MAX:
        raise _too_deep()


def _depth(value: bytes) -> int:
    """How deep brackets nest in JSON text, those inside of strings left out."""
    depth = deepest = 0
    for byte in _STRING.sub(b"", value).translate(None, _NO_BRACKETS):
        depth += 1 if byte in b"{[" else -1
        deepest = max(deepest, depth)
    return deepest


def _not_json(value: bytes) -> Rejected | None:
    """Why `value` is no JSON: a wrong type ends the reading, however the text goes on."""
    try:
        _any_json.decode(value)
    except msgspec.DecodeError as error:
        return Rejected("json", None, f"not JSON: {error}")
    return None


def _too_deep() -> Rejected:
    return Rejected("json", None, f"nested deeper than {DEPTH_MAX} levels")


def _wrong_type(error: msgspec.ValidationError, inside: str | None = None) -> Rejected:
    message, _, place = str(error).partition(" - at `$")
    field = place.rstrip("`").lstrip(".")
    if not field and inside is None and message.startswith("Expected `object`"):
        return Rejected("json", None, f"not an object: {message}")
    return Rejected("schema", field or inside, message)


def _id(field: str, value: str) -> str | None:
    if len(value) <= ID_CHARS_MAX and value.isascii() and value.isprintable():
        return value
    if len(value) > ID_CHARS_MAX:
        raise Rejected("schema", field, f"{field} has {len(value)} characters; at most {ID_CHARS_MAX} are an id")
    if not value.isascii() and len(value.encode()) > ID_BYTES_MAX:
        raise Rejected("schema", field, f"{field} has {len(value.encode())} bytes; at most {ID_BYTES_MAX} are an id")
    return clean(value, ID_CHARS_MAX) or None


def _email(body: Any) -> str | None:
    """The address by which an `identify` without an id names a person."""
    return stated_email(body.traits) if body.type == "identify" else None


def _source(record: Record, context: Any) -> str:
    for key, value in record.headers:
        if key == SOURCE_HEADER and value is not None:
            named = value.decode(errors="replace")
            if named in SOURCES:
                return named
    channel = None if context is None else context.channel
    return channel if channel in SOURCES else "web"


def _shown(value: object) -> str:
    return "missing" if value is None else repr(value)[:80]
