"""Conditions mean what the configuration language says, whatever the subject holds."""

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.conditions import OPERATORS, Condition, Fields, compile_condition
from engine.core.reader import Reader
from engine.core.source import ConfigError

Subject = dict[str, Any]

FIELDS = Fields(
    known={name: lambda subject, name=name: subject.get(name) for name in ("event", "page.path", "n")},  # type: ignore[misc]
    families={"traits.": lambda rest: lambda subject: subject.get("traits", {}).get(rest)},
    later=("country", "counts."),
)


def compiled(text: str) -> Condition:
    """The condition in `text`; fails on a problem."""
    reader = Reader("model.yaml")
    condition = compile_condition(reader.parse(text), FIELDS, reader)
    reader.finish()
    return condition


def holds(text: str, **subject: Any) -> bool:
    return compiled(text).holds(subject)


def problems(text: str) -> list[str]:
    reader = Reader("model.yaml")
    compile_condition(reader.parse(text), FIELDS, reader)
    with pytest.raises(ConfigError) as caught:
        reader.finish()
    return [line.removeprefix("model.yaml:") for line in str(caught.value).splitlines()]


def test_every_entry_of_a_mapping_must_hold() -> None:
    text = "{event: page_view, page.path: /a*, traits.plan: [pro, team]}"
    subject = {"event": "page_view", "page.path": "/a/b", "traits": {"plan": "Pro"}}
    assert holds(text, **subject)
    for missing in subject:
        assert not holds(text, **{name: value for name, value in subject.items() if name != missing})


def test_every_field_that_is_read_is_named() -> None:
    condition = compiled("{event: a, any: [{n: 1}, {not: {traits.x: 1}}], all: [{page.path: /*}]}")
    assert condition.fields == {"event", "n", "traits.x", "page.path"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("event: Page_View", {"page_view"}),
        ("event: [a, B]", {"a", "b"}),
        ("{event: [a, b], n: 1}", {"a", "b"}),
        ("all: [{event: [a, b]}, {event: [b, c]}]", {"b"}),
        ("any: [{event: a}, {event: b, n: 2}]", {"a", "b"}),
        ("any: [{event: a}, {n: 2}]", None),
        ("not: {event: a}", None),
        ("event: a*", None),
        ("event: [a, b*]", None),
        ("event: [a, 1]", None),
        ("event: {gt: 5}", None),
        ("n: a", None),
        ("event: {in: [a, B]}", {"a", "b"}),
        ("event: {in: [a, b*]}", None),
        ("event: {in: [a, B], ends_with: a}", {"a", "b"}),
        ("event: {in: [a, b], glob: B}", {"b"}),
        ("event: {in: [a], exists: true}", {"a"}),
        ("event: {glob: A}", {"a"}),
        ("event: {glob: a*}", None),
        ("event: {not_in: [a]}", None),
        ("event: {exists: true}", None),
    ],
)
def test_the_texts_that_a_field_must_be_one_of(text: str, expected: set[str] | None) -> None:
    assert compiled(text).values_of("event") == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{event: a, n: 1}", "{n: 1.0, event: A}"),
        ("event: [a, b, B]", "event: [B, a]"),
        ("event: [a, b]", "event: {in: [b, a]}"),
        ("event: [a, b]", "any: [{event: b}, {event: a}]"),
        ("event: a", "any: [{event: [A]}, {event: a}]"),
        ("{event: a, n: 1}", "all: [{n: 1}, {all: [{event: a}]}]"),
        ("not: {any: [{event: a}, {n: 1}]}", "not: {any: [{n: 1}, {event: A}]}"),
        ("event: /x*", "event: {glob: /X*}"),
        ("event: /x*", "event: {starts_with: /x}"),
        ("event: {between: [1, 2]}", "event: {lte: 2, gte: 1}"),
        ("event: {ends_with: a, contains: B}", "event: {contains: b, ends_with: A}"),
        ("event: {not_in: [a, b]}", "event: {not_in: [B, A]}"),
        ("event: {gt: 1, exists: true}", "event: {gt: 1}"),
        ("event: {exists: false}", "not: {event: {exists: true}}"),
    ],
)
def test_conditions_that_state_the_same_have_the_same_key(one: str, other: str) -> None:
    """Order, case, repetition and nesting say nothing."""
    assert compiled(one).key == compiled(other).key
    assert len({compiled(one).key, compiled(other).key}) == 1


DISTINCT = (
    "event: a|page.path: a|event: [a, b]|{event: a, page.path: b}|event: true|event: 1|event: '1'|event: 'true'|"
    "event: a*|event: '*a'|event: a?|event: {contains: a}|event: {ends_with: a}|event: {matches: a}|"
    r"event: {matches: '\b'}|event: {matches: '\B'}|event: {gt: 1}|event: {gte: 1}|event: {lt: 1}|event: {lte: 1}|"
    "event: {exists: true}|event: {exists: false}|event: {not_in: [a]}|not: {event: a}|not: {event: {not_in: [a]}}|"
    "any: [{event: a}, {page.path: b}]|event: {contains: a, ends_with: b}|all: [{event: {contains: a}}, {event: '*b'}]"
)


def test_conditions_that_state_different_things_have_different_keys() -> None:
    """`contains` and `ends_with` of one entry speak of one element, of two entries of two."""
    texts = DISTINCT.split("|")
    assert len({compiled(text).key for text in texts}) == len(texts)


def test_what_is_wrong_is_said_all_at_once() -> None:
    text = """\
evnt: page_view
country: DE
counts.x: 1
event: {gt: x, between: [2, 1], above: 3}
page.path: []
traits.zip: 02134
traits.a:
not: [a]
any: {event: a}
all: [{}]
"""
    assert problems(text) == [
        "1:1: evnt: `evnt` is not known; did you mean `event`?",
        "2:1: country: `country` is not supported yet: this version knows event, page.path, n, traits.*",
        "3:1: counts.x: `counts.x` is not supported yet: this version knows event, page.path, n, traits.*",
        '4:13: event.gt = "x": expected a number, such as 10',
        "4:25: event.between: nothing is between 2 and 1: the smaller comes first",
        "4:33: event.above: `above` is not known; expected one of " + ", ".join(OPERATORS[:12]) + ", …",
        "5:12: page.path: 0 values; expected at least 1",
        "6:13: traits.zip = 02134: a number with a leading zero: if it is text, such as a zip, quote it: '02134'",
        "7:1: traits.a: expected text, a number, true or false, not nothing",
        "8:6: not: expected a mapping from fields to values, such as {event: page_view}, not a list",
        "9:6: any: expected a list of conditions, not a mapping",
        "10:7: all[0]: an empty condition: expected at least one field, such as {event: page_view}",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("between: 5", "event.between = 5: expected a list of numbers"),
        ("between: [5]", "event.between: 1 numbers; expected at least 2"),
        ("between: [1, 2, 3]", "event.between: 3 numbers; expected 2, such as [30, 45]"),
        ("between: [a, 3]", 'event.between[0] = "a": expected a number, such as 10'),
        ("in: a", 'event.in = "a": expected a list of values'),
        ("not_in: []", "event.not_in: 0 values; expected at least 1"),
        ("contains: 5", "event.contains = 5: expected text: quote it: '5'"),
        ("starts_with: [a]", "event.starts_with: expected text, not a list"),
        ("matches: (a", 'event.matches = "(a": RE2 does not read this pattern: missing ): (a'),
        ("matches: '(?=a)'", 'event.matches = "(?=a)": RE2 does not read this pattern: invalid perl operator: (?='),
        ("exists: maybe", 'event.exists = "maybe": expected true or false'),
        ("contain: a", "event.contain: `contain` is not known; did you mean `contains`?"),
    ],
)
def test_what_an_operator_cannot_take_is_said(text: str, expected: str) -> None:
    """One line a case: the operator, and what is said of it."""
    assert problems(f"event: {{{text}}}")[0].split(": ", 1)[1] == expected


def test_depth_size_and_patterns_are_limited() -> None:
    assert "nested deeper than 16 conditions" in problems("{not: " * 16 + "{event: a}" + "}" * 16)[0]
    assert compiled("{not: " * 15 + "{event: a}" + "}" * 15).holds({"event": "b"})
    many = "any: [" + ", ".join(["{event: [a, b, c, d, e, f, g, h, i, j]}"] * 201) + "]"
    assert [line.split(": ")[-1] for line in problems(many)] == ["more than 2,000 fields and values in one condition"]
    many = "all: [" + ", ".join(["{event: {in: [a, b, c, d, e, f, g, h, i, j]}}"] * 201) + "]"
    assert [line.split(": ")[-1] for line in problems(many)] == ["more than 2,000 fields and values in one condition"]
    for text in (f"{'a' * 200}*", f"{{matches: {'a' * 201}}}", f"{{in: [b, {'a' * 200}?]}}", f"{{glob: {'a' * 200}?}}"):
        assert "a pattern of 201 characters; at most 200 are supported" in problems(f"event: {text}")[0]


# The language once more, slowly and by another road: conditions as plain values, tried one by one.

TEXT = st.text("abAB*?[]./\n ßé0123456789", max_size=6)
NUMBERS = st.integers(-20, 20) | st.floats(-20, 20).map(lambda number: round(number, 2))
SCALARS = TEXT.filter(bool) | NUMBERS | st.booleans()
NAMES = st.sampled_from(["event", "page.path", "n", "traits.x"])
PLAIN = TEXT.filter(str.strip)
PATTERNS = st.sampled_from(["a", "^a", "b$", "a.b", "[ab]+", "ß", "^$", "a|5"])
LISTS = st.lists(SCALARS, min_size=1, max_size=3)
OPERATIONS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("gt", "gte", "lt", "lte"), NUMBERS),
    **dict.fromkeys(("in", "not_in"), LISTS),
    **dict.fromkeys(("contains", "starts_with", "ends_with", "glob"), PLAIN),
    "between": st.lists(NUMBERS, min_size=2, max_size=2).map(sorted),
    "matches": PATTERNS,
    "exists": st.booleans(),
}
COMPARISONS = st.lists(st.sampled_from(sorted(OPERATIONS)), min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: OPERATIONS[name] for name in names})
)
LEAVES = st.dictionaries(NAMES, SCALARS | LISTS | COMPARISONS, min_size=1, max_size=2)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(lambda value: {"not": value}, inner)
        | st.builds(
            lambda name, values: {name: values},
            st.sampled_from(["any", "all"]),
            st.lists(inner, min_size=1, max_size=3),
        )
        | st.builds(lambda one, two: {**one, "not": two}, LEAVES, inner)
    ),
    max_leaves=6,
)
NUMBER_TEXT = st.sampled_from(["5", " 5", "5.0", "-3", "1e1", "0x5", "nan", "inf", "1_0", "", "true", "False"])
ELEMENTS = (
    st.none() | TEXT | NUMBER_TEXT | NUMBERS | st.booleans() | st.sampled_from([math.nan, math.inf, -math.inf, 10**400])
)
VALUES = (
    ELEMENTS
    | st.lists(ELEMENTS | st.lists(ELEMENTS, max_size=2), max_size=3)
    | st.dictionaries(TEXT, ELEMENTS, max_size=2)
)
SUBJECTS = st.dictionaries(st.sampled_from(["event", "page.path", "n"]), VALUES).flatmap(
    lambda subject: st.builds(lambda value: {**subject, "traits": {"x": value}}, VALUES)
)


def glob_matches(pattern: str, text: str) -> bool:
    """By trying, for each star, every length."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return glob_matches(pattern[1:], text) or (bool(text) and glob_matches(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and glob_matches(pattern[1:], text[1:])


def number_in(value: object) -> float | None:
    if isinstance(value, str):
        if not value.strip() or set(value.strip()) - set("+-.eE0123456789"):
            return None
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1.7e308:
        return None
    return value


def operator_holds(name: str, wanted: Any, value: object) -> bool:
    """One operator on one element; `exists` is of the field."""
    if name == "exists":
        return True
    if name in ("gt", "gte", "lt", "lte", "between"):
        number = number_in(value)
        if number is None:
            return False
        low, high = wanted if name == "between" else (wanted, wanted)
        both = low <= number <= high
        held = {"gt": number > low, "gte": number >= low, "lt": number < high, "lte": number <= high, "between": both}
        return bool(held[name])
    if name in ("in", "not_in"):
        return value is not None and element_matches(wanted, value) == (name == "in")
    if not isinstance(value, str):
        return False
    assert isinstance(wanted, str)
    if name == "matches":
        # In RE2 a dollar is the end of the text, not of its last line.
        return re.search(wanted.replace("$", r"\Z"), value, re.IGNORECASE) is not None
    text, part = value.casefold(), wanted.casefold()
    if name == "glob":
        return glob_matches(part, text)
    return {"contains": part in text, "starts_with": text[: len(part)] == part, "ends_with": text.endswith(part)}[name]


def element_matches(wanted: object, value: object) -> bool:
    if isinstance(wanted, dict):
        return all(operator_holds(name, bound, value) for name, bound in wanted.items())
    if isinstance(wanted, list):
        return any(element_matches(one, value) for one in wanted)
    if isinstance(wanted, bool):
        return value is wanted or (isinstance(value, str) and value.lower() == str(wanted).lower())
    if isinstance(wanted, int | float):
        number = number_in(value)
        return number is not None and number == wanted
    assert isinstance(wanted, str)
    if not isinstance(value, str):
        return False
    if "*" in wanted or "?" in wanted:
        return glob_matches(wanted.casefold(), value.casefold())
    return wanted.casefold() == value.casefold()


def reference(condition: dict[str, Any], subject: Subject) -> bool:
    for name, wanted in condition.items():
        if name == "not":
            held = not reference(wanted, subject)
        elif name == "any":
            held = any(reference(part, subject) for part in wanted)
        elif name == "all":
            held = all(reference(part, subject) for part in wanted)
        else:
            value = subject["traits"]["x"] if name == "traits.x" else subject.get(name)
            values = value if isinstance(value, list) else [value]
            operators = wanted if isinstance(wanted, dict) else {}
            held = operators.get("exists", True) is (value is not None)
            if set(operators) != {"exists"}:
                held = held and any(element_matches(wanted, one) for one in values)
        if not held:
            return False
    return True


@given(CONDITIONS, SUBJECTS)
def test_compiled_conditions_agree_with_the_reference(condition: dict[str, Any], subject: Subject) -> None:
    assert compiled(json.dumps(condition)).holds(subject) == reference(condition, subject)


@given(CONDITIONS, SUBJECTS)
def test_a_condition_that_holds_has_its_text_fields_among_the_named_values(
    condition: dict[str, Any], subject: Subject
) -> None:
    """What an index by event name relies on: no subject with another text can make the condition hold."""
    found = compiled(json.dumps(condition))
    names = found.values_of("event")
    event = subject.get("event")
    if names is not None and found.holds(subject) and not isinstance(event, list):
        assert isinstance(event, str)
        assert event.casefold() in names


hostile = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=3)
    | st.just(10**4_000)
    | st.just("\ud800")
    | st.just("9" * 70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(CONDITIONS, hostile, hostile)
def test_no_value_makes_a_condition_raise(condition: dict[str, Any], event: object, trait: object) -> None:
    holding = compiled(json.dumps(condition)).holds(
        {"event": event, "n": event, "page.path": trait, "traits": {"x": trait}}
    )
    assert holding in (True, False)
