"""The board: lists of leads, live, and one page a lead, for those who may see them."""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from engine.readmodel.port import ReadModel, ReadModelAway
from engine.web.api.operations import BODY_BYTES_MAX, Service
from engine.web.api.problems import problems
from engine.web.api.routes import api_routes
from engine.web.gate.access import Principal
from engine.web.gate.guard import Entrance, Guard, audited, guard
from engine.web.gate.security import add_headers, check_bind, only_hosts
from engine.web.lead.page import lead_routes
from engine.web.lead.workplace import Workplace
from engine.web.lists.index import Index
from engine.web.lists.routes import Lists
from engine.web.lists.views import Unwanted
from engine.web.live import Pulse
from engine.web.pages import Pages, as_page
from engine.web.port import Reps, Sender

_STATIC = Path(__file__).with_name("static")
_SHUTDOWN_S = 1.0
_CANCEL_AGAIN_S = 1.0


class Board:
    """A web server over a read model, between `start` and `close`."""

    def __init__(
        self,
        model: ReadModel,
        entrance: Entrance,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        names: Sequence[str] = (),
        sender: Sender | None = None,
        reps: Callable[[], Reps] = dict,
    ) -> None:
        """Port 0: any free one. `names`: the names besides loopback's that browsers may use for it.

        Without a `sender` it only shows. `reps` are those of routing.yaml as it is now.
        Raises ValueError for a host that other machines can reach where nothing encrypts what goes there.
        """
        check_bind(host, entrance.front)
        self._host = host
        self._port = port
        self._tls = entrance.tls
        self._pages = Pages()
        self._closing = asyncio.Event()
        self.index = Index(model, lambda: entrance.access.lead_key)
        self._pulse = Pulse(model, self.index, self._pages.say)
        self._guard, app = self._app([host, *names], entrance, sender, reps, model)
        # No browser packs what it sends; what cannot be unpacked would fill the log with traces.
        self._runner = web.AppRunner(app, shutdown_timeout=_SHUTDOWN_S, access_log=None, auto_decompress=False)
        self._following: list[asyncio.Task[None]] = []

    def _app(
        self,
        names: Sequence[str],
        entrance: Entrance,
        sender: Sender | None,
        reps: Callable[[], Reps],
        model: ReadModel,
    ) -> tuple[Guard, web.Application]:
        app = web.Application(middlewares=[only_hosts(names), problems], client_max_size=BODY_BYTES_MAX)
        app.on_response_prepare.append(add_headers)
        guarding = guard(app, entrance)
        app.middlewares.append(self._readable_errors)
        pages, index, closing = self._pages, self.index, self._closing
        app.add_routes(Lists(index, self._pulse, pages, closing).routes())
        app.add_routes(lead_routes(Workplace(model, index, sender, pages.render, lambda: pages.status, reps, closing)))
        app.add_routes(api_routes(Service(model, index, sender, reps, audited)))
        app.router.add_static("/static", _STATIC)
        return guarding, app

    async def start(self) -> str:
        """Listen, and return the address of the page. Raises OSError where the port is taken."""
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self._following = [asyncio.create_task(self.index.run()), asyncio.create_task(self._pulse.run())]
        host, port = self._runner.addresses[0][:2]
        shown = f"[{host}]" if ":" in host else host
        return f"{'http' if self._tls is None else 'https'}://{shown}:{port}/"

    async def close(self) -> None:
        """Tell the viewers, and stop listening."""
        self._closing.set()
        self.index.close()
        await _end(self._following)
        await self._runner.cleanup()

    def login_link(self, principal: Principal) -> str:
        """The path at which `principal` comes in without a token: once, within 10 minutes."""
        return self._guard.login_link(principal)

    @web.middleware
    async def _readable_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What goes wrong on a page, in words; the API has words of its own."""
        if request.path.startswith(("/api/", "/static/")):
            return await handler(request)
        try:
            return await handler(request)
        except ReadModelAway:
            text = "The read model is away. The worker goes on; this page works again when the store is back."
            return self._said(request, HTTPStatus.SERVICE_UNAVAILABLE, "Not live", text)
        except Unwanted as unwanted:
            texts = [f"{mistake.field}: {mistake.message}" for mistake in unwanted.mistakes]
            return self._said(request, HTTPStatus.BAD_REQUEST, "Not understood", *texts)
        except web.HTTPNotFound:
            return self._said(request, HTTPStatus.NOT_FOUND, "Nothing here", "There is no such page.")

    def _said(self, request: web.Request, status: HTTPStatus, title: str, *texts: str) -> web.Response:
        return as_page(self._pages.message(request, title, *texts), status)


async def _end(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Cancel until they end: redis-py waits with `asyncio.wait_for`, which in Python 3.11 can lose a cancellation."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_CANCEL_AGAIN_S)


async def serve_board(board: Board, stop: asyncio.Event, on_ready: Callable[[str], None] = lambda _: None) -> None:
    """Serve until `stop`; `on_ready` hears the address. Raises as `Board.start` does."""
    on_ready(await board.start())
    try:
        await stop.wait()
    finally:
        await board.close()
