"""What reps say on `rep-events`, as it is written: a record becomes a saying or is rejected."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, get_args

import msgspec

from engine.core.decode import AHEAD_MS_MAX, DEPTH_MAX, ID_CHARS_MAX, TEXT_CHARS_MAX, VALUE_BYTES_MAX
from engine.core.events import Rejected, outside_years
from engine.core.flow import Record
from engine.core.instants import FIRST_MS, LAST_MS, from_datetime
from engine.core.messages import FeedbackKind
from engine.core.text import clean


class _Said(msgspec.Struct, tag_field="type"):
    rep: str = ""
    at: datetime | None = None


class _OfLead(_Said):
    lead: str = ""


class _Accepted(_OfLead, tag="lead.accepted"):
    pass


class _Declined(_OfLead, tag="lead.declined"):
    reason: str | None = None


class _Contacted(_OfLead, tag="lead.contacted"):
    channel: str | None = None


class _Snoozed(_OfLead, tag="lead.snoozed"):
    until: datetime | None = None
    text: str | None = None


class _Qualified(_OfLead, tag="lead.qualified"):
    pass


class _Disqualified(_OfLead, tag="lead.disqualified"):
    reason: str | None = None


class _Opportunity(_OfLead, tag="lead.opportunity"):
    amount: float | None = None
    close_on: date | None = None


class _Won(_OfLead, tag="lead.won"):
    amount: float | None = None
    currency: str | None = None


class _Lost(_OfLead, tag="lead.lost"):
    reason: str | None = None


class _Recycled(_OfLead, tag="lead.recycled"):
    pass


class _Noted(_OfLead, tag="lead.noted"):
    text: str | None = None


class _Available(_Said, tag="rep.available"):
    pass


class _Away(_Said, tag="rep.away"):
    until: datetime | None = None


_Saying = (
    _Accepted
    | _Declined
    | _Contacted
    | _Snoozed
    | _Qualified
    | _Disqualified
    | _Opportunity
    | _Won
    | _Lost
    | _Recycled
    | _Noted
    | _Available
    | _Away
)
AVAILABLE, AWAY = "rep.available", "rep.away"
KINDS: Mapping[str, FeedbackKind] = {f"lead.{kind}": kind for kind in get_args(FeedbackKind)}
_TIME = "a time such as 2026-11-23T04:30:00Z"
_EXPECTED = {
    "type": "one of " + ", ".join((AVAILABLE, AWAY, *KINDS)),
    "rep": "the id of a rep",
    "lead": "the id of a lead",
    "at": _TIME,
    "until": _TIME,
    "amount": "a number",
    "close_on": "a day such as 2026-12-31",
    "channel": "text",
    "currency": "text",
    "reason": "text",
    "text": "text",
}
_json = msgspec.json.Decoder()


class Saying(msgspec.Struct, frozen=True):
    """What a rep said, of a lead or of where the rep is; instants in ms, texts clean and cut.

    `kind` is the record's type. Only what belongs to it can be there; `lead` is empty where it is about the rep.
    """

    kind: str
    rep: str
    lead: str
    at_ms: int
    until_ms: int | None = None
    channel: str | None = None
    amount: float | None = None
    currency: str | None = None
    close_on: date | None = None
    text: str | None = None
    reason: str | None = None


def read_saying(record: Record) -> Saying:
    """What the record says. Raises `Rejected`, and nothing else."""
    said = _parse(record.value)
    kind = str(said.__struct_config__.tag)
    texts = {name: _text(said, name) for name in ("channel", "currency", "text", "reason")}
    return Saying(
        kind=kind,
        rep=_id("rep", said.rep),
        lead=_id("lead", said.lead) if isinstance(said, _OfLead) else "",
        at_ms=_at_ms(record, said.at),
        until_ms=_instant("until", getattr(said, "until", None)),
        amount=getattr(said, "amount", None),
        close_on=getattr(said, "close_on", None),
        **texts,
    )


def _text(said: "_Saying", name: str) -> str | None:
    text = getattr(said, name, None)
    return None if text is None else clean(text, TEXT_CHARS_MAX)


def _parse(value: bytes | None) -> _Saying:
    if not value:
        raise Rejected("json", None, "the value is empty; expected a JSON object")
    if len(value) > VALUE_BYTES_MAX:
        raise Rejected("size", None, f"the value has {len(value)} bytes; at most {VALUE_BYTES_MAX} are read")
    try:
        content = _json.decode(value)
    except msgspec.ValidationError as error:
        raise Rejected("schema", None, f"{error}; expected numbers that a 64-bit float holds") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Rejected("json", None, f"not JSON: {error}") from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(content, dict):
        raise Rejected("json", None, f"not an object: {shown_value(content)}")
    _check_depth(content)
    try:
        said: _Saying = msgspec.convert(content, _Saying)
    except msgspec.ValidationError as error:
        # What is missing has no place: of all fields only the type must be there to be converted.
        field = str(error).partition(" - at `$.")[2].rstrip("`") or "type"
        raise _unexpected(field, content.get(field)) from None
    return said


def _at_ms(record: Record, at: datetime | None) -> int:
    """When it was said: never after its record, of which the sender's clock may be up to five minutes ahead."""
    recorded_ms = record.timestamp
    at_ms = _instant("at", at)
    if at_ms is None:
        if not FIRST_MS <= recorded_ms <= LAST_MS:
            raise outside_years(recorded_ms)
        return recorded_ms
    ahead_ms = at_ms - recorded_ms
    if ahead_ms > AHEAD_MS_MAX:
        raise Rejected("time", "at", f"{ahead_ms // 1000} s after its record; at most {AHEAD_MS_MAX // 1000} s are")
    return min(at_ms, recorded_ms)


def _instant(field: str, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    instant_ms = from_datetime(moment)
    if not FIRST_MS <= instant_ms <= LAST_MS:
        raise Rejected("time", field, f"{moment.isoformat()} is outside the years 1 to 9999 in UTC")
    return instant_ms


def _id(field: str, value: str) -> str:
    if len(value) > ID_CHARS_MAX:
        raise Rejected("schema", field, f"{field} has {len(value)} characters; at most {ID_CHARS_MAX} are an id")
    cleaned = clean(value, ID_CHARS_MAX)
    if not cleaned:
        raise Rejected("schema", field, f"{field} is missing or empty; expected {_EXPECTED[field]}")
    return cleaned


def _check_depth(content: dict[str, Any]) -> None:
    level: list[Any] = [content]
    for _ in range(DEPTH_MAX):
        inner = [one.values() if isinstance(one, dict) else one for one in level]
        level = [one for values in inner for one in values if isinstance(one, dict | list)]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> Rejected:
    return Rejected("json", None, f"nested deeper than {DEPTH_MAX} levels")


def _unexpected(field: str, value: object) -> Rejected:
    return Rejected("schema", field, f"{field} is {shown_value(value)}; expected {_EXPECTED[field]}")


def shown_value(value: object) -> str:
    return "missing" if value is None else repr(value)[:80]
