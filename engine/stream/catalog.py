"""The one list of topics, `topics/catalog.yaml`: what a cluster must hold before a worker starts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from engine.core.reader import Reader, listed
from engine.core.source import Node, shown

SHIPPED = Path(__file__).parents[2] / "topics" / "catalog.yaml"

CO_PARTITIONED = (
    ("visitor-events", "lead-inbox", "profiles-changelog"),
    ("routing-requests", "rep-events", "desk-changelog"),
)
"""The topics of one table: partition number N of each is lane N, so their counts are equal."""

NEEDED = (
    *CO_PARTITIONED[0],
    *CO_PARTITIONED[1],
    *("lead-scores", "lead-alerts", "lead-stages", "lead-actions", "lead-conversions"),
    *("lead-assignments", "site-stats", "dead-letters"),
)
FOREVER = "forever"
PARTITIONS_MAX = 10_000
MIB = 1024 * 1024

Cleanup = Literal["delete", "compact"]

_NAME = re.compile(r"[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,248}")
_KEYS = ("description", "key", "owner", "internal", "partitions", "cleanup", "retention", "replication")
_REQUIRED = ("description", "key", "owner", "partitions", "cleanup")
_SIZE = "max_message_bytes"
_UNREADABLE = ""
"""Stands, like 0 for a number, for what could not be read: already a problem, so no rule complains of it again."""


def changelog_of(table: str) -> str:
    """The topic with the rows of `table`."""
    return f"{table}-changelog"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic, internal ones being nobody's contract.

    `retention_ms` is None where records are kept for good (compacted, or `forever`); `replication` -1 is the broker's
    default.
    """

    name: str
    description: str
    key: str
    owner: str
    internal: bool
    partitions: int
    cleanup: Cleanup
    retention_ms: int | None
    max_message_bytes: int
    replication: int

    @property
    def settings(self) -> dict[str, str]:
        """What a broker calls these things, other than partitions and replicas."""
        retention_ms = {} if self.cleanup == "compact" else {"retention.ms": str(self.retention_ms or -1)}
        return {"cleanup.policy": self.cleanup, "max.message.bytes": str(self.max_message_bytes), **retention_ms}


@dataclass(frozen=True, slots=True)
class Catalog:
    """All topics by name, in the order of the file; every rule of the file's head holds."""

    topics: Mapping[str, Topic]

    @property
    def partitions(self) -> dict[str, int]:
        """The number of partitions of each topic."""
        return {name: topic.partitions for name, topic in self.topics.items()}

    def with_partitions(self, counts: Mapping[str, int]) -> "Catalog":
        """The same topics with other counts; a count for one of a co-partitioned set is for the whole set.

        Raises ValueError for a topic that is not there, a count below 1, or two counts for one set.
        """
        wanted: dict[str, int] = {}
        for name, count in counts.items():
            if name not in self.topics:
                raise ValueError(f"there is no topic {shown(name)}: expected one of {listed(self.topics)}")
            if not 1 <= count <= PARTITIONS_MAX:
                raise ValueError(f"{name}: {count} partitions: expected 1 to {PARTITIONS_MAX:,}")
            for member in _together(name):
                if wanted.setdefault(member, count) != count:
                    raise ValueError(
                        f"{name}: {count} partitions, but {wanted[member]} for {member}: both need the same"
                    )
        changed = {
            name: replace(topic, partitions=wanted.get(name, topic.partitions)) for name, topic in self.topics.items()
        }
        return Catalog(changed)


def read(path: Path = SHIPPED) -> Catalog:
    """The catalog in a file. Raises OSError where it cannot be read, else as `parse`."""
    return parse(path.read_text(encoding="utf-8"), str(path))


def parse(text: str, file: str = "topics/catalog.yaml") -> Catalog:
    """The catalog in `text`; `file` is its name in messages. Raises ConfigError with every mistake and its place."""
    reader = Reader(file)
    root = reader.mapping(reader.parse(text), ("defaults", "topics"), required=("topics",))
    defaults = reader.mapping(root.get("defaults"), ("replication", _SIZE))
    nodes = reader.names(root.get("topics"), "the names of topics to what they are")
    topics = {name: _topic(reader, name, node, defaults) for name, node in nodes.items()}
    _check(reader, root.get("topics"), nodes, topics)
    reader.finish()
    return Catalog(topics)


def _together(name: str) -> tuple[str, ...]:
    return next((members for members in CO_PARTITIONED if name in members), (name,))


def _topic(reader: Reader, name: str, node: Node, defaults: Mapping[str, Node]) -> Topic:
    if not _NAME.fullmatch(name):
        reader.key_problem(node, f"{shown(name)} is no name of a topic: expected letters, digits, `.`, `_` and `-`")
    entry = reader.mapping(node, (*_KEYS, _SIZE), required=_REQUIRED)
    cleanup = cast(Cleanup, reader.one_of(entry.get("cleanup"), ("delete", "compact"), _UNREADABLE))
    return Topic(
        name=name,
        description=reader.text(entry.get("description")),
        key=reader.text(entry.get("key")),
        owner=reader.text(entry.get("owner")),
        internal=reader.boolean(entry.get("internal")),
        partitions=reader.integer(entry.get("partitions"), at_least=1, at_most=PARTITIONS_MAX),
        cleanup=cleanup,
        retention_ms=_retention_ms(reader, node, entry, cleanup),
        max_message_bytes=reader.integer(
            entry.get(_SIZE) or defaults.get(_SIZE), MIB, at_least=1024, at_most=1024 * MIB
        ),
        replication=_replication(reader, entry.get("replication") or defaults.get("replication")),
    )


def _retention_ms(reader: Reader, node: Node, entry: Mapping[str, Node], cleanup: Cleanup) -> int | None:
    retention = entry.get("retention")
    if cleanup == _UNREADABLE:
        return 0
    if cleanup == "compact":
        if retention is not None:
            reader.problem(retention, "a compacted topic has no retention: remove it")
        return None
    if retention is None:
        reader.key_problem(node, f"`retention` is missing: expected a duration, such as 7d, or {FOREVER}")
        return 0
    if retention.value == FOREVER:
        return None
    return reader.duration_ms(retention, at_least=1000)


def _replication(reader: Reader, node: Node | None) -> int:
    replication = reader.integer(node, -1, at_least=-1, at_most=100)
    if node is not None and replication == 0:
        reader.problem(node, "expected -1 for the broker's default, or at least 1")
    return replication


def _check(reader: Reader, root: Node | None, nodes: Mapping[str, Node], topics: Mapping[str, Topic]) -> None:
    """Notes what breaks a rule between topics, or between a topic and the engine."""
    if root is not None:
        for name in NEEDED:
            if name not in topics:
                reader.key_problem(root, f"topic `{name}` is missing: the engine needs it")
    for members in CO_PARTITIONED:
        _check_counts(reader, nodes, [topics[name] for name in members if name in topics])
    source = topics.get("visitor-events")
    for name, topic in topics.items():
        if name.endswith("-changelog") and topic.cleanup == "delete":
            reader.key_problem(nodes[name], "a changelog is only compacted: expected `cleanup: compact`")
        if source is not None and topic.internal and _keeps_less(topic, source):
            reader.key_problem(nodes[name], "an internal topic is kept at least as long as visitor-events")
    letters = topics.get("dead-letters")
    if letters is not None and letters.max_message_bytes < MIB:
        reader.key_problem(nodes["dead-letters"], f"expected a {_SIZE} of at least {MIB}: a dead letter needs it")


def _check_counts(reader: Reader, nodes: Mapping[str, Node], members: list[Topic]) -> None:
    read = [member for member in members if member.partitions]
    for member in read[1:]:
        first = read[0]
        if member.partitions != first.partitions:
            message = f"{member.partitions} partitions, but {first.name} has {first.partitions}: both need the same"
            reader.key_problem(nodes[member.name], message)


def _keeps_less(topic: Topic, source: Topic) -> bool:
    if topic.cleanup != "delete" or not topic.retention_ms:
        return False
    return source.retention_ms is None or topic.retention_ms < source.retention_ms
