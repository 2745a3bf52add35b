"""Conditions (`when`, `if`): the grammar of the configuration, compiled once into closures.

A mapping holds if every entry does. An entry is a field with a scalar (equal; text ignores case; text with `*` or
`?` is a glob), a list (any of) or operators; or `any`, `all`, `not`. What each operator states:

* `gt`, `gte`, `lt`, `lte`, `between` (inclusive): of numbers, and of text that is a number.
* `in`: the plain list as an operator, globs included; `not_in`: there, and none of them.
* `contains`, `starts_with`, `ends_with`, `glob`, `matches` (RE2, searches anywhere): of text; a number is no text.
* `exists: true`: there and not null, an empty list included; `exists: false`: missing or null.

Several operators of one field must hold together for one value. A missing or null field makes every entry false but
`exists: false`. A list in the subject matches if one of its elements does, by itself: `not_in` holds for a list with an
element that is none of those. A number in text compares as a number where the configured value is one; `true` equals
true and "true". Nothing that a subject holds makes a condition raise, and every test takes time linear in the text.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from engine.core import comparisons
from engine.core.comparisons import Comparison, Getter, Key, Scalar, Test, either, every, is_glob
from engine.core.reader import Reader, unknown
from engine.core.source import Node

__all__ = ["Condition", "Fields", "Getter", "Test", "compile_condition"]

DEPTH_MAX = 16
SIZE_MAX = 2_000
PATTERN_MAX = 200

OPERATORS = tuple("gt gte lt lte between in not_in contains starts_with ends_with glob matches exists".split())

_BOUNDS = {"gt": "above", "gte": "lower", "lt": "below", "lte": "upper"}
_OF_TEXT: Mapping[str, Callable[[str], Comparison]] = {
    "contains": comparisons.contains,
    "starts_with": comparisons.starts_with,
    "ends_with": comparisons.ends_with,
    "glob": comparisons.glob,
    "matches": comparisons.matches,
}
_OF_LISTS: Mapping[str, Callable[[Iterable[Scalar]], Comparison]] = {
    "in": comparisons.any_of,
    "not_in": comparisons.none_of,
}


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
    """A compiled condition: `holds` decides for a subject, `fields` names every field it reads.

    `key` is the same for two conditions that state the same in another order, case or nesting.
    """

    holds: Test
    fields: frozenset[str]
    texts: Mapping[str, frozenset[str]]
    key: Key = ("all", frozenset())

    def values_of(self, name: str) -> frozenset[str] | None:
        """The case-folded texts of which field `name` must be one for the condition to hold; None: no such set.

        It holds for a field that is one text; a list in the subject may match beside it.
        """
        return self.texts.get(name)


def compile_condition(node: Node, fields: Callable[[str], Getter | str], reader: Reader) -> Condition:
    """The condition that `node` states over `fields`; what is wrong with it goes to `reader`."""
    return _Compiler(fields, reader).condition(node, 1)


_NEVER = Condition(lambda _subject: False, frozenset(), {}, ("any", frozenset()))


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
        return all_of([self.entry(name, entry, depth) for name, entry in node.value.items()])

    def entry(self, name: str, node: Node, depth: int) -> Condition:
        if not self.fits(len(node.value) if isinstance(node.value, tuple) else 1, node):
            return _NEVER
        if name == "not":
            return _not(self.condition(node, depth + 1))
        if name in ("any", "all"):
            nodes = self.reader.items(node, "conditions", at_least=1)
            parts = [self.condition(part, depth + 1) for part in nodes]
            return _any(parts) if name == "any" else all_of(parts)
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
            return self.operators(name, get, node)
        nodes = self.reader.items(node, "values", at_least=1) if isinstance(node.value, tuple) else (node,)
        return _compared(name, get, comparisons.any_of(self.scalars(nodes)))

    def operators(self, name: str, get: Getter, node: Node) -> Condition:
        entries = self.reader.mapping(node, OPERATORS)
        if node.value == {}:
            self.reader.problem(node, f"expected operators: {', '.join(OPERATORS)}")
        exists = self.reader.boolean(entries.pop("exists"), True) if "exists" in entries else None
        parts = [_compared(name, get, comparisons.every_of(self.comparisons(entries)))] if entries else []
        # Every other operator asks for a value already.
        if exists is False or (exists and not parts):
            there = _there(name, get)
            parts.append(there if exists else _not(there))
        return all_of(parts) if parts else _NEVER

    def comparisons(self, entries: Mapping[str, Node]) -> list[Comparison]:
        """What each operator states; the bounds of numbers are one comparison."""
        parts = [comparisons.between(**bounds)] if (bounds := self.bounds(entries)) else []
        for operator, entry in entries.items():
            if operator in _OF_LISTS:
                parts.append(_OF_LISTS[operator](self.listed(entry)))
            elif operator in _OF_TEXT:
                parts.append(self.of_text(operator, entry))
        return parts

    def bounds(self, entries: Mapping[str, Node]) -> dict[str, float]:
        bounds = {_BOUNDS[name]: self.reader.number(entry) for name, entry in entries.items() if name in _BOUNDS}
        if "between" in entries:
            lower, upper = self.pair(entries["between"])
            bounds["lower"] = max(lower, bounds.get("lower", lower))
            bounds["upper"] = min(upper, bounds.get("upper", upper))
        return bounds

    def pair(self, node: Node) -> tuple[float, float]:
        numbers = [self.reader.number(one) for one in self.reader.items(node, "numbers", at_least=2)]
        if len(numbers) != 2:
            if len(numbers) > 2:
                self.reader.problem(node, f"{len(numbers)} numbers; expected 2, such as [30, 45]")
            return 0.0, 0.0
        if numbers[0] > numbers[1]:
            self.reader.problem(node, f"nothing is between {numbers[0]:g} and {numbers[1]:g}: the smaller comes first")
        return numbers[0], numbers[1]

    def listed(self, node: Node) -> list[Scalar]:
        nodes = self.reader.items(node, "values", at_least=1)
        return self.scalars(nodes) if self.fits(len(nodes), node) else []

    def of_text(self, operator: str, node: Node) -> Comparison:
        text = self.reader.text(node)
        if operator in ("glob", "matches"):
            self.pattern(text, node)
        try:
            return _OF_TEXT[operator](text)
        except ValueError as error:
            self.reader.problem(node, f"RE2 does not read this pattern: {error}")
            return comparisons.NEVER

    def scalars(self, nodes: Iterable[Node]) -> list[Scalar]:
        values = [(value, node) for node in nodes if (value := self.reader.scalar(node)) is not None]
        for value, node in values:
            if isinstance(value, str) and is_glob(value):
                self.pattern(value, node)
        return [value for value, _ in values]

    def pattern(self, text: str, node: Node) -> None:
        if len(text) > PATTERN_MAX:
            self.reader.problem(node, f"a pattern of {len(text):,} characters; at most {PATTERN_MAX} are supported")


def _compared(name: str, get: Getter, comparison: Comparison) -> Condition:
    texts = {} if comparison.texts is None else {name: comparison.texts}
    key = _joined("any", [(name, key) for key in comparison.keys])
    return Condition(comparison.of(get), frozenset((name,)), texts, key)


def _there(name: str, get: Getter) -> Condition:
    return Condition(lambda subject: get(subject) is not None, frozenset((name,)), {}, (name, "exists"))


def all_of(parts: list[Condition]) -> Condition:
    """The condition that all of `parts` hold."""
    if len(parts) == 1:
        return parts[0]
    texts: dict[str, frozenset[str]] = {}
    for part in parts:
        for name, values in part.texts.items():
            texts[name] = texts[name] & values if name in texts else values
    key = _joined("all", [part.key for part in parts])
    return Condition(every([part.holds for part in parts]), _fields(parts), texts, key)


def _any(parts: list[Condition]) -> Condition:
    if len(parts) == 1:
        return parts[0]
    shared = set.intersection(*(set(part.texts) for part in parts)) if parts else set()
    texts = {name: frozenset[str]().union(*(part.texts[name] for part in parts)) for name in shared}
    key = _joined("any", [part.key for part in parts])
    return Condition(either([part.holds for part in parts]), _fields(parts), texts, key)


def _not(part: Condition) -> Condition:
    held = part.holds
    return Condition(lambda subject: not held(subject), part.fields, {}, ("not", part.key))


def _joined(word: str, keys: Iterable[Key]) -> Key:
    """The key of `all` or `any` of `keys`: order, repetition and nesting of the same word say nothing."""
    flat: set[Key] = set()
    for key in keys:
        match key:
            case (first, frozenset() as inner) if first == word:
                flat |= inner
            case _:
                flat.add(key)
    return flat.pop() if len(flat) == 1 else (word, frozenset(flat))


def _fields(parts: Iterable[Condition]) -> frozenset[str]:
    return frozenset[str]().union(*(part.fields for part in parts))
