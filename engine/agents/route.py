"""Requests for a rep into assignments, and what reps say about their leads: one chunk of a desk at a time.

request or dead letter ─► decide ─► assignment ─► changed rows, and the new owner to the lead's profile
feedback or dead letter ─► hear ─► feedback downstream ─► changed rows, and the feedback to the lead's profile
"""

import traceback
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from engine.core.agenda import Agenda
from engine.core.cloudevents import output
from engine.core.events import Rejected
from engine.core.flow import Fold, Output, Record, Rows
from engine.core.instants import from_rfc3339
from engine.core.messages import (
    INBOX_TOPIC,
    REQUESTS_TOPIC,
    LeadGone,
    LeadMerged,
    LeadRequested,
    MessageError,
    OwnerChanged,
    decode_request,
    encode,
)
from engine.core.origins import identity_of, trace_headers
from engine.core.records import Reason
from engine.core.rejects import reject
from engine.routing.config import Routing
from engine.routing.decide import decide, released
from engine.routing.desk import erased, moved
from engine.routing.feedback import hear
from engine.routing.union import RELEASED, merged

ASSIGNMENTS_TOPIC = "lead-assignments"
FEEDBACK_TOPIC = "rep-events"
TABLE = "desk"
NOTHING = Fold([], {}, urgent=False, tally={})


class RouteJob:
    """Folds `routing-requests` and `rep-events` into the table `desk`."""

    table = TABLE
    inputs = (REQUESTS_TOPIC, FEEDBACK_TOPIC)

    def __init__(self, routing: Routing) -> None:
        self.routing = routing

    @property
    def stamp(self) -> bytes:
        """Nothing: a desk's rows mean the same under any routing."""
        return b""

    def fold(self, lane: int, records: Sequence[Record], rows: Rows, agenda: Agenda) -> Fold:
        """Every record ends as an answer, a counted repeat or a dead letter; none raises."""
        chunk = _Chunk(self.routing, rows)
        for record in records:
            chunk.take(record)
        return Fold(chunk.outputs, chunk.changed, chunk.urgent, chunk.tally, errors=chunk.errors)

    def wake(self, lane: int, until_ms: int, rows: Rows, agenda: Agenda, at_most: int) -> Fold:
        """Nothing is ever due."""
        return NOTHING

    def due(self, row: bytes) -> int | None:
        """None: time alone changes no row."""
        return None

    def restate(
        self, lane: int, keys: Iterable[bytes], rows: Rows, agenda: Agenda, stamp: bytes | None, at_ms: int
    ) -> Fold:
        """Nothing is to be brought up to anything."""
        return NOTHING


class _Chunk:
    """The work on one chunk."""

    def __init__(self, routing: Routing, rows: Rows) -> None:
        self.routing = routing
        self.rows = rows
        self.changed: dict[bytes, bytes | None] = {}
        self.moved: Mapping[str, list[bytes]] | None = None
        self.outputs: list[Output] = []
        self.tally: Counter[tuple[str, ...]] = Counter()
        self.urgent = False
        self.errors: list[str] = []

    def take(self, record: Record) -> None:
        """Fold one record, whatever it holds."""
        self.tally["consumed", record.topic] += 1
        try:
            if record.topic == FEEDBACK_TOPIC:
                self.hear(record)
            else:
                message = decode_request(record.value)
                if isinstance(message, LeadRequested):
                    self.answer(message, record)
                elif isinstance(message, LeadMerged):
                    self.merge(message)
                elif isinstance(message, LeadGone):
                    self.erase(message)
                else:
                    self.changed.update(released(message, self.row))
        except Rejected as rejected:
            self.reject(record, rejected.reason, rejected.field, str(rejected))
        except MessageError as error:
            self.reject(record, "schema", None, str(error))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours stops one record, never the lane
            self.errors.append(traceback.format_exc())
            self.reject(record, "internal", None, f"{type(error).__name__} in routing; see the worker's log")

    def answer(self, request: LeadRequested, record: Record) -> None:
        decision = decide(self.routing, request, self.row)
        if decision is None:
            self.tally["duplicate", "alert"] += 1
            return
        assignment = decision.assignment
        headers = trace_headers(record)
        time_ms = from_rfc3339(request.cause.time)
        answers = [
            output(ASSIGNMENTS_TOPIC, decision.kind, request.lead, time_ms, assignment, request.alert, headers=headers)
        ]
        if assignment.rep != request.owner:
            message = OwnerChanged(request.lead, request.profile, assignment.rep, request.at, request.cause)
            answers.append(Output(INBOX_TOPIC, request.profile.encode(), encode(message), request.partition, headers))
        self.outputs += answers
        self.changed.update(decision.rows)
        self.tally["assignment", assignment.team or "-", decision.outcome] += 1
        self.urgent = True

    def merge(self, message: LeadMerged) -> None:
        union = merged(message, self.row)
        self.outputs += [
            output(ASSIGNMENTS_TOPIC, RELEASED, message.other, message.at, told, message.lead)
            for told in union.released
        ]
        if union.owner is not None:
            owner = OwnerChanged(message.lead, message.profile, union.owner, message.at, message.cause)
            self.outputs.append(Output(INBOX_TOPIC, message.profile.encode(), encode(owner), message.partition))
        self.changed.update(union.rows)
        self.urgent = self.urgent or bool(union.released or union.owner)

    def erase(self, message: LeadGone) -> None:
        # It looks at everything once a chunk: of many who are erased at a time each finds it done.
        self.moved = moved(self.rows.items()) if self.moved is None else self.moved
        for key in erased(message.lead, self.moved, self.changed, self.row):
            self.changed[key] = None

    def hear(self, record: Record) -> None:
        heard = hear(self.routing, record, self.row)
        headers = trace_headers(record)
        data, identity = heard.data, identity_of(record)
        told = output(ASSIGNMENTS_TOPIC, heard.kind, data.lead, heard.at_ms, data, identity, headers=headers)
        messages = [
            Output(INBOX_TOPIC, message.profile.encode(), encode(message), heard.partition, headers)
            for message in heard.messages
        ]
        self.outputs += [told, *messages]
        self.changed.update(heard.rows)
        self.urgent = True

    def row(self, key: bytes) -> bytes | None:
        """A row as this chunk has left it."""
        return self.changed[key] if key in self.changed else self.rows.get(key)

    def reject(self, record: Record, reason: Reason, field: str | None, message: str) -> None:
        self.outputs.append(reject(record, reason, field, message, record.timestamp))
        self.tally["rejected", reason] += 1
