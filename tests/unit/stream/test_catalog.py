"""The catalog of topics: what it gives, and every mistake in one run."""

from pathlib import Path

import pytest

from engine.core.source import ConfigError
from engine.stream.catalog import CO_PARTITIONED, NEEDED, SHIPPED, Catalog, parse, read

TEXT = SHIPPED.read_text(encoding="utf-8")


def mistakes(text: str) -> list[str]:
    """The messages for `text`, with the file's name left out."""
    with pytest.raises(ConfigError) as raised:
        parse(text, "c.yaml")
    return [str(problem).removeprefix("c.yaml:") for problem in raised.value.problems]


def line_of(text: str, part: str, behind: str = "") -> int:
    """The number of the first line with `part`, behind the one with `behind`."""
    start = text.index(behind)
    return text[: text.index(part, start)].count("\n") + 1


@pytest.fixture(scope="module")
def shipped() -> Catalog:
    return read()


def test_the_shipped_catalog_holds_the_topics_of_the_design(shipped: Catalog) -> None:
    """No topic is missing and none is unexplained."""
    assert set(shipped.topics) == set(NEEDED)
    assert shipped.partitions["visitor-events"] == 12
    assert shipped.partitions["rep-events"] == 1
    assert all(topic.replication == -1 and topic.max_message_bytes == 2**20 for topic in shipped.topics.values())


def test_settings_are_what_a_broker_calls_them(shipped: Catalog) -> None:
    """A topic deleted by age names its retention; a compacted one has none to name."""
    assert shipped.topics["visitor-events"].settings == {
        "cleanup.policy": "delete",
        "retention.ms": "604800000",
        "max.message.bytes": "1048576",
    }
    assert shipped.topics["lead-scores"].settings == {"cleanup.policy": "compact", "max.message.bytes": "1048576"}


def test_forever_is_a_retention(shipped: Catalog) -> None:
    """Where old events are fed with their own times, nothing may be deleted by age."""
    kept = parse(TEXT.replace("retention: 7d", "retention: forever"))
    assert kept.topics["visitor-events"].settings["retention.ms"] == "-1"


def test_a_count_for_one_of_a_set_is_for_the_whole_set(shipped: Catalog) -> None:
    """Partition N of each of them is lane N; other topics keep their counts."""
    changed = shipped.with_partitions({"visitor-events": 4}).partitions
    assert {changed[name] for name in CO_PARTITIONED[0]} == {4}
    assert {name: changed[name] for name in changed if name not in CO_PARTITIONED[0]} == {
        name: count for name, count in shipped.partitions.items() if name not in CO_PARTITIONED[0]
    }


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"visitor-event": 4}, "no topic"),
        ({"lead-alerts": 0}, "expected 1 to"),
        ({"visitor-events": 4, "lead-inbox": 5}, "both need the same"),
    ],
)
def test_counts_that_cannot_be_are_refused(shipped: Catalog, counts: dict[str, int], message: str) -> None:
    """An override is checked as the file is."""
    with pytest.raises(ValueError, match=message):
        shipped.with_partitions(counts)


def test_co_partitioned_topics_must_agree() -> None:
    """The message stands at the topic that differs and names the one it differs from."""
    text = TEXT.replace("partitions: 12", "partitions: 8", 1)
    assert mistakes(text) == [
        f"{line_of(text, name + ':', 'topics:')}:3: topics.{name}: 12 partitions, but visitor-events has 8: "
        "both need the same"
        for name in ("lead-inbox", "profiles-changelog")
    ]


def test_internal_topics_outlive_visitor_events() -> None:
    """What is still to be read in an internal topic must not be deleted before its source is."""
    text = TEXT.replace("retention: 7d", "retention: 8d", 1)
    assert mistakes(text) == [
        f"{line_of(text, name + ':', 'topics:')}:3: topics.{name}: "
        "an internal topic is kept at least as long as visitor-events"
        for name in ("lead-inbox", "routing-requests")
    ]


def test_changelogs_are_only_compacted() -> None:
    """Rows deleted by age would be leads lost."""
    text = TEXT.replace("cleanup: compact", "cleanup: delete\n    retention: 30d", 1)
    line = line_of(text, "profiles-changelog:", "topics:")
    assert mistakes(text) == [
        f"{line}:3: topics.profiles-changelog: a changelog is only compacted: expected `cleanup: compact`"
    ]


def test_a_missing_topic_is_named() -> None:
    """The engine says which topics it cannot do without."""
    text = TEXT.replace("  dead-letters:", "  deadletters:")
    assert mistakes(text) == [
        f"{line_of(text, 'topics:')}:1: topics: topic `dead-letters` is missing: the engine needs it"
    ]


def test_dead_letters_take_a_mebibyte() -> None:
    """A dead letter that its topic refuses would stop a lane."""
    text = TEXT.replace(
        "    partitions: 3\n    cleanup: delete", "    partitions: 3\n    max_message_bytes: 5000\n    cleanup: delete"
    )
    assert [line.split(": ", 1)[1] for line in mistakes(text)] == [
        "topics.dead-letters: expected a max_message_bytes of at least 1048576: a dead letter needs it"
    ]


def test_every_mistake_is_told_in_one_run_and_only_once() -> None:
    """A value that cannot be read is one problem: no rule complains of it a second time."""
    text = """topics:
  visitor-events: {description: d, key: k, owner: o, partitions: many, cleanup: delete, retention: 7 days}
  lead-inbox: {description: d, key: k, owner: o, internal: true, partitions: 0, cleanup: compacted}
  profiles-changelog: {description: d, key: k, owner: o, partitions: 12, cleanup: compact, retention: 1d, colour: red}
  bad/name: {description: [x], owner: 1, partitions: 3, cleanup: delete}
"""
    found = [line for line in mistakes(text) if "the engine needs it" not in line]
    assert [line.split(": ", 1)[1] for line in found] == [
        'topics.visitor-events.partitions = "many": expected a whole number from 1 to 10,000',
        'topics.visitor-events.retention = "7 days": expected a duration, such as 30s, 15m, 2h, 30d or 1h30m',
        "topics.lead-inbox.partitions = 0: expected a whole number from 1 to 10,000",
        'topics.lead-inbox.cleanup = "compacted": `compacted` is not known; did you mean `compact`?',
        'topics.profiles-changelog.retention = "1d": a compacted topic has no retention: remove it',
        (
            "topics.profiles-changelog.colour: `colour` is not known; expected one of description, key, owner, "
            "internal, partitions, cleanup, retention, replication, max_message_bytes"
        ),
        'topics.bad/name: "bad/name" is no name of a topic: expected letters, digits, `.`, `_` and `-`',
        "topics.bad/name: `key` is missing",
        "topics.bad/name: `retention` is missing: expected a duration, such as 7d, or forever",
        "topics.bad/name.description: expected text, not a list",
        "topics.bad/name.owner = 1: expected text: quote it: '1'",
    ]


def test_a_catalog_is_read_from_a_file(tmp_path: Path) -> None:
    """Messages name the file that was read."""
    path = tmp_path / "mine.yaml"
    path.write_text("topics: 3\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.yaml:1:9: topics = 3: expected a mapping"):
        read(path)
