"""News of leads, made to order: what the desk and its reps wrote, in minutes after a fixed instant."""

from msgspec.structs import replace

from engine.core.instants import MINUTE_MS, to_rfc3339
from engine.core.records import LeadMergeRecord, LeadStageChange, Stage
from engine.readmodel.dossier import Data, News
from tests.unit.readmodel.samples import CAUSE, NOW_MS, alert, assignment, feedback, score


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
    data = assignment(lead, rep, due_at=text(due), region="west", **changes)
    return news(f"lead.{kind}", minute, data)


def said(
    kind: str, minute: int, rep: str = "andy", lead: str = "ada", until: int | None = None, due: int | None = None
) -> News:
    """Feedback of a rep."""
    at, cause = to_rfc3339(instant(minute)), replace(CAUSE, topic="rep-events", partition=0, offset=minute)
    data = feedback(lead, rep, at=at, until=text(until), due_at=text(due), cause=cause)
    return news(f"lead.{kind}", minute, data)


def alerted(minute: int, lead: str = "ada", reason: str = "total crossed 80") -> News:
    return news("lead.alerted", minute, alert(lead, label=None, reason=reason))


def moved(minute: int, to: Stage = "recycled", lead: str = "ada") -> News:
    return news("lead.stage_changed", minute, LeadStageChange(lead, "lead", to, "no reply", 60.0, 12.0, CAUSE))


def merged(minute: int, other: str = "a-1", lead: str = "ada") -> News:
    return news("lead.merged", minute, LeadMergeRecord(lead, other, lead, f"{other} is {lead}", 0.0, 84.0, CAUSE))


def scored(minute: int, total: float = 40.0, lead: str = "ada") -> News:
    return news("lead.score_changed", minute, score(lead, total, at=to_rfc3339(instant(minute))))
