"""Messages go to public addresses, and to hosts that are allowed by name."""

import socket

import pytest
from yarl import URL

from engine.notify.addresses import CheckedResolver, Refused, is_public


@pytest.mark.parametrize(
    "address",
    [
        *[
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ],
        *["255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"],
        *["::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "2001:db8::1"],
        *["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1"],
        *["localhost", "", "1.2.3", "0x7f000001"],
    ],
)
def test_what_not_everybody_can_reach_is_not_public(address: str) -> None:
    """Private, loopback, link-local, shared, multicast, reserved, and all of these inside IPv6; or no address."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_everybody_can_reach_is_public(address: str) -> None:
    assert is_public(address)


async def test_a_name_with_a_private_address_is_refused_unless_allowed_by_name() -> None:
    """However it is spelt; the answer has nothing but addresses that were looked at."""
    refusing, allowing = CheckedResolver(frozenset()), CheckedResolver(frozenset({"localhost"}))
    for name in ("localhost", "2130706433", "0x7f.1"):
        with pytest.raises(Refused, match=r"not public; notify\.allow_private"):
            await refusing.resolve(name, 80, socket.AF_INET)
    [found] = await allowing.resolve("LocalHost", 80, socket.AF_INET)
    assert (found["hostname"], found["host"], found["port"]) == ("LocalHost", "127.0.0.1", 80)
    with pytest.raises(Refused):
        allowing.check_literal(URL("http://127.0.0.1/"))
    await refusing.close()
    await allowing.close()


def test_an_address_in_place_of_a_name_is_looked_at_too() -> None:
    """Nothing resolves it, so nothing else would."""
    resolver = CheckedResolver(frozenset({"127.0.0.1", "::1"}))
    for url in ("http://10.0.0.1/", "https://[fe80::1]/", "http://[::ffff:127.0.0.1]:80/"):
        with pytest.raises(Refused):
            resolver.check_literal(URL(url))
    for url in ("http://127.0.0.1:8080/", "http://[::1]/", "https://8.8.8.8/", "https://crm.example.com/"):
        resolver.check_literal(URL(url))
