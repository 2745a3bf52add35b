"""Nobody comes past this without saying who it is: every request to the board goes through here."""

import ssl
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from engine.web.api.problems import Refusal, problem
from engine.web.gate.access import Access, Principal, let_in, principal_of
from engine.web.gate.audit import Audit
from engine.web.gate.login import LOGIN, Failures, Login, onward_page, safe_next
from engine.web.gate.security import Front

OPEN = frozenset({LOGIN, "/static"})
"""Resources, as aiohttp found them, that anybody may have; all else, and what is not there, is for who is known."""

DATA = ("/api", "/events", "/rows")
"""Where programs and the page's script ask: they are told that they must log in, not sent to a page."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER = "bearer"


class Entrance(NamedTuple):
    """Who may come in, on which way, and who is told; `tls` is what the board itself encrypts with."""

    access: Access
    audit: Audit
    front: Front = Front()
    tls: ssl.SSLContext | None = None


class Guard:
    """Who asks, by a bearer token or a session, and whether that request may go on."""

    def __init__(self, entrance: Entrance) -> None:
        """The audit is told who logs in, out, and in vain; handlers tell it more by `audited`."""
        self._access, self._audit, self._front, _ = entrance
        self._login = Login(self._access, self._front, self._audit)
        self._told = Failures.usual()

    def login_link(self, principal: Principal) -> str:
        """The path at which `principal`, one of the access', comes in without a token: once, within 10 minutes."""
        return self._login.link(principal)

    def routes(self) -> list[web.RouteDef]:
        """Login and logout."""
        return self._login.routes()

    def who(self, request: web.Request) -> Principal | None:
        """Who asks. A bearer token decides alone: where it is no good, a session beside it does not help."""
        token = bearer(request)
        return self._login.holder(request) if token is None else self._access.authenticate(token)

    def audit(self, request: web.Request, action: str, lead: str | None, outcome: str) -> None:
        """Whoever was let in with `request` did `action`."""
        self._audit.write(principal_of(request), self._front.remote(request), action, lead=lead, outcome=outcome)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Lets through who is known, and to what is open; tells all others how to come in."""
        refusal = self._front.refusal(request)
        if refusal is not None:
            raise web.HTTPForbidden(text=f"{refusal}\n")
        if request.method not in _SAFE and bearer(request) is None and not self._front.is_own(request):
            return problem(request.path, Refusal(HTTPStatus.FORBIDDEN, "this was sent by a page of another site"))
        if _is_open(request):
            return await handler(request)
        who = self.who(request)
        if who is None:
            return self._unknown(request)
        let_in(request, who)
        return await handler(request)

    def _unknown(self, request: web.Request) -> web.StreamResponse:
        if _is_data(request):
            self._tell_refused(request)
            told = {"WWW-Authenticate": 'Bearer realm="heatline"'}
            return problem(request.path, Refusal(HTTPStatus.UNAUTHORIZED, "expected a good token", headers=told))
        here = safe_next(request.path_qs) if request.method in _SAFE else "/"
        if (
            request.headers.get("Sec-Fetch-Site") == "cross-site"
            and request.headers.get("Sec-Fetch-Dest") == "document"
        ):
            # A link in a mail or a chat: the browser keeps a strict cookie back until a page of ours asks.
            return onward_page(here)
        raise web.HTTPSeeOther(LOGIN if here == "/" else f"{LOGIN}?{urlencode({'next': here})}")

    def _tell_refused(self, request: web.Request) -> None:
        """Tells of a bearer token that is no good, as often as of logins that fail: nobody can fill the disk."""
        remote = self._front.remote(request)
        if bearer(request) is not None and not self._told.wait_s(remote):
            self._told.take(remote)
            self._audit.write(None, remote, "token", outcome="refused")


_GUARD = web.AppKey("guard", Guard)


def guard(app: web.Application, entrance: Entrance) -> Guard:
    """From now on `app` answers only those who may come in; middlewares added before this one see everybody."""
    guarding = Guard(entrance)
    app[_GUARD] = guarding
    app.middlewares.append(guarding.middleware)
    app.add_routes(guarding.routes())
    return guarding


def still_in(request: web.Request) -> bool:
    """Whether who was let in with `request` would be now, with the same rights: a stream that is not, ends."""
    return request.config_dict[_GUARD].who(request) == principal_of(request)


def audited(request: web.Request, action: str, lead: str | None = None, outcome: str = "ok") -> None:
    """Who asks did `action`, such as `lead.seen`, with the lead of this key; nothing where no guard stands."""
    guarding = request.config_dict.get(_GUARD)
    if guarding is not None:
        guarding.audit(request, action, lead, outcome)


def bearer(request: web.Request) -> str | None:
    """The bearer token of a request; a proxy's own kinds of authorization are none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == _BEARER else None


def _is_open(request: web.Request) -> bool:
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical in OPEN


def _is_data(request: web.Request) -> bool:
    if any(request.path == prefix or request.path.startswith(f"{prefix}/") for prefix in DATA):
        return True
    return bearer(request) is not None or request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
