"""Configuration text becomes values with places; what is wrong is said in one line each, all at once."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.source import NODES_MAX, ConfigError, Node, Problem, parse, shown

FILE = "config/model.yaml"


def plain(node: Node) -> object:
    """The values without their places."""
    if isinstance(node.value, dict):
        return {name: plain(entry) for name, entry in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(entry) for entry in node.value]
    return node.value


def read(text: str) -> object:
    problems: list[Problem] = []
    node = parse(text, FILE, problems)
    assert problems == []
    return plain(node)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE, [])
    return str(caught.value)


def test_plain_words_that_older_yaml_took_for_booleans_and_times_are_text() -> None:
    text = "[NO, no, on, Off, y, 12:30, 2026-12-24, 2026-12-24T10:00:00Z, 1_000, 0b1, <<]"
    assert read(text) == text[1:-1].split(", ")


def test_numbers_booleans_and_null_follow_the_core_schema() -> None:
    text = "[1, -2, +3, 0x1F, 0o17, 1.5, .5, 2., 1e3, true, FALSE, null, ~, Null]"
    assert read(text) == [1, -2, 3, 31, 15, 1.5, 0.5, 2.0, 1000.0, True, False, None, None, None]


def test_quoted_and_block_scalars_and_those_tagged_so_are_text() -> None:
    assert read("a: '1'\nb: \"true\"\nc: !!str 12\nd: |\n  3\n") == {"a": "1", "b": "true", "c": "12", "d": "3\n"}


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_document_is_an_empty_mapping(text: str) -> None:
    assert read(text) == {}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(min_codepoint=32, max_codepoint=0x7E) | st.sampled_from("é€😀")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc._-", max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_json_is_read_as_itself(value: object) -> None:
    """YAML 1.2 contains JSON: every JSON document reads as the same values."""
    text = json.dumps({"value": value}, ensure_ascii=False)
    assert read(text) == {"value": value}


@given(st.text())
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    """Nothing but ConfigError comes out, and each of its lines begins with file, line and column."""
    try:
        parse(text, FILE, [])
    except ConfigError as error:
        for problem in error.problems:
            assert problem.line >= 1
            assert problem.column >= 1
            assert str(problem).startswith(f"{FILE}:{problem.line}:{problem.column}: ")
            assert str(problem).isprintable()


def test_nodes_know_their_path_and_the_places_of_key_and_value() -> None:
    root = parse("rules:\n  - when:\n      page.path: /x*\n", FILE, [])
    assert isinstance(root.value, dict)
    rules = root.value["rules"]
    assert isinstance(rules.value, tuple)
    rule = rules.value[0]
    assert isinstance(rule.value, dict)
    when = rule.value["when"]
    assert isinstance(when.value, dict)
    path = when.value["page.path"]
    assert (rules.key, rule.key, path.key) == ("rules", "rules[0]", "rules[0].when.page.path")
    assert (path.line, path.column, path.key_line, path.key_column) == (3, 18, 3, 7)


def test_an_alias_is_what_its_anchor_names_under_its_own_path() -> None:
    root = parse("a: &x {b: 1}\nc: *x\n", FILE, [])
    assert plain(root) == {"a": {"b": 1}, "c": {"b": 1}}
    assert isinstance(root.value, dict)
    copy = root.value["c"]
    assert isinstance(copy.value, dict)
    assert copy.value["b"].key == "c.b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1,", ":1:7: not YAML: expected the node content, but found '<stream end>'"),
        ("a: 1\nb: c: d", ":2:5: not YAML: mapping values are not allowed here"),
        ("a: 1\n\tb: 2", ":2:1: not YAML: found character '\\t' that cannot start any token"),
        ("a: 1\nb: \x07", ":2:4: not YAML: special characters are not allowed"),
        ("a: *y", ':1:4: a: alias "y" names no anchor above it'),
        ("a: &x [*x]", ':1:8: a[0]: alias "x" stands inside what it names'),
        ("--- 1\n--- 2", ":2:1: expected one document, without a second one after `---`"),
        ("[1]: 2", ":1:1: expected a name before the colon, not a mapping, a list or an alias"),
        ("a: " + "[" * 10_000, ":1:43: nested deeper than 40 levels"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text: str, message: str) -> None:
    assert refusal(text) == FILE + message


def test_aliases_count_as_what_they_stand_for() -> None:
    """A few lines that stand for ten million values are refused before they are built."""
    lines = ["a: &a [1,1,1,1,1,1,1,1,1,1]"]
    lines += [
        f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]" for before, name in zip("abcdef", "bcdefg", strict=True)
    ]
    assert refusal("\n".join(lines)).endswith(f": more than {NODES_MAX:,} values, counting what aliases stand for")


def test_a_file_over_the_limit_is_not_parsed() -> None:
    assert refusal("#" * 4_000_001) == f"{FILE}:1:1: the file has 4,000,001 characters; at most 4,000,000 are read"


def test_a_key_given_twice_and_a_tag_are_problems_and_reading_goes_on() -> None:
    problems: list[Problem] = []
    root = parse("a: 1\nb: !!set {}\na: 2\n", FILE, problems)
    assert plain(root) == {"a": 1, "b": {}}
    assert [str(problem) for problem in problems] == [
        f'{FILE}:2:4: b: tag "tag:yaml.org,2002:set" is not supported',
        f"{FILE}:3:1: a: given twice, first on line 1",
    ]


def test_shown_text_stays_on_one_line_and_obeys_no_terminal() -> None:
    assert shown("a\n\x1b[31m\u202eb") == '"a\\n\\u001b[31m\\u202eb"'
    assert len(shown("x" * 1_000)) == 80


def test_half_a_character_is_no_text() -> None:
    """An escape can write it; nothing could be stored or sent with it."""
    problems: list[Problem] = []
    parse('a: "x\\ud800"\n"\\udc00": 1\n', "file.yaml", problems)
    message = "half of a surrogate pair is no character: write the character itself"
    assert [str(problem) for problem in problems] == [
        f'file.yaml:1:4: a = "x\\ud800": {message}',
        f'file.yaml:2:1: \\udc00 = "\\udc00": {message}',
    ]
