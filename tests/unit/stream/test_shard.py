"""Rows and positions of a lane: staged, merged, restored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.flow import InputRecord
from engine.stream.chunk import Chunk, Partition
from engine.stream.errors import DeliveryHole
from engine.stream.shard import (
    MARK,
    POSITIONS,
    Overlay,
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


@given(st.lists(changes, max_size=6))
def test_recovery_gives_the_rows_that_were_merged(transactions: list[dict[bytes, bytes | None]]) -> None:
    """Whatever was written and deleted, in whatever transactions, the changelog restores it."""
    before = Shard()
    log: list[tuple[bytes, bytes | None]] = []
    for number, staged in enumerate(transactions):
        positions = {"events": number}
        log.extend((key, value) for key, value, _ in changelog_records(staged, positions, "app"))
        before.merge(staged, positions)
    after = Shard()
    after.mark = len(log)
    after.expect(0)
    after.restore(chunk_of([*log, (MARK, b"")], 0))
    assert after.recovered
    assert after.rows == before.rows
    assert after.positions == before.positions


@given(changes, changes)
def test_an_overlay_reads_as_the_merged_rows_will(
    committed: dict[bytes, bytes | None], staged: dict[bytes, bytes | None]
) -> None:
    """A row deleted by a fold is gone for the next one, before anything is committed."""
    shard = Shard()
    shard.merge(committed, {})
    overlay = Overlay(shard.rows, staged)
    seen = {key: overlay.get(key) for key in {*committed, *staged}}
    shard.merge(staged, {})
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
    written = list(changelog_records({b"a": b"1", b"b": None}, {"events": 7}, "app"))
    assert [(key, value) for key, value, _ in written] == [(b"a", b"1"), (b"b", None), (POSITIONS, b'{"events":7}')]
