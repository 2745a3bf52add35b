"""News of leads, made to order: what the desk and its reps wrote, in minutes after a fixed instant."""

from msgspec.structs import replace

from engine.core.instants import MINUTE_MS, to_rfc3339
from engine.core.records import (
    LeadAlert,
    LeadAssignment,
    LeadFeedbackRecord,
    LeadMergeRecord,
    LeadStageChange,
    Stage,
    TraceStep,
)
from engine.readmodel.dossier import Data, News
from tests.unit.readmodel.samples import CAUSE, IDS, NOW_MS, score


def instant(minute: int) -> int:
    """The instant so many minutes later, in ms."""
    return NOW_MS + minute * MINUTE_MS


def text(minute: int | None) -> str | None:
    return None if minute is None else to_rfc3339(instant(minute))


def news(kind: str, minute: int, data: Data, *, id: str | None = None) -> News:  # noqa: A002
    """What is written of a lead as soon as it happens."""
    return News(data.lead, id or f"{kind} {data.lead} {minute}", kind, instant(minute), instant(minute), data)


def decided(
    kind: str, minute: int, rep: str | None = "andy", due: int | None = None, lead: str = "ada", **changes: object
) -> News:
    """A record of `lead-assignments` about who has the lead; `due` in minutes."""
    data = LeadAssignment(
        lead=lead,
        rep=rep,
        team="us",
        rule="us",
        attempt=1,
        previous=None,
        due_at=text(due),
        reason="next in team us",
        trace=[TraceStep("rule", "us", "taken", "country is US")],
        alert="alert-1",
        score=84.0,
        band="hot",
        desk="main",
        region="west",
        remind_at=None,
        cause=CAUSE,
    )
    return news(f"lead.{kind}", minute, replace(data, **changes))


def said(
    kind: str, minute: int, rep: str = "andy", lead: str = "ada", until: int | None = None, due: int | None = None
) -> News:
    """Feedback of a rep."""
    data = LeadFeedbackRecord(
        lead=lead,
        rep=rep,
        at=to_rfc3339(instant(minute)),
        until=text(until),
        channel=None,
        amount=None,
        currency=None,
        close_on=None,
        text=None,
        reason=None,
        cause=replace(CAUSE, topic="rep-events", partition=0, offset=minute),
        due_at=text(due),
    )
    return news(f"lead.{kind}", minute, data)


def alerted(minute: int, lead: str = "ada", reason: str = "total crossed 80") -> News:
    data = LeadAlert(
        lead=lead,
        alert="hot-lead",
        label=None,
        priority="high",
        reason=reason,
        engagement=74.0,
        fit=10.0,
        total=84.0,
        band="hot",
        grade="B",
        stage="lead",
        from_=64.0,
        to=84.0,
        top=[],
        pages=[],
        product=None,
        first_touch=None,
        last_touch=None,
        traits={},
        ids=IDS,
        owner=None,
        cause=CAUSE,
        model="m1",
    )
    return news("lead.alerted", minute, data)


def moved(minute: int, to: Stage = "recycled", lead: str = "ada") -> News:
    return news("lead.stage_changed", minute, LeadStageChange(lead, "lead", to, "no reply", 60.0, 12.0, CAUSE))


def merged(minute: int, other: str = "a-1", lead: str = "ada") -> News:
    return news("lead.merged", minute, LeadMergeRecord(lead, other, lead, f"{other} is {lead}", 0.0, 84.0, CAUSE))


def scored(minute: int, total: float = 40.0, lead: str = "ada") -> News:
    return news("lead.score_changed", minute, score(lead, total, at=to_rfc3339(instant(minute))))
