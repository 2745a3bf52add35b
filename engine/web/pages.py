"""The board's pages as HTML. Templates escape everything; visitors' text stands in `<bdi>`, cleaned of controls."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine.core.records import LeadScore
from engine.readmodel.explain import explain, plain
from engine.readmodel.terminal import top_reason
from engine.web.live import Live, Snapshot

SECTIONS = ("status", "counts", "leads", "alerts", "assignments")
_BANDS = frozenset({"hot", "warm", "cold"})
_SCALE = 100.0
_NAME_TRAITS = ("name", "fullName", "full_name")
_PLACE_TRAITS = ("company", "organization", "email")


def lead_url(lead: str) -> str:
    """Where a lead's page is. Browsers resolve `.` and `..` in a path, however they are quoted."""
    if lead in {".", ".."}:
        return f"/leads?id={lead}"
    return "/leads/" + quote(lead, safe="")


def who(lead: str, traits: Mapping[str, Any], *, known: bool = True) -> str:
    """What to call a lead: its name if it gave one, else what identifies it."""
    for name in _NAME_TRAITS:
        if isinstance(traits.get(name), str) and traits[name].strip():
            return plain(traits[name])
    both = [traits.get("firstName"), traits.get("lastName")]
    given = " ".join(part for part in both if isinstance(part, str) and part.strip())
    if given:
        return plain(given)
    return plain(lead) if known else "Anonymous visitor"


def place(traits: Mapping[str, Any]) -> str:
    """The company or address beside a lead's name; empty where none is known."""
    for name in _PLACE_TRAITS:
        value = traits.get(name)
        if isinstance(value, Mapping):
            value = value.get("name")
        if isinstance(value, str) and value.strip():
            return plain(value)
    return ""


def band_class(band: str) -> str:
    """The style of a band; a company may name its bands as it likes."""
    return f"band-{band}" if band in _BANDS else "band-other"


def clock(instant: str) -> str:
    """An RFC 3339 instant for people, in UTC; the page's script turns it into `3 min ago`."""
    try:
        return datetime.fromisoformat(instant).astimezone(UTC).strftime("%-d %b %Y, %H:%M:%S UTC")
    except ValueError:
        return plain(instant)


def share(points: float, largest: float = _SCALE) -> float:
    """The length of a bar in percent."""
    return round(100 * min(max(points / largest, 0.0), 1.0), 1)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "lead_url": lead_url, "band_class": band_class, "clock": clock}
    environment.filters |= {"share": share, "top_reason": top_reason, "place": place}
    environment.globals |= {"who": who}
    return environment


class Pages:
    """Renders with the templates beside this file."""

    def __init__(self) -> None:
        self._environment = _environment()

    def sections(self, snapshot: Snapshot) -> dict[str, str]:
        """The parts of the board that change."""
        names = {alert.data.lead: who(alert.data.lead, alert.data.traits) for alert in snapshot.alerts}
        names |= {score.lead: who(score.lead, score.traits, known=score.known) for score in snapshot.leads}
        return {name: self._render(f"{name}.html", board=snapshot, names=names) for name in SECTIONS}

    def board(self, live: Live) -> str:
        """The whole board as it is now; its script goes on from `live`'s version."""
        return self._render("board.html", sections=live.sections, version=f"{live.epoch}-{live.version}")

    def lead(self, score: LeadScore) -> str:
        """One lead with the arithmetic of its score."""
        return self._render("lead.html", score=score, told=explain(score))

    def message(self, title: str, text: str) -> str:
        """A page that says one thing."""
        return self._render("message.html", title=title, text=text)

    def _render(self, template: str, **values: object) -> str:
        return self._environment.get_template(template).render(values)
