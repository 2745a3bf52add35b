"""The login, attacked: led astray, flooded, and fed what is no form."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from engine.web.gate.access import Access
from engine.web.gate.audit import Audit
from engine.web.gate.login import LOGIN, NEXT_CHARS_MAX, Failures, Login, safe_next
from engine.web.gate.security import Front
from tests.unit.web.inside import OLE, OWN, PROXIED, inside
from tests.unit.web.principals import ANDY

BAD_NEXT = [
    "//evil.example", "/\\evil.example", "\t//evil.example", "/\t/evil.example", "https://evil.example", "evil.example",
    "\\\\evil.example", "/\n/evil.example", "/%0d%0aSet-Cookie:x=1\r\nX: y", "javascript:alert(1)", "", "/login?next=/",
    "/logout", "/ü", " /x", "/x y", "///evil.example", "/" * 2_000, "/\x7f", "http:/x", "?x", "@evil.example",
]  # fmt: skip


@pytest.mark.parametrize("asked", BAD_NEXT)
async def test_after_the_login_nobody_is_led_elsewhere(asked: str) -> None:
    """Neither by a form nor by a link; nor does anything get into a header."""
    async with inside() as board:
        form = {"token": board.access.admit(ANDY), "next": asked}
        assert await board.post(LOGIN, form) == (303, "/")
        async with board.client.get(LOGIN, params={"next": asked}, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/")


@given(st.text(alphabet="/\\.\t\n\r:@%?#ae09é \x00", max_size=12) | st.text(max_size=30))
def test_where_the_login_leads_is_always_on_this_board(asked: str) -> None:
    """For any text: as a browser joins it to the board's address."""
    joined = URL("https://board.example/login").join(URL(safe_next(asked), encoded=True))
    assert (joined.scheme, joined.host, joined.port) == ("https", "board.example", 443)
    assert safe_next(safe_next(asked)) == safe_next(asked)
    assert len(safe_next("/" + asked * 100)) <= NEXT_CHARS_MAX


async def test_every_failure_to_log_in_looks_the_same() -> None:
    """No token, a wrong one, one that was revoked: one answer."""
    async with inside() as board:
        revoked = board.access.admit(ANDY)
        board.access.use(b"key", [])
        answers = [await board.post(LOGIN, form) for form in ({}, {"token": "hl_x"}, {"token": revoked})]
        assert {status for status, _ in answers} == {403}
        assert len({text for _, text in answers}) == 1
        assert revoked not in answers[2][1]
        assert board.told == [("login", "refused", None)] * 3


async def test_who_fails_five_times_waits_and_others_do_not() -> None:
    """Also with a good token, so that the answer tells nothing; the wait is said. A right login before is fine."""
    async with inside(PROXIED) as board:
        token = board.access.admit(ANDY)
        for _ in range(5):
            assert (await board.post(LOGIN, {"token": "x"}, {**OWN, "X-Forwarded-For": "192.0.2.1"}))[0] == 403
        form = {"token": token}
        headers = {**OWN, "X-Forwarded-For": "192.0.2.1"}
        async with board.client.post(LOGIN, data=form, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 429
            assert 1 <= int(answer.headers["Retry-After"]) <= 11
        assert (await board.post(LOGIN, form, {**OWN, "X-Forwarded-For": "192.0.2.2"}))[0] == 303
        assert [line[1] for line in board.told] == ["refused"] * 5 + ["ok"]


async def test_a_flood_from_many_addresses_is_bounded_as_a_whole() -> None:
    """200 at once from everywhere; who comes then, from wherever, is told to wait and not looked at."""
    failures = Failures.usual()
    for number in range(220):
        failures.take(f"10.0.0.{number}")
    assert failures.wait_s("192.0.2.1") > 0
    app = web.Application()
    app.add_routes(Login(Access.in_memory(), Front(), Audit(), failures).routes())
    async with TestClient(TestServer(app)) as client, client.post(LOGIN, data={"token": "x"}) as answer:
        assert answer.status == 429


async def test_one_host_of_ipv6_has_one_limit_for_all_its_addresses() -> None:
    """It has 2^64 of them."""
    async with inside(PROXIED) as board:
        statuses = [
            (await board.post(LOGIN, {"token": "x"}, {**OWN, "X-Forwarded-For": f"2001:db8::{number:x}"}))[0]
            for number in range(6)
        ]
        assert statuses == [403] * 5 + [429]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b"token=x", 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/x-www-form-urlencoded", b"token=" + b"x" * 100_000, 413),
        ("application/x-www-form-urlencoded; charset=none-such", b"token=x", 400),
        ("application/x-www-form-urlencoded; charset=utf-16", b"token=x", 400),
        ("application/x-www-form-urlencoded", b"token=\xff", 400),
        ("application/x-www-form-urlencoded", b"token=%ff%00&next=%ff", 403),
        ("application/x-www-form-urlencoded", b"", 403),
    ],
)
async def test_a_hostile_body_is_refused(content_type: str, body: bytes, status: int) -> None:
    async with inside() as board:
        headers = {**OWN, "Content-Type": content_type}
        async with board.client.post(LOGIN, data=body, headers=headers) as answer:
            assert answer.status == status


async def test_what_is_asked_for_is_shown_as_text() -> None:
    """Nothing of an address becomes HTML."""
    async with inside() as board:
        _, text = await board.get("/login?next=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        assert "<script" not in text
        assert "/&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in text


async def test_a_login_link_works_once_and_a_look_does_not_use_it() -> None:
    """Mail programs ask with HEAD what a link is. Who has been let in needs no token for the session."""
    async with inside(None, ANDY) as board:
        bearer = f"Bearer {board.access.admit(OLE)}"
        _, link = await board.get("/link", Authorization=bearer)
        async with board.client.head(link) as answer:
            assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)
        assert await board.get(f"{link}&next=//evil.example") == (303, "/")
        assert await board.get("/") == (200, "Andy")
        board.client.session.cookie_jar.clear()
        status, text = await board.get(link)
        assert status == 403
        assert "used already" in text
        assert await board.get("/") == (303, "/login")
