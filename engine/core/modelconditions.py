"""The conditions of a model file: compiled and checked, with what they read and which events they can hold for."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from types import SimpleNamespace
from typing import Any

from engine.core.channels import CHANNELS
from engine.core.comparisons import Getter, Key, Test, always, is_glob
from engine.core.conditions import Condition, Fields, all_of, compile_condition
from engine.core.context import DEVICES
from engine.core.decode import SOURCES
from engine.core.events import NO_PAGE, SIGNALS, VIEWS, WEB, Event, attribute
from engine.core.fields import WEEKDAYS, is_event_only, lead_fields
from engine.core.model import STAGES, Band, band_of
from engine.core.names import Names, Vocabulary
from engine.core.pathindex import Paths
from engine.core.places import country_code
from engine.core.reader import Reader, unknown
from engine.core.source import Node
from engine.core.verdicts import can_hold_from, verdict

_SCORES = ("engagement", "fit", "total", "score", "band", "grade", "persona")
_COUNTS, _POINTS = "counts.", "points."
_AMOUNTS = ("properties.", "traits.")
_KINDS = ("event", "signal")
_SECONDS = ("properties.seconds",)
_ZIPS = ("zip", "traits.zip", "traits.address.zip", "traits.address.postalCode")


@dataclass(frozen=True, slots=True)
class When:
    """A condition on events. It can hold for input events called one of `events` (None: any), and for `signals`.

    `beside` is what is left to ask of an event or signal that was found by its name. `paths` are those of which the
    page's must be one, None where it may be any. `dwell_s_min` is the shortest `dwell` for which it can hold.
    """

    holds: Test
    beside: Test
    key: Key
    events: frozenset[str] | None
    signals: frozenset[str]
    paths: Paths | None = None
    dwell_s_min: float = inf


class Conditions:
    """Compiles the conditions of one model; what is wrong with them goes to `reader`.

    `reads` collects the fields that they read, `asked_of_leads` those of leads, `asked_of_persons` those of who a lead
    is; `named` the events and signals that they name, `signals` those signals that one of them can hold for or looks
    back at.
    """

    def __init__(self, reader: Reader, events: Fields, vocabulary: Vocabulary, rules: Collection[str]) -> None:
        """`events` are the fields of events, `rules` the ids of the engagement rules."""
        self.reader = reader
        self.names = Names(vocabulary.names)
        self.event_fields = events
        self.lead_fields = lead_fields(events, rules, self._counted_as)
        self.reads: set[str] = set()
        self.asked_of_leads: set[str] = set()
        self.asked_of_persons: set[str] = set()
        self.named: set[str] = set()
        self.signals: set[str] = set()
        self.values: dict[str, Collection[str]] = {
            "signal": sorted(SIGNALS),
            "stage": STAGES,
            "weekday": WEEKDAYS,
            "device": DEVICES,
            **dict.fromkeys(("channel", "first_touch.channel", "last_touch.channel"), CHANNELS),
        }
        """What fields of few values can be; the reader of the model adds bands, grades and personas."""

    def event(self, node: Node) -> When:
        """A condition on events."""
        parts = self._parts(node)
        condition = all_of(list(parts.values())) if parts else compile_condition(node, self.event_fields, self.reader)
        self._note(node, condition, {"source": sorted(SOURCES)})
        events, signals = self._seen(node, condition)
        self.signals |= signals
        index = "event" if not signals else "signal" if events == frozenset() else ""
        rest = [part for name, part in parts.items() if name != index or part.values_of(name) is None]
        beside = all_of(rest).holds if rest else always
        dwell_s = can_hold_from(node, self.event_fields, _dwell, _SECONDS, _KINDS) if "dwell" in signals else inf
        return When(condition.holds, beside, condition.key, events, signals, _paths(node), dwell_s)

    def lead(self, node: Node) -> Condition:
        """A condition on leads."""
        condition = compile_condition(node, self.lead_fields, self.reader)
        self._note(node, condition)
        self.ask_of_leads(condition.fields)
        self.signals |= {name for name in _named(node, "signal") if name in SIGNALS}
        return condition

    def person(self, node: Node) -> Condition:
        """A condition of `fit` or `personas`: on who a lead is, not on what its score came to."""
        condition = compile_condition(node, self._person_field, self.reader)
        self._note(node, condition)
        self.ask_of_leads(condition.fields)
        self.asked_of_persons |= condition.fields
        return condition

    def lead_field(self, name: str) -> Getter | str:
        """The getter of a field of leads, or why there is none; it is noted as read."""
        found = self.lead_fields(name)
        if not isinstance(found, str):
            self.ask_of_leads({name})
        return found

    def amount(self, node: Node) -> Getter | None:
        """The getter of the property or trait that `node` names."""
        name = node.value
        if not isinstance(name, str) or not name.startswith(_AMOUNTS) or not all(name.split(".")):
            expected = "expected a field of the event: a property or a trait, such as properties.revenue"
            self.reader.problem(node, expected)
            return None
        self._read({name})
        getter = self.event_fields(name)
        return None if isinstance(getter, str) else getter

    def ask_of_leads(self, fields: Collection[str]) -> None:
        """Note that somebody reads these fields of leads."""
        self._read(fields)
        self.asked_of_leads |= set(fields)

    def _parts(self, node: Node) -> dict[str, Condition]:
        """Each entry compiled by itself, so that what finding it by name decides can be left out."""
        if not isinstance(node.value, dict):
            return {}
        return {
            name: compile_condition(replace(node, value={name: entry}), self.event_fields, self.reader)
            for name, entry in node.value.items()
        }

    def _seen(self, node: Node, condition: Condition) -> tuple[frozenset[str] | None, frozenset[str]]:
        """The input events and the signals that `condition` can hold for (config.md, Common)."""
        events = condition.values_of("event")
        if "signal" not in condition.fields:
            return (events if "event" in condition.fields else VIEWS), frozenset()
        if verdict(node, self.event_fields, _stub("", signal=False), ("signal",)) is False:
            events = frozenset()
        return events, frozenset(
            name for name in SIGNALS if verdict(node, self.event_fields, _stub(name, signal=True), _KINDS) is not False
        )

    def reached_from(self, node: Node, bands: Sequence[Band]) -> float:
        """The lowest total at which a condition on leads can hold for a browser that did not qualify at once."""

        def browser(total: float) -> SimpleNamespace:
            return SimpleNamespace(total=total, band=band_of(bands, total).name, known=False, fast_track=False)

        known, bounds = ("band", "known", "fast_track"), (band.bound for band in bands)
        return can_hold_from(node, self.lead_fields, browser, ("total", "score"), known, bounds)

    def _person_field(self, name: str) -> Getter | str:
        what = f"`{name}` cannot be read here: fit and personas say who a lead is"
        if name in _SCORES or name.startswith(_POINTS):
            return f"{what}, and scores are made of them"
        if is_event_only(name):
            return f"{what}, whatever event came last"
        return self.lead_fields(name)

    def _counted_as(self, name: str) -> str:
        return name if name in self.names.targets or name in SIGNALS else self.names.canonical(name)

    def _note(self, node: Node, condition: Condition, values: Mapping[str, Collection[str]] | None = None) -> None:
        """Remember what `condition` reads, and check the values that it compares with."""
        self._read(condition.fields)
        self.named |= {name for field in ("event", "signal") for name in _named(node, field)}
        for name, scalar in _scalars(node):
            known = (values or {}).get(name) or self.values.get(name)
            if known is not None:
                self._check_known(scalar, known)
            elif name in _ZIPS and _is_number(scalar):
                self.reader.problem(scalar, f"a zip is text: quote it: '{scalar.written}'")
            elif name in ("country", "traits.country") and isinstance(scalar.value, str):
                self._check_country(scalar, scalar.value)

    def _read(self, fields: Collection[str]) -> None:
        self.reads |= set(fields)
        counted = {name.removeprefix(_COUNTS) for name in fields if name.startswith(_COUNTS)}
        self.named |= counted
        self.signals |= counted & SIGNALS

    def _check_known(self, node: Node, known: Collection[str]) -> None:
        value = node.value
        if not isinstance(value, str) or is_glob(value):
            return
        if value.casefold() not in {name.casefold() for name in known}:
            self.reader.problem(node, unknown(value, known) if known else f"`{value}` is not known: none is stated")

    def _check_country(self, node: Node, value: str) -> None:
        code = country_code(value)
        if code is not None and code.casefold() != value.casefold():
            self.reader.problem(node, f"countries are compared by their codes: expected {code}")


def _leaves(node: Node) -> Iterator[tuple[str, Node]]:
    """Every field that a condition names, with what is asked of it."""
    if not isinstance(node.value, dict):
        return
    for name, entry in node.value.items():
        if name in ("any", "all") and isinstance(entry.value, tuple):
            for part in entry.value:
                yield from _leaves(part)
        elif name == "not":
            yield from _leaves(entry)
        else:
            yield name, entry


def _scalars(node: Node) -> Iterator[tuple[str, Node]]:
    """Every value that a condition compares for equality, with its field."""
    for name, entry in _leaves(node):
        asked: Iterable[Node] = (entry,)
        if isinstance(entry.value, dict):
            asked = [one for operator, one in entry.value.items() if operator in ("in", "not_in")]
        for one in asked:
            for scalar in one.value if isinstance(one.value, tuple) else (one,):
                yield name, scalar


def _named(node: Node, field: str) -> set[str]:
    """The texts, but for globs, that a condition compares `field` with."""
    values = [scalar.value for name, scalar in _scalars(node) if name == field]
    return {value.casefold() for value in values if isinstance(value, str) and not is_glob(value)}


def _paths(node: Node) -> Paths | None:
    """The paths that a condition asks for as such or by how they begin, None where it asks for none, or otherwise."""
    asked = node.value.get("page.path") if isinstance(node.value, dict) else None
    if asked is None or isinstance(asked.value, dict):
        return None
    scalars = asked.value if isinstance(asked.value, tuple) else (asked,)
    texts = [scalar.value.casefold() for scalar in scalars if isinstance(scalar.value, str)]
    begun = {text[:-1] for text in texts if text.endswith("*")}
    exact = {text for text in texts if not text.endswith("*")}
    if len(texts) < len(scalars) or any(is_glob(text) for text in begun | exact):
        return None
    return Paths(frozenset(exact), frozenset(begun))


def _is_number(node: Node) -> bool:
    """Whether it is a number that is not refused anyway, for its leading zero."""
    return isinstance(node.value, int | float) and not isinstance(node.value, bool) and node.written[:1] != "0"


def _stub(name: str, *, signal: bool, properties: Any = None) -> Event:
    return Event("track", name, 0, None, None, None, WEB, NO_PAGE, None, properties, None, signal=signal)


def _dwell(seconds: float) -> Event:
    return _stub("dwell", signal=True, properties=SimpleNamespace(**{attribute("seconds"): seconds}))
