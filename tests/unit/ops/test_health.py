"""/livez, /readyz, /metrics, asked over HTTP."""

import asyncio
import http.client
import socket
import time

import pytest
from prometheus_client import CollectorRegistry, Counter

from engine.ops.health import OpsPortTakenError, OpsServer

HOST = "127.0.0.1"


def get(port: int, path: str, accept: str = "*/*") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read().decode()
    finally:
        connection.close()


def server(ready: str | None = None, hangs_after_s: float = 15.0) -> OpsServer:
    registry = CollectorRegistry()
    Counter("leads", "Leads", registry=registry).inc(3)
    return OpsServer(HOST, 0, registry, lambda: ready, hangs_after_s)


async def test_a_worker_in_order_is_live_ready_and_measured() -> None:
    """200 for each, and the registry's text."""
    async with server() as ops:
        assert await asyncio.to_thread(get, ops.port, "/livez") == (200, "text/plain; charset=utf-8", "ok\n")
        assert (await asyncio.to_thread(get, ops.port, "/readyz"))[0] == 200
        status, content_type, body = await asyncio.to_thread(get, ops.port, "/metrics")
        assert (status, content_type.split(";")[0]) == (200, "text/plain")
        assert "leads_total 3.0" in body
        open_metrics = await asyncio.to_thread(get, ops.port, "/metrics?x=1", "application/openmetrics-text")
        assert open_metrics[1].startswith("application/openmetrics-text")
        assert (await asyncio.to_thread(get, ops.port, "/"))[0] == 404


async def test_not_ready_says_why_and_stays_live() -> None:
    """An orchestrator waits for a recovery, it does not kill it."""
    async with server("recovering: 1,000 records left") as ops:
        assert await asyncio.to_thread(get, ops.port, "/readyz") == (
            503,
            "text/plain; charset=utf-8",
            "recovering: 1,000 records left\n",
        )
        assert (await asyncio.to_thread(get, ops.port, "/livez"))[0] == 200


async def test_a_hanging_event_loop_is_not_live_and_is_live_again_when_it_turns() -> None:
    """The server answers beside the loop, which here is blocked by the very question."""
    async with server(hangs_after_s=0.2) as ops:
        time.sleep(0.5)  # noqa: ASYNC251 - the loop must hang
        status, _, body = get(ops.port, "/livez")
        assert (status, body) == (503, "the event loop has not turned for 1 s\n")
        await asyncio.sleep(0.1)


async def test_a_taken_port_is_one_clear_line() -> None:
    """It names the address, the reason and the setting."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OpsPortTakenError, match=rf"127\.0\.0\.1:{port}: Address already in use.*worker\.ops_port"):
            async with OpsServer(HOST, port, CollectorRegistry(), lambda: None):
                pass


async def test_after_the_block_nothing_listens() -> None:
    """The port is free again."""
    async with server() as ops:
        port = ops.port
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(get, port, "/livez")
