"""Whether a condition holds: the part of the grammar that the laws use, written as the text reads."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.reference.events import Seen

Lookup = Callable[[str], Any]
"""A field's value by its name, None where it is missing or null."""
_VIEWS = ("page_view", "screen_view")


def rule_holds(when: Mapping[str, Any], seen: Seen) -> bool:
    """Whether an event or signal is one that `when` is about."""
    named = set(_fields(when))
    if "signal" not in named and seen.signal is not None:
        return False
    if not named & {"event", "signal"} and seen.name not in _VIEWS:
        return False
    return holds(when, seen.value)


def holds(condition: Mapping[str, Any], lookup: Lookup) -> bool:
    """Whether every entry of a condition holds."""
    return all(_entry(key, wanted, lookup) for key, wanted in condition.items())


def _fields(condition: Mapping[str, Any]) -> Iterator[str]:
    for key, wanted in condition.items():
        if key in ("any", "all"):
            for one in wanted:
                yield from _fields(one)
        elif key == "not":
            yield from _fields(wanted)
        else:
            yield key


def _entry(key: str, wanted: Any, lookup: Lookup) -> bool:
    if key == "any":
        return any(holds(one, lookup) for one in wanted)
    if key == "all":
        return all(holds(one, lookup) for one in wanted)
    if key == "not":
        return not holds(wanted, lookup)
    value = lookup(key)
    if isinstance(wanted, Mapping):
        return all(_operator(operator, operand, value) for operator, operand in wanted.items())
    return _any_of(wanted if isinstance(wanted, list) else [wanted], value)


def _operator(operator: str, operand: Any, value: Any) -> bool:
    if operator == "exists":
        return (value is not None) is bool(operand)
    if value is None:
        return False
    if operator in ("in", "not_in"):
        return _any_of(operand, value) is (operator == "in")
    number = _number(value)
    if number is None:
        return False
    if operator == "between":
        low, high = operand
        return bool(low <= number <= high)
    compared = {"gt": number > operand, "gte": number >= operand, "lt": number < operand, "lte": number <= operand}
    return bool(compared[operator])


def _any_of(wanted: list[Any], value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(_equal(one, each) for one in wanted for each in values)


def _equal(wanted: Any, value: Any) -> bool:
    if value is None:
        return False
    if isinstance(wanted, bool):
        return value is wanted or (isinstance(value, str) and value.casefold() == str(wanted).casefold())
    if isinstance(wanted, str):
        if not isinstance(value, str):
            return False
        if "*" not in wanted and "?" not in wanted:
            return value.casefold() == wanted.casefold()
        pattern = re.escape(wanted).replace(r"\*", ".*").replace(r"\?", ".")
        return re.fullmatch(pattern, value, re.IGNORECASE | re.DOTALL) is not None
    number = _number(value)
    return number is not None and bool(number == wanted)


def _number(value: Any) -> float | None:
    """A number, or a text that reads as one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value):
        return float(value)
    return None
