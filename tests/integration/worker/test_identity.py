"""People with several ids through a real Kafka, on another partition than they came from, with a worker killed."""

import asyncio
import json
from pathlib import Path

import pytest

from engine.core.flow import InputRecord
from engine.core.packing import unpack
from engine.core.partitioner import by_murmur2
from engine.core.pointers import is_pointer
from tests.build import T0
from tests.faults.harness import read_out
from tests.identity.people import people, sent
from tests.identity.truth import SPEC, differences, keys_of, truth
from tests.integration.worker.deployment import TIMELESS, Deployment, Program
from tests.servers.kafka import KafkaServer

PARTITIONS, WORKERS, PEOPLE, DOINGS = 12, 3, 2_500, 4
TOPIC = "visitor-events"

pytestmark = pytest.mark.timeout(400)


async def test_everybodys_row_is_right_after_a_worker_was_killed(broker: KafkaServer, tmp_path: Path) -> None:
    """5,000 browsers of 2,500 people: every row equals the one of a person who never had another id."""
    deployment = Deployment(
        broker.bootstrap, tmp_path / "heatline", PARTITIONS, kafka__app_id=tmp_path.name, kafka__session_timeout="2s"
    )
    (deployment.folder / "model.yaml").write_text(json.dumps(SPEC))
    (deployment.folder / "routing.yaml").unlink()
    await asyncio.to_thread(deployment.run, "topics", "apply")
    seen = people(7, PEOPLE, DOINGS)
    records = [_record(key, value) for key, value in sent(seen, 7)]
    workers = [deployment.worker(f"worker-{n}", command=TIMELESS) for n in range(WORKERS)]
    try:
        await asyncio.gather(*(asyncio.to_thread(worker.start) for worker in workers))
        for half in (records[: len(records) // 2], records[len(records) // 2 :]):
            await deployment.produce(half)
            await asyncio.to_thread(workers[0].kill)
            await asyncio.to_thread(workers[0].start, wait=False)
        await read_out(deployment, 200.0)
        hops = _hops(workers)
    finally:
        for worker in workers:
            worker.kill()
    found = {key.decode(): unpack(row) for key, row in (await deployment.rows()).items() if not is_pointer(row)}
    assert sum(len(person.browsers) for person in seen) > 4_500
    assert list(differences(truth(seen), found)) == []
    assert found.keys() == keys_of(seen)
    assert not await deployment.read("dead-letters")
    assert hops["1"] > 0
    assert hops["2"] > 0


def _record(key: str, value: bytes) -> InputRecord:
    return InputRecord(TOPIC, by_murmur2(key.encode(), PARTITIONS), 0, T0, key.encode(), value)


def _hops(workers: list[Program]) -> dict[str, float]:
    """Events scored by how many topics they came through, as the workers that were not killed count them."""
    counted = [worker.metrics() for worker in workers[1:]]
    return {way: sum(one.get(f"heatline_events_hops_total {way}", 0.0) for one in counted) for way in ("1", "2")}
