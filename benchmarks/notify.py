"""How long from an alert's production to its webhook at the receiver, at a steady rate."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web
from aiokafka import AIOKafkaProducer

from benchmarks.cluster import running_cluster
from benchmarks.latency import SHARES
from benchmarks.report import Figure, at_most
from benchmarks.sizes import Sizes
from engine.core.flow import Output
from engine.core.records import Contribution, Ids, Page
from tests.integration.worker.deployment import HEATLINE, Program
from tests.servers.process import HOST, free_port
from tests.servers.redis import RedisServer
from tests.unit.readmodel.samples import AT, alerted

RATE = 100
P99_S = 1.0
SETTLES_S = 5.0
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def notify(sizes: Sizes) -> Iterator[Figure]:
    """A broker, a Redis, a notifier, a producer of alerts and a web server, all on this machine's cores at once."""
    seconds = sizes.warm_up_s + sizes.measured_s
    with TemporaryDirectory(prefix="heatline-bench-") as directory, running_cluster(4) as cluster:
        folder = Path(directory)
        redis = RedisServer(folder / "redis", {"appendonly": "yes"}).start()
        receiver_port, ops_port = free_port(), free_port()
        _configure(folder, receiver_port)
        settings = {
            "kafka.bootstrap": cluster.kafka.bootstrap,
            "redis.url": redis.url,
            "notify.file": folder / "notify.yaml",
            "notify.allow_private": HOST,
            "worker.ops_port": ops_port,
        }
        flags = [f"--{key}={value}" for key, value in settings.items()]
        notifier = Program(folder / "notifier", [HEATLINE, "notifier", *flags], ops_port, "/readyz")
        try:
            notifier.start()
            taken_s = asyncio.run(_measure(cluster.kafka.bootstrap, receiver_port, seconds))
        finally:
            notifier.kill()
            redis.kill()
    measured = sorted(taken_s[number] for number in range(sizes.warm_up_s * RATE, seconds * RATE) if number in taken_s)
    lost = seconds * RATE - len(taken_s)
    for name, share in SHARES:
        value = measured[min(len(measured) - 1, int(share * len(measured)))]
        goal = at_most(P99_S * 1_000) if name == "p99" else None
        note = f"{len(measured)} alerts, Redis writing to disk" if name == "p50" else ""
        yield Figure("notify", f"alert to webhook at {RATE}/s, {name}", value * 1_000, "ms", goal, note)
    yield Figure("notify", "· never told", lost, "alerts", at_most(0))


def _configure(folder: Path, port: int) -> None:
    (folder / "key").write_text(SECRET)
    (folder / "notify.yaml").write_text(
        f"channels: {{crm: {{webhook: {{url: 'http://{HOST}:{port}/', secret_file: key}}}}}}\n"
        "rules: [{records: [lead.alerted], if: {priority: high}, to: [crm]}]\n"
    )


async def _measure(bootstrap: str, port: int, seconds: int) -> dict[int, float]:
    """Seconds from when each alert was due until its webhook came, by its number."""
    came_s: dict[str, float] = {}

    async def take(request: web.Request) -> web.Response:
        await request.read()
        came_s.setdefault(request.headers["webhook-id"], time.monotonic())
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    alerts = [_alert(number) for number in range(seconds * RATE)]
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.client.set_topics([alerts[0].topic])
        begin_s = time.monotonic() + 1
        for number, alert in enumerate(alerts):
            await asyncio.sleep(begin_s + number / RATE - time.monotonic())
            await producer.send(alert.topic, alert.value, key=alert.key)
    await asyncio.sleep(SETTLES_S)
    await runner.cleanup()
    due_s = {_id(alert): begin_s + number / RATE for number, alert in enumerate(alerts)}
    return {number: came_s[one] - due_s[one] for number, one in enumerate(due_s) if one in came_s}


def _id(alert: Output) -> str:
    return (alert.value or b"").partition(b'"id":"')[2].partition(b'"')[0].decode()


def _alert(number: int) -> Output:
    """Of the size of a real one: five reasons, ten pages, some traits."""
    lead = f"lead-{number}"
    return alerted(
        lead,
        str(number),
        top=[
            Contribution("engagement", f"rule-{one}", "Read the pricing page", "web", 10.0, 3, AT) for one in range(5)
        ],
        pages=[Page(AT, f"/products/{one}/details", "A page with a title", 42.0) for one in range(10)],
        product="loans",
        traits={"firstName": "Ada", "lastName": "Lovelace", "email": f"{lead}@example.com", "company": "Engines Ltd"},
        ids=Ids(lead, [f"a-{number}"]),
        owner="andy",
    )
