"""The records that people and systems can be told of: which there are, what conditions read, and how they are read."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_type_hints

import msgspec

from engine.core.cloudevents import noun_verb_of
from engine.core.conditions import Fields, Getter
from engine.core.erasure import Pseudonym
from engine.core.fields import within
from engine.core.flow import Record
from engine.core.instants import from_rfc3339
from engine.core.records import Cause, LeadErased, Touch
from engine.readmodel.events import Foreign, Malformed
from engine.readmodel.port import EVENT_BYTES_MAX
from engine.stream.emitted import CANARIES, EMITTED

ERASED = "lead.erased"
TOPICS = ("lead-alerts", "lead-assignments", "lead-stages", "lead-actions", "lead-conversions")
KINDS: Mapping[str, type[msgspec.Struct]] = {
    kind.noun_verb: kind.data for kind in EMITTED if kind.topic in TOPICS and kind.noun_verb not in {ERASED, *CANARIES}
}
"""Every record that a rule can name, with what it holds. `lead.erased` is obeyed, not told; canaries are nobody."""
FAMILIES = ("traits.", "data.")
REP = "rep"

_OWNER = "owner"
_NESTED = {Touch: ("channel", "source", "medium", "campaign"), Cause: ("topic", "name")}
_BESIDE = ("traits", "data", "ids", "top", "pages", "trace", "touches", "weights", "credit")


class Notice(NamedTuple):
    """A record to tell of: `kind` such as `lead.alerted`, its data as JSON has it, and its bytes.

    `pseudonym` is the keyed hash of the lead's id, or the id where nobody has the key; `time_ms` the event time of the
    cause.
    """

    id: str
    kind: str
    lead: str
    pseudonym: str
    time_ms: int
    data: dict[str, Any]
    event: bytes

    @property
    def rep(self) -> str | None:
        """Who has the lead, as far as the record tells."""
        rep = self.data.get(REP) or self.data.get(_OWNER)
        return rep if isinstance(rep, str) else None


class Erasure(NamedTuple):
    """A lead was erased at this instant: nobody is told any more of what it did up to then."""

    pseudonym: str
    at_ms: int


class _Event(msgspec.Struct):
    id: str
    type: str
    subject: str
    time: str
    data: dict[str, Any]


_events = msgspec.json.Decoder(_Event)


def read(record: Record, pseudonym: Pseudonym) -> Notice | Erasure | Malformed | Foreign | None:
    """What a record of one of `TOPICS` tells; None: nothing, to nobody. Never raises for what it holds."""
    try:
        value = record.value or b""
        if len(value) > EVENT_BYTES_MAX:
            raise ValueError(f"{len(value)} bytes, at most {EVENT_BYTES_MAX} are told")
        event = _events.decode(value)
        kind = noun_verb_of(event.type)
        if kind == ERASED:
            data = msgspec.convert(event.data, LeadErased)
            return Erasure(data.lead, from_rfc3339(data.at))
        if kind not in KINDS:
            return None if kind in CANARIES else Foreign(kind)
        time_ms = from_rfc3339(event.time)
        return Notice(event.id, kind, event.subject, pseudonym(event.subject), time_ms, event.data, value)
    except (ValueError, RecursionError) as error:
        return Malformed(record, str(error))


def notice(event: bytes) -> Notice:
    """What was read before, from its bytes as they are kept; whose it is stands beside them."""
    read_again = _events.decode(event)
    kind = noun_verb_of(read_again.type)
    return Notice(read_again.id, kind, read_again.subject, "", from_rfc3339(read_again.time), read_again.data, event)


def _names_of(data: type[msgspec.Struct]) -> frozenset[str]:
    """The fields of a record that conditions can read, families left out."""
    names = {"record", REP} if {REP, _OWNER} & set(data.__struct_fields__) else {"record"}
    hints = get_type_hints(data)
    for field in msgspec.structs.fields(data):
        nested = next((keys for kind, keys in _NESTED.items() if kind in _kinds(hints[field.name])), ())
        names.update(f"{field.encode_name}.{key}" for key in nested)
        if not nested and field.encode_name not in _BESIDE:
            names.add(field.encode_name)
    return frozenset(names)


def _kinds(hint: Any) -> tuple[Any, ...]:
    return (hint, *getattr(hint, "__args__", ()))


NAMES: Mapping[str, frozenset[str]] = {kind: _names_of(data) for kind, data in KINDS.items()}
"""What conditions can read of each kind of record; `traits.*` and `data.*` of those that have them beside."""


def has(kind: str, name: str) -> bool:
    """Whether a record of this kind can have field `name`."""
    family = name.partition(".")[0]
    return name in NAMES[kind] or (f"{family}." in FAMILIES and family in KINDS[kind].__struct_fields__)


def _getter(name: str) -> Getter:
    path = name.split(".")
    return lambda notice: within(notice.data, path)


def _family(prefix: str) -> Any:
    return lambda name: _getter(prefix + name)


FIELDS = Fields(
    known={
        **{name: _getter(name) for name in sorted(frozenset[str]().union(*NAMES.values()))},
        "record": lambda notice: notice.kind,
        REP: lambda notice: notice.rep,
    },
    families={prefix: _family(prefix) for prefix in FAMILIES},
)
"""The fields of a `Notice` for conditions: those of its data; `record` is its kind, `rep` who has the lead."""
