"""The guard, attacked: who does not say who it is, and lies, stays outside."""

import json

import pytest

from engine.web.gate.access import Principal
from engine.web.gate.login import LOGIN
from engine.web.gate.security import HEADERS, Front
from tests.unit.web.inside import LEAD_KEY, OLE, OWN, PROXIED, inside
from tests.unit.web.principals import ANDY


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


async def test_bad_bearer_tokens_do_not_flood_the_audit() -> None:
    """Each is refused; the first few are told of, with the address and without the token."""
    async with inside() as board:
        for _ in range(20):
            assert (await board.get("/api/leads", Authorization="Bearer hl_x"))[0] == 401
        assert board.told == [("token", "refused", None)] * 5


async def test_the_audit_names_people_and_no_lead() -> None:
    """A line has time, action, outcome, who, role, address, and the lead's key; the token is in none."""
    async with inside() as board:
        token = board.access.admit(Principal("9", "ann@example.com", "operator"))
        await board.get("/leads/~x", Authorization=f"Bearer {token}")
        (line,) = board.lines
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
