"""A guarded application for tests of the way in, and a client before it."""

import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from engine.web.gate.access import Access, Principal, principal_of
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance, audited, guard, still_in
from engine.web.gate.login import LOGIN
from engine.web.gate.security import Front, add_headers
from tests.unit.web.principals import ANDY

OLE = Principal("2", "Ole", "operator")
PROXIED = Front(proxies=(ip_network("127.0.0.0/8"),))
OWN = {"Sec-Fetch-Site": "same-origin"}
LEAD_KEY = "~" + "k" * 22
STATIC = Path(__file__).parents[3] / "engine" / "web" / "static"

Client = TestClient[web.Request, web.Application]


class Inside:
    """A guarded application with a page, an API and a stream, and who may come in to it."""

    def __init__(self, client: Client, access: Access, lines: list[dict[str, Any]]) -> None:
        self.client = client
        self.access = access
        self.lines = lines

    @property
    def told(self) -> list[tuple[str, str, str | None]]:
        """What the audit was told: action, outcome and who."""
        return [(line["action"], line["outcome"], line.get("name")) for line in self.lines]

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """The status, and where a redirection leads, else the text."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = URL(f"{self.client.make_url('/').origin()}{path}", encoded=True)
        async with self.client.session.get(url, headers=named, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] = OWN) -> tuple[int, str]:
        async with self.client.post(path, data=form, headers=dict(headers), allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def log_in(self, principal: Principal) -> str:
        """The cookie of a new session, which the client keeps."""
        assert (await self.post(LOGIN, {"token": self.access.admit(principal)}))[0] == 303
        return self.client.session.cookie_jar.filter_cookies(self.client.make_url("/"))["heatline"].value


async def _say_who(request: web.Request) -> web.Response:
    audited(request, "lead.seen", LEAD_KEY)
    return web.Response(text=principal_of(request).name)


async def _still(request: web.Request) -> web.Response:
    before = still_in(request)
    request.app[_ACCESS].use(b"key", [])
    return web.json_response([before, still_in(request)])


_ACCESS = web.AppKey("access", Access)


@asynccontextmanager
async def inside(front: Front | None = None, *principals: Principal) -> AsyncIterator[Inside]:
    lines: list[dict[str, Any]] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(record.getMessage()))

    app = web.Application()
    app.on_response_prepare.append(add_headers)
    access = Access.in_memory(*principals)
    app[_ACCESS] = access
    guarding = guard(app, Entrance(access, Audit(), front or Front()))

    async def link(_: web.Request) -> web.Response:
        return web.Response(text=guarding.login_link(ANDY))

    for path in ("/", "/leads/{key}", "/api/leads", "/events"):
        app.router.add_get(path, _say_who)
    app.router.add_post("/leads/{key}", _say_who)
    app.router.add_get("/still", _still)
    app.router.add_static("/static", STATIC)
    app.router.add_get("/link", link)
    handler = Lines()
    logger = logging.getLogger("heatline.audit")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        async with TestClient(TestServer(app)) as client:
            yield Inside(client, access, lines)
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
