"""What is known of a lead beside its score: how the score went, who has the lead, and what happened.

The topics are read independently of each other, so what is folded late lands where it would have landed in time. Only
the desk's records of one lead count in the order in which they come, which is that in which the desk wrote them.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from engine.core.instants import DAY_MS, from_rfc3339
from engine.core.records import (
    LeadAlert,
    LeadAssignment,
    LeadConversion,
    LeadFeedbackRecord,
    LeadMergeRecord,
    LeadScore,
    LeadStageChange,
)
from engine.core.text import clean
from engine.readmodel.case import Case, chosen, heard, recycled
from engine.readmodel.history import Point, united, with_point

TIMELINE_MAX = 40
OTHERS_MAX = 3
"""Of how many leads that are one with it now the cases are kept beside its own."""
TEXT_CHARS_MAX = 500
FOLLOWS_MS = DAY_MS
"""How long after a merge what is told of the lead that is no more is still of the other; later it is a new lead."""

RECYCLED = "recycled"
_SHOWN: dict[type, tuple[str, ...]] = {
    LeadAlert: ("alert", "label", "priority", "reason", "from_", "to", "total", "band"),
    LeadAssignment: ("rep", "previous", "team", "rule", "region", "desk", "attempt", "reason", "due_at"),
    LeadFeedbackRecord: ("rep", "until", "channel", "amount", "currency", "close_on", "text", "reason", "due_at"),
    LeadStageChange: ("from_", "to", "reason", "total"),
    LeadMergeRecord: ("from_", "reason", "total"),
    LeadConversion: ("conversion", "revenue", "currency"),
}
"""What a timeline shows of a record."""

Data = LeadScore | LeadAlert | LeadAssignment | LeadFeedbackRecord | LeadStageChange | LeadMergeRecord | LeadConversion


class Entry(msgspec.Struct, frozen=True, gc=False):
    """Something that happened to a lead at `at_ms`: a record's id, its type as `lead.alerted`, and what to show of it.

    `data` is a JSON object with fields of the record's data that are not null; long texts are cut.
    """

    id: str
    at_ms: int
    type: str
    data: bytes


class Moved(msgspec.Struct, frozen=True, gc=False):
    """The lead is `lead` now, since the event time `at_ms`; the record of it was written at `told_ms`."""

    lead: str
    at_ms: int
    told_ms: int


class Dossier(msgspec.Struct, frozen=True):
    """`history` and `timeline` are in order of time, oldest first.

    `case` is how it stands with the desk, None where it was never asked; `others` are cases that count less: of leads
    that are one with this one, or its own. `recycled_ms` is when it was recycled last, as far as known. `moved` says
    that it is another lead now; the rest is then of a later lead with the same id.
    """

    history: list[Point] = []
    case: Case | None = None
    timeline: list[Entry] = []
    others: list[Case] = []
    recycled_ms: int | None = None
    moved: Moved | None = None


class News(NamedTuple):
    """A record about a lead: its id, type as `lead.alerted`, the event time of its cause, and when it was written."""

    lead: str
    id: str
    type: str
    time_ms: int
    told_ms: int
    data: Data


_NOTHING = Dossier()
_decoder = msgspec.msgpack.Decoder(Dossier)
_encoder = msgspec.msgpack.Encoder()
_json = msgspec.json.Encoder()


def pack(dossier: Dossier) -> bytes:
    """The dossier as a read model keeps it."""
    return _encoder.encode(dossier)


def unpack(packed: bytes) -> Dossier:
    """The dossier that a read model keeps. Raises msgspec.DecodeError for another version's."""
    return _decoder.decode(packed)


def opened(packed: bytes | None) -> Dossier | None:
    """The dossier that a read model keeps; None where there is none, or one of another version."""
    try:
        return None if packed is None else unpack(packed)
    except msgspec.DecodeError:
        return None


def fold(dossier: Dossier | None, news: News, of: str = "", merged_ms: int = 0) -> Dossier:
    """The dossier once it is known; what is in the timeline already changes nothing.

    `of` is the lead that it is about where that is one with the dossier's since `merged_ms`; else it is its own.
    """
    before = dossier or _NOTHING
    data = news.data
    if isinstance(data, LeadScore):
        return replace(before, history=with_point(before.history, Point(from_rfc3339(data.at), data.total)))
    if any(entry.id == news.id for entry in before.timeline):
        return before
    after = replace(before, timeline=_latest([*before.timeline], [entry_of(news)]))
    if isinstance(data, LeadStageChange) and data.to == RECYCLED:
        return _recycle(after, news.time_ms, of)
    if not isinstance(data, LeadAssignment | LeadFeedbackRecord):
        return after
    cases = _by_lead(after)
    case = heard(cases.get(of), news.type, data, news.time_ms, news.told_ms)
    if not of and after.recycled_ms is not None:
        case = recycled(case, after.recycled_ms)
    return _with_cases(after, cases | {of: replace(case, of=of, merged_ms=merged_ms)})


def unite(dossier: Dossier | None, other: Dossier | None, news: News) -> Dossier:
    """The dossier of a lead with which another is one from now on, as the merge `news` says."""
    data, before = news.data, fold(dossier, news)
    assert isinstance(data, LeadMergeRecord)
    old = None if other is None else until(other, news.time_ms + FOLLOWS_MS)
    if old is None:
        return before
    cases = _by_lead(before)
    if old.case is not None:
        cases = cases | {data.from_: replace(old.case, of=data.from_, merged_ms=news.told_ms)}
    after = replace(
        before, history=united(before.history, old.history), timeline=_latest(before.timeline, old.timeline)
    )
    return _with_cases(after, cases)


def leave(other: Dossier | None, news: News) -> Dossier:
    """What stands under the id of a lead that is another from now on, as the merge `news` says."""
    left = None if other is None else since(other, news.time_ms + FOLLOWS_MS)
    return replace(left or _NOTHING, moved=Moved(news.lead, news.time_ms, news.told_ms))


def follows(dossier: Dossier | None, time_ms: int) -> Moved | None:
    """Where what happened at the event time belongs, if not to the dossier's lead."""
    moved = None if dossier is None else dossier.moved
    return moved if moved is not None and time_ms <= moved.at_ms + FOLLOWS_MS else None


def since(dossier: Dossier, at_ms: int) -> Dossier | None:
    """What is left of it once all up to the event time `at_ms` is forgotten, None where nothing is."""
    left = _part(dossier, at_ms, after=True)
    return None if left == _NOTHING else left


def until(dossier: Dossier, at_ms: int) -> Dossier | None:
    """What of it happened up to the event time `at_ms`, None where nothing did."""
    left = _part(dossier, at_ms, after=False)
    return None if left == _NOTHING else left


def entry_of(news: News) -> Entry:
    """What a timeline shows of it."""
    shown = {name.rstrip("_"): _cut(getattr(news.data, name)) for name in _SHOWN[type(news.data)]}
    data = _json.encode({name: value for name, value in shown.items() if value is not None})
    return Entry(news.id, news.time_ms, news.type, data)


def _cut(value: object) -> object:
    return clean(value, TEXT_CHARS_MAX) if isinstance(value, str) else value


def _latest(timeline: Sequence[Entry], more: Iterable[Entry]) -> list[Entry]:
    ids = {entry.id for entry in timeline}
    both = list(timeline)
    for entry in more:
        if entry.id not in ids:
            insort(both, entry, key=lambda one: (one.at_ms, one.id))
    return both[-TIMELINE_MAX:]


def _recycle(dossier: Dossier, at_ms: int, of: str) -> Dossier:
    """The desk writes nothing of a lead that waited and is recycled."""
    cases = _by_lead(dossier)
    if of in cases:
        dossier = _with_cases(dossier, cases | {of: recycled(cases[of], at_ms)})
    return dossier if of else replace(dossier, recycled_ms=max(at_ms, dossier.recycled_ms or at_ms))


def _by_lead(dossier: Dossier) -> dict[str, Case]:
    cases = [*dossier.others] if dossier.case is None else [dossier.case, *dossier.others]
    return {case.of: case for case in cases}


def _with_cases(dossier: Dossier, cases: dict[str, Case]) -> Dossier:
    best, others = chosen(cases)
    return replace(dossier, case=best, others=others[:OTHERS_MAX])


def _part(dossier: Dossier, at_ms: int, *, after: bool) -> Dossier:
    cases = {of: case for of, case in _by_lead(dossier).items() if (case.at_ms > at_ms) is after}
    return _with_cases(
        Dossier(
            history=[point for point in dossier.history if (point.at_ms > at_ms) is after],
            timeline=[entry for entry in dossier.timeline if (entry.at_ms > at_ms) is after],
        ),
        cases,
    )
