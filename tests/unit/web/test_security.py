"""Who may open the board, and under which name."""

import pytest

from engine.web.security import check_bind, host_name


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_leave(host: str) -> None:
    """Only this machine can connect there."""
    check_bind(host, allow_remote=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "board.example.com"])
def test_other_machines_need_leave(host: str) -> None:
    """Refused, naming the host, unless it is allowed explicitly."""
    with pytest.raises(ValueError, match=f"board host {host!r} can be reached from other machines"):
        check_bind(host, allow_remote=False)
    check_bind(host, allow_remote=True)


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
