"""What the page of a lead shows: how it stands, how its score came about and went, what happened, what can be said.

Values in, a page's values out; who may not see who the lead is gets them masked.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

from engine.core.instants import DAY_MS, from_rfc3339
from engine.core.records import LeadScore
from engine.readmodel.explain import explain, plain
from engine.readmodel.history import Point
from engine.web.gate.access import Principal
from engine.web.lead.forms import LATER, acts_for
from engine.web.lead.picture import NARROW, WIDE, Event, picture
from engine.web.lead.told import Line, lines_of, name_of, stand
from engine.web.lists.cards import Lead
from engine.web.masking import masked_lead
from engine.web.port import Reps

SECTIONS = ("head", "stand", "acts", "picture", "why", "timeline", "side", "trace")
"""The parts of the page that change, each with a template of its own: `lead_head.html` …"""

TRAITS_MAX = 40
COUNTS_MAX = 12


class Looker(NamedTuple):
    """Who looks, whether that one can say something of the lead, and the zone of the clock on the wall there."""

    who: Principal
    may_act: bool
    zone: tzinfo


def values_of(lead: Lead, looker: Looker, reps: Reps, path: str) -> dict[str, Any]:
    """What the templates of the page at `path` show."""
    card, score, dossier = lead if looker.who.personal else masked_lead(lead)
    case = dossier.case
    told = explain(score)
    history = [*dossier.history] or [Point(card.at_ms, score.total)]
    lines = lines_of(dossier.timeline, reps)
    alerts = [line for line in lines if line.kind == "alert"]
    tomorrow = None if score.tomorrow is None else _rounded(score.tomorrow)
    return {
        "card": card,
        "name": card.name if looker.who.personal else f"Lead {card.key}",
        "personal": looker.who.personal,
        "path": path,
        "score": score,
        "told": told,
        "stand": stand(case, card.owner, reps),
        "case": case,
        "owner": name_of(card.owner, reps),
        "acts": acts_for(card.state) if looker.may_act else [],
        "later": [(name, text) for name, (text, _) in LATER.items()],
        "zone": zone_name(looker.zone),
        "tomorrow": tomorrow,
        "change": None if tomorrow is None else tomorrow - told.total.points,
        "history": history,
        "wide": pictured(score, history, alerts, WIDE),
        "narrow": pictured(score, history, alerts, NARROW),
        "has_alerts": bool(alerts),
        "lines": lines,
        "traits": traits_of(score.traits),
        "counts": sorted(score.counts.items(), key=lambda one: (-one[1], one[0]))[:COUNTS_MAX],
        "lasted": lasted,
    }


def pictured(score: LeadScore, history: Sequence[Point], alerts: Sequence[Line], size: tuple[int, int]) -> str:
    """The score over time with its alerts, as SVG that is safe to show: the picture escapes what it is given."""
    marks = [Event(line.at_ms, f"{line.what}: {line.detail}" if line.detail else line.what) for line in alerts]
    last = history[-1].at_ms
    tail = None if score.tomorrow is None else Point(max(last, from_rfc3339(score.at)) + DAY_MS, score.tomorrow)
    return picture(history, tail, size, marks)


def traits_of(traits: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values as text, those inside of others by their path."""
    told: list[tuple[str, str]] = []
    for name, value in traits.items():
        if isinstance(value, Mapping):
            told += [(f"{plain(name)}.{inner}", text) for inner, text in traits_of(value)]
        elif isinstance(value, list):
            told.append((plain(name), plain(", ".join(str(one) for one in value))))
        else:
            told.append((plain(name), plain(str(value))))
    return sorted(told)[:TRAITS_MAX]


def lasted(seconds: float) -> str:
    """How long a page was read, for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{rest} s" if not minutes else f"{minutes} min" + (f" {rest} s" if rest else "")


def zone_name(zone: tzinfo) -> str:
    """What to call a time zone."""
    return str(getattr(zone, "key", None) or zone)


def _rounded(points: float) -> Decimal:
    return Decimal(points).quantize(Decimal("0.01"), ROUND_HALF_EVEN) + 0
