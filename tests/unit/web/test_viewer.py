"""What one viewer of a list is told, tick by tick."""

import json
from dataclasses import dataclass
from typing import Any

from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import LeadGone
from engine.web.gate.access import Principal
from engine.web.lists import viewer as viewer_module
from engine.web.lists.index import Index
from engine.web.lists.viewer import Viewer
from engine.web.lists.views import Wanted
from engine.web.live import Pulse, now_ms
from engine.web.pages import Pages
from tests.unit.web.people import HOSTILE, fill, person, take
from tests.unit.web.principals import ANDY, BLIND, OPERATOR, SECRET


@dataclass(frozen=True)
class Site:
    """A read model and what follows it, moved by hand."""

    model: MemoryReadModel
    index: Index
    pulse: Pulse
    pages: Pages

    async def look(self) -> None:
        await self.index.catch_up()
        await self.pulse.look(now_ms())

    def viewer(self, who: Principal = OPERATOR, since: str | None = None) -> Viewer:
        mark = self.index.mark if since is None else since
        return Viewer(who, Wanted(), mark, self.index, self.pulse, self.pages)


async def site(people: int = 5, alerts: int = 0) -> Site:
    model = MemoryReadModel()
    index = Index(model, lambda: SECRET)
    made = Site(model, index, Pulse(model, index), Pages())
    await fill(model, range(people), alerts)
    await made.look()
    return made


def told(viewer: Viewer) -> dict[str, Any]:
    """The events of a tick by name."""
    events = [block.split("\n") for block in viewer.news(now_ms()).split("\n\n") if block and block[0] != ":"]
    return {lines[1].removeprefix("event: "): json.loads(lines[2].removeprefix("data: ")) for lines in events}


async def test_it_begins_with_what_a_page_may_lack_and_then_is_silent() -> None:
    """Whether it is live, how many there are, the alerts; no row, since the page has them."""
    viewer = (await site(alerts=1)).viewer()
    first = told(viewer)
    assert first["status"] == {"level": "live", "text": "Live"}
    assert first["counts"] == "5 leads"
    assert "Ada" in first["alerts"]
    assert "rows" not in first
    assert [viewer.news(now_ms()) for _ in range(14)] == [""] * 13 + [": still here\n\n"]


async def test_what_changes_comes_with_its_place() -> None:
    """A new score moves a row, a new lead has one, who is gone has none; each once."""
    here = await site()
    viewer = here.viewer()
    told(viewer)
    await take(here.model, *person(0, now_ms(), total=12.5), *person(7, now_ms(), total=99.5))
    await take(here.model, LeadGone("email:lead1@example.com"))
    await here.look()
    rows = told(viewer)["rows"]
    shown = {json.loads(row["place"])[0]: row["html"] for row in rows if row["place"]}
    assert sorted(shown) == [-99.5, -12.5]
    assert "</b>" in shown[-12.5]
    assert [row["html"] for row in rows if row["place"] is None] == [None]
    assert "rows" not in told(viewer)


async def test_a_mark_of_another_process_means_all_anew() -> None:
    """So does nonsense, and more changes than are sent at once."""
    here = await site()
    for since in ("0000-9", "nonsense", ""):
        viewer = here.viewer(since=since)
        assert "anew" in told(viewer)
        assert "anew" not in told(viewer)


async def test_too_many_changes_mean_all_anew(monkeypatch: Any) -> None:
    """A list that is read anew costs less than all its rows one by one."""
    monkeypatch.setattr(viewer_module, "ROWS_MAX", 2)
    here = await site()
    viewer = here.viewer()
    await take(here.model, *(change for number in range(3) for change in person(number, now_ms(), total=1.0)))
    await here.look()
    news = told(viewer)
    assert "anew" in news
    assert "rows" not in news


async def test_nobody_is_told_of_leads_that_are_not_theirs() -> None:
    """Neither rows nor how many; who sees no names is told none."""
    here = await site(9)
    andy, blind = here.viewer(ANDY), here.viewer(BLIND)
    assert told(andy)["counts"] == "3 leads"
    told(blind)
    # Lead 1 is bea's, lead 3 andy's.
    await take(here.model, *person(1, now_ms(), total=50.5), *person(3, now_ms(), total=51.5))
    await here.look()
    key = here.index.find("email:lead3@example.com")
    assert key is not None
    assert [row["key"] for row in told(andy)["rows"]] == [key.key]
    for row in told(blind)["rows"]:
        assert "example.com" not in row["html"]
        assert "Dmitri" not in row["html"]
        assert f"lead {row['key']}" in row["html"]


async def test_a_hostile_name_stays_text() -> None:
    """Escaped, without what turns text around; the JSON around it is one line."""
    here = await site()
    viewer = here.viewer()
    await take(here.model, *person(0, now_ms(), traits={"name": HOSTILE, "company": HOSTILE}, product=HOSTILE[:60]))
    await here.look()
    (row,) = told(viewer)["rows"]
    assert "<img" not in row["html"]
    assert "<script" not in row["html"]
    assert "\u202e" not in row["html"]
    assert "&lt;img" in row["html"]
