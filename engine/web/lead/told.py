"""What happened to a lead and how it stands, in sentences for people."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from engine.core.text import clean
from engine.readmodel.case import Case
from engine.readmodel.dossier import Entry
from engine.web.pages import stage_name
from engine.web.port import Reps

TEXT_CHARS_MAX = 500


class Line(NamedTuple):
    """Something that happened: `kind` is who did it, for colours; `detail` may be empty."""

    at_ms: int
    kind: Literal["alert", "desk", "rep", "stage", "sale"]
    what: str
    detail: str = ""


class Deadline(NamedTuple):
    """What is to happen by an instant, of a time that began at another."""

    what: str
    at_ms: int
    since_ms: int


class Stand(NamedTuple):
    """How it stands with a lead in a sentence, since when, and what is to happen next."""

    what: str
    since_ms: int | None = None
    deadline: Deadline | None = None
    reason: str = ""


def name_of(rep: object, reps: Reps) -> str:
    """What to call a rep."""
    text = rep if isinstance(rep, str) else ""
    known = reps.get(text)
    return clean(known.name if known is not None else text, 100) or "nobody"


def stand(case: Case | None, owner: str | None, reps: Reps) -> Stand:
    """How it stands with a lead whose case is `case`."""
    if case is None:
        return Stand("Nobody was asked to take it yet" if owner is None else f"{name_of(owner, reps)} has it")
    rep = name_of(case.rep, reps)
    told = {
        "waiting": "Waits for a rep",
        "assigned": f"{rep} has it, and has not accepted it yet",
        "accepted": f"{rep} accepted it, and is to get in touch",
        "contacted": f"{rep} was in touch",
        "snoozed": f"{rep} put it off",
        "call_due": f"Time for {rep} to call again",
        "working": f"{rep} works on it",
        "closed": "Closed",
        "released": "Released: nobody has it",
    }
    return Stand(told[case.state], case.since_ms, _deadline(case), clean(case.reason, TEXT_CHARS_MAX))


def _deadline(case: Case) -> Deadline | None:
    if case.due_ms is not None and case.state in ("assigned", "accepted"):
        what = "To accept" if case.state == "assigned" else "To get in touch"
        return Deadline(what, case.due_ms, case.since_ms)
    if case.call_ms is not None and case.state not in ("closed", "released"):
        return Deadline("To call again", case.call_ms, case.since_ms)
    return None


def lines_of(timeline: list[Entry], reps: Reps) -> list[Line]:
    """The timeline, newest first."""
    return [line_of(entry, reps) for entry in reversed(timeline)]


def line_of(entry: Entry, reps: Reps) -> Line:
    """One entry; one of a type that this version does not know tells its type."""
    data = _Data(msgspec.json.decode(entry.data), reps)
    for kind, told in (("alert", _ALERTS), ("desk", _DESK), ("rep", _REPS), ("stage", _STAGES), ("sale", _SALES)):
        if entry.type in told:
            what, detail = told[entry.type]
            return Line(entry.at_ms, kind, what.format_map(data), data.some(detail))  # type: ignore[arg-type]
    return Line(entry.at_ms, "desk", clean(entry.type, 100))


_Told = Mapping[str, tuple[str, str]]
"""By type: a sentence, and what stands below it, as far as it is known; fields in braces."""

_ALERTS: _Told = {"lead.alerted": ("{title}", "{reason}|{from} → {to}")}
_DESK: _Told = {
    "lead.assigned": ("Given to {rep}", "{reason}"),
    "lead.queued": ("Waits for a rep", "{reason}"),
    "lead.reassigned": ("Given to {rep}, no longer {previous}’s", "{reason}"),
    "lead.reminded": ("{rep} was reminded", "{reason}"),
    "lead.escalated": ("Escalated to {rep}", "{reason}"),
    "lead.released": ("Released", "{reason}"),
    "lead.call_due": ("Time to call again", "{reason}"),
}
_REPS: _Told = {
    "lead.accepted": ("{rep} accepted it", ""),
    "lead.declined": ("{rep} declined it", "{reason}"),
    "lead.contacted": ("{rep} was in touch", "{channel}"),
    "lead.snoozed": ("{rep} put it off", "until {until}|{text}"),
    "lead.qualified": ("{rep} qualified it", ""),
    "lead.disqualified": ("{rep}: not a lead", "{reason}"),
    "lead.opportunity": ("{rep} sees an opportunity", "{amount}|closes on {close_on}"),
    "lead.won": ("{rep} won it", "{amount} {currency}"),
    "lead.lost": ("{rep} lost it", "{reason}"),
    "lead.recycled": ("{rep} gave it back", "{reason}"),
    "lead.noted": ("{rep} noted", "{text}"),
}
_STAGES: _Told = {
    "lead.stage_changed": ("Now {to}", "was {from}|{reason}"),
    "lead.merged": ("One with another lead now", "{reason}"),
}
_SALES: _Told = {"lead.converted": ("Conversion: {conversion}", "{revenue} {currency}")}


class _Data(dict[str, str]):
    """The fields of an entry as text; what is not there is empty."""

    def __init__(self, data: Mapping[str, Any], reps: Reps) -> None:
        super().__init__({name: _text(value) for name, value in data.items()})
        self |= {name: name_of(data[name], reps) for name in ("rep", "previous") if name in data}
        self |= {name: stage_name(self[name]) for name in ("from", "to") if isinstance(data.get(name), str)}
        self["title"] = self["label"] or self["alert"]
        self["until"] = self["until"][:16].replace("T", ", ") + " UTC" if self["until"] else ""

    def __missing__(self, name: str) -> str:
        return ""

    def some(self, detail: str) -> str:
        """Those parts of `detail` of which the first field is known."""
        parts = [part for part in detail.split("|") if part and self[part.partition("{")[2].partition("}")[0]]]
        return " · ".join(part.format_map(self).strip() for part in parts)


def _text(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.2f}".removesuffix(".00")
    return clean(str(value), TEXT_CHARS_MAX)
