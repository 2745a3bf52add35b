"""Comparisons: what one value must be, the leaves of conditions.

Text ignores case. NaN and infinity equal nothing and lie between nothing; so does text where a number is wanted that
is none. No value makes a comparison raise, and every one takes time linear in the text it looks at. A list is compared
by its elements, each by itself; an element that is a list or an object equals nothing.
"""

import fnmatch
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from sys import float_info
from typing import Any

import re2

Getter = Callable[[Any], Any]
Test = Callable[[Any], bool]
Key = Hashable
Scalar = str | float | bool

NUMBER_TEXT_MAX = 64

_NUMBER = re.compile(r"\s*[-+]?(?:([0-9]+)|(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A compiled comparison: `test` decides for one value that is no list.

    `keys` name what it states, any one of them sufficing; two that state the same have the same. `texts` are those of
    which a text must be one, None where there is no such set. `quick` makes the same test of a field's value, list or
    not, where there is a faster one than trying its elements.
    """

    test: Test
    keys: frozenset[Key]
    texts: frozenset[str] | None = None
    quick: Callable[[Getter], Test] | None = None

    def of(self, get: Getter) -> Test:
        """The test of what `get` finds, or of the elements of a list there."""
        if self.quick is not None:
            return self.quick(get)
        test = self.test

        def tested(subject: Any) -> bool:
            value = get(subject)
            if isinstance(value, list):
                return any(map(test, value))
            return test(value)

        return tested


NEVER = Comparison(lambda _value: False, frozenset())


def equal(wanted: Scalar) -> Comparison:
    """Equal to `wanted`; text with `*` or `?` is a glob."""
    if isinstance(wanted, bool):
        word = "true" if wanted else "false"
        return _keyed(
            lambda value: value is wanted or (isinstance(value, str) and value.casefold() == word), "boolean", wanted
        )
    if isinstance(wanted, int | float):
        return _keyed(_equal_number(wanted), "number", wanted)
    return glob(wanted)


def any_of(values: Iterable[Scalar]) -> Comparison:
    """Equal to one of `values`, globs included."""
    parts = [equal(value) for value in values]
    if len(parts) == 1:
        return parts[0]
    keys = frozenset[Key]().union(*(part.keys for part in parts))
    texts = [part.texts for part in parts if part.texts is not None]
    if len(texts) == len(parts) and parts:
        folded = frozenset[str]().union(*texts)
        return Comparison(_among(folded), keys, folded, lambda get: _field_among(get, folded))
    return Comparison(either([part.test for part in parts]), keys)


def none_of(values: Iterable[Scalar]) -> Comparison:
    """There, and equal to none of `values`."""
    among = any_of(values)
    test = among.test
    return _keyed(lambda value: value is not None and not test(value), "not_in", among.keys)


def every_of(parts: Sequence[Comparison]) -> Comparison:
    """What all of `parts` state, of the same value."""
    if len(parts) == 1:
        return parts[0]
    sets = [part.texts for part in parts if part.texts is not None]
    texts = frozenset.intersection(*sets) if sets else None
    keys = frozenset((("every", frozenset(part.keys for part in parts)),))
    return Comparison(every([part.test for part in parts]), keys, texts)


def between(above: float = -inf, lower: float = -inf, below: float = inf, upper: float = inf) -> Comparison:
    """A finite number with above < number < below and lower ≤ number ≤ upper."""
    least, most = max(lower, -float_info.max), min(upper, float_info.max)

    def test(value: Any) -> bool:
        if type(value) is str:
            value = _read(value)
        return (type(value) is float or type(value) is int) and above < value < below and least <= value <= most

    return _keyed(test, "between", above, lower, below, upper)


def is_glob(text: str) -> bool:
    """Whether `text` holds a star or a question mark."""
    return "*" in text or "?" in text


def glob(pattern: str) -> Comparison:
    """Text that is `pattern`, whose stars stand for any text and whose question marks for one character."""
    folded = pattern.casefold()
    if not is_glob(folded):
        return Comparison(
            lambda value: isinstance(value, str) and value.casefold() == folded,
            frozenset((("text", folded),)),
            frozenset((folded,)),
            lambda get: _field_equal(get, folded),
        )
    if folded.endswith("*") and not is_glob(folded[:-1]):
        return starts_with(folded[:-1])
    # fnmatch makes each star atomic, so that matching is linear; brackets are no classes here.
    match = re.compile(fnmatch.translate(folded.replace("[", "[[]"))).match
    return _keyed(lambda value: isinstance(value, str) and match(value.casefold()) is not None, "glob", folded)


def starts_with(text: str) -> Comparison:
    """Text that begins with `text`."""
    prefix = text.casefold()
    return Comparison(
        lambda value: isinstance(value, str) and value.casefold().startswith(prefix),
        frozenset((("starts_with", prefix),)),
        quick=lambda get: _field_starts(get, prefix),
    )


def ends_with(text: str) -> Comparison:
    """Text that ends with `text`."""
    suffix = text.casefold()
    return _keyed(lambda value: isinstance(value, str) and value.casefold().endswith(suffix), "ends_with", suffix)


def contains(text: str) -> Comparison:
    """Text that has `text` in it."""
    part = text.casefold()
    return _keyed(lambda value: isinstance(value, str) and part in value.casefold(), "contains", part)


def matches(pattern: str) -> Comparison:
    """Text in which the RE2 `pattern` is found, by simple case folding. Raises ValueError with what RE2 says."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        # Bytes, since RE2's own translation of text raises at a lone surrogate.
        search = re2.compile(pattern.encode("utf-8", "surrogatepass"), options).search
    except re2.error as error:
        raise ValueError(error.args[0].decode("utf-8", "replace")) from None
    return _keyed(
        lambda value: isinstance(value, str) and search(value.encode("utf-8", "replace")) is not None,
        "matches",
        pattern,
    )


def always(_subject: object) -> bool:
    """The test that holds for whatever there is."""
    return True


def every(tests: Sequence[Test]) -> Test:
    """The test that all of `tests` hold."""
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda subject: first(subject) and second(subject)

    def all_of(subject: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would cost more than the tests
            if not test(subject):
                return False
        return True

    return all_of


def either(tests: Sequence[Test]) -> Test:
    """The test that one of `tests` holds."""
    if len(tests) == 1:
        return tests[0]

    def one_of(subject: Any) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would cost more than the tests
            if test(subject):
                return True
        return False

    return one_of


def _keyed(test: Test, *key: Key) -> Comparison:
    return Comparison(test, frozenset((key,)))


def number_of(value: Any) -> float | None:
    """The finite number that `value` is, or that its text says; None where it is none."""
    if isinstance(value, str):
        value = _read(value)
    if type(value) is not float and type(value) is not int:
        return None
    return value if -float_info.max <= value <= float_info.max else None


def _read(text: str) -> float | None:
    """The number that `text` is, None where it is none."""
    number = _NUMBER.fullmatch(text) if len(text) <= NUMBER_TEXT_MAX else None
    if number is None:
        return None
    return int(text) if number[1] else float(text)


def _equal_number(wanted: float) -> Test:
    def test(value: Any) -> bool:
        if type(value) is str:
            value = _read(value)
        return (type(value) is float or type(value) is int) and value == wanted

    return test


def _among(folded: frozenset[str]) -> Test:
    return lambda value: isinstance(value, str) and value.casefold() in folded


def _field_equal(get: Getter, folded: str) -> Test:
    def test(subject: Any) -> bool:
        value = get(subject)
        if isinstance(value, str):
            return value == folded or value.casefold() == folded
        return isinstance(value, list) and any(isinstance(one, str) and one.casefold() == folded for one in value)

    return test


def _field_among(get: Getter, folded: frozenset[str]) -> Test:
    def test(subject: Any) -> bool:
        value = get(subject)
        if isinstance(value, str):
            return value.casefold() in folded
        return isinstance(value, list) and any(isinstance(one, str) and one.casefold() in folded for one in value)

    return test


def _field_starts(get: Getter, prefix: str) -> Test:
    def test(subject: Any) -> bool:
        value = get(subject)
        if isinstance(value, str):
            return value.startswith(prefix) or value.casefold().startswith(prefix)
        return isinstance(value, list) and any(
            isinstance(one, str) and one.casefold().startswith(prefix) for one in value
        )

    return test
