"""Configuration text becomes values that know their place: file, line, column and dotted path.

YAML 1.2 with its core schema, so that `NO` and `on` are text; resolved here from the parser's events, because only
they know where each key and value stands. Nothing is opened: the caller brings the text.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.reader import ReaderError

TEXT_MAX = 4_000_000
DEPTH_MAX = 40
NODES_MAX = 200_000
SHOWN_MAX = 80

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER_DIGITS_MAX = 64
_TAG_TEXT = "tag:yaml.org,2002:str"

_KINDS = {dict: "a mapping", tuple: "a list", str: "text", bool: "true or false", type(None): "nothing"}


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its dotted path and its place, both counted from 1; `written` is a scalar as it stands in the file.

    `key_line` and `key_column` are the place of the key that names it, of the value itself where nothing does.
    """

    value: "str | int | float | bool | tuple[Node, ...] | dict[str, Node] | None"
    key: str
    line: int
    column: int
    key_line: int
    key_column: int
    written: str = ""

    @property
    def kind(self) -> str:
        """What the value is, in words."""
        return _KINDS.get(type(self.value), "a number")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one value and what would be right; `value` is None where there is no scalar to show."""

    file: str
    line: int
    column: int
    key: str
    value: str | None
    message: str

    @classmethod
    def of_key(cls, file: str, node: Node, message: str) -> "Problem":
        """What is wrong with the key that names `node`."""
        return cls(file, node.key_line, node.key_column, node.key, None, message)

    def __str__(self) -> str:
        """One line: `config/model.yaml:12:5: engagement.page-view.points = "x": expected a number, such as 10`."""
        named = f"{_one_line(self.key)}: " if self.key else ""
        if self.value is not None:
            named = f"{_one_line(self.key)} = {self.value}: "
        return f"{self.file}:{self.line}:{self.column}: {named}{_one_line(self.message)}"


class ConfigError(Exception):
    """A file that cannot be used, with all its problems in order of place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.column)))
        super().__init__("\n".join(map(str, self.problems)))


def shown(value: object) -> str:
    """`value`, of the kinds that JSON has, for people: on one line, no control characters, at most 80 characters."""
    text = _one_line(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"


def _one_line(text: str) -> str:
    """`text` with what a terminal would obey or hide written as escapes."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def parse(text: str, file: str, problems: list[Problem]) -> Node:
    """The root value of a YAML document; an empty document is an empty mapping.

    Duplicate keys, tags and keys that are not text go to `problems`. Raises ConfigError with them and what ended the
    reading: a syntax error, an unknown alias, or a document over the limits on length, depth and values (aliases
    count as what they stand for).
    """
    try:
        events = _events(text)
        if not events:
            return Node({}, "", 1, 1, 1, 1)
        root, _ = _Builder(events, file, problems).node(0, "", None)
    except _Broken as broken:
        raise ConfigError(
            [*problems, Problem(file, broken.line, broken.column, broken.key, None, str(broken))]
        ) from None
    empty = root.value is None and root.written == ""
    return Node({}, "", 1, 1, 1, 1) if empty else root


class _Broken(Exception):
    """The document cannot be read beyond this place."""

    def __init__(self, message: str, line: int, column: int, key: str = "") -> None:
        super().__init__(message)
        self.line, self.column, self.key = line, column, key


def _events(text: str) -> list[Event]:
    """The events of the one document in `text`."""
    if len(text) > TEXT_MAX:
        raise _Broken(f"the file has {len(text):,} characters; at most {TEXT_MAX:,} are read", 1, 1)
    events: list[Event] = []
    depth = documents = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            documents += isinstance(event, DocumentStartEvent)
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if documents > 1:
                raise _Broken("expected one document, without a second one after `---`", *_place(event))
            if depth > DEPTH_MAX:
                raise _Broken(f"nested deeper than {DEPTH_MAX} levels", *_place(event))
            if isinstance(event, NodeEvent | CollectionEndEvent):
                events.append(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _Broken(f"not YAML: {error.problem or error.context}", *place) from None
    except ReaderError as error:
        before = text[: error.position]
        column = error.position - before.rfind("\n")
        raise _Broken(f"not YAML: {error.reason}", before.count("\n") + 1, column) from None
    except YAMLError as error:
        raise _Broken(f"not YAML: {error}", 1, 1) from None
    return events


def _place(event: Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


class _Builder:
    """Builds nodes from events; an alias is built again from its anchor's events, under its own path."""

    def __init__(self, events: list[Event], file: str, problems: list[Problem]) -> None:
        self.events = events
        self.file = file
        self.problems = problems
        self.anchors: dict[str, int] = {}
        self.open: set[int] = set()
        self.count = 0

    def node(self, index: int, key: str, named: tuple[int, int] | None) -> tuple[Node, int]:
        """The node whose events begin at `index`, and the index behind it."""
        event = cast("AliasEvent | ScalarEvent | CollectionStartEvent", self.events[index])
        place = _place(event)
        self.count += 1
        if self.count > NODES_MAX:
            raise _Broken(f"more than {NODES_MAX:,} values, counting what aliases stand for", *place, key)
        if isinstance(event, AliasEvent):
            return self.aliased(event.anchor, key, place, named), index + 1
        if event.anchor is not None:
            self.anchors[event.anchor] = index
        if event.tag is not None and not (isinstance(event, ScalarEvent) and event.tag == _TAG_TEXT):
            self.problems.append(Problem(self.file, *place, key, None, f"tag {shown(event.tag)} is not supported"))
        if isinstance(event, ScalarEvent):
            self.check_text(event, key)
            return Node(_scalar(event), key, *place, *(named or place), event.value), index + 1
        self.open.add(index)
        build = self.mapping if isinstance(event, MappingStartEvent) else self.sequence
        value, behind = build(index + 1, key)
        self.open.discard(index)
        return Node(value, key, *place, *(named or place)), behind

    def aliased(self, anchor: str, key: str, place: tuple[int, int], named: tuple[int, int] | None) -> Node:
        index = self.anchors.get(anchor)
        if index is None:
            raise _Broken(f"alias {shown(anchor)} names no anchor above it", *place, key)
        if index in self.open:
            raise _Broken(f"alias {shown(anchor)} stands inside what it names", *place, key)
        return self.node(index, key, named or place)[0]

    def check_text(self, event: ScalarEvent, key: str) -> None:
        """Half a character, which an escape can write, is no text: nothing could be stored or sent with it."""
        if _SURROGATE.search(event.value):
            message = "half of a surrogate pair is no character: write the character itself"
            self.problems.append(Problem(self.file, *_place(event), key, shown(event.value), message))

    def sequence(self, index: int, key: str) -> tuple[tuple[Node, ...], int]:
        nodes: list[Node] = []
        while not isinstance(self.events[index], CollectionEndEvent):
            node, index = self.node(index, f"{key}[{len(nodes)}]", None)
            nodes.append(node)
        return tuple(nodes), index + 1

    def mapping(self, index: int, key: str) -> tuple[dict[str, Node], int]:
        nodes: dict[str, Node] = {}
        while not isinstance(self.events[index], CollectionEndEvent):
            event = self.events[index]
            if not isinstance(event, ScalarEvent):
                raise _Broken(
                    "expected a name before the colon, not a mapping, a list or an alias", *_place(event), key
                )
            name = event.value
            path = f"{key}.{name}" if key else name
            self.check_text(event, path)
            node, index = self.node(index + 1, path, _place(event))
            first = nodes.setdefault(name, node)
            if first is not node:
                message = f"given twice, first on line {first.key_line}"
                self.problems.append(Problem(self.file, *_place(event), path, None, message))
        return nodes, index + 1


def _scalar(event: ScalarEvent) -> str | int | float | bool | None:
    """The value of a scalar by the core schema of YAML 1.2: only what is plain can be other than text."""
    text: str = event.value
    if event.style is not None or event.tag is not None or len(text) > _NUMBER_DIGITS_MAX:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[1:2] in ("o", "x") else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
