"""The board: the hottest leads and the latest alerts and assignments, live, and one page a lead.

Nobody logs in, so it listens on loopback alone unless a setting allows more.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from engine.readmodel.events import decode_score
from engine.readmodel.port import ReadModel, ReadModelAway
from engine.web.api import api_routes, problem
from engine.web.live import Live
from engine.web.pages import Pages
from engine.web.security import add_headers, check_bind, only_hosts

VIEWERS_MAX = 200
"""Pages that may follow at once; each holds one connection and no queue."""

KEEP_ALIVE_S = 15.0
WRITE_TIMEOUT_S = 10.0
_STATIC = Path(__file__).with_name("static")
_SHUTDOWN_S = 1.0


class Board:
    """A web server over a read model; an async context manager, or `start` and `close`."""

    def __init__(
        self,
        model: ReadModel,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        names: Sequence[str] = (),
        allow_remote: bool = False,
    ) -> None:
        """Port 0: any free one. `names`: the names besides loopback's that browsers may use for it.

        Raises ValueError for a host that other machines can reach, unless `allow_remote`.
        """
        check_bind(host, allow_remote=allow_remote)
        self._model = model
        self._host = host
        self._port = port
        self._pages = Pages()
        self._live = Live(model, self._pages.sections)
        self._viewers = 0
        self._following: asyncio.Task[None] | None = None
        self._runner = web.AppRunner(self._app([host, *names]), shutdown_timeout=_SHUTDOWN_S, access_log=None)

    async def start(self) -> str:
        """Listen, and return the address of the page. Raises OSError where the port is taken."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._following = asyncio.create_task(self._live.run())
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    async def close(self) -> None:
        """Tell the viewers, and stop listening."""
        self._live.close()
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _app(self, names: Sequence[str]) -> web.Application:
        app = web.Application(middlewares=[only_hosts(names), self._readable_errors])
        app.on_response_prepare.append(add_headers)
        app.router.add_get("/", self._board)
        # A HEAD would be answered by a stream that never ends.
        app.router.add_get("/events", self._events, allow_head=False)
        app.router.add_get("/leads", self._lead)
        app.router.add_get("/leads/{id}", self._lead)
        app.router.add_static("/static", _STATIC)
        app.router.add_routes(api_routes(self._model, self._live))
        return app

    @web.middleware
    async def _readable_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ReadModelAway:
            text = "The read model is away. The worker goes on; this page works again when the store is back."
            if request.path.startswith("/api/"):
                return problem(web.HTTPServiceUnavailable.status_code, text)
            return self._page(self._pages.message("Not live", text), web.HTTPServiceUnavailable.status_code)

    async def _board(self, _: web.Request) -> web.Response:
        return self._page(self._pages.board(self._live))

    async def _lead(self, request: web.Request) -> web.Response:
        lead = request.match_info.get("id") or request.query.get("id", "")
        event = await self._model.lead(lead)
        if event is None:
            text = f"{lead} has no score here: it was never worth publishing, or is merged, erased or evicted."
            return self._page(self._pages.message("No such lead", text), web.HTTPNotFound.status_code)
        return self._page(self._pages.lead(decode_score(event).data))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: each section as a JSON string of HTML, whenever it changed."""
        if self._viewers >= VIEWERS_MAX:
            raise web.HTTPServiceUnavailable(text="Too many viewers.\n", headers={"Retry-After": "30"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        self._viewers += 1
        try:
            await self._follow(response, self._seen(request))
        except (TimeoutError, ConnectionError):
            # Gone, or too slow: it connects again and says what it has.
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._viewers -= 1
        return response

    async def _follow(self, response: web.StreamResponse, seen: int) -> None:
        live = self._live
        # Whoever connects wants to know at once whether this is live.
        fresh = {name for name, section in live.sections.items() if section.version > seen} | {"status"}
        while not live.closed:
            version = live.version
            said = [
                f"id: {live.epoch}-{version}\nevent: {name}\ndata: {msgspec.json.encode(section.html).decode()}\n\n"
                for name, section in live.sections.items()
                if name in fresh
            ]
            await asyncio.wait_for(response.write("".join(said or [": still here\n\n"]).encode()), WRITE_TIMEOUT_S)
            await live.beyond(version, KEEP_ALIVE_S)
            fresh = {name for name, section in live.sections.items() if section.version > version}

    def _seen(self, request: web.Request) -> int:
        """The version that a viewer has: from its reconnecting browser, else from its page; 0 if another process's."""
        text = request.headers.get("Last-Event-ID") or request.query.get("after", "")
        epoch, _, version = text.partition("-")
        return (
            int(version)
            if epoch == self._live.epoch and version.isascii() and version.isdigit() and len(version) < 16
            else 0
        )

    def _page(self, html: str, status: int = 200) -> web.Response:
        return web.Response(text=html, status=status, content_type="text/html", charset="utf-8")


async def serve_board(
    model: ReadModel,
    host: str,
    port: int,
    stop: asyncio.Event,
    on_ready: Callable[[str], None] = lambda _: None,
    *,
    names: Sequence[str] = (),
    allow_remote: bool = False,
) -> None:
    """Serve the board until `stop`; `on_ready` hears its address. Raises as `Board` and `Board.start` do."""
    board = Board(model, host, port, names=names, allow_remote=allow_remote)
    on_ready(await board.start())
    try:
        await stop.wait()
    finally:
        await board.close()
