"""`heatline erase` beside a running worker and projector: of the person only the keyed hash is left."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from redis import Redis

from engine.core.erasure import pseudonym
from engine.core.flow import InputRecord
from engine.core.instants import to_rfc3339
from engine.stream import catalog
from tests.integration.worker.deployment import Deployment, Program, eventually
from tests.servers.redis import RedisServer

pytestmark = pytest.mark.timeout(300)

KEY = "0123456789abcdef" * 4
PHONE, LAPTOP, ADA, MAIL = "phone-of-5f1c", "laptop-of-9b2e", "ada-7731", "ada.secret@example.com"
NAME, PATH = "Lovelace", "/only-ada-was-here"
TRACES = (PHONE, LAPTOP, ADA, MAIL, NAME, PATH)
"""What tells of the person, in lower case where it is looked for."""
OTHER = "bob-1"


class Site(NamedTuple):
    """Where a visitor's events come in, those of one person through the partitions of several browsers."""

    deployment: Deployment
    worker: Program

    async def send(self, *events: dict[str, Any], at_ms: int) -> None:
        """Send what happened at an instant, and wait until the worker has read it all."""
        before = self.consumed()
        records = [
            {"messageId": f"{at_ms}-{number}", "timestamp": to_rfc3339(at_ms + number), **event}
            for number, event in enumerate(events)
        ]
        keys = [str(event.get("anonymousId", event.get("userId"))).encode() for event in events]
        await self.deployment.produce(
            InputRecord("visitor-events", -1, 0, now_ms(), key, json.dumps(record).encode())
            for key, record in zip(keys, records, strict=True)
        )
        await asyncio.to_thread(eventually, lambda: self.consumed() == before + len(events), "the events are read")

    def consumed(self) -> float:
        return self.worker.metrics().get("heatline_events_consumed_total visitor-events", 0.0)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def track(event: str, **more: object) -> dict[str, Any]:
    return {"type": "track", "event": event, "context": {"page": {"path": PATH}}, **more}


def identify(browser: str, **who: object) -> dict[str, Any]:
    traits = {"email": MAIL.title(), "lastName": NAME, "title": "CEO"}
    return {"type": "identify", "anonymousId": browser, "traits": traits, **who}


LIFE = [
    track("page_view", anonymousId=PHONE),
    track("demo_request", anonymousId=PHONE),
    track("page_view", anonymousId=LAPTOP),
    identify(PHONE),
    identify(LAPTOP, userId=ADA),
    identify(PHONE, userId=ADA),
    track("demo_request", anonymousId=LAPTOP, userId=ADA),
]
"""Two browsers; first the address alone is known, then the userId with it."""


async def kept(deployment: Deployment) -> dict[tuple[str, bytes], bytes]:
    """What compaction leaves: of every compacted topic the last value of each key, by topic and key."""
    topics = catalog.read(deployment.folder / "catalog.yaml").topics.values()
    found: dict[tuple[str, bytes], bytes | None] = {}
    for topic in topics:
        if topic.cleanup == "compact":
            found |= {(topic.name, record.key): record.value for record in await deployment.read(topic.name)}
    return {place: value for place, value in found.items() if value is not None}


def shown(redis: Any) -> Iterator[tuple[str, bytes]]:
    """Every byte of the read model, by key."""
    for key in redis.scan_iter():
        kind = redis.type(key)
        if kind == b"hash":
            yield from ((key.decode(), name + b" " + value) for name, value in redis.hgetall(key).items())
        elif kind == b"zset":
            yield from ((key.decode(), name) for name in redis.zrange(key, 0, -1))
        else:
            yield key.decode(), redis.get(key) or b""


async def traces(deployment: Deployment, redis: Any) -> set[tuple[str, str]]:
    """Where something of the person still stands: the place, and what."""
    stored = [(topic, key + b" " + value) for (topic, key), value in (await kept(deployment)).items()]
    return {(place, trace) for place, text in [*stored, *shown(redis)] for trace in TRACES if found(trace, text)}


def found(trace: str, text: bytes) -> bool:
    return trace.lower().encode() in text.lower()


async def until_there_are(deployment: Deployment, redis: Any, places: set[str]) -> None:
    """Wait until traces stand in these places, and in no others."""
    deadline_s = time.monotonic() + 60
    while True:
        left = await traces(deployment, redis)
        if {place for place, _ in left} == places:
            return
        assert time.monotonic() < deadline_s, left
        await asyncio.sleep(0.3)


async def test_of_the_person_only_the_hash_is_left(
    deployment: Deployment, started: list[Program], redis_server: RedisServer
) -> None:
    """In what compaction leaves, in both tables and in the read model. Older events do not bring them back.

    Asked for by one browser's id, everything goes under every id; everybody else stays. Newer events are of a new lead.
    """
    deployment.settings |= {"redis.url": redis_server.url, "redis.prefix": "erase:", "privacy.erasure_key": KEY}
    worker, projector = deployment.worker().start(), deployment.projector().start()
    started += [worker, projector]
    site = Site(deployment, worker)
    redis: Any = Redis.from_url(redis_server.url)
    began_ms = now_ms() - 60_000
    await site.send(*LIFE, track("demo_request", userId=OTHER), at_ms=began_ms)
    tables, model = {"profiles-changelog", "desk-changelog", "lead-scores"}, "erase:heatline:4:"
    dossiers = ("dossiers", "dossiers:order", "dossiers:names", "dossiers:named", "touch:held")
    names = ("scores", "order", "band", "alerts:events", "assignments:events", *dossiers)
    await until_there_are(deployment, redis, tables | {f"{model}{name}" for name in names})

    done = await asyncio.to_thread(deployment.run, "erase", PHONE, "--yes", "--reason", "letter of May 4")
    receipt, hashed = json.loads(done.stdout), pseudonym(KEY.encode())
    assert (receipt["subject"], receipt["data"]["reason"]) == (hashed(PHONE), "letter of May 4")
    assert receipt["data"]["time_kept_until"] is None
    assert b"visitor-events: forever" in done.stderr
    assert not any(found(trace, done.stdout + done.stderr) for trace in TRACES)
    await until_there_are(deployment, redis, set())
    receipts = {one["subject"] for one in await deployment.values("lead-stages") if "erased" in one["type"]}
    assert receipts >= {hashed(lead) for lead in (PHONE, LAPTOP, ADA)}
    for lead in (PHONE, ADA):
        told = deployment.run("explain", lead, status=3).stdout.decode()
        assert f"erased, as of {receipt['data']['at']}" in told
    assert deployment.run("explain", OTHER).stdout.startswith(b"bob-1 ")

    await site.send(*LIFE, at_ms=began_ms + 1_000)
    dropped = "heatline_events_dropped_total erased"
    await asyncio.to_thread(eventually, lambda: worker.metrics()[dropped] >= len(LIFE), "the older ones are dropped")
    await until_there_are(deployment, redis, set())

    await site.send({"type": "track", "event": "demo_request", "userId": ADA}, at_ms=now_ms())
    again = await asyncio.to_thread(eventually, lambda: scores(deployment).get(ADA), "there is a new lead")
    assert (again["counts"], again["traits"], again["pages"]) == ({"demo_request": 1}, {}, [])
    assert again["ids"] == {"user": ADA, "anonymous": []}
    assert await deployment.values("dead-letters") == []


def scores(deployment: Deployment) -> dict[str, Any]:
    """What `heatline export` says, by lead."""
    lines = deployment.run("export", "--format", "jsonl").stdout.splitlines()
    return {score["lead"]: score for score in map(json.loads, lines)}


async def test_without_a_receipt_nothing_is_promised(deployment: Deployment, started: list[Program]) -> None:
    """No worker runs: it says so. Whoever is asked for is erased once one does; one without the key refuses."""
    deployment.settings |= {"privacy.erasure_key": KEY}
    refused = deployment.run("erase", "eve", "--yes", "--wait", "1", status=1)
    assert refused.stdout == b""
    assert b"no receipt came within 1 s" in refused.stderr
    started.append(deployment.worker().start())
    done = deployment.run("erase", "eve", "--yes")
    assert json.loads(done.stdout)["data"]["lead"] == pseudonym(KEY.encode())("eve")
    assert len(await deployment.values("lead-stages")) == 2
    started[0].end()
    started.append(deployment.worker("keyless", privacy__erasure_key="").start())
    deployment.run("erase", "eve", "--yes", "--wait", "5", status=1)
    [letter] = await deployment.values("dead-letters")
    assert "no privacy.erasure_key" in letter["data"]["failure"]["message"]
