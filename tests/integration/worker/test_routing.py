"""Leads and reps through a real Kafka while workers are killed: nobody gets a lead twice, no deadline is forgotten."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from engine.core.flow import InputRecord
from tests.faults.harness import read_out
from tests.integration.worker.deployment import Deployment, Program
from tests.servers.kafka import KafkaServer, drop_topics

LEADS, SENDING_S, KILL_EVERY_S, KILLS = 60, 10.0, 3.0, 3
REPS = [f"rep-{number}" for number in range(6)]
ACCEPT_S, CONTACT_S = 2, 3
ATTEMPTS = 3
SETTLED_S = ATTEMPTS * (ACCEPT_S + CONTACT_S) + 8
CONFIG = {
    "assign_on": ["fast-track"],
    "reps": {**{rep: {} for rep in REPS}, "boss": {}},
    "teams": {"all": {"reps": REPS}},
    "regions": {"everywhere": {"manager": "boss", "reps": REPS}},
    "rules": [{"name": "all", "to": {"team": "all"}}],
    "sla": {
        "hot": {"accept_within": f"{ACCEPT_S}s", "contact_within": f"{CONTACT_S}s"},
        "remind_at": 0.5,
        "misses_before_manager": ATTEMPTS,
    },
}
pytestmark = pytest.mark.timeout(240)


async def test_every_lead_goes_its_way_to_the_end_whatever_is_killed(broker: KafkaServer, tmp_path: Path) -> None:
    """Some reps accept and call, some only accept, some decline, some say nothing; each lead ends with one who called.

    Or with the manager. Between, each assignment is told once, each reminder and each deadline once, in order.
    """
    await drop_topics(broker.bootstrap)
    deployment = Deployment(
        broker.bootstrap, tmp_path / "heatline", 4, kafka__app_id=tmp_path.name, kafka__session_timeout="2s"
    )
    (deployment.folder / "routing.yaml").write_text(json.dumps(CONFIG))
    await asyncio.to_thread(deployment.run, "topics", "apply")
    workers = [deployment.worker(f"worker-{number}") for number in range(2)]
    try:
        await asyncio.gather(*(asyncio.to_thread(worker.start) for worker in workers))
        async with reps_at_work(deployment):
            sending = asyncio.create_task(send(deployment))
            for number in range(KILLS):
                await asyncio.sleep(KILL_EVERY_S)
                await restart(workers[number % 2])
            await sending
            await asyncio.sleep(SETTLED_S)
        await read_out(deployment, 60.0)
    finally:
        for worker in workers:
            worker.kill()
    events = await deployment.values("lead-assignments")
    assert len({event["id"] for event in events}) == len(events)
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        told[event["subject"]].append(event)
    assert set(told) == {f"lead-{number}" for number in range(LEADS)}
    wrong = {lead: problem for lead, record in told.items() if (problem := astray(record))}
    assert not wrong
    kinds = {kind(event) for event in events}
    assert kinds >= {"assigned", "accepted", "contacted", "declined", "reassigned", "reminded", "escalated"}


def kind(event: Mapping[str, Any]) -> str:
    """`assigned` of the type of an event."""
    return str(event["type"].removeprefix("io.heatline.lead.").removesuffix(".v1"))


def astray(events: Iterable[Mapping[str, Any]]) -> str | None:
    """What is wrong with all that is told of one lead, in order; None where nothing is."""
    rep, had, attempt, step, reminded = None, list[str](), 0, "new", False
    for event in events:
        what, data = kind(event), event["data"]
        if what in ("assigned", "reassigned", "escalated"):
            expected = "assigned" if rep is None else "escalated" if data["rep"] == "boss" else "reassigned"
            if what != expected or data["previous"] != rep or data["rep"] in had or data["attempt"] != attempt + 1:
                return f"{what} to {data['rep']} after {had}, attempt {data['attempt']} after {attempt}"
            is_missed = rep is not None and step in ("accept", "contact")
            if is_missed and not reminded:
                return f"{rep} was not reminded to {step}"
            rep, attempt, reminded = data["rep"], attempt + 1, False
            had.append(rep)
            step = "over" if what == "escalated" else "accept"
        elif data["rep"] != rep:
            return f"{what} of {data['rep']}, but {rep} has it"
        elif what == "reminded":
            if reminded or step not in ("accept", "contact"):
                return f"reminded again to {step}"
            reminded = True
        elif what == "accepted":
            step, reminded = "contact", False
        elif what in ("contacted", "declined"):
            step = "over" if what == "contacted" else "declined"
        else:
            return f"an unexpected {what}"
    return None if step == "over" else f"ends with {rep}, who is to {step}"


def behaves(rep: str, lead: str) -> tuple[str, ...]:
    """What the rep does about the lead, the same however often it is told."""
    draw = blake2b(f"{rep}/{lead}".encode(), digest_size=1).digest()[0]
    if draw < 90:
        return ("accepted", "contacted")
    if draw < 140:
        return ("accepted",)
    return ("declined",) if draw < 170 else ()


async def send(deployment: Deployment) -> None:
    """Leads that ask for a demo, over a while."""
    for number in range(LEADS):
        event = {"type": "track", "event": "demo_request", "userId": f"lead-{number}", "messageId": f"m-{number}"}
        now_ms = int(time.time() * 1000)
        key = event["userId"].encode()
        await deployment.produce([InputRecord("visitor-events", -1, 0, now_ms, key, json.dumps(event).encode())])
        await asyncio.sleep(SENDING_S / LEADS)


async def restart(worker: Program) -> None:
    """SIGKILL, and again from the beginning."""
    await asyncio.to_thread(worker.kill)
    await asyncio.to_thread(worker.start, wait=False)


@asynccontextmanager
async def reps_at_work(deployment: Deployment) -> AsyncIterator[None]:
    """Reps who read what is assigned to them and say what they do."""
    working = asyncio.create_task(_work(deployment))
    yield
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def _work(deployment: Deployment) -> None:
    async with (
        AIOKafkaConsumer(
            "lead-assignments",
            bootstrap_servers=deployment.bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        ) as consumer,
        AIOKafkaProducer(bootstrap_servers=deployment.bootstrap) as producer,
    ):
        async for record in consumer:
            event = json.loads(record.value)
            if kind(event) not in ("assigned", "reassigned"):
                continue
            for does in behaves(event["data"]["rep"], event["subject"]):
                said = {"type": f"lead.{does}", "rep": event["data"]["rep"], "lead": event["subject"]}
                await producer.send("rep-events", json.dumps(said).encode(), key=b"main")
