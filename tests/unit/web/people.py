"""A read model with people in it, as a sales team would meet them."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from engine.core.instants import MINUTE_MS, to_rfc3339
from engine.core.records import Contribution, Touch
from engine.readmodel.case import Case, CaseState
from engine.readmodel.dossier import Dossier, pack
from engine.readmodel.events import project
from engine.readmodel.port import Change, DossierKept, LeadScored, Logged, Progress, ReadModel
from engine.web.live import now_ms
from tests.unit.readmodel import contract
from tests.unit.readmodel.samples import alerted, as_record, scored

HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"></li></ol><script>document.title='owned'</script>\u202e\x1b[31m"
)

FIRST = (
    "Ada Bob Chloé Dmitri Erin Farid Grace Hiro Inés Jamal Kaja Liam Mina Noor Olga Pablo Quinn Rosa Sven Tariq".split()
)
LAST = "Lovelace Marsh Okafor Petrov Quist Rahman Silva Tanaka Ueda Varga Weiß Xu Yilmaz Zhou Adler Brandt".split()
FIRMS = ("Northwind Insurance", "Acme Loans", "Globex", "Initech & Partners", "Umbrella Pensions", "")
REASONS = (
    "Asked for a demo",
    "Read the pricing page",
    "Came back after a week",
    "Opened the product mail",
    "Calculator",
)
STATES: tuple[CaseState | None, ...] = (
    "assigned",
    "accepted",
    None,
    "contacted",
    "waiting",
    "snoozed",
    "call_due",
    "working",
)


def person(number: int, at_ms: int, **changes: Any) -> list[Change]:
    """Score and dossier of the lead of that number; `changes` are to the score."""
    lead = f"email:lead{number}@example.com"
    total = changes.pop("total", round(96 - number * 0.83 % 95, 1))
    first, last = FIRST[number % len(FIRST)], LAST[number * 7 % len(LAST)]
    state = STATES[number % len(STATES)]
    traits: dict[str, Any] = {"name": f"{first} {last}", "email": f"{first.lower()}.{last.lower()}@example.com"}
    if FIRMS[number % len(FIRMS)]:
        traits["company"] = FIRMS[number % len(FIRMS)]
    channel = ("google", "newsletter", "linkedin", "direct")[number % 4]
    seen = to_rfc3339(at_ms - number * 37_000)
    fields = {
        "owner": ("andy", "bea", "carla")[number % 3],
        "traits": traits,
        "product": ("loans", "insurance", "pensions", None)[number % 4],
        "persona": ("founder", None, None)[number % 3],
        "fast_track": number % 9 == 0,
        "grade": "ABCD"[number % 4],
        "stage": ("lead", "marketingqualifiedlead", "salesqualifiedlead")[number % 3],
        "at": to_rfc3339(at_ms),
        "first_seen": to_rfc3339(at_ms - 86_400_000),
        "last_seen": seen,
        "first_touch": Touch(seen, "paid", channel, "cpc", "spring"),
        "contributions": [Contribution("engagement", "r", REASONS[number % len(REASONS)], "web", total, 1, seen)],
    }
    change = project(as_record(scored(lead, total, **{**fields, **changes})))
    assert isinstance(change, LeadScored)
    return [change] if state is None else [change, DossierKept(lead, pack(Dossier(case=_case(state, number, at_ms))))]


def _case(state: CaseState, number: int, at_ms: int) -> Case:
    case = Case(
        state=state,
        rep=None if state == "waiting" else ("andy", "bea", "carla")[number % 3],
        team="us",
        region=("east", "west")[number % 2],
        territories=(("maine",), ("maine", "new-england"), ())[number % 3],
        rule="us",
        desk="main",
        since_ms=at_ms - number * 3 * MINUTE_MS,
        asked_ms=at_ms - number * 4 * MINUTE_MS,
    )
    if state in {"assigned", "accepted"}:
        return replace(case, due_ms=at_ms + (number % 11 - 3) * 17 * MINUTE_MS)
    if state in {"snoozed", "call_due"}:
        return replace(case, call_ms=at_ms + (90 if state == "snoozed" else -5) * MINUTE_MS)
    return replace(case, contacted_ms=None if state == "waiting" else case.since_ms)


def alert(number: int, at_ms: int) -> Logged:
    """One of the lead of that number."""
    made = alerted(f"email:lead{number}@example.com", f"cause-{number}", traits={"name": FIRST[number % len(FIRST)]})
    change = project(as_record(made, timestamp=at_ms))
    assert isinstance(change, Logged)
    return change


async def take(model: ReadModel, *changes: Change) -> None:
    """Apply `changes`, and say that the model is current."""
    await contract.take(model, *changes, progress=Progress(now_ms(), 0.0))


async def fill(model: ReadModel, numbers: Iterable[int], alerts: int = 0) -> None:
    """People of these numbers, and alerts of the first of them."""
    at_ms = now_ms()
    changes = [change for number in numbers for change in person(number, at_ms)]
    await take(model, *changes, *(alert(number, at_ms - number * MINUTE_MS) for number in range(alerts)))
