"""What `heatline leads` and `heatline explain` print."""

import json
import sys
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.core.erasure import Pseudonym
from engine.core.instants import to_rfc3339
from engine.core.records import LeadScore
from engine.readmodel.events import decode_score
from engine.readmodel.explain import explain_text, plain
from engine.readmodel.port import ReadModel

COLUMNS = ("lead", "total", "band", "owner", "last seen", "top reason")
_BAND_STYLES = {"hot": "bold red", "warm": "yellow", "cold": "blue"}


async def print_leads(model: ReadModel, limit: int, *, as_json: bool = False, to: TextIO | None = None) -> None:
    """The hottest leads: a table on a terminal, tab-separated text elsewhere, or a CloudEvent a line (`as_json`)."""
    out = to or sys.stdout
    events = await model.hottest(limit)
    if as_json:
        for event in events:
            out.write(_json(event) + "\n")
        return
    scores = [decode_score(event).data for event in events]
    if out.isatty():
        Console(file=out).print(_table(scores))
        return
    for row in [COLUMNS, *map(_row, scores)]:
        out.write("\t".join(row) + "\n")


async def print_explanation(
    model: ReadModel,
    lead: str,
    *,
    pseudonym: Pseudonym | None = None,
    as_json: bool = False,
    to: TextIO | None = None,
) -> bool:
    """The arithmetic of one score, or the score event itself (`as_json`). False, and says so, for an unknown lead.

    `pseudonym` is what tells a lead that was erased from an unknown one.
    """
    out = to or sys.stdout
    event = await model.lead(lead)
    erased_ms = None if event is not None or pseudonym is None else await model.erased(pseudonym(lead))
    if erased_ms is not None:
        out.write(
            f"{plain(lead)}: erased, as of {to_rfc3339(erased_ms)}. What happened up to then is dropped wherever it"
            " comes from; what comes later starts a new lead.\n"
        )
        return False
    if event is None:
        out.write(
            f"{plain(lead)}: no such lead. It was never worth publishing (publish_from), or was merged, erased,"
            " evicted, or dropped as one of the coldest.\n"
        )
        return False
    out.write((_json(event) if as_json else explain_text(decode_score(event).data)) + "\n")
    return True


def top_reason(score: LeadScore) -> str:
    """The rule that gives a lead most, by its label where it has one; empty where nothing counts for it."""
    best = max(score.contributions, key=lambda c: c.points, default=None)
    if best is None or best.points <= 0:
        return ""
    return plain(best.label or best.rule)


def _json(event: bytes) -> str:
    """Escaped down to ASCII, since a terminal also obeys control characters that JSON may hold as they are."""
    return json.dumps(json.loads(event), separators=(",", ":"))


def _row(score: LeadScore) -> tuple[str, ...]:
    name, owner = plain(score.lead), plain(score.owner or "")
    return (name, f"{score.total:.1f}", plain(score.band), owner, plain(score.last_seen), top_reason(score))


def _table(scores: list[LeadScore]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in COLUMNS:
        table.add_column(column, justify="right" if column == "total" else "left", overflow="ellipsis")
    for score in scores:
        style = _BAND_STYLES.get(score.band, "")
        lead, total, band, owner, seen, reason = _row(score)
        cells = [Text(lead), Text(total, style), Text(band, style), Text(owner), Text(ago(seen)), Text(reason)]
        table.add_row(*cells)
    return table


def ago(instant: str, now: datetime | None = None) -> str:
    """How long ago an RFC 3339 instant was, in its largest unit: `40 s ago`, `3 h ago`; unreadable text as it is."""
    try:
        seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(instant)).total_seconds()
    except (ValueError, TypeError):
        return instant
    for unit, size_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size_s:
            return f"{int(seconds // size_s)} {unit} ago"
    return f"{max(0, int(seconds))} s ago"
