"""Rows and positions of a lane: staged, merged, restored."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.flow import InputRecord
from engine.stream.chunk import Chunk, Partition
from engine.stream.errors import DeliveryHole
from engine.stream.shard import (
    MARK,
    POSITIONS,
    STAMP,
    Overlay,
    Progress,
    Shard,
    changelog_records,
    decode_positions,
    encode_positions,
)

CHANGELOG = Partition("profiles-changelog", 0)
keys = st.binary(min_size=1, max_size=3).filter(lambda key: not key.startswith(b"\0"))
changes = st.dictionaries(keys, st.none() | st.binary(max_size=5), max_size=8)


def chunk_of(records: list[tuple[bytes, bytes | None]], start: int) -> Chunk:
    """Changelog records at the offsets from `start` on."""
    read = [InputRecord(*CHANGELOG, start + i, 0, key, value) for i, (key, value) in enumerate(records)]
    return Chunk(CHANGELOG, start, start + len(read), read, 0, 0)


def written(
    staged: dict[bytes, bytes | None], progress: Progress, before: bytes | None = None
) -> list[tuple[bytes, bytes | None, Sequence[tuple[str, bytes | None]]]]:
    """The changelog records of a transaction."""
    return list(changelog_records(staged, progress, before, "app"))


@given(st.lists(st.tuples(changes, st.sampled_from([b"a", b"b"])), max_size=6))
def test_recovery_gives_what_was_merged(transactions: list[tuple[dict[bytes, bytes | None], bytes]]) -> None:
    """Whatever was written and deleted, in whatever transactions, the changelog restores rows, positions and time."""
    before = Shard()
    log: list[tuple[bytes, bytes | None, Sequence[tuple[str, bytes | None]]]] = []
    for number, (staged, stamp) in enumerate(transactions):
        progress = Progress({"events": number}, 1_000 + number, stamp)
        log += written(staged, progress, before.stamp)
        before.merge(staged, progress)
    after = Shard()
    after.mark = len(log)
    after.expect(0)
    records = [
        InputRecord(*CHANGELOG, place, 0, key, value, headers)
        for place, (key, value, headers) in enumerate([*log, (MARK, b"", ())])
    ]
    after.restore(Chunk(CHANGELOG, 0, len(records), records, 0, 0))
    assert after.recovered
    assert after.rows == before.rows
    assert (after.positions, after.time_ms, after.stamp) == (before.positions, before.time_ms, before.stamp)


@given(changes, changes)
def test_an_overlay_reads_as_the_merged_rows_will(
    committed: dict[bytes, bytes | None], staged: dict[bytes, bytes | None]
) -> None:
    """A row deleted by a fold is gone for the next one, before anything is committed."""
    shard = Shard()
    shard.merge(committed, Progress({}, 0, None))
    overlay = Overlay(shard.rows, staged)
    seen = {key: overlay.get(key) for key in {*committed, *staged}}
    shard.merge(staged, Progress({}, 0, None))
    assert seen == {key: shard.rows.get(key) for key in seen}


def test_recovery_ends_at_the_mark_and_not_before() -> None:
    """A MARK of somebody who had the lane earlier is no end."""
    shard = Shard()
    shard.mark = 3
    shard.expect(0)
    shard.restore(chunk_of([(MARK, b""), (b"lead", b"1")], 0))
    before = (shard.recovered, shard.remaining())
    shard.restore(chunk_of([(b"lead", b"2"), (MARK, b"")], 2))
    assert (before, (shard.recovered, shard.remaining())) == ((False, 2), (True, 0))
    assert shard.rows == {b"lead": b"2"}


def test_recovery_ends_behind_a_mark_that_was_compacted_away() -> None:
    """Then somebody else has written a later one, and this lane's writer is fenced."""
    shard = Shard()
    shard.mark = 3
    shard.expect(0)
    shard.restore(Chunk(CHANGELOG, 0, 6, [InputRecord(*CHANGELOG, 5, 0, MARK, b"")], 0, 0))
    assert shard.recovered


def test_a_hole_in_the_changelog_is_found() -> None:
    """By the consumer's positions, since offsets have gaps."""
    shard = Shard()
    shard.mark = 9
    shard.expect(0)
    shard.restore(chunk_of([(b"lead", b"1")], 0))
    with pytest.raises(DeliveryHole, match=r"profiles-changelog\[0\] was read from 2 during recovery; 1 was due"):
        shard.restore(chunk_of([(b"lead", b"3")], 2))


def test_a_recovered_shard_takes_nothing_more_from_the_changelog() -> None:
    """What it writes itself comes back there."""
    shard = Shard()
    shard.mark = 0
    shard.expect(0)
    shard.restore(chunk_of([(MARK, b"")], 0))
    shard.restore(chunk_of([(b"lead", b"1")], 1))
    assert shard.rows == {}


@given(st.dictionaries(st.text(max_size=10), st.integers(0, 2**63 - 1)))
def test_positions_survive_the_changelog(positions: dict[str, int]) -> None:
    """As JSON."""
    assert decode_positions(encode_positions(positions)) == positions


def test_positions_come_last_in_a_transaction() -> None:
    """In plain mode they are written when all else is acknowledged."""
    records = written({b"a": b"1", b"b": None}, Progress({"events": 7}, 5, b"new"), b"old")
    assert [(key, value) for key, value, _ in records] == [
        (b"a", b"1"), (b"b", None), (STAMP, b"new"), (POSITIONS, b'{"events":7}'),
    ]  # fmt: skip


def test_a_stamp_is_written_when_it_changes_only() -> None:
    """It is one row among many, and models change rarely."""
    keys = [[key for key, _, _ in written({}, Progress({}, 0, b"a"), before)] for before in (b"a", b"b")]
    assert keys == [[POSITIONS], [STAMP, POSITIONS]]
