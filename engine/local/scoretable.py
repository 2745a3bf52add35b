"""Scores as rows of a table: the columns in their order, and what each says of a score. Pure."""

import json
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from engine.core.cells import defused
from engine.core.instants import from_rfc3339
from engine.core.records import LeadScore, Touch
from engine.readmodel.terminal import top_reason

Kind = Literal["text", "number", "whole", "flag", "time", "texts", "json"]
TRAITS = ("email", "name", "firstName", "lastName", "phone", "title", "company")
"""Those with columns of their own; all stand in `traits`."""


class Column(NamedTuple):
    """`of` gives the value that a score has here, or None."""

    name: str
    kind: Kind
    of: Callable[[LeadScore], Any]


def _field(name: str, kind: Kind) -> Column:
    return Column(name, kind, lambda score: getattr(score, name))


def _trait(name: str) -> Column:
    def said(score: LeadScore) -> str | None:
        value = score.traits.get(name)
        return value if value is None or isinstance(value, str) else _json(value)

    return Column(name, "text", said)


def _touch(which: str, name: str) -> Column:
    def said(score: LeadScore) -> Any:
        touch: Touch | None = getattr(score, f"{which}_touch")
        return None if touch is None else getattr(touch, name)

    return Column(f"{which}_touch_{name}", "text", said)


COLUMNS = (
    _field("lead", "text"),
    _field("known", "flag"),
    *(_field(name, "number") for name in ("total", "engagement", "fit")),
    *(_field(name, "text") for name in ("band", "grade", "stage", "owner", "persona", "product")),
    _field("fast_track", "flag"),
    Column("top_reason", "text", lambda score: top_reason(score) or None),
    *map(_trait, TRAITS),
    *(_field(name, "time") for name in ("at", "next_band_at", "first_seen", "last_seen")),
    _field("sessions", "whole"),
    *(_touch(which, name) for which in ("first", "last") for name in ("channel", "source", "medium", "campaign")),
    Column("user_id", "text", lambda score: score.ids.user),
    Column("anonymous_ids", "texts", lambda score: score.ids.anonymous),
    _field("traits", "json"),
    _field("model", "text"),
)
"""New ones come at the end: whoever reads the table by place reads it still."""


def csv_row(score: LeadScore) -> list[str]:
    """The cells of a score: numbers as numbers, text so that no spreadsheet runs it, nothing as an empty cell."""
    return [_cell(column.kind, column.of(score)) for column in COLUMNS]


def _cell(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    if kind in ("number", "whole"):
        return repr(value)
    if kind == "flag":
        return "true" if value else "false"
    return defused(value if kind in ("text", "time") else _json(value))


def plain_value(kind: Kind, value: Any) -> Any:
    """What a column of a typed table holds: an instant in ms since 1970 for a time, objects as JSON."""
    if value is None:
        return None
    if kind == "time":
        return instant_ms(value)
    return _json(value) if kind == "json" else value


def instant_ms(text: str) -> int | None:
    """The instant that a record names; None where nobody can read it."""
    try:
        return from_rfc3339(text)
    except ValueError:
        return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
