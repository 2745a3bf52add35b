"""A desk decides by its log and by what time it is, by nothing else: not by chunks, restarts, or what has failed."""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.agents import route
from engine.core.flow import Output
from engine.core.messages import LeadGone, decode_request
from engine.core.records import Cause
from engine.routing.assigning import Told
from tests.laws.models import LAW
from tests.laws.offices import days
from tests.routing.cluster import Cluster
from tests.routing.days import Day, Happening, Life, Read, Tick

DAYS = settings(LAW, max_examples=60)
Where = tuple[str | None, int | None]


def lived(day: Day) -> Life:
    life = Life(day)
    for _ in life.moments():
        pass
    return life


@DAYS
@given(days, st.integers(0, 1_000))
def test_however_the_log_is_cut_it_comes_to_the_same(day: Day, seed: int) -> None:
    """Record by record, in chunks of several, some of them in one transaction, or in others: the same bytes."""
    life = lived(day)
    one_by_one = Cluster(life, life.happened, at_once=1)
    one_by_one.run()
    for cut in (seed, seed + 1):
        again = Cluster(life, life.happened, cut)
        again.run()
        assert again.outputs == one_by_one.outputs
        assert again.lane.rows == one_by_one.lane.rows


@DAYS
@given(days)
def test_a_restart_changes_nothing(day: Day) -> None:
    """With the rows alone, after every record and every row that was due."""
    life, other = Life(day), Life(day)
    moments = list(life.moments())
    for moment, again in zip(moments, other.moments(), strict=True):
        assert again == moment
        other.lane.crash()
    assert other.lane.rows == life.lane.rows


@DAYS
@given(days, st.integers(0, 1_000))
def test_a_record_that_fails_leaves_nothing_behind(day: Day, seed: int) -> None:
    """A defect of ours at any record that says something: it is as if the record had not been there."""
    life = lived(day)
    failing, failed = Random(seed).sample(range(len(life.happened)), len(life.happened) // 3), set[Where]()
    wanted = {where(life.happened[place]) for place in failing}
    broken = Cluster(life, life.happened, seed)
    broken.lane.has_defects = True
    with pytest.MonkeyPatch.context() as patch:
        tell = route._Chunk.tell

        def fails(chunk: route._Chunk, told: Told, headers: tuple[tuple[str, bytes | None], ...]) -> None:
            tell(chunk, told, headers)
            if (of := at(told.data.cause)) in wanted and of[0] is not None:
                failed.add(of)
                raise ZeroDivisionError

        patch.setattr(route._Chunk, "tell", fails)
        broken.run()
    left = [one if where(one) not in failed else Tick(one.record.timestamp) for one in life.happened]  # type: ignore[union-attr]
    without = Cluster(life, left, seed)
    without.run()
    assert list(spoken(broken.outputs)) == list(spoken(without.outputs))
    assert broken.lane.rows == without.lane.rows


def at(cause: Cause) -> Where:
    return cause.topic, cause.offset


def where(happening: Happening) -> Where:
    """What a record is as a cause of others."""
    if not isinstance(happening, Read):
        return None, None
    record = happening.record
    if record.topic == "rep-events":
        return record.topic, record.offset
    message = decode_request(record.value)
    return (record.topic, record.offset) if isinstance(message, LeadGone) else at(message.cause)


def spoken(outputs: list[Output]) -> Iterator[Output]:
    return (output for output in outputs if output.topic != "dead-letters")
