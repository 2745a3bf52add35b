"""The way into the board, attacked: who does not say who it is, and lies, stays outside."""

import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from engine.web.access import Access, Principal, principal_of
from engine.web.audit import Audit
from engine.web.guard import Entrance, audited, guard, still_in
from engine.web.login import LOGIN, NEXT_CHARS_MAX, Failures, Login, safe_next
from engine.web.security import HEADERS, Front, add_headers

ANDY = Principal("1", "Andy", "rep", "andy")
OLE = Principal("2", "Ole", "operator")
PROXIED = Front(proxies=(ip_network("127.0.0.0/8"),))
OWN = {"Sec-Fetch-Site": "same-origin"}
LEAD_KEY = "~" + "k" * 22
STATIC = Path(__file__).parents[3] / "engine" / "web" / "static"

Client = TestClient[web.Request, web.Application]


class Inside:
    """A guarded application with a page, an API and a stream, and who may come in to it."""

    def __init__(self, client: Client, access: Access, lines: list[dict[str, Any]]) -> None:
        self.client = client
        self.access = access
        self._lines = lines

    @property
    def told(self) -> list[tuple[str, str, str | None]]:
        """What the audit was told: action, outcome and who."""
        return [(line["action"], line["outcome"], line.get("name")) for line in self._lines]

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """The status, and where a redirection leads, else the text."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = URL(f"{self.client.make_url('/').origin()}{path}", encoded=True)
        async with self.client.session.get(url, headers=named, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] = OWN) -> tuple[int, str]:
        async with self.client.post(path, data=form, headers=dict(headers), allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location") or await answer.text()

    async def log_in(self, principal: Principal) -> str:
        """The cookie of a new session, which the client keeps."""
        assert (await self.post(LOGIN, {"token": self.access.admit(principal)}))[0] == 303
        return self.client.session.cookie_jar.filter_cookies(self.client.make_url("/"))["heatline"].value


async def _say_who(request: web.Request) -> web.Response:
    audited(request, "lead.seen", LEAD_KEY)
    return web.Response(text=principal_of(request).name)


async def _still(request: web.Request) -> web.Response:
    before = still_in(request)
    request.app[_ACCESS].use(b"key", [])
    return web.json_response([before, still_in(request)])


_ACCESS = web.AppKey("access", Access)


@asynccontextmanager
async def inside(front: Front | None = None, *principals: Principal) -> AsyncIterator[Inside]:
    lines: list[dict[str, Any]] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(record.getMessage()))

    app = web.Application()
    app.on_response_prepare.append(add_headers)
    access = Access.in_memory(*principals)
    app[_ACCESS] = access
    guarding = guard(app, Entrance(access, Audit(), front or Front()))

    async def link(_: web.Request) -> web.Response:
        return web.Response(text=guarding.login_link(ANDY))

    for path in ("/", "/leads/{key}", "/api/leads", "/events"):
        app.router.add_get(path, _say_who)
    app.router.add_post("/leads/{key}", _say_who)
    app.router.add_get("/still", _still)
    app.router.add_static("/static", STATIC)
    app.router.add_get("/link", link)
    handler = Lines()
    logger = logging.getLogger("heatline.audit")
    logger.addHandler(handler)
    try:
        async with TestClient(TestServer(app)) as client:
            yield Inside(client, access, lines)
    finally:
        logger.removeHandler(handler)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logger = logging.getLogger("heatline.audit")
    before, logger.propagate = logger.propagate, False
    yield
    logger.propagate = before


async def test_nothing_but_login_and_static_files_is_open() -> None:
    """Pages lead to the login, programs are told how to come in; what is not there looks like what is."""
    async with inside() as board:
        assert await board.get("/") == (303, "/login")
        assert await board.get("/leads/~x?band=hot&q=a%26b") == (
            303,
            "/login?next=/leads/~x?band%3Dhot%26q%3Da%2526b",
        )
        assert await board.get("/no/such/page") == (303, "/login?next=/no/such/page")
        for path in ("/api/leads", "/api/none", "/api", "/events", "/rows"):
            status, text = await board.get(path)
            assert status == 401, path
            assert json.loads(text)["status"] == 401
        assert (await board.get("/static/board.css"))[0] == 200
        assert (await board.get(LOGIN))[0] == 200
        assert (await board.get("/", Sec_Fetch_Mode="cors"))[0] == 401


@pytest.mark.parametrize(
    "path",
    ["/static", "/static/", "/static/../", "/static/..%2f", "/static/%2e%2e/api/leads", "/static/../api/leads",
     "/login/", "/login/../api/leads", "//static/x", "/LOGIN", "/login%00", "/static%2f..%2fapi%2fleads",
     "/login;/../api/leads"],
)  # fmt: skip
async def test_no_spelling_of_an_open_path_opens_another(path: str) -> None:
    """What is open is decided by the resource that answers, not by the text of the path."""
    async with inside() as board:
        status, text = await board.get(path)
        assert status in {303, 401, 403, 404}
        assert "Andy" not in text


async def test_the_refusal_of_an_api_is_a_problem_that_names_the_way() -> None:
    async with inside() as board, board.client.get("/api/leads") as answer:
        assert answer.content_type == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="heatline"'
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


async def test_a_bearer_token_needs_no_session() -> None:
    """Also for what changes things, where no browser says whose page it was."""
    async with inside() as board:
        bearer = f"Bearer {board.access.admit(ANDY)}"
        assert await board.get("/api/leads", Authorization=bearer) == (200, "Andy")
        assert await board.get("/api/leads", Authorization=bearer.replace("Bearer", "bearer")) == (200, "Andy")
        assert await board.post("/leads/~x", {}, {"Authorization": bearer}) == (200, "Andy")


async def test_a_bad_bearer_token_is_not_helped_by_a_session_beside_it() -> None:
    """But the authorization of a proxy in front, of another kind, is not about us."""
    async with inside() as board:
        await board.log_in(ANDY)
        assert (await board.get("/", Authorization="Bearer hl_wrong"))[0] == 401
        assert (await board.get("/", Authorization="Bearer"))[0] == 401
        assert await board.get("/", Authorization="Basic YTpi") == (200, "Andy")


async def test_a_token_begins_a_session_and_logging_out_ends_it() -> None:
    """The cookie is for this host, for http only, and for requests of our own pages."""
    async with inside() as board:
        token = board.access.admit(ANDY)
        form = {"token": f" {token} ", "next": "/leads/~x"}
        async with board.client.post(LOGIN, data=form, headers=OWN, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/leads/~x")
            said = answer.headers["Set-Cookie"]
        assert token not in said
        assert said.partition("=")[0] == "heatline"
        assert set(said.split("; ")[1:]) == {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"}
        assert await board.get("/") == (200, "Andy")
        assert await board.get(LOGIN) == (303, "/")
        assert await board.post("/logout", {}) == (303, "/login")
        assert await board.get("/") == (303, "/login")
        assert board.told == [("login", "ok", "Andy"), ("lead.seen", "ok", "Andy"), ("logout", "ok", "Andy")]


@pytest.mark.parametrize("front", [Front(tls=True), PROXIED])
async def test_where_the_way_is_encrypted_the_cookie_takes_no_other(front: Front) -> None:
    """`__Host-` and Secure: neither plain HTTP nor another name of the domain can read or set it."""
    async with inside(front) as board:
        headers = {"Host": "leads.example.com", "Origin": "https://leads.example.com"}
        form = {"token": board.access.admit(ANDY)}
        async with board.client.post(LOGIN, data=form, headers=headers, allow_redirects=False) as answer:
            said = answer.headers["Set-Cookie"]
        assert said.startswith("__Host-heatline=")
        assert "; Secure" in said
        value = said.partition("=")[2].partition(";")[0]
        assert (await board.get("/", Host="leads.example.com", Cookie=f"__Host-heatline={value}"))[0] == 200
        assert (await board.get("/", Host="leads.example.com", Cookie=f"heatline={value}"))[0] == 303


async def test_a_revoked_token_ends_its_sessions_and_streams_at_once() -> None:
    async with inside() as board:
        await board.log_in(ANDY)
        assert await board.get("/still") == (200, "[true, false]")
        assert await board.get("/") == (303, "/login")


@pytest.mark.parametrize(
    "cookie", ["heatline=", "heatline=a.b", "heatline", "heatline=é.é", "heatline=%22; heatline=x.y.z"]
)
async def test_forged_cookies_are_none(cookie: str) -> None:
    async with inside(None, ANDY) as board:
        assert await board.get("/", Cookie=cookie) == (303, "/login")


async def test_the_session_of_another_board_is_none_here() -> None:
    """Another key, although the tokens have the same ids."""
    async with inside() as other:
        cookie = await other.log_in(ANDY)
    async with inside(None, ANDY) as board:
        assert await board.get("/", Cookie=f"heatline={cookie}") == (303, "/login")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
        {"Referer": "http://127.0.0.1/"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
        {"Origin": "OWN.evil.example"},
        {"Origin": "OWN "},
    ],
)
async def test_a_form_on_another_site_changes_nothing(headers: dict[str, str]) -> None:
    """Whatever such a page can make a browser send, the login itself included."""
    async with inside() as board:
        await board.log_in(ANDY)
        own = str(board.client.make_url("/").origin())
        sent = {name: value.replace("OWN", own) for name, value in headers.items()}
        if sent.get("Origin") == f"{own} ":
            sent["Origin"] = f"{own}x"
        assert (await board.post("/leads/~x", {}, sent))[0] == 403
        assert (await board.post("/logout", {}, sent))[0] == 403
        assert (await board.post(LOGIN, {"token": board.access.admit(OLE)}, sent))[0] == 403


async def test_our_own_forms_come_through() -> None:
    """By what the browser says of the page, or, where it does not, by the page's origin."""
    async with inside() as board:
        await board.log_in(ANDY)
        own = str(board.client.make_url("/").origin())
        for headers in (OWN, {"Origin": own}, {**OWN, "Origin": "null"}):
            assert await board.post("/leads/~x", {}, headers) == (200, "Andy")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_every_method_that_could_change_something_is_asked_whose_it_is(method: str) -> None:
    async with inside() as board:
        await board.log_in(ANDY)
        async with board.client.request(method, "/leads/~x") as answer:
            assert answer.status == 403


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


async def test_a_link_from_a_mail_finds_the_session() -> None:
    """A strict cookie is not sent from there: a page of ours asks once more. It leads nowhere else, and in no frame."""
    async with inside() as board:
        arriving = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "document", "Sec_Fetch_Mode": "navigate"}
        status, text = await board.get("/leads/~x?a=%22%3E", **arriving)
        assert status == 200
        assert 'content="0;url=/leads/~x?a=%22%3E"' in text
        assert 'content="0;url=/"' in (await board.get("//evil.example/", **arriving))[1]
        assert (await board.get("/leads/~x", **{**arriving, "Sec_Fetch_Dest": "iframe"}))[0] == 303
        assert (await board.get("/leads/~x", **{**arriving, "Sec_Fetch_Site": "same-origin"}))[0] == 303


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


async def test_bad_bearer_tokens_do_not_flood_the_audit() -> None:
    """Each is refused; the first few are told of, with the address and without the token."""
    async with inside() as board:
        for _ in range(20):
            assert (await board.get("/api/leads", Authorization="Bearer hl_x"))[0] == 401
        assert board.told == [("token", "refused", None)] * 5


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


async def test_the_audit_names_people_and_no_lead() -> None:
    """A line has time, action, outcome, who, role, address, and the lead's key; the token is in none."""
    async with inside() as board:
        token = board.access.admit(Principal("9", "ann@example.com", "operator"))
        await board.get("/leads/~x", Authorization=f"Bearer {token}")
        (line,) = board._lines
        assert line.pop("at").endswith("Z")
        assert line == {
            "action": "lead.seen",
            "outcome": "ok",
            "remote": "127.0.0.1",
            "who": "9",
            "name": "***@***",
            "role": "operator",
            "lead": LEAD_KEY,
        }
