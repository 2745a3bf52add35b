"""Typed values out of configuration: each wrong one is a line of its own, with what would be right."""

from collections.abc import Callable

import pytest

from engine.core.reader import Reader, unknown
from engine.core.source import ConfigError, Node

FILE = "config/model.yaml"


def lines(text: str, read: Callable[[Reader, Node], object]) -> list[str]:
    """The problems that `read` finds in `text`, without the file."""
    reader = Reader(FILE)
    read(reader, reader.parse(text))
    try:
        reader.finish()
    except ConfigError as error:
        return [line.removeprefix(FILE + ":") for line in str(error).splitlines()]
    return []


def value_of(text: str, read: Callable[[Reader, Node | None], object]) -> object:
    """What `read` gives for the value of `a`; fails if it finds a problem."""
    reader = Reader(FILE)
    found = read(reader, reader.mapping(reader.parse(text), ["a"]).get("a"))
    reader.finish()
    return found


def problem_of(text: str, read: Callable[[Reader, Node | None], object]) -> list[str]:
    return lines(text, lambda reader, root: read(reader, reader.mapping(root, ["a"]).get("a")))


def test_every_problem_of_a_file_is_reported_in_order_of_place() -> None:
    def read(reader: Reader, root: Node) -> None:
        entries = reader.mapping(root, ["engagement", "scale"], ["fit"], required=["bands"])
        reader.number(entries.get("scale"), above=0)
        for node in reader.names(entries.get("engagement"), "rule ids to rules").values():
            rule = reader.mapping(node, ["when", "points", "half_life"], ["limit"], ["when"])
            reader.number(rule.get("points"))
            reader.duration_ms(rule.get("half_life"))

    text = """\
engagement:
  page-view: {when: {}, points: x, half_life: 3}
  pricing: {ponits: 3, limit: once, points: "10"}
  careers:
scale: 0
fit: {}
"""
    assert lines(text, read) == [
        "1:1: `bands` is missing",
        '2:33: engagement.page-view.points = "x": expected a number, such as 10',
        "2:47: engagement.page-view.half_life = 3: expected a duration, such as 30s, 15m, 2h, 30d or 1h30m",
        "3:3: engagement.pricing: `when` is missing",
        "3:13: engagement.pricing.ponits: `ponits` is not known; did you mean `points`?",
        "3:24: engagement.pricing.limit: `limit` is not supported yet: this version knows when, points, half_life",
        '3:45: engagement.pricing.points = "10": expected a number, such as 10',
        "4:3: engagement.careers: expected a mapping with when, points, half_life, not nothing",
        "5:8: scale = 0: expected a number above 0",
        "6:1: fit: `fit` is not supported yet: this version knows engagement, scale",
    ]


@pytest.mark.parametrize(
    ("text", "read", "expected"),
    [
        ("a: 10", lambda reader, node: reader.number(node), 10.0),
        ("a: -1.5e2", lambda reader, node: reader.number(node), -150.0),
        ("{}", lambda reader, node: reader.number(node, 7.0), 7.0),
        ("a: 3", lambda reader, node: reader.integer(node), 3),
        ("a: TRUE", lambda reader, node: reader.boolean(node), True),
        ("a: 1h30m", lambda reader, node: reader.duration_ms(node), 5_400_000),
        ("a: NO", lambda reader, node: reader.text(node), "NO"),
        ("a: hot", lambda reader, node: reader.one_of(node, ["warm", "hot"], "warm"), "hot"),
        ("a: [1, 2]", lambda reader, node: [reader.integer(one) for one in reader.items(node, "numbers")], [1, 2]),
        ("a: us", lambda reader, node: reader.reference(node, {"us": 1}, "team"), "us"),
    ],
)
def test_what_is_right_is_read(text: str, read: Callable[[Reader, Node | None], object], expected: object) -> None:
    assert value_of(text, read) == expected


@pytest.mark.parametrize(
    ("text", "read", "problem"),
    [
        ("a: .nan", lambda r, n: r.number(n), "a = .nan: expected a finite number, such as 10"),
        ("a: 1e999", lambda r, n: r.number(n), "a = 1e999: expected a finite number, such as 10"),
        ("a: true", lambda r, n: r.number(n), "a = true: expected a number, such as 10"),
        ("a: [1]", lambda r, n: r.number(n), "a: expected a number, such as 10, not a list"),
        ("a: 2", lambda r, n: r.number(n, at_most=1), "a = 2: expected a number of at most 1"),
        ("a: 2", lambda r, n: r.number(n, at_least=3), "a = 2: expected a number of at least 3"),
        ("a: 1.5", lambda r, n: r.integer(n, at_most=9), "a = 1.5: expected a whole number from 0 to 9"),
        ("a: yes", lambda r, n: r.boolean(n), 'a = "yes": expected true or false'),
        ("a: 30", lambda r, n: r.duration_ms(n), "a = 30: expected a duration, such as 30s, 15m, 2h, 30d or 1h30m"),
        (
            "a: 5s",
            lambda r, n: r.duration_ms(n, at_least=60_000),
            'a = "5s": expected a duration of at least 60 seconds',
        ),
        ("a: 02134", lambda r, n: r.text(n), "a = 02134: expected text: quote it: '02134'"),
        ("a: true", lambda r, n: r.text(n), "a = true: expected text: quote it: 'true'"),
        ("a: ' '", lambda r, n: r.text(n), 'a = " ": expected text'),
        ("a: {b: 1}", lambda r, n: r.text(n), "a: expected text, not a mapping"),
        ("a: abcd", lambda r, n: r.text(n, at_most=3), 'a = "abcd": 4 characters; at most 3 are supported'),
        ("a: 1", lambda r, n: r.items(n, "reps"), "a = 1: expected a list of reps"),
        ("a: []", lambda r, n: r.items(n, "reps", at_least=1), "a: 0 reps; expected at least 1"),
        ("a: [1, 2]", lambda r, n: r.items(n, "reps", at_most=1), "a: 2 entries; at most 1 are supported"),
        ("a: [1]", lambda r, n: r.names(n, "names to reps"), "a: expected a mapping from names to reps, not a list"),
        ("a: hto", lambda r, n: r.one_of(n, ["hot"], "hot"), 'a = "hto": `hto` is not known; did you mean `hot`?'),
        (
            "a: later",
            lambda r, n: r.one_of(n, ["hot"], "hot", ["later"]),
            'a = "later": `later` is not supported yet: this version knows hot',
        ),
        ("a: eu", lambda r, n: r.reference(n, ["us"], "team"), 'a = "eu": there is no such team; expected one of us'),
        ("a: uss", lambda r, n: r.reference(n, ["us"], "team"), 'a = "uss": there is no such team; did you mean `us`?'),
    ],
)
def test_what_is_wrong_says_what_would_be_right(
    text: str, read: Callable[[Reader, Node | None], object], problem: str
) -> None:
    assert [line.split(": ", 1)[1] for line in problem_of(text, read)] == [problem]


@pytest.mark.parametrize("name", ["''", "' x'", f"'{'x' * 65}'", '"a\\u001b"'])
def test_names_are_short_and_printable(name: str) -> None:
    found = problem_of(f"a: {{{name}: 1}}", lambda reader, node: reader.names(node, "names"))
    assert len(found) == 1
    assert "is no name" in found[0]


def test_a_number_with_a_leading_zero_is_no_scalar() -> None:
    def read(reader: Reader, node: Node | None) -> None:
        assert node is not None
        assert reader.scalar(node) is None

    assert problem_of("a: 02134", read) == [
        "1:4: a = 02134: a number with a leading zero: if it is text, such as a zip, quote it: '02134'"
    ]
    assert value_of("a: 0", lambda reader, node: node and reader.scalar(node)) == 0


def test_an_unknown_name_far_from_every_other_lists_the_known_ones() -> None:
    assert unknown("zzz", ["when", "points"]) == "`zzz` is not known; expected one of when, points"
    assert unknown("zzz", [str(n) for n in range(13)]).endswith("9, 10, 11, …")
