"""`config/tests/*.yaml`: tests of a configuration, read with every mistake named. Pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from engine.core.instants import from_rfc3339
from engine.core.model import STAGES, Model
from engine.core.reader import Reader
from engine.core.source import Node
from engine.routing.config import Routing

TEST_KEYS = ("name", "events", "until", "expect")
NUMBERS = ("total", "engagement", "fit")
EXPECT_KEYS = ("lead", *NUMBERS, "band", "grade", "stage", "alerts", "actions", "rep", "rule")
RECORD_KEYS = ("topic", "key", "value", "value_base64", "timestamp", "headers", "partition")
_TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one lead must come to. `values` holds what is checked, by key; `lead` None: the only one there is."""

    lead: str | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelTest:
    """A few input lines and what they must come to at `until_ms`; None: right after the last."""

    place: str
    name: str
    lines: tuple[bytes, ...]
    until_ms: int | None
    expected: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """The names that a test may expect, and the topics that its records may be of."""

    bands: Collection[str]
    grades: Collection[str]
    alerts: Collection[str]
    actions: Collection[str]
    reps: Collection[str]
    rules: Collection[str]
    topics: Collection[str]


def known_of(model: Model, routing: Routing, topics: Collection[str]) -> Known:
    """The names in a model and in its routing, all desks of it."""
    desks = routing.by_desk.values()
    return Known(
        bands=[band.name for band in model.bands],
        grades=[grade.name for grade in model.grades],
        alerts=[alert.id for alert in model.alerts if not alert.is_action],
        actions=[alert.id for alert in model.alerts if alert.is_action],
        reps=[rep for desk in desks for rep in desk.reps],
        rules=[rule.name for desk in desks for rule in desk.rules],
        topics=sorted(topics),
    )


def load_tests(text: str, file: str, known: Known) -> list[ModelTest]:
    """The tests in `text`, the content of `file`, in its order. Raises ConfigError with every problem."""
    reader = Reader(file)
    root = reader.parse(text)
    if root.value == {}:
        return []
    if not isinstance(root.value, tuple):
        reader.key_problem(root, "expected a list of tests, such as - {name: …, events: […], expect: {…}}")
        reader.finish()
    tests = [_TestReader(reader, known).test(node) for node in reader.items(root, "tests")]
    reader.finish()
    return tests


@dataclass(frozen=True, slots=True)
class _TestReader:
    reader: Reader
    known: Known

    def test(self, node: Node) -> ModelTest:
        reader = self.reader
        keys = reader.mapping(node, TEST_KEYS, required=("name", "events", "expect"))
        return ModelTest(
            place=f"{reader.file}:{node.line}:{node.column}",
            name=reader.text(keys.get("name")),
            lines=tuple(self.line(one) for one in reader.items(keys.get("events"), "events", at_least=1)),
            until_ms=self.time(keys["until"]) if "until" in keys else None,
            expected=self.expectations(keys["expect"]) if "expect" in keys else (),
        )

    def line(self, node: Node) -> bytes:
        """The line of a Segment event, or of a record of any topic, as `simulate` reads it."""
        reader = self.reader
        if not isinstance(node.value, dict):
            reader.expected(node, "a Segment event, such as {type: page, anonymousId: ada, …}")
            return b"{}"
        if "topic" in node.value and {"value", "value_base64"} & set(node.value):
            keys = reader.mapping(node, RECORD_KEYS)
            reader.one_of(keys.get("topic"), list(self.known.topics), "")
            if "timestamp" in keys and not isinstance(keys["timestamp"].value, int):
                self.time(keys["timestamp"])
        else:
            for name in _TIMES:
                if name in node.value:
                    self.time(node.value[name])
        return json.dumps(self.plain(node), separators=(",", ":")).encode()

    def plain(self, node: Node) -> Any:
        """What JSON would say for `node`."""
        value = node.value
        if isinstance(value, dict):
            return {name: self.plain(entry) for name, entry in value.items()}
        if isinstance(value, tuple):
            return [self.plain(entry) for entry in value]
        return None if value is None else self.reader.scalar(node)

    def time(self, node: Node) -> int:
        try:
            return from_rfc3339(node.value if isinstance(node.value, str) else "")
        except ValueError:
            self.reader.expected(node, "a time such as 2026-11-23T04:30:00Z")
            return 0

    def expectations(self, node: Node) -> tuple[Expectation, ...]:
        reader = self.reader
        if not isinstance(node.value, tuple):
            return (self.expectation(node),)
        nodes = reader.items(node, "expectations", at_least=1)
        for one in nodes:
            if isinstance(one.value, dict) and "lead" not in one.value:
                reader.key_problem(one, "`lead` is missing: in a list each says of which lead it is")
        return tuple(self.expectation(one) for one in nodes)

    def expectation(self, node: Node) -> Expectation:
        keys = self.reader.mapping(node, EXPECT_KEYS)
        if isinstance(node.value, dict) and not set(node.value) - {"lead"}:
            self.reader.key_problem(node, f"nothing is expected: state one of {', '.join(EXPECT_KEYS[1:])}")
        lead = self.reader.text(keys["lead"]) if "lead" in keys else None
        return Expectation(lead, {name: self.value(name, one) for name, one in keys.items() if name != "lead"})

    def value(self, name: str, node: Node) -> Any:
        reader, known = self.reader, self.known
        if name in NUMBERS:
            return reader.number(node)
        if name in ("alerts", "actions"):
            names = known.alerts if name == "alerts" else known.actions
            return [reader.reference(one, names, name[:-1]) for one in reader.items(node, name)]
        if name in ("rep", "rule"):
            names = known.reps if name == "rep" else known.rules
            return None if node.value is None else reader.reference(node, names, name)
        targets = {"band": known.bands, "grade": known.grades, "stage": STAGES}
        return reader.reference(node, targets[name], name)
