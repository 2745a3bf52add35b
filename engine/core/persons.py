"""Who the lead is: its ids, its traits and where it comes from, as far as events say so."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from engine.core.context import places
from engine.core.events import Event
from engine.core.model import Model
from engine.core.profile import BROWSERS_MAX, EMAIL_CHARS_MAX, STORED_CHARS_MAX, Row
from engine.core.text import clean

E = TypeVar("E")

TRAIT_BYTES_MAX = 160
"""Of a list or an object: an address fits, and a row stays small whatever a visitor sends."""


def observe_person(model: Model, row: Row, event: Event, time: int) -> None:
    """Write down who the event says the lead is."""
    if event.type == "identify":
        _identify(model, row, event, time)
    if model.places and event.context is not None and time >= row.now:
        place = places(event, model.places, model.locate)
        if place:
            row.place = {**row.place, **{name: clean(said, STORED_CHARS_MAX) for name, said in place.items()}}


def _identify(model: Model, row: Row, event: Event, time: int) -> None:
    if event.anonymous_id is not None and not row.anonymous:
        row.browsers, joined = with_browser(row.browsers, event.anonymous_id)
        row.changed = row.changed or joined
    said = {key: _stored(key, value) for key, value in model.decoder.traits_of(event).items()}
    if said:
        traits = {**row.traits}
        for key, value in said.items():
            held = traits.get(key)
            if held is None or is_later((time, value), held):
                row.changed = row.changed or held is None or held[1] != value
                traits[key] = (time, value)
        row.traits = traits


def with_browser(browsers: list[str], browser: str) -> tuple[list[str], bool]:
    """The last browsers of a person with one more, and whether it was none of them."""
    if browser in browsers:
        return browsers, False
    return [*browsers, browser][-BROWSERS_MAX:], True


def adopted(row: Row) -> Row:
    """The row of a person of whom nothing was known but what `row` holds, a browser's or that of another id."""
    return replace(row, anonymous=False, published=None, changed=True)


def is_later(said: tuple[int, Any], held: tuple[int, Any]) -> bool:
    """A trait's value is that of the latest event time; ties: the larger bytes."""
    if said[0] != held[0]:
        return said[0] > held[0]
    return msgspec.json.encode(said[1]) > msgspec.json.encode(held[1])


def _stored(key: str, value: Any) -> Any:
    """A trait's value as a row keeps it: text cut short, lists and objects to what fits, nothing nested deeper."""
    if isinstance(value, str):
        return clean(value, EMAIL_CHARS_MAX if key == "email" else STORED_CHARS_MAX)
    if isinstance(value, list):
        return list(_fitting(map(_scalar, value)))
    if isinstance(value, dict):
        return dict(_fitting((clean(name, STORED_CHARS_MAX), _scalar(element)) for name, element in value.items()))
    return _scalar(value)


def _fitting(elements: Iterable[E]) -> Iterator[E]:
    room = TRAIT_BYTES_MAX
    for element in elements:
        room -= len(msgspec.msgpack.encode(element))
        if room < 0:
            return
        yield element


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, STORED_CHARS_MAX)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value) if abs(value) < 1e300 else None
    return None if isinstance(value, list | dict) else value
