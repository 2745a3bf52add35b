"""What the doctor says of a cluster, by what the cluster says of itself."""

import pytest

from engine.ops.findings import Finding
from engine.stream.admin import MISSING, Disagreement, Findings
from engine.stream.catalog import Catalog, Topic
from engine.stream.checkup import access, compared, copies, members, needed
from engine.stream.chunk import Partition
from engine.stream.groups import Group, Member
from engine.stream.metadata import READ, WRITE, Cluster, Described, Place, operations, release_of


def topic(name: str, owner: str, *, internal: bool = False) -> Topic:
    return Topic(name, "", "", owner, internal, 1, "delete", None, 1_000_000, -1)


CATALOG = Catalog(
    {
        one.name: one
        for one in (
            topic("visitor-events", "site"),
            topic("lead-inbox", "score", internal=True),
            topic("lead-alerts", "score"),
            topic("dead-letters", "operations"),
        )
    }
)


def cluster(allowed: frozenset[int] | None, *places: Place) -> Cluster:
    """One with every topic of the catalog, of these places."""
    return Cluster("c", {1: "k:9092"}, {name: Described(name, list(places), allowed) for name in CATALOG.topics})


def said(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.level, one.what) for one in findings]


def test_rights_are_asked_for_what_is_done_with_a_topic() -> None:
    """Sites' and reps' topics are read, ours written, internal ones both; a projector reads some of ours."""
    rights = {name: needed(one, ["lead-alerts"]) for name, one in CATALOG.topics.items()}
    assert rights == {
        "visitor-events": {READ},
        "lead-inbox": {READ, WRITE},
        "lead-alerts": {READ, WRITE},
        "dead-letters": {WRITE},
    }


def test_what_a_user_lacks_is_named_with_the_command_that_gives_it() -> None:
    """Who may read everything and write nothing lacks Write on ours."""
    found = list(access(CATALOG, cluster(frozenset({READ})), []))
    assert said(found) == [
        ("wrong", f"this user lacks Write on topic {name}") for name in ("lead-inbox", "lead-alerts", "dead-letters")
    ]
    assert found[0].remedy == "kafka-acls.sh --add --allow-principal User:… --topic lead-inbox --operation Write"


@pytest.mark.parametrize("allowed", [None, frozenset({READ, WRITE})])
def test_a_user_with_all_rights_is_well(allowed: frozenset[int] | None) -> None:
    """So is one of a broker that tells nothing of rights."""
    assert said(list(access(CATALOG, cluster(allowed), []))) == [
        ("ok", "every topic may be read and written as needed")
    ]


def test_one_who_may_do_nothing_is_not_taken_for_one_of_whom_nothing_is_told() -> None:
    """An empty set of rights is none at all."""
    assert [one.level for one in access(CATALOG, cluster(frozenset()), [])] == ["wrong"] * 4


def test_bits_are_operations_by_number() -> None:
    """Bit 3 is Read, bit 4 Write; the least number of 32 bits says that the broker does not tell."""
    assert operations(0b11000) == frozenset({READ, WRITE})
    assert operations(0) == frozenset()
    assert operations(-(2**31)) is None


def test_partitions_without_a_leader_are_wrong_and_copies_behind_a_warning() -> None:
    """One copy of everything is a warning too."""
    orphan, behind, fine = Place(0, -1, 3, 0), Place(1, 2, 3, 2), Place(2, 2, 3, 3)
    one = Catalog({"lead-alerts": CATALOG.topics["lead-alerts"]})
    assert said(list(copies(one, cluster(None, orphan, behind, fine)))) == [
        ("wrong", "topic lead-alerts: no broker leads partitions [0]"),
        ("warning", "topic lead-alerts: copies of partitions [1] are behind or away"),
    ]
    assert said(list(copies(one, cluster(None, fine)))) == []
    assert [one.level for one in copies(one, cluster(None, Place(0, 1, 1, 1)))] == ["warning"]


def test_topics_are_as_the_catalog_says_or_named() -> None:
    """What keeps a worker from starting is wrong, what only differs a warning, what cannot be seen too."""
    gone, other = Disagreement("lead-inbox", MISSING, "", ""), Disagreement("lead-alerts", "retention.ms", "1", "2")
    found = said(list(compared(CATALOG, Findings((gone, other), ("topic x: the broker does not tell y",)))))
    assert [level for level, _ in found] == ["wrong", "warning", "warning"]
    assert "`heatline topics apply` creates it" in found[0][1]
    assert said(list(compared(CATALOG, Findings((), ())))) == [("ok", "all 4 are as the catalog says")]


def test_workers_are_counted_unless_this_user_may_not_join_them() -> None:
    """Without any there is a warning, and something is wrong where there were some."""
    ada = Member("m", "10.0.0.1", [Partition("visitor-events", 0)])
    [well] = members(Group("Stable", [ada], None), "app", worked=False)
    assert (well.level, well.what) == ("ok", "1 in the group app, which is Stable")
    nobody = Group("Empty", [], frozenset({READ}))
    assert [one.level for one in members(nobody, "app", worked=False)] == ["warning"]
    [gone] = members(nobody, "app", worked=True)
    assert (gone.level, "heatline worker" in (gone.remedy or "")) == ("wrong", True)
    [lacks] = members(Group("Stable", [ada], frozenset({8})), "app", worked=False)
    assert (lacks.level, lacks.what) == ("wrong", "this user lacks Read on group app")


@pytest.mark.parametrize(("newest", "release"), [(3, "0.11"), (12, "2.7"), (15, "3.5"), (17, "3.9"), (99, "4.1")])
def test_a_release_is_told_by_the_newest_fetch(newest: int, release: str) -> None:
    """That of the last version that is known; older than all: the first."""
    assert release_of(newest) == release
