"""A list as a CSV file that a spreadsheet shows and never runs."""

import csv
import io
import re
from collections.abc import Iterable

from engine.core.cells import FORMULA, defused
from engine.core.instants import to_rfc3339
from engine.web.lists.cards import Card

COLUMNS = (
    "lead name company email phone total band grade stage owner team region state due_at product persona source reason "
    "first_seen last_seen territories"
).split()

_CELL_WITHIN = re.compile(rf"""(;[\s"']*)(?=[{re.escape(FORMULA)}])""")
"""Where spreadsheets that part cells by semicolons, as in much of Europe, take a cell for two."""


def csv_header() -> str:
    """The first line."""
    return _lines([COLUMNS])


def csv_lines(cards: Iterable[Card]) -> str:
    """A line for each card. No cell is a formula, whoever wrote it."""
    return _lines(map(_cells, cards))


def _cells(card: Card) -> list[str]:
    texts = (card.lead, card.name, card.place, card.email, card.phone)
    last = (card.product, card.persona, card.source, card.reason)
    case = (card.owner, card.team, card.region, card.state)
    return [
        *map(_text, texts),
        f"{card.total:.1f}",
        *map(_text, (card.band, card.grade, card.stage, *case)),
        "" if card.due_ms is None else to_rfc3339(card.due_ms),
        *map(_text, last),
        to_rfc3339(card.first_seen_ms),
        to_rfc3339(card.last_seen_ms),
        _text("; ".join(card.territories)),
    ]


def _text(value: str | None) -> str:
    return _CELL_WITHIN.sub(r"\1'", defused(value or ""))


def _lines(rows: Iterable[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(rows)
    return written.getvalue()
