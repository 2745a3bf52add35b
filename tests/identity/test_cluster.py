"""Whoever stitches what where and whatever crashes: everybody has one row, and it is right."""

from random import Random

import pytest

from engine.agents import score
from engine.core.flow import Output
from engine.core.merging import merged
from engine.core.model import Model
from engine.core.profile import Row
from tests.build import T0
from tests.identity.cluster import Cluster
from tests.identity.people import Person, people, sent
from tests.identity.truth import MODEL, differences, keys_of, truth

PARTITIONS = 5
SEEDS = 50
STRAY, REPEATED = 0.15, 0.1


def run(seed: int, count: int = 6) -> tuple[Cluster, list[Person]]:
    """A cluster that has seen the events of `count` people, in any order over the partitions, some astray or twice."""
    seen = people(seed, count)
    cluster = Cluster(MODEL, PARTITIONS, seed)
    draw = Random(seed)
    for key, value in sent(seen, seed):
        cluster.send(key, value, T0, stray=STRAY)
        if draw.random() < REPEATED:
            cluster.send(key, value, T0, stray=STRAY)
        if draw.random() < 0.05:
            cluster.run()
    cluster.run()
    return cluster, seen


@pytest.mark.parametrize("seed", range(SEEDS))
def test_everybody_ends_in_one_row_as_if_there_had_been_one_id(seed: int) -> None:
    """Nothing is lost, nothing counted twice, whatever crashed or moved when; no other rows remain."""
    cluster, seen = run(seed)
    assert list(differences(truth(seen), cluster.rows())) == []
    assert cluster.rows().keys() == keys_of(seen)
    assert cluster.crashes > 0


def test_what_is_shown_are_people_only() -> None:
    """Of every id that was joined to another the last record on `lead-scores` is a tombstone, or there is none."""
    shown: dict[str, Output] = {}
    cluster, seen = run(1, count=30)
    for output in cluster.outputs:
        if output.topic == "lead-scores":
            shown[(output.key or b"").decode()] = output
    standing = {key for key, output in shown.items() if output.value is not None}
    assert standing <= {person.final for person in seen}
    assert standing
    assert not any(output.topic == "dead-letters" for output in cluster.outputs)


def _forgetting(what: str) -> object:
    def forgetful(model: Model, person: Row, other: Row) -> Row:
        row = merged(model, person, other)
        setattr(row, what, getattr(person, what))
        return row

    return forgetful


@pytest.mark.parametrize("what", ["ledger", "counts", "traits", "pages", "recent_ids", "first"])
def test_a_merge_that_forgets_something_is_caught(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check would see it."""
    monkeypatch.setattr(score, "merged", _forgetting(what))
    assert any(list(differences(truth(seen), cluster.rows())) for cluster, seen in map(run, range(4)))
