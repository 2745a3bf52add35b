"""`heatline notifier` as users run it, between a real Kafka, a real Redis and receivers with moods."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from standardwebhooks import Webhook as Verifier

from engine.core.erasure import pseudonym
from engine.core.flow import InputRecord, Output
from engine.notify.follower import BEAT_S
from engine.notify.redis import PREFIX, RedisStore
from tests.integration.notify.receivers import Receiver, receiver
from tests.integration.worker.deployment import HEATLINE, Deployment, Program
from tests.servers.kafka import KafkaServer
from tests.servers.process import HOST, free_port
from tests.servers.redis import RedisServer
from tests.unit.notify.samples import HOSTILE, SECRET, erased
from tests.unit.readmodel.samples import alerted, assigned

pytestmark = pytest.mark.timeout(180)

KEY = "0123456789abcdef" * 4


class Installation:
    """A notifier with its files, its receiver and what it reads."""

    def __init__(self, deployment: Deployment, server: Receiver, redis_url: str) -> None:
        self.deployment, self.server = deployment, server
        self.store = RedisStore(redis_url, f"{deployment.settings['redis.prefix']}{PREFIX}")
        (deployment.folder / "key").write_text(SECRET)

    def configure(self, paths: dict[str, str], records: str = "lead.alerted", more: str = "") -> None:
        """A channel by each name, to this path of the receiver."""
        lines = [
            f"  {name}: {{webhook: {{url: '{self.server.url(path)}', secret_file: key}}}}"
            for name, path in paths.items()
        ]
        rule = f"  - {{records: [{records}], if: {{priority: high}}, to: [{', '.join(paths)}]}}"
        text = "\n".join(["channels:", *lines, "rules:", rule, more]) + "\n"
        (self.deployment.folder / "notify.yaml").write_text(text)

    def notifier(self) -> Program:
        port = free_port()
        flags = self.deployment.flags(worker__ops_port=port)
        return Program(self.deployment.folder / "notifier", [HEATLINE, "notifier", *flags], port, "/readyz")

    async def write(self, *made: Output) -> None:
        """As a worker writes them: on its topics, keyed by the lead."""
        now_ms = time.time_ns() // 1_000_000
        await self.deployment.produce(
            InputRecord(one.topic, -1, 0, now_ms, one.key, one.value, one.headers) for one in made
        )

    async def until(self, holds: Callable[[], Any], what: str, timeout_s: float = 20.0) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < deadline_s, f"timed out: {what}: {[one.path for one in self.server.got]}"
            await asyncio.sleep(0.05)

    def ids(self, path: str) -> list[str]:
        return [one.headers["webhook-id"] for one in self.server.of(path)]


@pytest.fixture(scope="module")
def bootstrap(broker: KafkaServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A broker with the topics; what a test before has written is old, and so is told to nobody."""
    Deployment(broker.bootstrap, tmp_path_factory.mktemp("topics"), partitions=2).run("topics", "apply")
    return broker.bootstrap


@pytest.fixture
async def installed(bootstrap: str, redis_server: RedisServer, tmp_path: Path) -> AsyncIterator[Installation]:
    folder = tmp_path / "heatline"
    deployment = Deployment(
        bootstrap,
        folder,
        partitions=2,
        kafka__app_id=tmp_path.name,
        redis__url=redis_server.url,
        redis__prefix=f"{tmp_path.name}:",
        notify__file=folder / "notify.yaml",
        notify__allow_private=HOST,
        privacy__erasure_key=KEY,
    )
    async with receiver() as server:
        made = Installation(deployment, server, redis_server.url)
        yield made
        await made.store.close()


@pytest.fixture
def started() -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.kill()


def id_of(made: Output) -> str:
    return str(json.loads(made.value or b"{}")["id"])


async def aborted(bootstrap: str, made: Output) -> None:
    """Written in a transaction that never commits."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="doomed") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(made.topic, made.value, key=made.key)
        await producer.abort_transaction()


async def test_from_the_topics_to_the_receivers(installed: Installation, started: list[Program]) -> None:
    """Once each over kills and failures, what is committed and wanted, nothing of who was erased, nothing old."""
    old, first, second = alerted(cause="old"), alerted(cause="first"), alerted("bob", cause="second")
    bobs, low = pseudonym(KEY.encode())("bob"), alerted(cause="low", priority="low")
    installed.configure({"ok": "/ok", "flaky": "/flaky", "gone": "/410", "down": "/500", "hangs": "/hang"})
    await installed.write(old)
    notifier = installed.notifier()
    started.append(notifier)
    await asyncio.to_thread(notifier.start)

    await aborted(installed.deployment.bootstrap, alerted(cause="aborted"))
    await installed.write(low, assigned(), first)
    await installed.until(lambda: installed.ids("/ok") == [id_of(first)], "the alert is told")
    body = installed.server.of("/ok")[0]
    assert Verifier(SECRET).verify(body.body, body.headers) == json.loads(first.value or b"")

    await installed.write(second)
    await installed.until(lambda: len(installed.ids("/500")) == 2, "both are tried")
    await installed.write(erased(bobs))
    await installed.until(lambda: len(installed.ids("/flaky")) == 3, "what failed is told again")
    assert sorted(installed.ids("/flaky")) == sorted([id_of(first), id_of(first), id_of(second)])
    assert installed.ids("/410") == [id_of(first)]
    kept = {letter.entry.id for letter in await installed.store.dead(9)}
    assert kept == {id_of(first)}
    assert notifier.logged().count("channel down fails: answered 500 Internal Server Error; tried again at ") == 1
    listed = await asyncio.to_thread(installed.deployment.run, "notify", "list")
    waits = (
        rb"channel down: 1 waiting, the oldest since \S+Z; the last attempt failed: answered 500 Internal Server Error;"
    )
    assert re.search(waits, listed.stderr)

    notifier.kill()
    third = alerted("carla", cause="third", traits={"firstName": HOSTILE})
    await installed.write(third)
    await asyncio.to_thread(notifier.start)
    await installed.until(lambda: id_of(third) in installed.ids("/ok"), "what came meanwhile is told")
    assert installed.ids("/ok") == [id_of(one) for one in (first, second, third)]
    assert set(installed.ids("/500")) <= {id_of(one) for one in (first, second, third)}

    # A receiver knows of an attempt before the notifier knows what came of it.
    await installed.until(lambda: notifier.metrics()["heatline_notify_attempts_total ok delivered"] >= 1, "it counts")
    await aborted(installed.deployment.bootstrap, alerted(cause="aborted at the end"))
    await asyncio.sleep(3 * BEAT_S)
    metrics = await asyncio.to_thread(notifier.metrics)
    assert metrics["heatline_notify_lag_seconds"] < BEAT_S
    logged = notifier.logged()
    assert not any(word in logged for word in (HOSTILE, "carla", "bob", SECRET, KEY))
    status, _ = await asyncio.to_thread(notifier.end)
    assert status == 0


async def test_changes_and_dead_letters(installed: Installation, started: list[Program]) -> None:
    """A changed file is taken over, a broken one not; what could not be sent is listed, and sent when asked."""
    installed.configure({"gone": "/410"})
    notifier = installed.notifier()
    started.append(notifier)
    await asyncio.to_thread(notifier.start)
    first, second = alerted(cause="first"), alerted(cause="second")
    await installed.write(first)
    await installed.until(lambda: installed.ids("/410") == [id_of(first)], "the alert is tried")

    listed = await asyncio.to_thread(installed.deployment.run, "notify", "list")
    [letter] = map(json.loads, listed.stdout.splitlines())
    assert b"`heatline notify retry --channel gone` enables it" in listed.stderr
    assert "`heatline notify retry --channel gone` enables it" in notifier.logged()
    assert (letter["channel"], letter["why"], letter["id"]) == ("gone", "answered 410 Gone", id_of(first))
    assert b"channel gone is disabled: answered 410 Gone" in listed.stderr

    installed.configure({"gone": "/ok"})
    await installed.until(lambda: "is in force" in notifier.logged(), "the change is taken over")
    await asyncio.to_thread(installed.deployment.run, "notify", "retry", "--channel", "gone")
    await installed.until(lambda: installed.ids("/ok") == [id_of(first)], "what was dead is told")
    await asyncio.to_thread(installed.deployment.run, "notify", "retry", letter["key"], status=3)

    (installed.deployment.folder / "notify.yaml").write_text("channels: 5")
    await installed.until(lambda: "the last good one stays" in notifier.logged(), "the broken file is refused")
    await installed.write(second)
    await installed.until(lambda: installed.ids("/ok") == [id_of(first), id_of(second)], "the good one is in force")
    assert (await asyncio.to_thread(notifier.metrics))["heatline_notify_last_reload_successful"] == 0
