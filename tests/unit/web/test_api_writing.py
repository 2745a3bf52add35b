"""Writing by the API: what is said of leads and reps, and new leads."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.readmodel.samples import scored
from tests.unit.web.apisite import ADA, Site, ada, api_site, case


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with api_site() as site:
        await site.show(*ada(), scored("bob"), case("bob", "bea", "east"))
        yield site


async def errors(site: Site, path: str, body: object, who: str = "Andy") -> dict[str, str]:
    response = await site.post(path, body, who)
    assert (response.status, response.content_type) == (422, "application/problem+json")
    return {error["field"]: error["message"] for error in (await response.json())["errors"]}


async def test_a_rep_says_what_became_of_a_lead(site: Site) -> None:
    """It goes to the desk for the rep who says it; the answer is the desk's, refused ones with why."""
    said = await site.post(f"/leads/{ADA}/feedback", {"type": "lead.won", "amount": 5, "currency": "EUR"})
    assert (said.status, await said.json()) == (200, {"outcome": "accepted", "why": None})
    desk, value = site.desk.said[0]
    assert (desk, value["type"], value["lead"], value["rep"]) == ("main", "lead.won", ADA, "andy")
    said = await site.post(f"/leads/{ADA}/feedback", {"type": "lead.lost", "reason": "no"})
    assert (said.status, await said.json()) == (200, {"outcome": "refused", "why": f"{ADA} is not andy's"})
    key = site.index.key(ADA)
    assert site.audit.lines == [("Andy", "lead.won", key, "accepted"), ("Andy", "lead.lost", key, "refused")]


async def test_a_manager_speaks_for_who_has_the_lead(site: Site) -> None:
    """Of the regions that one manages."""
    assert (await site.post("/leads/bob/feedback", {"type": "lead.accepted"}, "Carla")).status == 200
    assert site.desk.said[0][1]["rep"] == "bea"


async def test_who_may_not(site: Site) -> None:
    """What one may not see is not there; what one may see and not touch is forbidden. Nothing is sent."""
    body = {"type": "lead.accepted"}
    assert (await site.post("/leads/bob/feedback", body, "Andy")).status == 404
    assert (await site.post("/leads/bob/feedback", body, "Olga")).status == 403
    assert (await site.post("/reps/bea/availability", {"type": "rep.away"}, "Andy")).status == 403
    assert (await site.post("/leads", {"name": "Bob"}, "Olga")).status == 403
    assert (site.desk.said, site.desk.added) == ([], [])


async def test_what_the_desk_has_not_answered_can_be_asked_for(site: Site) -> None:
    """202 and where; there it says 404 until something came of it."""
    site.desk.is_silent = True
    said = await site.post(f"/leads/{ADA}/feedback", {"type": "lead.accepted"})
    assert (said.status, await said.json()) == (202, {"outcome": "sent", "why": None})
    assert said.headers["Location"] == "/api/answers/0/0"
    assert (await site.get("/answers/0/0", "Andy")).status == 404
    site.desk.is_silent = False
    for number, reason in ((1, None), (2, "no")):
        await site.post(f"/leads/{ADA}/feedback", {"type": "lead.lost", "reason": reason})
        told = await site.json(f"/answers/0/{number}", "Andy")
        assert told["outcome"] == ("refused" if reason else "accepted")
    assert (await site.json("/answers/0/2", "Andy"))["why"] == f"{ADA} is not andy's"
    assert (await site.json("/answers/0/2", "Otto"))["why"] is None
    for place in ("0/9", "x/0", "0/-1", "0/\u0663", f"0/{'9' * 30}"):
        assert (await site.get(f"/answers/{place}", "Andy")).status == 404


async def test_a_reason_that_names_somebody_elses_lead_is_not_told(site: Site) -> None:
    """Only whoever may see the lead learns why the desk refused."""
    await site.post("/leads/bob/feedback", {"type": "lead.lost", "reason": "no"}, "Carla")
    assert (await site.json("/answers/0/0", "Carla"))["why"] == "bob is not bea's"
    assert (await site.json("/answers/0/0", "Andy"))["why"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "lead.eaten"}, "type"),
        ({"type": "lead.won", "amount": "much"}, "amount"),
        ({"type": "lead.won", "reason": "x"}, "reason"),
        ({"type": "lead.snoozed"}, "until"),
        ({"type": "lead.accepted", "rep": "bea"}, ""),
        ([], ""),
    ],
)
async def test_mistakes_are_told_by_field_before_anything_is_sent(site: Site, body: Any, field: str) -> None:
    """With what would be right."""
    told = await errors(site, f"/leads/{ADA}/feedback", body)
    assert list(told) == [field]
    assert told[field]
    assert site.desk.said == []


async def test_bodies_that_are_none(site: Site) -> None:
    """Not JSON, of another kind, or too large; deep ones take nobody's breath."""
    path = f"/leads/{ADA}/feedback"
    assert (await site.post(path, b"{")).status == 400
    assert (await site.post(path, b"\xff")).status == 400
    assert (await site.post(path, b"[" * 60_000)).status in {400, 422}
    assert (await site.post(path, b"{}", **{"Content-Type": "text/plain"})).status == 415
    assert (await site.post(path, b" " * 70_000)).status == 413


async def test_a_rep_is_away_and_back(site: Site) -> None:
    """Said by oneself, or by the manager of the region."""
    assert (await site.post("/reps/andy/availability", {"type": "rep.away"})).status == 200
    assert (await site.post("/reps/bea/availability", {"type": "rep.available"}, "Carla")).status == 200
    assert [(value["type"], value["rep"]) for _, value in site.desk.said] == [
        ("rep.away", "andy"),
        ("rep.available", "bea"),
    ]
    past = {"type": "rep.away", "until": "2001-01-01T00:00:00Z"}
    assert list(await errors(site, "/reps/andy/availability", past)) == ["until"]


async def test_somebody_phones(site: Site) -> None:
    """201 and where the lead will be; what is unclear is told, and nothing is sent."""
    made = await site.post("/leads", {"name": "Eve", "email": "eve@example.com", "note": "call back"})
    key = site.index.key("email:eve@example.com")
    assert (made.status, await made.json()) == (201, {"lead": "email:eve@example.com", "key": key})
    assert made.headers["Location"] == f"/api/leads/{key}"
    (enquiry,) = site.desk.added
    assert (enquiry.values["name"], enquiry.event, enquiry.source, enquiry.note) == (
        "Eve",
        "call",
        "phone",
        "call back",
    )
    assert await errors(site, "/leads", {"email": "nobody"}) == {"": "'nobody' is no e-mail address"}
    assert list(await errors(site, "/leads", {"source": "carrier pigeon"})) == ["source"]


async def test_where_nothing_can_be_sent(site: Site) -> None:
    """Kafka is away, or the board was never told of it: come again later."""
    site.desk.is_away = True
    for path, body in ((f"/leads/{ADA}/feedback", {"type": "lead.accepted"}), ("/leads", {"name": "Eve"})):
        response = await site.post(path, body)
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
    async with api_site(has_sender=False) as reading:
        assert (await reading.post("/leads", {"name": "Eve"})).status == 503
