"""Receivers of webhooks that do what they are told, on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

from tests.servers.process import HOST


class Got(NamedTuple):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float


class Receiver:
    """Answers by path: `/ok`, `/STATUS`, `/STATUS/RETRY_AFTER`, `/hang`, `/redirect`, `/flaky` (fails first)."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self.got: list[Got] = []
        self.port = 0

    def url(self, path: str) -> str:
        return f"http://{HOST}:{self.port}{path}"

    def of(self, path: str) -> list[Got]:
        return [one for one in self.got if one.path == path]

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        now_s = asyncio.get_running_loop().time()
        first = not self.of(request.path)
        self.got.append(
            Got(request.path, {name.lower(): value for name, value in request.headers.items()}, body, now_s)
        )
        kind, _, after = request.path.strip("/").partition("/")
        if kind == "hang":
            await asyncio.sleep(3_600)
        if kind == "redirect":
            return web.Response(status=302, headers={"Location": self.url("/ok")})
        if kind == "flaky" and first:
            return web.Response(status=500)
        status = int(kind) if kind.isdigit() else 200
        return web.Response(status=status, headers={"Retry-After": after} if after else {}, text="x" * 100_000)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """One that runs meanwhile."""
    made = Receiver()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()
