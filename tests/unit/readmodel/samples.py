"""Output records as a worker writes them, made to order."""

from msgspec.structs import replace

from engine.core.cloudevents import output
from engine.core.flow import InputRecord, Output
from engine.core.instants import to_rfc3339
from engine.core.records import (
    Cause,
    Contribution,
    Ids,
    LeadAlert,
    LeadAssignment,
    LeadFeedbackRecord,
    LeadScore,
    Page,
    Touch,
    TraceStep,
)

NOW_MS = 1_795_000_000_000
AT = to_rfc3339(NOW_MS)
CAUSE = Cause("visitor-events", 3, 41, "m-1", "page_view", AT)
TOUCH = Touch(AT, "paid", "google", "cpc", "spring")
IDS = Ids("ada", ["a-1"])
PRICING = Contribution("engagement", "pricing-page", "Read the pricing page", "web", 30.0, 3, AT)
C_LEVEL = Contribution("fit", "c-level", "C-level title", None, 10.0, 1, None)


def score(lead: str = "ada", total: float = 40.0, **changes: object) -> LeadScore:
    """A score that adds up to `total`: 30 from visits, 10 from fit, the rest from a demo request."""
    demo = Contribution("engagement", "demo-request", None, "conversion", total - 40.0, 1, AT)
    usual = LeadScore(
        lead=lead,
        known=True,
        engagement=total - 10.0,
        fit=10.0,
        total=total,
        band="hot" if total >= 80 else "warm" if total >= 30 else "cold",
        grade="B",
        stage="lead",
        owner="andy",
        persona=None,
        product=None,
        fast_track=False,
        at=AT,
        contributions=[PRICING, demo, C_LEVEL],
        clamps=[],
        next_band_at=None,
        first_seen=AT,
        last_seen=AT,
        sessions=2,
        counts={"page_view": 3},
        pages=[Page(AT, "/pricing", "Pricing", 42.0)],
        first_touch=TOUCH,
        last_touch=TOUCH,
        traits={"title": "CEO"},
        ids=IDS,
        model="m1",
    )
    return replace(usual, **changes)


def alert(lead: str = "ada", **changes: object) -> LeadAlert:
    """Of a lead that turned hot."""
    usual = LeadAlert(
        lead=lead,
        alert="hot-lead",
        label="Hot lead",
        priority="high",
        reason="total crossed 80",
        engagement=74.0,
        fit=10.0,
        total=84.0,
        band="hot",
        grade="B",
        stage="lead",
        from_=64.0,
        to=84.0,
        top=[PRICING],
        pages=[Page(AT, "/pricing", "Pricing", None)],
        product=None,
        first_touch=TOUCH,
        last_touch=TOUCH,
        traits={},
        ids=IDS,
        owner=None,
        cause=CAUSE,
        model="m1",
    )
    return replace(usual, **changes)


def assignment(lead: str = "ada", rep: str | None = "andy", **changes: object) -> LeadAssignment:
    """What the desk decided about who has the lead."""
    usual = LeadAssignment(
        lead=lead,
        rep=rep,
        team="us",
        rule="us",
        attempt=1,
        previous=None,
        due_at=None,
        reason="next in team us",
        trace=[TraceStep("rule", "us", "taken", "country is US")],
        alert="alert-1",
        score=84.0,
        band="hot",
        desk="main",
        region=None,
        remind_at=None,
        cause=CAUSE,
        territories=[],
    )
    return replace(usual, **changes)


def feedback(lead: str = "ada", rep: str = "andy", **changes: object) -> LeadFeedbackRecord:
    """A rep's, that says nothing more than its type does."""
    empty = dict.fromkeys(("until", "channel", "amount", "currency", "close_on", "text", "reason", "due_at"))
    return replace(LeadFeedbackRecord(lead=lead, rep=rep, at=AT, cause=CAUSE, **empty), **changes)


def scored(lead: str = "ada", total: float = 40.0, **changes: object) -> Output:
    """A record of `lead-scores`."""
    return output("lead-scores", "lead.score_changed", lead, NOW_MS, score(lead, total, **changes), "cause-1")


def alerted(lead: str = "ada", cause: str = "cause-1", **changes: object) -> Output:
    """A record of `lead-alerts`; its id is that of lead and `cause`."""
    return output("lead-alerts", "lead.alerted", lead, NOW_MS, alert(lead, **changes), "hot-lead", cause)


def assigned(lead: str = "ada", rep: str | None = "andy", cause: str = "cause-1", **changes: object) -> Output:
    """A record of `lead-assignments`."""
    return output("lead-assignments", "lead.assigned", lead, NOW_MS, assignment(lead, rep, **changes), cause)


def as_record(made: Output, offset: int = 0, timestamp: int = NOW_MS) -> InputRecord:
    """The output as a consumer reads it."""
    return InputRecord(made.topic, 0, offset, timestamp, made.key, made.value, made.headers)
