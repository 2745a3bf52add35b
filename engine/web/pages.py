"""The board's pages as HTML. Templates escape everything; visitors' text stands in `<bdi>`, cleaned of controls."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine.core.instants import to_rfc3339
from engine.readmodel.explain import plain
from engine.web.gate.access import Principal, known_principal
from engine.web.lists.cards import Card
from engine.web.lists.kinds import Facets
from engine.web.lists.rows import is_over, todo
from engine.web.lists.shelf import Page
from engine.web.lists.views import PLACES, Place, View, Wanted, place_of
from engine.web.live import News, Status
from engine.web.masking import masked_card

ROWS_KEPT = 10_000
"""Rows kept as HTML, some 1.5 KB each: what many viewers see is made once."""

NAV = (("/", "Hottest"), ("/day", "My day"), ("/open", "Without contact"), ("/new", "New lead"))
PATHS: Mapping[View, str] = {"hottest": "/", "day": "/day", "open": "/open"}
HEADINGS: Mapping[View, tuple[str, str, str]] = {
    "hottest": (
        "Hottest leads",
        "highest score first",
        "No lead is worth showing yet. They appear here by themselves.",
    ),
    "day": ("My day", "most urgent first", "Nothing to do: no lead of yours waits for you."),
    "open": ("Without contact", "waiting longest first", "Nobody waits: every lead has a rep who was in touch."),
}
"""The heading of each list, its order, and what it says while it is empty."""

_NOTHING_FOUND = "No lead fits these filters."
_CHOICES = (
    ("band", "Band"),
    ("stage", "Stage"),
    ("owner", "Owner"),
    ("team", "Team"),
    ("region", "Region"),
    ("territory", "Territory"),
    ("source", "Source"),
    ("grade", "Grade"),
)
_BANDS = frozenset({"hot", "warm", "cold"})
_STAGES = {
    "marketingqualifiedlead": "Marketing qualified",
    "salesqualifiedlead": "Sales qualified",
}
_SCALE = 100.0


class Listing(NamedTuple):
    """A list as one sees it: who, what is wanted, behind which cursor, and the page of it as of a mark."""

    who: Principal
    wanted: Wanted
    cursor: str | None
    page: Page
    facets: Facets
    mark: str


def lead_url(key: str) -> str:
    """Where the page of a lead is."""
    return "/leads/" + quote(key, safe="~")


def band_class(band: str) -> str:
    """The style of a band; a company may name its bands as it likes."""
    return f"band-{band}" if band in _BANDS else "band-other"


def instant(at: str | int) -> str:
    """An instant as RFC 3339, from ms or as it is."""
    return to_rfc3339(at) if isinstance(at, int) else at


def clock(at: str | int) -> str:
    """An instant for people, in UTC; the page's script turns it into `3 min ago`."""
    text = instant(at)
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC")
    except ValueError:
        return plain(text)


def share(points: float, largest: float = _SCALE) -> float:
    """The length of a bar in percent."""
    return round(100 * min(max(points / largest, 0.0), 1.0), 1)


def stage_name(stage: str) -> str:
    """A stage in words."""
    return _STAGES.get(stage, stage.capitalize())


def counted(total: int) -> str:
    """How many leads, in words."""
    return "1 lead" if total == 1 else f"{total:,} leads"


def place_text(place: Place) -> str:
    """Where a row stands, as the page's script compares it."""
    return msgspec.json.encode(place).decode()


def as_page(html: str, status: int = 200) -> web.Response:
    """HTML as it is."""
    return web.Response(text=html, status=status, content_type="text/html", charset="utf-8")


@cache
def environment() -> Environment:
    """The templates beside this file, and what they work with."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "lead_url": lead_url, "band_class": band_class, "clock": clock}
    environment.filters |= {"instant": instant, "share": share, "stage_name": stage_name}
    environment.globals |= {"nav": NAV}
    return environment


class Pages:
    """Renders with the templates beside this file."""

    def __init__(self) -> None:
        self.status = Status("off", "Starting")
        self._environment = environment()
        self._row_of = lru_cache(ROWS_KEPT)(self._make_row)

    def say(self, status: Status) -> None:
        """From now on pages say this of themselves."""
        self.status = status

    def render(self, request: web.Request, template: str, values: Mapping[str, object]) -> str:
        """A whole page, with all that its frame needs for that request."""
        return self._page(known_principal(request), request.path, template, values)

    def message(self, request: web.Request, title: str, *texts: str) -> str:
        """A page that says one thing."""
        return self.render(request, "message.html", {"title": title, "texts": texts})

    def list(self, listing: Listing, alerts: str, now_ms: int) -> str:
        """A list with its filters, as far as one page of it goes."""
        wanted, page = listing.wanted, listing.page
        heading, order, nothing = HEADINGS[wanted.view]
        here, query = PATHS[wanted.view], wanted.query()
        values = {
            "heading": "Every open case" if wanted.view == "day" and listing.who.rep is None else heading,
            "order": order,
            "nothing": nothing if not self._narrowed(wanted) else _NOTHING_FOUND,
            "narrowed": self._narrowed(wanted),
            "filtered": len(wanted.filters()),
            "wanted": wanted,
            "query": query,
            "page": page,
            "counted": counted(page.total),
            "rows": self.rows(page.cards, wanted, listing.who, now_ms),
            "choices": [(name, label, getattr(listing.facets, name)) for name, label in _CHOICES],
            "mark": listing.mark,
            "begin": place_text(place_of(listing.cursor, wanted.view)) if listing.cursor else "",
            "end": self.end(page, wanted),
            "more": f"{here}?{'&'.join(part for part in (_own(query), f'cursor={page.next}') if part)}",
            "alerts": alerts,
        }
        return self._page(listing.who, here, "list.html", values)

    def end(self, page: Page, wanted: Wanted) -> str:
        """The place up to which a page goes; empty where nothing comes behind it."""
        return "" if page.next is None else place_text(PLACES[wanted.view](page.cards[-1]))

    def rows(self, cards: Sequence[Card], wanted: Wanted, who: Principal, now_ms: int) -> Sequence[str]:
        """Each card as a row of the list that is wanted."""
        return [self.row(card, wanted.view, who, now_ms) for card in cards]

    def row(self, card: Card, view: View, who: Principal, now_ms: int) -> str:
        """A card as a row."""
        return self._row_of(card, view, who.personal, is_over(card, now_ms))

    def alerts(self, news: Sequence[News]) -> str:
        """The latest alerts of leads that somebody may see."""
        return self._environment.get_template("alerts.html").render(alerts=news)

    def _make_row(self, card: Card, view: View, personal: bool, over: bool) -> str:
        place = place_text(PLACES[view](card))
        shown = card if personal else masked_card(card)
        template = self._environment.get_template("row.html")
        return template.render(card=shown, place=place, over=over, todo=todo(card))

    def _page(self, who: Principal | None, here: str, template: str, values: Mapping[str, Any]) -> str:
        frame = {"principal": who, "here": here, "status": self.status}
        return self._environment.get_template(template).render({**frame, **values})

    @staticmethod
    def _narrowed(wanted: Wanted) -> bool:
        return bool(wanted.q or wanted.mine or wanted.filters())


def _own(query: str) -> str:
    """A query without the view, which the path says."""
    return "&".join(part for part in query.split("&") if not part.startswith("view="))
