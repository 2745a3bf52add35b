"""Who was erased is gone from everywhere but for a keyed hash, and does not come back with older events."""

import json
from collections.abc import Iterator
from random import Random

import pytest

from engine.core.erasure import pseudonym
from engine.core.identity import public_id
from engine.core.messages import INBOX_TOPIC, LeadErase, encode
from tests.build import HOUR, T0
from tests.identity.cluster import Cluster
from tests.identity.people import SPAN_MS, Person, people, sent
from tests.identity.truth import MODEL, differences, truth

PARTITIONS = 4
HASH = pseudonym(b"a key of the test's own")
COMPACTED = frozenset({"lead-scores"})


def traces(cluster: Cluster, person: Person) -> Iterator[str]:
    """Where any id of the person still stands: in rows, in what compaction leaves, in what is said of the erasure."""
    ids = [*person.users, *person.browsers, *([person.email.lower()] if person.email else [])]
    kept: dict[tuple[str, bytes | None], bytes] = {}
    for output in cluster.outputs:
        if output.topic in COMPACTED or (output.topic == "lead-stages" and b"lead.erased" in (output.value or b"")):
            kept[output.topic, output.key] = output.value or b""
    stands = [(where, key or b"", value) for (where, key), value in kept.items() if value]
    stands += [("rows", key, row) for lane in cluster.lanes for key, row in lane.rows.items()]
    for where, key, value in stands:
        yield from (f"{name} in {where}" for name in ids if name.encode() in key + value.lower())


def erase(cluster: Cluster, lead: str, at_ms: int) -> None:
    """Ask for it as the command does."""
    message = LeadErase(lead, at_ms, "asked for it", None)
    cluster.tell(lead, encode(message))


def started(seed: int) -> tuple[Cluster, list[Person]]:
    cluster = Cluster(MODEL, PARTITIONS, seed, pseudonym=HASH)
    seen = people(seed, 5)
    for key, value in sent(seen, seed):
        cluster.send(key, value, T0, stray=0.1)
    return cluster, seen


@pytest.mark.parametrize("seed", range(25))
def test_nothing_of_the_person_is_left_and_everybody_else_is_as_before(seed: int) -> None:
    """By any id, also a browser's; with crashes meanwhile, and with all records read once more afterwards."""
    cluster, seen = started(seed)
    cluster.run()
    person, *others = seen
    assert list(traces(cluster, person))
    lead = Random(seed).choice([person.final, *person.browsers])
    erase(cluster, lead, T0 + 1)
    cluster.run()
    assert list(traces(cluster, person)) == []
    receipts = [json.loads(one.value or b"{}") for one in cluster.outputs if one.topic == "lead-stages"]
    erased = {one["subject"] for one in receipts if one["type"] == "io.heatline.lead.erased.v1"}
    assert {HASH(lead), HASH(person.final)} <= erased
    for key, value in sent([person], seed):
        cluster.send(key, value, T0)
    cluster.run()
    assert list(traces(cluster, person)) == []
    assert list(differences(truth(others), cluster.rows())) == []


@pytest.mark.parametrize("seed", range(10))
def test_events_under_way_do_not_bring_the_person_back(seed: int) -> None:
    """The erasure overtakes half of what is unread: older events are dropped wherever they are found."""
    cluster, seen = started(seed)
    person = seen[0]
    cluster.run(at_most=20)
    erase(cluster, person.final, T0 + 1)
    cluster.run()
    for name in [person.final, *person.users, *([f"email:{person.email}"] if person.email else [])]:
        erase(cluster, name, T0 + 2)
    cluster.run()
    assert list(traces(cluster, person)) == []


def test_a_later_event_begins_a_new_lead_that_knows_nothing() -> None:
    """Its row counts what came after the erasure only; what came before stays dropped behind it."""
    cluster, seen = started(3)
    cluster.run()
    person = next(one for one in seen if one.users)
    erase(cluster, person.final, T0 + 1)
    cluster.run()
    later = {"type": "track", "event": "chat", "userId": person.final, "messageId": "later"}
    cluster.send(person.final, json.dumps(later).encode(), T0 + HOUR)
    for key, value in sent([person], 3):
        cluster.send(key, value, T0 + HOUR)
    cluster.run()
    row = next(row for key, row in cluster.rows().items() if public_id(key) == person.final)
    assert row.counts == {"chat": 1}
    assert row.pages == []
    assert SPAN_MS > HOUR


def test_without_a_key_nobody_is_erased() -> None:
    """It ends as a dead letter that says what is missing."""
    cluster = Cluster(MODEL, 1, 0)
    cluster.tell("ada", encode(LeadErase("ada", T0, "asked for it", None)))
    cluster.run()
    (letter,) = [json.loads(one.value or b"{}") for one in cluster.outputs if one.topic == "dead-letters"]
    assert "privacy.erasure_key" in letter["data"]["failure"]["message"]
    assert letter["data"]["payload"]["topic"] == INBOX_TOPIC
