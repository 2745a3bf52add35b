"""Whatever crashes when: what a desk has told is what it would have told, each record once."""

from collections import Counter

import pytest

from tests.routing.cluster import Cluster, differences, happened
from tests.routing.days import told

SEEDS = 50


@pytest.mark.parametrize("seed", [*range(SEEDS), 1122])
def test_a_crash_changes_nothing(seed: int) -> None:
    """The same assignments and steps by id and content, none lost, none twice, and the same rows in the end."""
    assert list(differences(seed)) == []


def test_on_these_days_everything_happens() -> None:
    """Otherwise a comparison would say little."""
    kinds: Counter[str] = Counter()
    for seed in range(SEEDS):
        life, happenings = happened(seed)
        cluster = Cluster(life, happenings)
        cluster.run()
        records = told(cluster.outputs)
        ids = [record.id for record in records]
        assert len(set(ids)) == len(ids)
        kinds.update(record.kind for record in records)
    for kind in "assigned reassigned escalated queued released reminded call_due accepted declined recycled".split():
        assert kinds[kind] > 10, kind
