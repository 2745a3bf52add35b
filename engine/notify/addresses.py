"""Where messages may go: to public addresses, and to hosts that the operator allows by name.

A name is resolved once for an attempt, every address that it has is looked at, and the connection goes to one of these
very addresses: a name server that changes its answer changes nothing.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

RESOLVERS = 16

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Refused(Exception):
    """The target is not to be connected to; the text says why and what would allow it."""


def is_public(address: str) -> bool:
    """Whether an IP address is one that everybody can reach: not private, loopback, link-local, multicast, reserved.

    An IPv6 address that stands for an IPv4 one is what that is.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if ip in _NAT64 or int(ip) >> 32 == 0:
            embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if embedded:
            return is_public(str(embedded))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class CheckedResolver(AbstractResolver):
    """Resolves names for connections, in threads of its own so that a slow name server holds up nobody else."""

    def __init__(self, allowed: Collection[str]) -> None:
        """`allowed`: hosts that may have any address, in lower case."""
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of `host`. Raises Refused if one of them is not public and the host not allowed."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _look_up, host, port, family)
        addresses = list(dict.fromkeys(found))
        for _, address, _ in addresses:
            self.check(host, address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=family,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family, address, port in addresses
        ]

    def check(self, host: str, address: str) -> None:
        """Raises Refused if `address`, which `host` has, is not public and the host not allowed."""
        if host.lower() not in self._allowed and not is_public(address):
            raise Refused(f"{host} has the address {address}, which is not public; notify.allow_private could name it")

    def check_literal(self, url: URL) -> None:
        """Raises Refused for an address, instead of a name, that is not public and not allowed: nothing resolves it."""
        host = url.host or ""
        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return
        self.check(host, host)

    async def close(self) -> None:
        """Let its threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[tuple[socket.AddressFamily, str, int]]:
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [(family, str(place[0]), int(place[1])) for family, _, _, _, place in found]


def http_session(resolver: CheckedResolver) -> aiohttp.ClientSession:
    """A client that connects only where `resolver` lets it, knows no proxy, and keeps no cookie."""
    # How many there are at once is for each queue to say: one receiver that hangs must not use up what others need.
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=0)
    return aiohttp.ClientSession(
        connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )
