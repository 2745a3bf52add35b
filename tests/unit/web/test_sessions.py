"""Sessions: good for who they were made for, as long as the token is, and made by nobody else."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.web.gate.access import Access, Principal, Token, hash_of
from engine.web.gate.sessions import LINK_S, LINKS_MAX, SESSION_S, Links, begin, holder

ANDY = Principal("1", "Andy", "rep", "andy")
OLE = Principal("2", "Ole", "operator")


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def access(key: bytes = b"key", clock: Clock | None = None, **tokens: str) -> Access:
    whose = {"andy": ANDY, "ole": OLE}
    held = [Token(hash_of(text), whose[name]) for name, text in tokens.items()]
    return Access(key, held, clock or Clock())


def test_a_session_is_its_owners_for_twelve_hours() -> None:
    """Also in another process with the same file: a board may restart."""
    clock = Clock()
    cookie = begin(access(andy="a", ole="o", clock=clock), ANDY)
    restarted = access(andy="a", ole="o", clock=clock)
    assert holder(restarted, cookie) == ANDY
    clock.now_s += SESSION_S - 1
    assert holder(restarted, cookie) == ANDY
    clock.now_s += 1
    assert holder(restarted, cookie) is None


def test_a_session_ends_with_its_token() -> None:
    """Revoked, over, or another token under the same id."""
    clock = Clock()
    cookie = begin(access(andy="a", clock=clock), ANDY)
    assert holder(access(ole="o"), cookie) is None
    assert holder(access(andy="another"), cookie) is None
    over = Access(b"key", [Token(hash_of("a"), ANDY, expires_s=clock.now_s)], clock)
    assert holder(over, cookie) is None


def test_a_session_of_another_key_is_none() -> None:
    cookie = begin(access(b"other", andy="a"), ANDY)
    assert holder(access(andy="a"), cookie) is None


def forged(stated: bytes, signature: bytes) -> str:
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in (stated, signature))


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        ".",
        "..",
        "a",
        "é.é",
        "\udc80.\udc80",
        "=.=",
        "%00",
        "x" * 100_000,
        forged(b"", b""),
        forged(b'["1",99999999999]', b""),
        forged(b'["1",99999999999]', bytes(32)),
        forged(b'["none",99999999999]', bytes(32)),
        forged(b'["1","soon"]', bytes(32)),
        forged(b"[" * 500, bytes(32)),
        forged(b"\xff", bytes(32)),
    ],
)
def test_what_is_no_session_lets_nobody_in(cookie: str) -> None:
    """Nor does it raise."""
    assert holder(access(andy="a"), cookie) is None


GOOD = begin(access(andy="a", ole="o"), ANDY)
ENDS = {GOOD.index(".") - 1, len(GOOD) - 1}
"""Of its two texts in base64."""


@given(st.integers(0, len(GOOD) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_a_changed_session_is_none_or_says_the_same(at: int, char: str) -> None:
    """No change of a character makes it another's or longer (the last bits of either text in base64 say nothing)."""
    changed = GOOD[:at] + char + GOOD[at + 1 :]
    assert holder(access(andy="a", ole="o"), changed) in ({ANDY, None} if at in ENDS or char == GOOD[at] else {None})


def test_the_signature_of_one_claim_is_no_other_ones() -> None:
    """Two good sessions cannot be mixed."""
    both = access(andy="a", ole="o")
    andys, oles = begin(both, ANDY).split("."), begin(both, OLE).split(".")
    assert holder(both, f"{andys[0]}.{oles[1]}") is None
    assert holder(both, f"{oles[0]}.{andys[1]}") is None


def test_a_link_works_once_and_for_ten_minutes() -> None:
    clock = Clock()
    links = Links(clock)
    code = links.make(ANDY)
    assert (links.take("other"), links.take(code), links.take(code)) == (None, "1", None)
    code = links.make(ANDY)
    clock.now_s += LINK_S
    assert links.take(code) is None


def test_links_that_nobody_uses_are_bounded() -> None:
    links = Links(Clock())
    codes = [links.make(ANDY) for _ in range(LINKS_MAX + 1)]
    assert [links.take(codes[0]), links.take(codes[1])] == [None, "1"]
