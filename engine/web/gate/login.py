"""Coming in: the page that asks for a token, links for one use, and going out again."""

from ipaddress import IPv6Network
from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from engine.web.gate.access import Access, Principal
from engine.web.gate.audit import Audit
from engine.web.gate.limits import Limit
from engine.web.gate.security import Front
from engine.web.gate.sessions import SESSION_S, Links, begin, holder
from engine.web.pages import as_page, environment

COOKIE = "heatline"
LOGIN = "/login"
LOGOUT = "/logout"
NEXT_CHARS_MAX = 1_000
BODY_BYTES_MAX = 8_192

UNKNOWN = "This token lets nobody in: it is wrong, revoked or over."
USED = "This link lets nobody in: it was used already, or is older than 10 minutes."
_ANYBODY = ""


class Failures(NamedTuple):
    """What bounds how often people fail to come in."""

    of_one: Limit
    of_all: Limit

    @classmethod
    def usual(cls) -> "Failures":
        """5 at once from an address and then one in 10 s; 200 at once from everywhere and then 20 a second."""
        return cls(Limit(burst=5, every_s=10), Limit(burst=200, every_s=0.05, keys_max=1))

    def wait_s(self, address: str) -> float:
        """How long until one from this address may try."""
        return max(self.of_one.wait_s(_neighbours(address)), self.of_all.wait_s(_ANYBODY))

    def take(self, address: str) -> None:
        """One from this address failed."""
        self.of_one.take(_neighbours(address))
        self.of_all.take(_ANYBODY)


class Login:
    """The handlers of `/login` and `/logout`."""

    def __init__(self, access: Access, front: Front, audit: Audit, failures: Failures | None = None) -> None:
        """`failures` are counted here, for this process."""
        self._access = access
        self._front = front
        self._audit = audit
        self._failures = failures or Failures.usual()
        self._links = Links()

    def routes(self) -> list[web.RouteDef]:
        """What is added to the board's."""
        return [web.get(LOGIN, self._show), web.post(LOGIN, self._try), web.post(LOGOUT, self._leave)]

    def link(self, principal: Principal) -> str:
        """Where `principal` comes in without a token: once, within 10 minutes."""
        return f"{LOGIN}?{urlencode({'code': self._links.make(principal)})}"

    def holder(self, request: web.Request) -> Principal | None:
        """Whose session the request's cookie is."""
        return holder(self._access, request.cookies.get(self._cookie(request), ""))

    async def _show(self, request: web.Request) -> web.Response:
        there = safe_next(request.query.get("next", ""))
        code = request.query.get("code")
        # A HEAD is a look at the link, by a mail program for one, and must not use it up.
        if code is None or request.method == "HEAD":
            if self.holder(request) is not None:
                raise web.HTTPSeeOther(there)
            return login_page(there)
        remote = self._front.remote(request)
        wait_s = self._failures.wait_s(remote)
        if wait_s:
            return _later(there, wait_s)
        principal = self._access.principal(self._links.take(code) or "")
        return self._fail(remote, there, USED) if principal is None else self._enter(request, principal, there)

    async def _try(self, request: web.Request) -> web.Response:
        if request.content_type != "application/x-www-form-urlencoded":
            raise web.HTTPUnsupportedMediaType(text="Expected the form of the login page.\n")
        try:
            form = await request.clone(client_max_size=BODY_BYTES_MAX).post()
        except (LookupError, ValueError):  # a charset that there is not, or bytes that are none of it
            raise web.HTTPBadRequest(text="Expected the form of the login page, in UTF-8.\n") from None
        there = safe_next(str(form.get("next", "")))
        remote = self._front.remote(request)
        wait_s = self._failures.wait_s(remote)
        if wait_s:
            return _later(there, wait_s)
        principal = self._access.authenticate(str(form.get("token", "")).strip())
        return self._fail(remote, there, UNKNOWN) if principal is None else self._enter(request, principal, there)

    async def _leave(self, request: web.Request) -> web.Response:
        self._audit.write(self.holder(request), self._front.remote(request), "logout")
        response = web.Response(status=web.HTTPSeeOther.status_code, headers={"Location": LOGIN})
        response.del_cookie(self._cookie(request), secure=self._front.is_secure(request), httponly=True)
        return response

    def _fail(self, remote: str, there: str, why: str) -> web.Response:
        self._failures.take(remote)
        self._audit.write(None, remote, "login", outcome="refused")
        return login_page(there, why, web.HTTPForbidden.status_code)

    def _enter(self, request: web.Request, principal: Principal, there: str) -> web.Response:
        self._audit.write(principal, self._front.remote(request), "login")
        response = web.Response(status=web.HTTPSeeOther.status_code, headers={"Location": there})
        response.set_cookie(
            self._cookie(request),
            begin(self._access, principal),
            max_age=SESSION_S,
            path="/",
            secure=self._front.is_secure(request),
            httponly=True,
            samesite="Strict",
        )
        return response

    def _cookie(self, request: web.Request) -> str:
        """Browsers take a `__Host-` cookie from this host by https only: no neighbour's name can set one."""
        return f"__Host-{COOKIE}" if self._front.is_secure(request) else COOKIE


def login_page(there: str, why: str = "", status: int = 200) -> web.Response:
    """The page that asks for a token and leads on to `there`, a path that `safe_next` gave."""
    return _page("login.html", status, there=there, why=why)


def onward_page(there: str) -> web.Response:
    """A page that leads on to `there` by itself: for a page of ours, the browser sends the session's cookie."""
    return _page("onward.html", web.HTTPOk.status_code, there=there)


def safe_next(asked: str) -> str:
    r"""`asked` where it is a path on this board; else the board itself.

    Browsers take `//host`, `/\host` and what holds tabs and line ends for addresses elsewhere.
    """
    is_path = asked.startswith("/") and not asked.startswith("//") and asked.isascii() and asked.isprintable()
    if not is_path or "\\" in asked or " " in asked or len(asked) > NEXT_CHARS_MAX:
        return "/"
    return "/" if asked.partition("?")[0] in {LOGIN, LOGOUT} else asked


def _later(there: str, wait_s: float) -> web.Response:
    seconds = int(wait_s) + 1
    response = login_page(
        there, f"Too many have failed. Try again in {seconds} s.", web.HTTPTooManyRequests.status_code
    )
    response.headers["Retry-After"] = str(seconds)
    return response


def _neighbours(address: str) -> str:
    """An IPv6 host has a network of 64 bits to itself: all its addresses are one."""
    if ":" not in address:
        return address
    return str(IPv6Network((address.partition("%")[0], 64), strict=False))


def _page(template: str, status: int, **values: object) -> web.Response:
    return as_page(environment().get_template(template).render(values), status)
