"""What `heatline route` says: who would get a lead, by which rule, and why everybody else would not."""

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from engine.agents.route import ASSIGNMENTS_TOPIC, RouteJob
from engine.core.agenda import Agenda
from engine.core.context import PLACES
from engine.core.fields import POINTS
from engine.core.flow import InputRecord
from engine.core.instants import to_rfc3339
from engine.core.messages import MAIN_DESK, REQUESTS_TOPIC, LeadRequested, encode
from engine.core.model import Model
from engine.core.records import Cause, Contribution, LeadAssignment
from engine.core.seen import is_seen
from engine.core.source import shown
from engine.local.errors import LocalError
from engine.readmodel.explain import plain
from engine.routing.config import Routing

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
    if isinstance(total, float) and not isfinite(total):
        raise _wrong("total", total, "a number")
    traits = lead.get("traits", {})
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
        "owner": None,
        "cause": Cause(None, None, None, None, "dry run", time),
        "seen": {**dict(_points(lead, model)), **{name: value for name, value in lead.items() if is_seen(name)}},
    }
    stated = {name: value for name, value in lead.items() if name in _SAID}
    # What is said of a place comes before what the lead's record says, and is read as if the lead had said it.
    stated["traits"] = {**traits, **dict(_places(lead))} if isinstance(traits, dict) else traits
    try:
        return msgspec.convert({**usual, **stated, "type": "lead.requested"}, LeadRequested)
    except msgspec.ValidationError as error:
        raise LocalError(f"the lead cannot be read: {error}") from None


def _places(lead: Mapping[str, Any]) -> Iterator[tuple[str, str | int]]:
    for name in PLACES:
        said = lead.get(name)
        if isinstance(said, str) or (name == "zip" and type(said) is int):
            yield name, said
        elif said is not None:
            raise _wrong(name, said, "text")


def _points(lead: Mapping[str, Any], model: Model) -> Iterator[tuple[str, float]]:
    """What every rule of the model gives the lead, by the contributions in a record of `lead-scores`."""
    yield from ((POINTS + rule, 0.0) for rule in model.rules)
    if "contributions" not in lead:
        return
    try:
        told = msgspec.convert(lead["contributions"], list[Contribution])
    except msgspec.ValidationError as error:
        raise LocalError(f"the lead cannot be read: contributions: {error}") from None
    yield from ((POINTS + one.rule, one.points) for one in told if one.part == "engagement")


def _wrong(name: str, value: object, expected: str) -> LocalError:
    return LocalError(f"the lead cannot be read: {name} = {shown(value)}: expected {expected}")


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
    held = assignment.territories
    where = {
        "desk": assignment.desk,
        "region": assignment.region,
        "territory" if len(held) == 1 else "territories": "; ".join(held) or None,
        "due at": assignment.due_at,
    }
    yield plain(", ".join(f"{name} {value}" for name, value in where.items() if value is not None))
