"""A lead as a rep meets it on the board, and somebody who sends what is said of it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.core.cloudevents import output
from engine.core.instants import MINUTE_MS, to_rfc3339
from engine.core.records import (
    Clamp,
    Contribution,
    LeadScore,
    LeadStageChange,
    Page,
    TraceStep,
)
from engine.readmodel.dossier import Dossier, News, fold, pack
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Change, DossierKept, LeadScored, Logged
from engine.web.live import now_ms
from engine.web.port import Enquiry, Origin
from tests.unit.readmodel import samples
from tests.unit.web.people import take

TRACE = [
    TraceStep("rule", "best-to-andy", "no match", "total is 84.25, not above 90"),
    TraceStep("rule", "own-territory", "matches", "country is US"),
    TraceStep("rep", "bea", "passed over", "outside working hours until Mon 09:00"),
    TraceStep("rep", "andy", "taken", "next in turn"),
]
HISTORY = [(20, 3.0), (19.9, 14.0), (13, 11.5), (12.9, 34.0), (12.8, 41.0), (6, 33.0), (5.9, 52.5), (1, 47.0)]
HISTORY += [(0.02, 66.0), (0.006, 84.25)]
PAGES: list[tuple[str, str | None, float | None]] = [
    ("/demo/thanks", "Thank you", None),
    ("/demo", "Book a demo", 95.0),
    ("/pricing", "Pricing", 312.0),
    ("/products/insurance/fleet", "Insurance for fleets", 184.0),
    ("/blog/what-a-claim-costs", None, 41.0),
]
TRAITS = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "email": "ada@analytical.example",
    "phone": "+44 20 7946 0958",
    "company": "Analytical Engines Ltd",
    "title": "Founder & CEO",
    "address": {"city": "London", "country": "GB"},
}
CONTRIBUTIONS = [
    Contribution("engagement", "pricing-page", "Read the pricing page", "web", 28.375, 3, samples.AT),
    Contribution("engagement", "page-view", None, "web", 23.042, 31, samples.AT),
    Contribution("engagement", "demo-request", "Asked for a demo", "conversion", 25.0, 1, samples.AT),
    Contribution("engagement", "careers", "Looked for a job", None, -5.0, 1, samples.AT),
    Contribution("fit", "c-level", "C-level title", None, 14.25, 1, None),
    Contribution("fit", "finance", None, None, 10.0, 1, None),
]


class FakeSender:
    """Keeps what is sent; `model` has `answer` to it at once, or never, and each lead at once."""

    def __init__(self, model: MemoryReadModel, answer: Mapping[str, Any] | None = None) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.enquiries: list[Enquiry] = []
        self.answer = answer
        self.failure: Exception | None = None
        self._model = model

    async def feedback(self, desk: str, value: Mapping[str, Any]) -> Origin:
        if self.failure is not None:
            raise self.failure
        self.sent.append((desk, dict(value)))
        origin = Origin(0, len(self.sent))
        if self.answer is not None:
            told = {"type": value["type"], "lead": value.get("lead"), "why": None, **self.answer}
            await take(self._model, Logged("answers", str(origin), now_ms(), msgspec.json.encode(told)))
        return origin

    async def lead(self, enquiry: Enquiry) -> str:
        if self.failure is not None:
            raise self.failure
        self.enquiries.append(enquiry)
        lead = f"email:{enquiry.values.get('email', 'nobody@example.com')}"
        await put_lead(self._model, samples.score(lead, owner=None))
        return lead


async def put_lead(model: MemoryReadModel, score: LeadScore, dossier: Dossier | None = None) -> None:
    """The lead is known with this score and dossier."""
    event = output("lead-scores", "lead.score_changed", score.lead, samples.NOW_MS, score, score.at).value
    assert event is not None
    changes: list[Change] = [LeadScored(score.lead, score.total, score.band, event)]
    await take(model, *changes, *([] if dossier is None else [DossierKept(score.lead, pack(dossier))]))


def said(lead: str, rep: str, kind: str, at_ms: int, **fields: Any) -> News:
    """A rep said so."""
    record = samples.feedback(lead, rep, at=to_rfc3339(at_ms), **fields)
    return News(lead, f"{kind}-{at_ms}", kind, at_ms, at_ms, record)


def assigned(lead: str, rep: str | None, at_ms: int, due_ms: int | None = None, **fields: Any) -> News:
    """The desk gave the lead to a rep, to accept it by then; to nobody: it waits."""
    due_at = None if due_ms is None else to_rfc3339(due_ms)
    record = samples.assignment(lead, rep, **{"due_at": due_at, "trace": TRACE, "region": "east", **fields})
    return News(lead, f"assigned-{at_ms}", "lead.assigned" if rep else "lead.queued", at_ms, at_ms, record)


def hot_lead(at_ms: int, due_ms: int | None = None) -> tuple[LeadScore, Dossier]:
    """Ada, who read a lot, asked for a demo, and was given to Andy some minutes ago."""
    at = to_rfc3339(at_ms)
    score = samples.score(
        "ada",
        84.25,
        band="hot",
        engagement=60.0,
        fit=24.25,
        grade="A",
        stage="marketingqualifiedlead",
        product="insurance",
        persona="founder",
        fast_track=True,
        at=at,
        last_seen=at,
        first_seen=to_rfc3339(at_ms - 20 * 1440 * MINUTE_MS),
        next_band_at=to_rfc3339(at_ms + 2 * 1440 * MINUTE_MS),
        tomorrow=80.904,
        sessions=4,
        contributions=CONTRIBUTIONS,
        clamps=[Clamp("engagement", "group:web", -11.417)],
        counts={"page_view": 31, "session_start": 4, "demo_request": 1, "form_submit": 2, "email_click": 3},
        pages=[Page(to_rfc3339(at_ms - n * 3 * MINUTE_MS), *page) for n, page in reversed(list(enumerate(PAGES)))],
        traits=TRAITS,
    )
    dossier: Dossier | None = None
    for days, total in HISTORY:
        at_day = int(at_ms - days * 1440 * MINUTE_MS)
        point = samples.score("ada", total, at=to_rfc3339(at_day))
        dossier = fold(dossier, News("ada", "", "lead.score_changed", at_day, at_day, point))
    moved = LeadStageChange("ada", "lead", "marketingqualifiedlead", "total is 84.25", 86_400.0, 84.25, samples.CAUSE)
    for news in (
        News("ada", "alert-1", "lead.alerted", at_ms - 9 * MINUTE_MS, at_ms, samples.alert()),
        News("ada", "stage-1", "lead.stage_changed", at_ms - 9 * MINUTE_MS, at_ms, moved),
        said("ada", "bea", "lead.noted", at_ms - 2 * 1440 * MINUTE_MS, text="Met at the fair; wants a call in spring"),
        assigned("ada", "andy", at_ms - 8 * MINUTE_MS, due_ms),
    ):
        dossier = fold(dossier, news)
    assert dossier is not None
    return score, dossier
