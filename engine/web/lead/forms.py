"""The buttons of the board and what they ask for: which fit how it stands with a lead, and what a sent form says."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal, NamedTuple

from engine.core.decode import TEXT_CHARS_MAX
from engine.core.instants import DAY_MS, EPOCH
from engine.core.text import clean, printable
from engine.readmodel.case import CaseState
from engine.web.lead.actions import FIELDS, KINDS, Availability, Feedback, Kind, Mistaken
from engine.web.lists.views import Mistake

NUMBER_CHARS_MAX = 20


class Field(NamedTuple):
    """Something that a form asks for. `kind` says how: one of `choices`, an instant, a number, a line or a note."""

    name: str
    label: str
    kind: Literal["choice", "when", "number", "day", "line", "note"]
    choices: tuple[tuple[str, str], ...] = ()
    needed: bool = False


class Act(NamedTuple):
    """A button: what it says of a lead, how it is called, and what it asks for."""

    kind: Kind
    name: str
    fields: tuple[Field, ...] = ()


_HOUR_MS = DAY_MS // 24
LATER: Mapping[str, tuple[str, int]] = {
    "1h": ("in an hour", _HOUR_MS),
    "3h": ("in 3 hours", 3 * _HOUR_MS),
    "1d": ("tomorrow at this time", DAY_MS),
    "3d": ("in 3 days", 3 * DAY_MS),
    "7d": ("in a week", 7 * DAY_MS),
    "30d": ("in 30 days", 30 * DAY_MS),
    "91d": ("in 3 months", 91 * DAY_MS),
    "182d": ("in 6 months", 182 * DAY_MS),
}
"""What `when` offers beside a date and a time: the same instant whatever the zone."""

_REASON = Field("reason", "Why", "line")
_CHANNELS = ("phone", "email", "chat", "video call", "message", "in person")
_CHANNEL = Field("channel", "How", "choice", tuple((channel, channel) for channel in _CHANNELS))
_AMOUNT = Field("amount", "Amount", "number")
_ACTS = {
    act.kind: act
    for act in (
        Act("lead.accepted", "Accept"),
        Act("lead.declined", "Decline", (_REASON,)),
        Act("lead.contacted", "Contacted", (_CHANNEL,)),
        Act(
            "lead.snoozed",
            "Call later",
            (Field("until", "When", "when", needed=True), Field("text", "Note", "line")),
        ),
        Act("lead.qualified", "Qualified"),
        Act("lead.opportunity", "Opportunity", (_AMOUNT, Field("close_on", "Closes on", "day"))),
        Act("lead.won", "Won", (_AMOUNT, Field("currency", "Currency", "line"))),
        Act("lead.lost", "Lost", (_REASON,)),
        Act("lead.disqualified", "Not a lead", (_REASON,)),
        Act("lead.noted", "Note", (Field("text", "Note", "note", needed=True),)),
    )
}
_DEAL: tuple[Kind, ...] = ("lead.opportunity", "lead.won", "lead.lost", "lead.disqualified", "lead.noted")
_FITTING: Mapping[CaseState | None, tuple[Kind, ...]] = {
    "assigned": (
        "lead.accepted",
        "lead.declined",
        "lead.contacted",
        "lead.snoozed",
        "lead.disqualified",
        "lead.noted",
    ),
    "accepted": (
        "lead.contacted",
        "lead.snoozed",
        "lead.declined",
        "lead.qualified",
        "lead.disqualified",
        "lead.noted",
    ),
    "contacted": ("lead.qualified", "lead.snoozed", "lead.contacted", *_DEAL),
    "snoozed": ("lead.contacted", "lead.snoozed", "lead.qualified", *_DEAL),
    "call_due": ("lead.contacted", "lead.snoozed", "lead.qualified", *_DEAL),
    "working": ("lead.won", "lead.opportunity", "lead.lost", "lead.snoozed", "lead.contacted", *_DEAL[3:]),
    "closed": ("lead.qualified", "lead.opportunity", "lead.noted"),
    None: ("lead.contacted", "lead.snoozed", "lead.qualified", *_DEAL),
}
"""What can come next, the likeliest first; nothing where nobody has the lead."""


def acts_for(state: CaseState | None) -> list[Act]:
    """The buttons for a lead in that state that somebody has."""
    return [_ACTS[kind] for kind in _FITTING.get(state, ())]


def read_feedback(form: Mapping[str, object], now_ms: int, zone: tzinfo = UTC) -> Feedback:
    """What a form says of a lead; times without an offset are of `zone`. Raises Mistaken."""
    kind = form.get("type")
    named = next((one for one in KINDS if one == kind), None)
    if named is None:
        raise Mistaken(Mistake("type", f"is {_shown(kind)!r}; expected one of {', '.join(KINDS)}"))
    said = _Reading(form)
    fields = FIELDS.get(named, ())
    feedback = Feedback(
        type=named,
        until=said.when("until", now_ms, zone) if "until" in fields else None,
        channel=said.text("channel") if "channel" in fields else None,
        amount=said.number("amount") if "amount" in fields else None,
        currency=said.text("currency") if "currency" in fields else None,
        close_on=said.day("close_on") if "close_on" in fields else None,
        text=said.text("text") if "text" in fields else None,
        reason=said.text("reason") if "reason" in fields else None,
    )
    said.finish()
    return feedback


def read_availability(form: Mapping[str, object], now_ms: int, zone: tzinfo = UTC) -> Availability:
    """What a form says of whether a rep is there; times without an offset are of `zone`. Raises Mistaken."""
    said = _Reading(form)
    kind = form.get("type")
    if kind == "rep.available":
        return Availability(type="rep.available")
    if kind != "rep.away":
        raise Mistaken(Mistake("type", f"is {_shown(kind)!r}; expected rep.available or rep.away"))
    until = said.when("until", now_ms, zone)
    said.finish()
    return Availability(type="rep.away", until=until)


class _Reading:
    """Reads the fields of one form, and keeps what is wrong with them."""

    def __init__(self, form: Mapping[str, object]) -> None:
        self._form = form
        self._mistakes: list[Mistake] = []

    def finish(self) -> None:
        if self._mistakes:
            raise Mistaken(*self._mistakes)

    def text(self, name: str) -> str | None:
        """None where nothing was filled in."""
        value = self._form.get(name)
        given = printable(value).strip() if isinstance(value, str) else ""
        if len(given) > TEXT_CHARS_MAX:
            self._mistakes.append(Mistake(name, f"has {len(given)} characters; expected at most {TEXT_CHARS_MAX}"))
            return None
        return given or None

    def number(self, name: str) -> float | None:
        given = self.text(name)
        if given is None:
            return None
        try:
            if len(given) > NUMBER_CHARS_MAX:
                raise ValueError
            return float(given)
        except ValueError:
            self._mistakes.append(Mistake(name, f"is {_shown(given)!r}; expected a number such as 1200.50"))
            return None

    def day(self, name: str) -> date | None:
        given = self.text(name)
        try:
            return None if given is None else date.fromisoformat(given)
        except ValueError:
            self._mistakes.append(Mistake(name, f"is {_shown(given)!r}; expected a day such as 2026-12-31"))
            return None

    def when(self, name: str, now_ms: int, zone: tzinfo) -> datetime | None:
        """The date and time that were filled in, else what was chosen of LATER."""
        at, later = self.text(f"{name}_at"), self.text(f"{name}_in")
        if at is None:
            if later is None:
                return None
            if later in LATER:
                return EPOCH + timedelta(milliseconds=now_ms + LATER[later][1])
            self._mistakes.append(Mistake(name, f"is {_shown(later)!r}; expected one of {', '.join(LATER)}"))
            return None
        try:
            moment = datetime.fromisoformat(at)
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            self._mistakes.append(Mistake(name, f"is {_shown(at)!r}; expected a date and a time: 2026-12-31T09:30"))
            return None


def _shown(value: object) -> str:
    return clean(value, 40) if isinstance(value, str) else "nothing"
