"""What a rep says became of a lead: `(record of rep-events, desk rows) → (feedback, changed rows)`."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple, get_args

import msgspec

from engine.core.decode import AHEAD_MS_MAX, DEPTH_MAX, ID_CHARS_MAX, TEXT_CHARS_MAX, VALUE_BYTES_MAX
from engine.core.events import Rejected
from engine.core.flow import Record
from engine.core.instants import FIRST_MS, LAST_MS, from_datetime, to_rfc3339
from engine.core.messages import FeedbackKind, LeadFeedback, OwnerChanged
from engine.core.profile import DEPTH_MAX as ALIASES_MAX
from engine.core.records import Cause, LeadFeedbackRecord
from engine.core.text import clean
from engine.routing.config import Routing
from engine.routing.desk import Held, Read, held_key, pack, unpack_held


class Heard(NamedTuple):
    """Feedback that was accepted: its record's type, its instant in ms and data, and the desk's changed rows.

    `messages` are for the lead's profile, in `partition` of `lead-inbox`.
    """

    kind: str
    at_ms: int
    data: LeadFeedbackRecord
    messages: tuple[LeadFeedback | OwnerChanged, ...]
    partition: int
    rows: Mapping[bytes, bytes]


class _Said(msgspec.Struct, tag_field="type"):
    rep: str = ""
    lead: str = ""
    at: datetime | None = None


class _Accepted(_Said, tag="lead.accepted"):
    pass


class _Declined(_Said, tag="lead.declined"):
    reason: str | None = None


class _Contacted(_Said, tag="lead.contacted"):
    channel: str | None = None


class _Snoozed(_Said, tag="lead.snoozed"):
    until: datetime | None = None
    text: str | None = None


class _Qualified(_Said, tag="lead.qualified"):
    pass


class _Disqualified(_Said, tag="lead.disqualified"):
    reason: str | None = None


class _Opportunity(_Said, tag="lead.opportunity"):
    amount: float | None = None
    close_on: date | None = None


class _Won(_Said, tag="lead.won"):
    amount: float | None = None
    currency: str | None = None


class _Lost(_Said, tag="lead.lost"):
    reason: str | None = None


class _Recycled(_Said, tag="lead.recycled"):
    pass


class _Noted(_Said, tag="lead.noted"):
    text: str | None = None


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
)
_KINDS: Mapping[str, FeedbackKind] = {f"lead.{kind}": kind for kind in get_args(FeedbackKind)}
_AVAILABILITY = ("rep.available", "rep.away")
_FREEING: frozenset[FeedbackKind] = frozenset({"disqualified", "recycled"})
"""After these the lead has no owner."""

_TIME = "a time such as 2026-11-23T04:30:00Z"
_EXPECTED = {
    "type": "one of " + ", ".join((*_AVAILABILITY, *_KINDS)),
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
_MERGES_MAX = ALIASES_MAX + 2
"""How often a lead is looked for under its next id: a browser's, an address, a userId and aliases of it."""


def hear(routing: Routing, record: Record, read: Read) -> Heard:
    """Accepts the feedback in `record` if it is from the rep who has the lead. Raises `Rejected`, and nothing else.

    `read` gives the desk's row of a key. A lead that is recycled or disqualified has no owner any more.
    """
    said = _parse(record.value)
    lead, rep = _moved_to(_id("lead", said.lead), read), _id("rep", said.rep)
    at_ms, until_ms = _at_ms(record, said.at), _instant("until", getattr(said, "until", None))
    held, profile = _held(routing, lead, rep, read)
    kind = str(said.__struct_config__.tag)
    cause = Cause(record.topic, record.partition, record.offset, None, kind, to_rfc3339(at_ms))
    data = LeadFeedbackRecord(
        lead=lead,
        rep=rep,
        at=cause.time,
        until=None if until_ms is None else to_rfc3339(until_ms),
        channel=_text(said, "channel"),
        amount=getattr(said, "amount", None),
        currency=_text(said, "currency"),
        close_on=getattr(said, "close_on", None),
        text=_text(said, "text"),
        reason=_text(said, "reason"),
        cause=cause,
    )
    told = LeadFeedback(
        lead=lead,
        profile=profile,
        kind=_KINDS[kind],
        rep=rep,
        at=at_ms,
        until=until_ms,
        amount=data.amount,
        currency=data.currency,
        reason=data.reason,
        cause=cause,
    )
    if told.kind not in _FREEING:
        return Heard(kind, at_ms, data, (told,), held.partition, {})
    freed = msgspec.structs.replace(held, rep=None, team=None, rule=None, since_ms=at_ms)
    messages = (told, OwnerChanged(lead, profile, None, at_ms, cause))
    return Heard(kind, at_ms, data, messages, held.partition, {held_key(lead): pack(freed)})


def _moved_to(lead: str, read: Read) -> str:
    """The lead as it is called now: what a rep has on the screen may be merged with another since."""
    for _ in range(_MERGES_MAX):
        held = unpack_held(read(held_key(lead)))
        if held is None or held.moved is None:
            break
        lead = held.moved
    return lead


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
        raise Rejected("json", None, f"not an object: {_shown(content)}")
    _check_depth(content)
    if content.get("type") in _AVAILABILITY:
        told = f"{content['type']} is not supported yet: this version reads feedback on leads, such as lead.accepted"
        raise Rejected("feedback", "type", told)
    try:
        said: _Saying = msgspec.convert(content, _Saying)
    except msgspec.ValidationError as error:
        # What is missing has no place: of all fields only the type must be there to be converted.
        field = str(error).partition(" - at `$.")[2].rstrip("`") or "type"
        raise _unexpected(field, content.get(field)) from None
    return said


def _held(routing: Routing, lead: str, rep: str, read: Read) -> tuple[Held, str]:
    """The lead's row, and the key of its profile's, where `rep` has the lead."""
    if rep not in routing.reps:
        known = ", ".join(sorted(routing.reps)[:10]) or "nobody"
        raise Rejected("feedback", "rep", f"{_shown(rep)} is no rep; the configuration knows {known}")
    held = unpack_held(read(held_key(lead)))
    if held is None:
        raise Rejected("feedback", "lead", f"no rep was ever asked for lead {_shown(lead)}; expected one that was")
    if held.rep is None:
        told = f"lead {_shown(lead)} has no rep now; only the rep who has a lead can say something about it"
        raise Rejected("feedback", "rep", told)
    if held.rep != rep:
        raise Rejected("feedback", "rep", f"lead {_shown(lead)} is not {rep}'s; expected {held.rep}, who has it")
    if held.profile is None:
        told = f"the desk will know where lead {_shown(lead)} is kept after its next alert; send it again then"
        raise Rejected("feedback", "lead", told)
    return held, held.profile


def _at_ms(record: Record, at: datetime | None) -> int:
    """When it was said: never after its record, of which the sender's clock may be up to five minutes ahead."""
    recorded_ms = record.timestamp
    at_ms = _instant("at", at)
    if at_ms is None:
        if not FIRST_MS <= recorded_ms <= LAST_MS:
            raise Rejected("time", None, f"{recorded_ms} ms after 1970 is outside the years 1 to 9999")
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


def _text(said: _Saying, field: str) -> str | None:
    text = getattr(said, field, None)
    return None if text is None else clean(text, TEXT_CHARS_MAX)


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
    return Rejected("schema", field, f"{field} is {_shown(value)}; expected {_EXPECTED[field]}")


def _shown(value: object) -> str:
    return "missing" if value is None else repr(value)[:80]
