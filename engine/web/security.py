"""What keeps the board to those it is for: where it listens, which names it answers to, what a browser may load."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def check_bind(host: str, *, allow_remote: bool) -> None:
    """Raises ValueError where others than this machine could connect and nobody said that they may."""
    if allow_remote or is_loopback(host):
        return
    raise ValueError(
        f"board host {host!r} can be reached from other machines, and the board asks nobody who they are; "
        "use 127.0.0.1, or allow it explicitly"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to `host`; an empty host means every address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def only_hosts(names: Iterable[str]) -> Middleware:
    """A middleware that answers requests for loopback and `names` only.

    A page elsewhere can point its own name at 127.0.0.1 and would then read the board as its own origin.
    """
    known = LOOPBACK_NAMES | {name.lower() for name in names}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if host_name(request.headers.get("Host", "")) not in known:
            raise web.HTTPMisdirectedRequest(text="This board does not answer to that name.\n")
        return await handler(request)

    return check


def host_name(header: str) -> str | None:
    """The name in a Host header, lower case, without port and brackets; None where there is none."""
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """A signal handler: every response carries `HEADERS` and, unless it says otherwise, is not stored."""
    response.headers.update(HEADERS)
    # aiohttp would tell its version.
    response.headers["Server"] = "heatline"
    response.headers.setdefault("Cache-Control", "no-store")
