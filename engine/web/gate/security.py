"""What keeps the board to those it is for: where it listens, which names it answers to, what a browser may load."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_HOPS_MAX = 20

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, browsers would send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def check_bind(host: str, front: "Front") -> None:
    """Raises ValueError where tokens and leads would go over a network that anybody can read."""
    if front.tls or front.proxies or is_loopback(host):
        return
    raise ValueError(
        f"{host!r} can be reached from other machines, and nothing encrypts what they send and see: expected TLS "
        "(board.tls_cert and board.tls_key), a proxy in front that ends it (board.proxy), or 127.0.0.1"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to `host`; an empty host means every address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Front(NamedTuple):
    """What stands between browsers and the board: its own TLS, or proxies that end it, by their addresses."""

    tls: bool = False
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()

    def remote(self, request: web.Request) -> str:
        """The address that asks. What a header says of it counts as far as proxies of ours wrote it."""
        found = _address(request.remote or "")
        if found is None or not self._is_proxy(found):
            return str(found or "unknown")
        passed = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        for text in reversed(passed[-_HOPS_MAX:]):
            before = _address(text.strip())
            if before is None:
                break
            found = before
            if not self._is_proxy(found):
                break
        return str(found)

    def is_secure(self, request: web.Request) -> bool:
        """Whether the browser came by https; a proxy that does not say is believed to have ended it.

        Not so under a loopback name, which is how one looks on the machine itself.
        """
        if self.tls or not self._came_by_proxy(request):
            return self.tls
        said = self._said_scheme(request)
        return said == "https" or not (said or is_loopback(host_name(request.headers.get("Host", "")) or ""))

    def refusal(self, request: web.Request) -> str | None:
        """Why nothing is answered on this connection: what it carries can be read on its way."""
        if self.tls or not self.proxies:
            return None
        peer = _address(request.remote or "")
        if not self._came_by_proxy(request):
            return None if peer is not None and peer.is_loopback else "This board answers through its proxy only."
        return "This board is for https only." if self._said_scheme(request) not in {"", "https"} else None

    def is_own(self, request: web.Request) -> bool:
        """Whether a page of the board itself sent this, and none of another site."""
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site == "same-origin"
        scheme = "https" if self.is_secure(request) else "http"
        return request.headers.get("Origin") == f"{scheme}://{request.headers.get('Host', '')}"

    def _came_by_proxy(self, request: web.Request) -> bool:
        peer = _address(request.remote or "")
        return peer is not None and self._is_proxy(peer)

    def _said_scheme(self, request: web.Request) -> str:
        said = ",".join(request.headers.getall("X-Forwarded-Proto", []))
        return said.rpartition(",")[2].strip().lower()

    def _is_proxy(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.proxies)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


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
