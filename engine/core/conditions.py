"""Conditions (`when`, `if`): the grammar of the configuration, compiled once into closures.

A mapping holds if every entry does. An entry is a field with a scalar (equal; text ignores case; text with `*` or
`?` is a glob), a list (any of) or the operators gt, gte, lt, lte; or `any`, `all`, `not`. A missing or null field
makes every entry false, and so do NaN and infinity. A number in text compares as a number where the configured
value is one; `true` equals true and "true". A list in the subject matches if one of its elements does, by itself.
Nothing that a subject holds makes a condition raise, and every test takes time linear in the text it looks at.
"""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from sys import float_info
from typing import Any

from engine.core.reader import Reader, unknown
from engine.core.source import Node

Getter = Callable[[Any], Any]
Test = Callable[[Any], bool]

DEPTH_MAX = 16
SIZE_MAX = 2_000
PATTERN_MAX = 200
NUMBER_TEXT_MAX = 64

OPERATORS = ("gt", "gte", "lt", "lte")
LATER_OPERATORS = ("between", "in", "not_in", "contains", "starts_with", "ends_with", "glob", "matches", "exists")

_NUMBER = re.compile(r"\s*[-+]?(?:([0-9]+)|(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that one kind of condition may read.

    `families` are prefixes such as `traits.`, with what makes a getter of the rest of the name. `later` are names
    and prefixes of the documented grammar that this version does not know yet.
    """

    known: Mapping[str, Getter]
    families: Mapping[str, Callable[[str], Getter]] = field(default_factory=dict)
    later: tuple[str, ...] = ()

    def __call__(self, name: str) -> Getter | str:
        """The getter of field `name`, or why there is none."""
        if name in self.known:
            return self.known[name]
        for prefix, getter in self.families.items():
            if name.startswith(prefix) and len(name) > len(prefix):
                return getter(name[len(prefix) :])
        names = (*self.known, *(f"{prefix}*" for prefix in self.families))
        if any(name == entry or (entry.endswith(".") and name.startswith(entry)) for entry in self.later):
            return unknown(name, names, later=(name,))
        return unknown(name, names)


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition: `holds` decides for a subject, `fields` names every field it reads."""

    holds: Test
    fields: frozenset[str]
    texts: Mapping[str, frozenset[str]]

    def values_of(self, name: str) -> frozenset[str] | None:
        """The case-folded texts of which field `name` must be one for the condition to hold; None: no such set.

        It holds for a field that is one text; a list in the subject may match beside it.
        """
        return self.texts.get(name)


def compile_condition(node: Node, fields: Callable[[str], Getter | str], reader: Reader) -> Condition:
    """The condition that `node` states over `fields`; what is wrong with it goes to `reader`."""
    return _Compiler(fields, reader).condition(node, 1)


_NEVER = Condition(lambda _subject: False, frozenset(), {})


class _Compiler:
    def __init__(self, fields: Callable[[str], Getter | str], reader: Reader) -> None:
        self.fields = fields
        self.reader = reader
        self.size = 0

    def condition(self, node: Node, depth: int) -> Condition:
        if not isinstance(node.value, dict):
            self.reader.expected(node, "a mapping from fields to values, such as {event: page_view}")
            return _NEVER
        if not node.value:
            self.reader.problem(node, "an empty condition: expected at least one field, such as {event: page_view}")
        if depth > DEPTH_MAX:
            self.reader.problem(node, f"nested deeper than {DEPTH_MAX} conditions")
            return _NEVER
        return _all([self.entry(name, entry, depth) for name, entry in node.value.items()])

    def entry(self, name: str, node: Node, depth: int) -> Condition:
        if not self.fits(len(node.value) if isinstance(node.value, tuple) else 1, node):
            return _NEVER
        if name == "not":
            return _not(self.condition(node, depth + 1))
        if name in ("any", "all"):
            nodes = self.reader.items(node, "conditions", at_least=1)
            parts = [self.condition(part, depth + 1) for part in nodes]
            return _any(parts) if name == "any" else _all(parts)
        getter = self.fields(name)
        if isinstance(getter, str):
            self.reader.key_problem(node, getter)
            return _NEVER
        return self.leaf(name, getter, node)

    def fits(self, count: int, node: Node) -> bool:
        """Whether `count` more fields and values are within the limit; the first that is not is a problem."""
        before, self.size = self.size, self.size + count
        if before <= SIZE_MAX < self.size:
            self.reader.problem(node, f"more than {SIZE_MAX:,} fields and values in one condition")
        return self.size <= SIZE_MAX

    def leaf(self, name: str, get: Getter, node: Node) -> Condition:
        if isinstance(node.value, dict):
            return Condition(_tested(get, self.comparison(node)), frozenset((name,)), {})
        nodes = self.reader.items(node, "values", at_least=1) if isinstance(node.value, tuple) else (node,)
        values = [value for value in map(self.scalar, nodes) if value is not None]
        texts = [value.casefold() for value in values if isinstance(value, str) and not _is_glob(value)]
        if len(texts) == len(values) and values:
            held = _one_text(get, texts[0]) if len(texts) == 1 else _one_of_texts(get, frozenset(texts))
            return Condition(held, frozenset((name,)), {name: frozenset(texts)})
        if len(values) == 1 and (prefix := _prefix(values[0])) is not None:
            return Condition(_prefixed(get, prefix), frozenset((name,)), {})
        return Condition(_tested(get, _any_test([_equal(value) for value in values])), frozenset((name,)), {})

    def scalar(self, node: Node) -> str | int | float | bool | None:
        value = self.reader.scalar(node)
        if isinstance(value, str) and _is_glob(value) and len(value) > PATTERN_MAX:
            self.reader.problem(node, f"a pattern of {len(value):,} characters; at most {PATTERN_MAX} are supported")
        return value

    def comparison(self, node: Node) -> Test:
        """All operators of one entry, on one element."""
        entries = self.reader.mapping(node, OPERATORS, LATER_OPERATORS)
        if node.value == {}:
            self.reader.problem(node, f"expected operators: {', '.join(OPERATORS)}")
        bounds = {"gt": -inf, "gte": -float_info.max, "lt": inf, "lte": float_info.max}
        bounds.update({name: self.reader.number(entry) for name, entry in entries.items()})
        return _between(bounds["gt"], bounds["gte"], bounds["lt"], bounds["lte"])


def _all(parts: list[Condition]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    texts: dict[str, frozenset[str]] = {}
    for part in parts:
        for name, values in part.texts.items():
            texts[name] = texts[name] & values if name in texts else values
    return Condition(_every([part.holds for part in parts]), _fields(parts), texts)


def _any(parts: list[Condition]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    shared = set.intersection(*(set(part.texts) for part in parts)) if parts else set()
    texts = {name: frozenset[str]().union(*(part.texts[name] for part in parts)) for name in shared}
    return Condition(_any_test([part.holds for part in parts]), _fields(parts), texts)


def _not(part: Condition) -> Condition:
    held = part.holds
    return Condition(lambda subject: not held(subject), part.fields, {})


def _fields(parts: Iterable[Condition]) -> frozenset[str]:
    return frozenset[str]().union(*(part.fields for part in parts))


def _every(tests: list[Test]) -> Test:
    if len(tests) == 2:
        first, second = tests
        return lambda subject: first(subject) and second(subject)

    def every(subject: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would cost more than the tests
            if not test(subject):
                return False
        return True

    return every


def _any_test(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def any_of(subject: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would cost more than the tests
            if test(subject):
                return True
        return False

    return any_of


def _one_text(get: Getter, folded: str) -> Test:
    def equal(subject: Any) -> bool:
        value = get(subject)
        if isinstance(value, str):
            return value == folded or value.casefold() == folded
        return isinstance(value, list) and any(isinstance(one, str) and one.casefold() == folded for one in value)

    return equal


def _one_of_texts(get: Getter, folded: frozenset[str]) -> Test:
    def among(subject: Any) -> bool:
        value = get(subject)
        if isinstance(value, str):
            return value.casefold() in folded
        return isinstance(value, list) and any(isinstance(one, str) and one.casefold() in folded for one in value)

    return among


def _prefix(wanted: str | float | bool) -> str | None:
    """What comes before the star, folded, where `wanted` is a glob with nothing but a star at its end."""
    if not isinstance(wanted, str) or not wanted.endswith("*") or _is_glob(wanted[:-1]):
        return None
    return wanted[:-1].casefold()


def _prefixed(get: Getter, prefix: str) -> Test:
    def prefixed(subject: Any) -> bool:
        value = get(subject)
        if isinstance(value, str):
            return value.startswith(prefix) or value.casefold().startswith(prefix)
        return isinstance(value, list) and any(
            isinstance(one, str) and one.casefold().startswith(prefix) for one in value
        )

    return prefixed


def _tested(get: Getter, test: Test) -> Test:
    """`test` on the field, or on the elements of a list there."""

    def tested(subject: Any) -> bool:
        value = get(subject)
        if isinstance(value, list):
            return any(map(test, value))
        return test(value)

    return tested


def _equal(wanted: str | float | bool) -> Test:
    """Whether one value equals `wanted`."""
    if isinstance(wanted, bool):
        word = "true" if wanted else "false"
        return lambda value: value is wanted or (isinstance(value, str) and value.casefold() == word)
    if isinstance(wanted, int | float):
        return _equal_number(wanted)
    if _is_glob(wanted):
        return _glob(wanted.casefold())
    folded = wanted.casefold()
    return lambda value: isinstance(value, str) and value.casefold() == folded


def _is_glob(text: str) -> bool:
    return "*" in text or "?" in text


def _glob(pattern: str) -> Test:
    # fnmatch makes each star atomic, so that matching is linear; brackets are no classes here.
    match = re.compile(fnmatch.translate(pattern.replace("[", "[[]"))).match
    return lambda value: isinstance(value, str) and match(value.casefold()) is not None


def _read(text: str) -> float | None:
    """The number that `text` is, None where it is none."""
    number = _NUMBER.fullmatch(text) if len(text) <= NUMBER_TEXT_MAX else None
    if number is None:
        return None
    return int(text) if number[1] else float(text)


def _equal_number(wanted: float) -> Test:
    def equal(value: Any) -> bool:
        if type(value) is str:
            value = _read(value)
        return (type(value) is float or type(value) is int) and value == wanted

    return equal


def _between(above: float, lower: float, below: float, upper: float) -> Test:
    """Whether above < value < below and lower ≤ value ≤ upper, all finite: NaN and infinity are never between."""

    def between(value: Any) -> bool:
        if type(value) is str:
            value = _read(value)
        return (type(value) is float or type(value) is int) and above < value < below and lower <= value <= upper

    return between
