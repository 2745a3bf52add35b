"""What `heatline route` says: who would get a lead, by which rule, and why everybody else would not."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.agents.route import ASSIGNMENTS_TOPIC, RouteJob
from engine.core.agenda import Agenda
from engine.core.flow import InputRecord
from engine.core.instants import to_rfc3339
from engine.core.messages import MAIN_DESK, REQUESTS_TOPIC, LeadRequested, encode
from engine.core.model import Model
from engine.core.records import Cause, LeadAssignment
from engine.core.seen import is_seen
from engine.local.errors import LocalError
from engine.readmodel.explain import plain
from engine.routing.config import Routing

PLACES = ("country", "state", "county", "city", "zip", "language")
_SAID = frozenset(
    "total engagement fit band grade stage known fast_track owner persona product counts revenue sessions "
    "first_touch last_touch traits".split()
)
LEAD = "this lead"


class _Event(msgspec.Struct):
    data: LeadAssignment


_decode = msgspec.json.Decoder(_Event).decode


def lead_of(file: Path | None, said: Mapping[str, object]) -> dict[str, Any]:
    """The lead that a JSON file describes, with what else is `said` of it in its place. Raises LocalError.

    The file is a record of `lead-scores` or `lead-alerts`, or an object with the fields that conditions on leads read.
    """
    read: dict[str, Any] = {}
    if file is not None:
        try:
            read = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        except OSError as error:
            raise LocalError(f"{file}: cannot be read: {error.strerror}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise LocalError(f"{file}: not a JSON object with a lead's fields: {error}") from None
        data = read.get("data")
        read = data if isinstance(data, dict) and "specversion" in read else read
    return {**read, **{name: value for name, value in said.items() if value is not None}}


def request_of(lead: Mapping[str, Any], model: Model, at_ms: int) -> LeadRequested:
    """A lead as it would ask for a rep at that instant. Raises LocalError for a field of the wrong type."""
    total = lead.get("total", 0.0)
    time = to_rfc3339(at_ms)
    usual: dict[str, Any] = {
        "lead": LEAD,
        "profile": LEAD,
        "partition": 0,
        "desk": MAIN_DESK,
        "alert": LEAD,
        "alert_name": "",
        "at": at_ms,
        "total": total,
        "engagement": total,
        "fit": 0.0,
        "band": model.band(total).name if isinstance(total, int | float) else "",
        "grade": "D",
        "stage": "lead",
        "known": True,
        "fast_track": False,
        "traits": {},
        "owner": None,
        "cause": Cause(None, None, None, None, "dry run", time),
        "place": {name: str(lead[name]) for name in PLACES if lead.get(name) is not None},
        "seen": {name: value for name, value in lead.items() if is_seen(name)},
    }
    stated = {name: value for name, value in lead.items() if name in _SAID}
    try:
        return msgspec.convert({**usual, **stated, "type": "lead.requested"}, LeadRequested)
    except msgspec.ValidationError as error:
        raise LocalError(f"the lead cannot be read: {error}") from None


def decide(routing: Routing, request: LeadRequested, at_ms: int) -> LeadAssignment:
    """What desks where nobody has a lead yet would answer at that instant."""
    desk = next((desk for desk in routing.desks if desk.when.holds(request)), None)
    asked = msgspec.structs.replace(request, desk=MAIN_DESK if desk is None else desk.name)
    record = InputRecord(REQUESTS_TOPIC, 0, 0, at_ms, None, encode(asked))
    fold = RouteJob(routing).fold(0, [record], {}, Agenda())
    told = [output.value for output in fold.outputs if output.topic == ASSIGNMENTS_TOPIC]
    if fold.errors or not told:
        raise LocalError("\n".join(fold.errors) or "the desk gave no answer")
    return _decode(told[0] or b"").data


def lines(assignment: LeadAssignment) -> Iterable[str]:
    """The trace for people, and who gets the lead."""
    for step in assignment.trace:
        indent = "  " if step.step == "rep" else ""
        yield plain(f"{indent}{step.step} {step.candidate}: {step.outcome}: {step.why}")
    got = f"goes to {assignment.rep}" if assignment.rep else "waits"
    yield plain(f"{LEAD} {got}: {assignment.reason}")
    where = {"desk": assignment.desk, "region": assignment.region, "due at": assignment.due_at}
    yield plain(", ".join(f"{name} {value}" for name, value in where.items() if value is not None))
