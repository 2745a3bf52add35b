"""Where the board may listen, under which names, and what it believes of who asks."""

import asyncio
from collections.abc import Iterable, Mapping
from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from engine.web.gate.security import Front, check_bind, host_name

PROXIED = Front(proxies=(ip_network("10.0.0.0/24"), ip_network("2001:db8::/64")))


class Connection(asyncio.Transport):
    """As far as a request asks who is at its other end."""

    def __init__(self, peer: str) -> None:
        super().__init__({"peername": (peer, 1)})


def asked(peer: str, headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> web.Request:
    return make_mocked_request("POST", "/", headers, transport=Connection(peer))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_encryption(host: str) -> None:
    """Only this machine can connect there."""
    check_bind(host, Front())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "board.example.com"])
def test_other_machines_need_it(host: str) -> None:
    """Refused, naming the host and the three ways out, unless the board or a proxy in front encrypts."""
    with pytest.raises(
        ValueError, match=f"{host!r} can be reached from other machines.*tls_cert.*board.proxy.*127.0.0.1"
    ):
        check_bind(host, Front())
    check_bind(host, Front(tls=True))
    check_bind(host, PROXIED)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost:8710", "localhost"),
        ("LOCALHOST", "localhost"),
        ("[::1]:80", "::1"),
        ("127.0.0.1.evil.example", "127.0.0.1.evil.example"),
        ("evil.example@localhost", "localhost"),
        ("", None),
        ("[::1", None),
    ],
)
def test_the_name_in_a_host_header(header: str, name: str | None) -> None:
    """Without its port, lower case."""
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("peer", "passed", "remote"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("10.0.0.2", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.2", "198.51.100.7, 10.0.0.3", "198.51.100.7"),
        ("10.0.0.2", "10.0.0.4, 10.0.0.3", "10.0.0.4"),
        ("10.0.0.2", "198.51.100.7, rubbish", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("10.0.0.2", '"><script>', "10.0.0.2"),
        ("::ffff:10.0.0.2", "::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8::5", "2001:db8:1::7", "2001:db8:1::7"),
        ("10.0.0.2", ",".join(["10.0.0.9"] * 5_000), "10.0.0.9"),
        ("", "198.51.100.7", "unknown"),
    ],
)
def test_a_header_tells_an_address_as_far_as_our_proxies_wrote_it(peer: str, passed: str, remote: str) -> None:
    """The last address that no proxy of ours has; what stands before it, anybody may have written."""
    assert PROXIED.remote(asked(peer, {"X-Forwarded-For": passed})) == remote


def test_without_a_proxy_no_header_is_believed() -> None:
    """Of the address, and of the scheme."""
    request = asked("127.0.0.1", {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"})
    assert (Front().remote(request), Front().is_secure(request), Front().refusal(request)) == ("127.0.0.1", False, None)


def test_several_headers_are_one_list() -> None:
    """A proxy may add a header of its own behind that of the client."""
    headers = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "198.51.100.7")]
    assert PROXIED.remote(asked("10.0.0.2", headers)) == "198.51.100.7"


@given(st.text(max_size=60))
def test_an_address_is_one_whatever_the_header_says(text: str) -> None:
    """What goes to logs and limits is an address, and nothing that a client made up."""
    allowed = set("0123456789abcdef.:")
    assert set(PROXIED.remote(asked("10.0.0.2", {"X-Forwarded-For": text.partition("%")[0]}))) <= allowed


@pytest.mark.parametrize(
    ("peer", "headers", "is_secure", "refused"),
    [
        ("10.0.0.2", {"Host": "leads.example.com"}, True, False),
        ("10.0.0.2", {"Host": "leads.example.com", "X-Forwarded-Proto": "https"}, True, False),
        ("10.0.0.2", {"Host": "leads.example.com", "X-Forwarded-Proto": "http"}, False, True),
        ("10.0.0.2", {"Host": "leads.example.com", "X-Forwarded-Proto": "https, http"}, False, True),
        ("10.0.0.2", {"Host": "localhost:8080"}, False, False),
        ("127.0.0.1", {"Host": "localhost:8080"}, False, False),
        ("127.0.0.1", {"Host": "x", "X-Forwarded-Proto": "https"}, False, False),
        ("192.0.2.1", {"Host": "leads.example.com", "X-Forwarded-Proto": "https"}, False, True),
    ],
)
def test_who_comes_past_the_proxy_or_unencrypted_is_refused(
    peer: str, headers: dict[str, str], is_secure: bool, refused: bool
) -> None:
    """The proxy's word counts; this machine itself may look without it."""
    request = asked(peer, headers)
    assert (PROXIED.is_secure(request), PROXIED.refusal(request) is not None) == (is_secure, refused)


def test_the_boards_own_tls_needs_no_words() -> None:
    request = asked("192.0.2.1", {"X-Forwarded-Proto": "http"})
    assert (Front(tls=True).is_secure(request), Front(tls=True).refusal(request)) == (True, None)


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("https://leads.example.com", True),
        ("http://leads.example.com", False),
        ("https://leads.example.com:8443", False),
        ("https://leads.example.com.evil.example", False),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_a_page_of_our_own_has_our_scheme_name_and_port(origin: str, own: bool) -> None:
    request = asked("10.0.0.2", {"Host": "leads.example.com", "Origin": origin})
    assert PROXIED.is_own(request) is own
