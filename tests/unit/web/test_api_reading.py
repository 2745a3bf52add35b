"""Reading by the API: what there is, for whom, and page by page."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from yarl import URL

from engine.readmodel.port import ReadModelAway
from engine.web.gate.limits import Limit
from tests.unit.readmodel.samples import alerted, assigned, scored
from tests.unit.web.apisite import ADA, PERSONAL, Site, ada, api_site, case

PATHS = ("/leads", "/leads?q=a", "/facets", "/alerts", "/assignments", "/status")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with api_site() as site:
        yield site


def key(site: Site, lead: str = ADA) -> str:
    return site.index.key(lead)


async def test_a_lead_in_full(site: Site) -> None:
    """Its row, its score as on the topic, how that adds up, how it stands at the desk, and how it went."""
    await site.show(*ada())
    row = (await site.json("/leads"))["leads"][0]
    assert (row["lead"], row["key"], row["name"]) == (ADA, key(site), "Ada Lovelace")
    assert (row["company"], row["email"], row["owner"], row["state"]) == (
        "Engines Ltd",
        "ada.lovelace@example.com",
        "andy",
        "assigned",
    )
    for name in (ADA, key(site)):
        told = await site.json(f"/leads/{name}")
        assert told["lead"] == row
        assert told["score"]["total"] == 85.0
        assert [(one["name"], one["points"]) for one in told["explanation"]] == [
            ("engagement", 75.0),
            ("fit", 10.0),
            ("total", 85.0),
        ]
        assert told["case"]["trace"][0]["candidate"] == "us"
        assert told["history"] == [{"at": "2026-11-18T11:06:40.000Z", "total": 40.0}]
    entries = (await site.json(f"/leads/{key(site)}/timeline"))["entries"]
    assert entries == [
        {"at": "2026-11-18T11:06:40.000Z", "type": "lead.noted", "data": {"rep": "andy", "text": "likes tea"}}
    ]


async def test_who_may_not_know_who_it_is_does_not_learn_it(site: Site) -> None:
    """Of no answer, whatever the visitor wrote where; and a lead is found by its key alone."""
    await site.show(*ada())
    for path in (*PATHS, f"/leads/{key(site)}", f"/leads/{key(site)}/timeline", "/leads?limit=1&q=~"):
        masked = (await (await site.get(path, "Otto")).text()).casefold()
        for personal in PERSONAL:
            assert personal not in masked, path
    told = await site.json(f"/leads/{key(site)}", "Otto")
    assert (told["lead"]["lead"], told["lead"]["name"]) == (None, f"lead {key(site)}")
    assert (told["score"]["total"], told["case"]["rep"]) == (85.0, "andy")
    assert (await site.get(f"/leads/{ADA}", "Otto")).status == 404
    for query in ("q=lovelace", "source=Ada+Lovelace"):
        assert (await site.json(f"/leads?{query}", "Otto"))["total"] == 0


async def test_what_is_personal_is_there_for_who_may_see_it(site: Site) -> None:
    """Else the law above would hold of empty answers."""
    await site.show(*ada())
    paths = ("/leads", f"/leads/{key(site)}", f"/leads/{key(site)}/timeline", "/alerts")
    told = "".join([await (await site.get(path)).text() for path in paths]).casefold()
    assert [personal for personal in PERSONAL if personal not in told] == []


@pytest.mark.parametrize(("who", "seen"), [("Olga", "abcd"), ("Andy", "a"), ("Carla", "abd"), ("Otto", "abcd")])
async def test_everybody_sees_their_own(site: Site, who: str, seen: str) -> None:
    """A rep its leads, a manager those of the regions, an operator all; of others' not that they are there."""
    owners = {"a": ("andy", "east"), "b": ("bea", "east"), "c": ("bea", "west"), "d": (None, "east")}
    for lead, (rep, region) in owners.items():
        await site.show(scored(lead), alerted(lead), assigned(lead, rep), case(lead, rep, region))
    keys = {key(site, lead): lead for lead in owners}
    listed = await site.json("/leads", who)
    assert sorted(keys[one["key"]] for one in listed["leads"]) == list(seen)
    assert listed["total"] == len(seen)
    for path in ("alerts", "assignments"):
        assert sorted(keys[one["key"]] for one in (await site.json(f"/{path}", who))[path]) == list(seen)
    for name, lead in keys.items():
        for path in (f"/leads/{name}", f"/leads/{name}/timeline"):
            assert (await site.get(path, who)).status == (200 if lead in seen else 404)
    assert sum(one["count"] for one in (await site.json("/facets", who))["band"]) == len(seen)
    missing, foreign = await site.get("/leads/nobody", who), await site.get(f"/leads/{key(site, 'c')}", "Andy")
    assert (await missing.json()) | {"instance": ""} == (await foreign.json()) | {"instance": ""}


async def test_leads_are_found_by_each_of_their_territories(site: Site) -> None:
    """Andy's lead is in two; of what is not his he learns neither leads nor names."""
    await site.show(*ada(), scored("bob"), case("bob", "bea", "west", territories=("south",)))
    await site.show(case(ADA, "andy", "east", territories=("maine", "new-england")))
    told = await site.json(f"/leads/{ADA}")
    assert told["lead"]["territories"] == told["case"]["territories"] == ["maine", "new-england"]
    for name, totals in {"maine": (1, 1), "new-england": (1, 1), "south": (1, 0), "nowhere": (0, 0)}.items():
        seen = [(await site.json(f"/leads?territory={name}", who))["total"] for who in ("Olga", "Andy")]
        assert tuple(seen) == totals
    assert (await site.json("/leads?territory=maine&region=west"))["total"] == 0
    assert (await site.json("/facets"))["territory"] == [
        {"value": name, "count": 1} for name in ("maine", "new-england", "south")
    ]
    assert [one["value"] for one in (await site.json("/facets", "Andy"))["territory"]] == ["maine", "new-england"]


@pytest.mark.parametrize("path", ["leads", "alerts", "assignments"])
async def test_pages_give_everything_once(site: Site, path: str) -> None:
    """By `next`, and by the Link header, which has the other parameters."""
    names = [f"lead-{number}" for number in range(7)]
    await site.show(*(scored(name, 40.0 + len(name)) for name in names))
    await site.show(*(alerted(name) for name in names), *(assigned(name) for name in names))
    seen: list[Any] = []
    here = f"/{path}?limit=3"
    while here:
        response = await site.get(here)
        told = await response.json()
        seen += [one["key"] for one in told[path]]
        link = response.links.get("next")
        assert (link is None) == (told["next"] is None)
        here = "" if link is None else URL(link["url"]).path_qs.removeprefix("/api")
    assert sorted(seen) == sorted(key(site, name) for name in names)


async def test_others_entries_do_not_end_a_page_early(site: Site) -> None:
    """The two alerts of a rep lie behind fifty of others."""
    for number in range(2):
        await site.show(scored(f"a{number}", owner="andy"), alerted(f"a{number}"))
    await site.show(*(scored(f"b{number}", owner="bea") for number in range(50)))
    await site.show(*(alerted(f"b{number}") for number in range(50)))
    assert len((await site.json("/alerts?limit=1", "Andy"))["alerts"]) == 1
    assert len((await site.json("/alerts?limit=2", "Andy"))["alerts"]) == 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("colour=red", "colour"),
        ("cursor=x", "cursor"),
    ],
)
@pytest.mark.parametrize("path", ["leads", "alerts"])
async def test_parameters_that_make_no_sense(site: Site, path: str, query: str, field: str) -> None:
    """A problem that names the parameter and what would be right."""
    response = await site.get(f"/{path}?{query}")
    told = await response.json()
    assert (response.status, response.content_type) == (400, "application/problem+json")
    assert (told["type"], told["title"], told["instance"]) == ("about:blank", "Bad Request", f"/api/{path}")
    assert [error["field"] for error in told["errors"]] == [field]
    assert "expected" in told["errors"][0]["message"]


async def test_what_did_not_change_is_not_sent_again(site: Site) -> None:
    """Strong ETags, for each answer its own; HEAD says the same without the body."""
    await site.show(*ada())
    for path in (*PATHS[:-1], f"/leads/{key(site)}"):
        first = await site.get(path)
        tag = first.headers["ETag"]
        assert tag.startswith('"')
        again = await site.get(path, **{"If-None-Match": f'"x", {tag}'})
        assert (again.status, again.headers["ETag"], await again.read()) == (304, tag, b"")
        assert (await site.get(path, **{"If-None-Match": '"x"'})).status == 200
        head = await site.client.head(f"/api{path}", headers=site.headers("Olga"))
        assert (head.status, head.headers["ETag"], await head.read()) == (200, tag, b"")
        assert head.headers["Content-Length"] == first.headers["Content-Length"]
        assert first.headers["Cache-Control"] == "private, no-store"
    await site.show(scored(ADA, 90.0))
    assert (await site.get("/leads", **{"If-None-Match": tag})).status == 200


async def test_nobody_is_let_in_without_a_token(site: Site) -> None:
    """401 with how to come in, also where there is nothing."""
    for path in ("/leads", "/openapi.json", "/nothing"):
        response = await site.client.get(f"/api{path}", headers={"Authorization": "Bearer hl_x"})
        assert (response.status, response.content_type) == (401, "application/problem+json")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_what_is_not_there_is_a_problem_too(site: Site) -> None:
    """Unknown paths, and methods that a path does not have, with those that it has."""
    response = await site.get("/nothing")
    assert (response.status, response.content_type) == (404, "application/problem+json")
    response = await site.client.delete("/api/leads", headers=site.headers("Olga"))
    assert (response.status, response.content_type) == (405, "application/problem+json")
    assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}


async def test_requests_are_bounded() -> None:
    """The length of the query, and how often somebody asks: each principal alone."""
    async with api_site(limit=Limit(2, 60.0)) as site:
        assert (await site.get(f"/leads?q={'x' * 2_050}")).status == 414
        assert (await site.get("/leads")).status == 200
        refused = await site.get("/leads")
        assert (refused.status, refused.headers["Retry-After"]) == (429, "60")
        assert (await site.get("/leads", "Andy")).status == 200


async def test_while_the_store_is_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists show what was seen last; what needs the store is a problem that says when to come again."""

    async def gone(*_: object) -> None:
        raise ReadModelAway("x")

    await site.show(*ada())
    monkeypatch.setattr(site.model, "scores", gone)
    assert (await site.json("/leads"))["total"] == 1
    response = await site.get(f"/leads/{key(site)}")
    assert (response.status, response.headers["Retry-After"]) == (503, "5")


async def test_who_looked_at_what_is_written_down(site: Site) -> None:
    """Each sight of a lead and of a list, with the lead's key."""
    await site.show(*ada())
    await site.get("/leads", "Andy")
    await site.get(f"/leads/{ADA}", "Andy")
    await site.get(f"/leads/{ADA}", "Otto")
    assert site.audit.lines == [("Andy", "leads.seen", None, "ok"), ("Andy", "lead.seen", key(site), "ok")]


async def test_status_says_how_current_it_is(site: Site) -> None:
    """And how much there is."""
    await site.show(*ada())
    told = await site.json("/status", "Andy")
    assert (told["leads"], told["alerts"], told["assignments"], told["loading"]) == (1, 1, 1, False)
    assert told["level"] == "off"
