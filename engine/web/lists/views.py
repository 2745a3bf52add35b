"""What a list shows: the leads wanted, in which order, and the query string that says so."""

import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlencode

import msgspec
import msgspec.inspect

from engine.core.records import Stage
from engine.core.text import clean, printable
from engine.readmodel.case import ASKED, CaseState
from engine.web.lists.cards import OVER, Card

View = Literal["hottest", "day", "open"]

VALUE_CHARS_MAX = 100
"""Of each value of a query, the search text included."""

Value = Annotated[str, msgspec.Meta(max_length=VALUE_CHARS_MAX)]

Place = tuple[float, float, str]
"""Where a card stands in a view; smaller is further up. No two cards have the same."""

_FILTERS = ("owner", "team", "band", "grade", "stage", "source", "region", "territory")
_CURSOR_CHARS_MAX = 200


class Mistake(NamedTuple):
    """What is wrong with one parameter or field, and what would be right."""

    field: str
    message: str


class Unwanted(ValueError):
    """A query that says nothing the board understands; `mistakes` has each."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        """With at least one mistake."""
        super().__init__("; ".join(f"{field}: {message}" for field, message in mistakes))
        self.mistakes = mistakes


class Wanted(msgspec.Struct, frozen=True):
    """Which leads a list shows, and in which order (`view`); None and empty text: all of them.

    `hottest`: every lead, highest total first. `day`: leads with an open case, of `owner`, else of the rep who asks,
    the most urgent first. `open`: leads that have no rep, or that nobody was in touch with yet, oldest first.
    `mine`: only those of the rep who asks. `territory`: leads that it holds, whichever others do, too. `q`: leads whose
    name, e-mail address, company or id has this text.
    """

    view: View = "hottest"
    mine: bool = False
    owner: Value | None = None
    team: Value | None = None
    band: Value | None = None
    grade: Value | None = None
    stage: Stage | None = None
    source: Value | None = None
    region: Value | None = None
    territory: Value | None = None
    q: Value = ""

    def filters(self) -> list[tuple[str, str]]:
        """Name and value of each filter."""
        return [(name, value) for name in _FILTERS if (value := getattr(self, name)) is not None]

    def query(self) -> str:
        """The query string that `wanted` reads as this."""
        given: list[tuple[str, str]] = [] if self.view == "hottest" else [("view", self.view)]
        given += [("mine", "1")] if self.mine else []
        given += self.filters()
        given += [("q", self.q)] if self.q else []
        return urlencode(given)


Asked = TypeVar("Asked", bound=msgspec.Struct)


def wanted(query: Iterable[tuple[str, str]], others: frozenset[str] = frozenset()) -> Wanted:
    """What a query string asks for; parameters named in `others` are somebody else's. Raises Unwanted."""
    return asked(((name, value) for name, value in query if name not in others), Wanted)


def asked(query: Iterable[tuple[str, str]], kind: type[Asked]) -> Asked:
    """A query string as a struct with a field for each parameter.

    An empty value is as none, as forms send it; control characters count for nothing. Raises Unwanted for unknown or
    repeated names and for values that cannot be.
    """
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    given: dict[str, object] = {}
    mistakes = []
    seen = set()
    for name, text in query:
        value = printable(text)
        if name not in types:
            told = f"no such parameter; expected {' or '.join(sorted(types)) or 'none'}"
            mistakes.append(Mistake(clean(name, 40), told))
        elif name in seen:
            mistakes.append(Mistake(name, "stands here twice; expected once"))
        elif value:
            try:
                given[name] = _read(value, types[name])
            except msgspec.ValidationError:
                mistakes.append(Mistake(name, f"is {clean(value, 40)!r}; expected {_right(types[name])}"))
        seen.add(name)
    if mistakes:
        raise Unwanted(mistakes)
    return kind(**given)


def _read(value: str, kind: Any) -> object:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        # A number or a flag as text; text itself never gets here, so `null` is a name like any other.
        return msgspec.convert(value, kind, strict=False)


def _right(kind: object) -> str:
    """What a parameter of this type can be, for people."""
    match msgspec.inspect.type_info(kind):
        case msgspec.inspect.UnionType(types=types):
            return " or ".join(_right_of(one) for one in types if not isinstance(one, msgspec.inspect.NoneType))
        case one:
            return _right_of(one)


def _right_of(kind: msgspec.inspect.Type) -> str:
    match kind:
        case msgspec.inspect.LiteralType(values=values):
            return " or ".join(map(str, values))
        case msgspec.inspect.BoolType():
            return "1 or 0 or true or false"
        case msgspec.inspect.IntType(ge=ge, le=le):
            return f"a number from {ge} to {le}"
        case msgspec.inspect.StrType(max_length=max_length):
            return f"at most {max_length} characters"
        case _:
            return "something else"


def is_open(card: Card) -> bool:
    """Whether the lead has no rep, though one was asked for, or a rep who was never in touch with it."""
    return card.state == "waiting" or (card.state in ASKED and card.contacted_ms is None)


def has_case(card: Card) -> bool:
    """Whether somebody has, or waits to have, something to do for the lead."""
    return card.state not in OVER


def hottest_place(card: Card) -> Place:
    """Highest total first."""
    return (-card.total, 0.0, card.key)


def open_place(card: Card) -> Place:
    """Who has waited longest first."""
    return (float(card.asked_ms or 0), 0.0, card.key)


_BY_STATE: Mapping[CaseState | None, int] = {"call_due": 1, "assigned": 2, "waiting": 2, "snoozed": 3}


def day_place(card: Card) -> Place:
    """The earliest deadline first, then calls that are due, then what is new, then what is put off, then the rest.

    It does not depend on the time of day: a deadline that has passed is earlier than each that has not.
    """
    if card.due_ms is not None:
        return (0.0, float(card.due_ms), card.key)
    rank = _BY_STATE.get(card.state, 4)
    at_ms = card.call_ms if card.state in {"call_due", "snoozed"} else card.since_ms
    return (float(rank), float(at_ms or 0), card.key)


PLACES: Mapping[View, Callable[[Card], Place]] = {"hottest": hottest_place, "day": day_place, "open": open_place}


def cursor(view: View, place: Place) -> str:
    """Where a page ended, as text that means nothing to others."""
    return urlsafe_b64encode(msgspec.msgpack.encode((view, place))).rstrip(b"=").decode()


_cursor = msgspec.msgpack.Decoder(tuple[View, Place])


def place_of(text: str, view: View) -> Place:
    """The place that a cursor states. Raises Unwanted for text that is none, or one of another view."""
    try:
        if len(text) > _CURSOR_CHARS_MAX:
            raise ValueError
        stated, place = _cursor.decode(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
        if stated != view or any(math.isnan(part) for part in place[:2]):
            raise ValueError
    except ValueError:
        told = f"is no cursor of the view {view}; expected `next` of an earlier page"
        raise Unwanted([Mistake("cursor", told)]) from None
    return place
