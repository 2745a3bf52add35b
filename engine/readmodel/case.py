"""How it stands with a lead at the desk, as the desk's records and the reps' feedback tell it."""

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from engine.core.instants import from_rfc3339
from engine.core.records import LeadAssignment, LeadFeedbackRecord, TraceStep
from engine.core.text import clean
from engine.routing.territories import TERRITORIES_TOLD_MAX

TRACE_MAX = 40
TEXT_CHARS_MAX = 300

CaseState = Literal[
    "waiting", "assigned", "accepted", "contacted", "snoozed", "call_due", "working", "closed", "released"
]
ASKED: frozenset[CaseState] = frozenset({"waiting", "assigned", "accepted"})
"""Somebody is asked to get in touch; when the lead is asked for anew in another state, another case begins."""

_SAID: Mapping[str, CaseState] = {
    "lead.contacted": "contacted",
    "lead.snoozed": "snoozed",
    "lead.qualified": "working",
    "lead.opportunity": "working",
    "lead.won": "closed",
    "lead.lost": "closed",
    "lead.disqualified": "closed",
    "lead.recycled": "closed",
}
"""The state after feedback; after any other it is what it was."""
_REOPENING = frozenset({"lead.qualified", "lead.opportunity"})
_FREEING = frozenset({"lead.disqualified", "lead.recycled"})


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Instants are event times in ms since the epoch.

    `since_ms`: when this state began; `asked_ms`: when the lead was first asked for in this case; `contacted_ms`: when
    it was first contacted in it, None: never; `due_ms`: when the rep must have accepted or contacted it; `call_ms`:
    when to call again. `alert` is the id of the alert that asked last; `trace` how that was decided.
    `at_ms` and `told_ms` are the event time and the writing of the last record. `of` is the lead whose case it was
    where that is one with this one since `merged_ms`, empty for the lead's own.
    """

    state: CaseState
    rep: str | None = None
    team: str | None = None
    region: str | None = None
    territories: tuple[str, ...] = ()
    rule: str | None = None
    desk: str | None = None
    attempt: int = 1
    since_ms: int
    asked_ms: int
    due_ms: int | None = None
    remind_ms: int | None = None
    call_ms: int | None = None
    contacted_ms: int | None = None
    reminded: bool = False
    reason: str = ""
    trace: list[TraceStep] = []
    alert: str = ""
    at_ms: int = 0
    told_ms: int = 0
    of: str = ""
    merged_ms: int = 0


def heard(case: Case | None, kind: str, data: LeadAssignment | LeadFeedbackRecord, time_ms: int, told_ms: int) -> Case:
    """The case after a record of `lead-assignments` of this kind, with this event time, written at `told_ms`."""
    if isinstance(data, LeadAssignment):
        after = _decided(case, kind, data, time_ms)
    else:
        after = _said(case or _opened(data, time_ms), kind, data, time_ms)
    return replace(after, at_ms=time_ms, told_ms=told_ms)


def recycled(case: Case, at_ms: int) -> Case:
    """The case once it is known that the lead was recycled then: nobody looks for a rep any more."""
    if case.state != "waiting" or case.since_ms > at_ms:
        return case
    return replace(case, state="closed", since_ms=at_ms)


def chosen(cases: Mapping[str, Case]) -> tuple[Case | None, list[Case]]:
    """Which of the cases of leads that are one now counts, and the others, as the desk decides it.

    It goes on with whoever has the lead, else with the other's rep, else with who waits; what is said of the lead
    itself after the merge counts more.
    """
    best = cases.get("")
    for other in sorted((case for of, case in cases.items() if of), key=lambda case: (case.merged_ms, case.of)):
        if best is None or (_rank(other) < _rank(best) and not (best.of == "" and best.told_ms >= other.merged_ms)):
            best = other
    return best, sorted((case for case in cases.values() if case is not best), key=_rank)


def _rank(case: Case) -> int:
    return 0 if case.rep is not None else 1 if case.state == "waiting" else 2


def _decided(case: Case | None, kind: str, data: LeadAssignment, time_ms: int) -> Case:
    due_ms, remind_ms = _instant(data.due_at), _instant(data.remind_at)
    given = replace(
        case or Case(state="assigned", since_ms=time_ms, asked_ms=time_ms),
        rep=data.rep,
        team=data.team,
        region=data.region,
        territories=tuple(dict.fromkeys(clean(one, TEXT_CHARS_MAX) for one in data.territories[:TERRITORIES_TOLD_MAX])),
        rule=data.rule,
        desk=data.desk,
        attempt=data.attempt,
        due_ms=due_ms,
        remind_ms=remind_ms,
        alert=data.alert,
    )
    if kind == "lead.reminded":
        return replace(given, reminded=True)
    if kind == "lead.call_due":
        return replace(given, state="call_due", since_ms=time_ms)
    decided = replace(given, reason=clean(data.reason, TEXT_CHARS_MAX), trace=shown_trace(data.trace) or given.trace)
    if kind == "lead.released":
        return replace(decided, state="released", since_ms=time_ms, call_ms=None)
    if case is not None and case.state != "waiting" and _goes_on(case, data.rep, due_ms):
        return decided
    if case is None or case.state not in ASKED:
        decided = replace(decided, asked_ms=time_ms, contacted_ms=None)
    state: CaseState = "waiting" if data.rep is None else "assigned"
    waits_on = case is not None and case.state == state == "waiting"
    since_ms = case.since_ms if case is not None and waits_on else time_ms
    return replace(decided, state=state, since_ms=since_ms, call_ms=None, reminded=False)


def _goes_on(case: Case, rep: str | None, due_ms: int | None) -> bool:
    """Whether a decision leaves the lead with its rep, who need not do anything again."""
    return rep is not None and case.rep == rep and case.due_ms == due_ms and case.state not in ("closed", "released")


def _opened(data: LeadFeedbackRecord, time_ms: int) -> Case:
    """What is known of a case from feedback alone: what came before is no more in the topic."""
    return Case(state="assigned", rep=data.rep, since_ms=time_ms, asked_ms=time_ms)


def _said(case: Case, kind: str, data: LeadFeedbackRecord, time_ms: int) -> Case:
    if kind == "lead.accepted":
        due_ms = _instant(data.due_at)
        if case.state != "assigned":
            return replace(case, due_ms=due_ms or case.due_ms)
        return replace(case, state="accepted", since_ms=time_ms, due_ms=due_ms, remind_ms=None, reminded=False)
    if kind == "lead.snoozed":
        case = replace(case, call_ms=_instant(data.until))
    state = _SAID.get(kind)
    if state is None or (case.state == "closed" and state != "closed" and kind not in _REOPENING):
        return case
    is_pending = case.call_ms is not None and state != "closed" and case.state != "call_due"
    contacted_ms = case.contacted_ms if kind in _FREEING else case.contacted_ms or time_ms
    return replace(
        case,
        state=state,
        rep=None if kind in _FREEING else case.rep,
        since_ms=time_ms,
        due_ms=None,
        remind_ms=None,
        call_ms=case.call_ms if is_pending or kind == "lead.snoozed" else None,
        contacted_ms=contacted_ms,
        reminded=False,
    )


def shown_trace(trace: list[TraceStep]) -> list[TraceStep]:
    """At most TRACE_MAX steps of it, the first and the last; one between them says how many were left out."""
    if len(trace) > TRACE_MAX:
        head, tail = TRACE_MAX // 2, TRACE_MAX - TRACE_MAX // 2 - 1
        gap = TraceStep("…", "", "left out", f"{len(trace) - head - tail} steps are not kept")
        trace = [*trace[:head], gap, *trace[-tail:]]
    return [TraceStep(*(clean(text, TEXT_CHARS_MAX) for text in msgspec.structs.astuple(step))) for step in trace]


def _instant(text: str | None) -> int | None:
    return None if text is None else from_rfc3339(text)
