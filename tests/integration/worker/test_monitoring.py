"""Dashboard and alert rules, with what a worker, a projector and a notifier at work export, in a real Prometheus."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core.flow import InputRecord
from tests.build import MINUTE, page, segment
from tests.integration.worker.deployment import Deployment, Program, eventually
from tests.monitoring import metrics_named, panel_queries
from tests.servers.install import MissingToolError
from tests.servers.prometheus import PrometheusServer
from tests.servers.redis import RedisServer
from tests.unit.notify.samples import SECRET

Watch = Callable[..., PrometheusServer]
BEGAN_MS = int(time.time() * 1000) - 10 * MINUTE
VISIT = [
    page("/pricing", BEGAN_MS, "ada-browser"),
    segment("identify", BEGAN_MS + 1, "ada-browser", userId="ada", traits={"country": "US"}),
    segment("demo_request", BEGAN_MS + 2, "ada-browser", userId="ada"),
]
NOTIFY = """
channels: {crm: {webhook: {url: 'https://crm.invalid/hook', secret_file: key}}}
rules: [{records: [lead.alerted], to: [crm]}]
"""
pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """Starts a Prometheus that scrapes the programs that are given by job."""
    servers: list[PrometheusServer] = []

    def start(**programs: Program) -> PrometheusServer:
        targets = {job: [program.port] for job, program in programs.items()}
        servers.append(PrometheusServer(tmp_path / "prometheus", targets))
        try:
            return servers[0].start()
        except MissingToolError as missing:
            pytest.skip(str(missing))

    yield start
    for server in servers:
        server.kill()


def records(*values: Any) -> list[InputRecord]:
    """Records of one visitor, now."""
    now_ms = int(time.time() * 1000)
    return [InputRecord("visitor-events", -1, 0, now_ms, b"ada-browser", json.dumps(one).encode()) for one in values]


async def test_every_panel_shows_something_and_a_worker_that_is_gone_is_told_of(
    deployment: Deployment, redis_server: RedisServer, started: list[Program], watch: Watch
) -> None:
    """Metrics that panels and rules name are exported, every panel has data, and every rule can be evaluated.

    A killed worker is pending in the alert rules a few seconds later, and would be told of after the minute that the
    rule asks for.
    """
    deployment.settings |= {"redis.url": redis_server.url, "redis.prefix": "monitoring:"}
    (deployment.folder / "key").write_text(SECRET)
    (deployment.folder / "notify.yaml").write_text(NOTIFY)
    deployment.settings["notify.file"] = deployment.folder / "notify.yaml"
    worker, projector, notifier = programs = (deployment.worker(), deployment.projector(), deployment.notifier())
    started += [program.start(wait=False) for program in programs]
    for program in programs:
        program.wait_ready()
    server = await asyncio.to_thread(lambda: watch(worker=worker, projector=projector, notifier=notifier))
    await deployment.produce(records(*VISIT, VISIT[0], 5))

    def silent() -> list[str]:
        return [query for query in panel_queries() if not server.query(query)]

    def shown() -> bool:
        return not silent()

    try:
        await asyncio.to_thread(eventually, shown, "every panel shows something", 30.0)
    except AssertionError:
        raise AssertionError("\n".join(["these show nothing:", *silent()])) from None
    exported = {name.partition(" ")[0] for program in programs for name in program.metrics()}
    assert metrics_named() <= exported
    assert server.query('heatline_leads{band="warm"} == 1 or heatline_leads{band="hot"} == 1')
    assert server.query("sum(heatline_leads_uncontacted) == 1")
    assert server.query('sum(heatline_events_rejected_total{reason="json"}) == 1')
    rules = server.rules()
    assert {rule["health"] for rule in rules.values()} == {"ok"}
    assert rules["HeatlineDown"]["state"] == "inactive"
    worker.kill()
    await asyncio.to_thread(
        eventually, lambda: server.rules()["HeatlineDown"]["state"] == "pending", "the rule sees that it is gone", 15.0
    )
