"""Requests for a rep into assignments, and what reps say about their leads: one chunk of a desk's lane at a time.

what is due, then record ─► request, message, saying or dead letter ─► desk ─► what is told of it ─► changed rows
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from engine.core.agenda import Agenda
from engine.core.canary import ROUTED
from engine.core.canary import answer as answer_canary
from engine.core.cloudevents import output
from engine.core.desks import to_desk
from engine.core.events import Rejected
from engine.core.flow import Fold, Output, Record, Rows
from engine.core.instants import FIRST_MS, LAST_MS, from_rfc3339
from engine.core.messages import (
    FEEDBACK_TOPIC,
    INBOX_TOPIC,
    MAIN_DESK,
    REQUESTS_TOPIC,
    CanaryAsked,
    LeadFeedback,
    LeadGone,
    LeadMerged,
    LeadRequested,
    MessageError,
    OwnerChanged,
    StageChanged,
    decode_request,
    encode,
)
from engine.core.origins import Headers, trace_headers
from engine.core.records import LeadAssignment, Reason
from engine.core.rejects import reject
from engine.routing.assigning import Told, Trigger, answer, look_by, wake_trigger
from engine.routing.config import Routing
from engine.routing.desk import Desk, erased
from engine.routing.duties import at_instant, fall_due, first_due
from engine.routing.feedback import hear, trigger_of
from engine.routing.reload import RELOAD, dissolved, restate
from engine.routing.rows import Held, desk_of, due_of
from engine.routing.saying import read_saying, shown_value
from engine.routing.sla import scheduled
from engine.routing.union import merged, recycled
from engine.routing.waiting import hand_out, hand_out_freed

ASSIGNMENTS_TOPIC = "lead-assignments"
TABLE = "desk"


class RouteJob:
    """Folds `routing-requests` and `rep-events` into the table `desk`.

    `lane_of` gives the partition number of a desk, of which several may share one.
    """

    table = TABLE
    inputs = (REQUESTS_TOPIC, FEEDBACK_TOPIC)

    def __init__(self, routing: Routing, lane_of: Callable[[str], int] = lambda desk: 0) -> None:  # noqa: ARG005
        self.lane_of = lane_of
        self.desks = routing.by_desk
        self.stamp = routing.version.encode()

    def fold(self, lane: int, records: Sequence[Record], rows: Rows, agenda: Agenda) -> Fold:
        """Every record ends as an answer, a counted repeat or a dead letter; none raises."""
        chunk = _Chunk(self, lane, rows, agenda)
        for record in records:
            if agenda.next_ms <= record.timestamp:
                chunk.wake(min(record.timestamp, agenda.clock_ms))
            chunk.take(record)
        for topic, count in Counter(record.topic for record in records).items():
            chunk.tally["consumed", topic] = count
        return chunk.fold()

    def wake(self, lane: int, until_ms: int, rows: Rows, agenda: Agenda, at_most: int) -> Fold:
        """Fold what is due at or before `until_ms`: deadlines, calls, whoever waits."""
        chunk = _Chunk(self, lane, rows, agenda)
        chunk.wake(until_ms, at_most)
        return chunk.fold()

    def due(self, row: bytes) -> int | None:
        """When time alone will change the row."""
        return due_of(row)

    def restate(
        self, lane: int, keys: Iterable[bytes], rows: Rows, agenda: Agenda, stamp: bytes | None, at_ms: int
    ) -> Fold:
        """Bring rows up to this job's routing."""
        chunk = _Chunk(self, lane, rows, agenda)
        for key in keys:
            chunk.restate(key, at_ms)
        return chunk.fold()


class _Chunk:
    """The work on one chunk; what it comes to is in `fold`."""

    def __init__(self, job: RouteJob, lane: int, rows: Rows, agenda: Agenda) -> None:
        self.job = job
        self.lane = lane
        self.rows = rows
        self.agenda = agenda
        self.desks: dict[str, Desk] = {}
        self.outputs: list[Output] = []
        self.tally: Counter[tuple[str, ...]] = Counter()
        self.urgent = False
        self.errors: list[str] = []

    def fold(self) -> Fold:
        changed = {key: row for desk in self.desks.values() for key, row in desk.changed.items()}
        return Fold(self.outputs, changed, self.urgent, self.tally, errors=self.errors)

    def desk(self, name: str) -> Desk:
        """The desk of that name, which there is."""
        if name not in self.desks:
            self.desks[name] = Desk(name, self.job.desks[name], self.rows, self.agenda.put)
        return self.desks[name]

    def take(self, record: Record) -> None:
        """Fold one record, whatever it holds."""
        try:
            if record.topic == FEEDBACK_TOPIC:
                self.hear(record)
            else:
                self.take_message(record)
        except Rejected as rejected:
            self.reject(record, rejected.reason, rejected.field, str(rejected))
        except MessageError as error:
            self.reject(record, "schema", None, str(error))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours stops one record, never the lane
            self.errors.append(traceback.format_exc())
            self.reject(record, "internal", None, f"{type(error).__name__} in routing; see the worker's log")

    def take_message(self, record: Record) -> None:
        message = decode_request(record.value)
        if isinstance(message, LeadGone):
            self.erase(message, self.at_ms(record))
            return
        if isinstance(message, CanaryAsked):
            self.outputs.append(answer_canary(ASSIGNMENTS_TOPIC, ROUTED, message, trace_headers(record)))
            self.tally["canary", "routed"] += 1
            self.urgent = True
            return
        name = message.desk if message.desk in self.job.desks else MAIN_DESK
        if self.job.lane_of(name) != self.lane:
            # For a desk that is no more, in a partition of its own: `main` alone has the rows of its leads.
            self.pass_on(replace(message, desk=name), trace_headers(record))
            return
        desk = self.desk(name)
        time_ms = message.at if isinstance(message, LeadMerged) else from_rfc3339(message.cause.time)
        trigger = Trigger(message.cause, time_ms, self.at_ms(record))
        self.on(desk, trigger, lambda: self.handle(desk, message, trigger), trace_headers(record))

    def handle(self, desk: Desk, message: LeadRequested | LeadMerged | StageChanged, trigger: Trigger) -> list[Told]:
        if isinstance(message, LeadRequested):
            told = answer(desk, message, trigger)
            self.tally["duplicate", "alert"] += told is None
            return [] if told is None else [told]
        if isinstance(message, LeadMerged):
            union = merged(desk, message, trigger)
            if union.owner is not None:
                self.send(union.owner, message.partition, ())
            return [] if union.released is None else [union.released]
        return recycled(desk, message, trigger)

    def hear(self, record: Record) -> None:
        """What a rep says; it is for the desk that has the rep."""
        saying = read_saying(record)
        name = next((name for name, routing in self.job.desks.items() if saying.rep in routing.reps), MAIN_DESK)
        lane = self.job.lane_of(name)
        if lane != self.lane:
            told = f"{shown_value(saying.rep)} is at desk {name}; expected the key {name}, which is partition {lane}"
            raise Rejected("feedback", "key", told)
        desk = self.desk(name)
        trigger = trigger_of(saying, record, self.at_ms(record))
        self.on(desk, trigger, lambda: hear(desk, saying, trigger), trace_headers(record))

    def erase(self, message: LeadGone, at_ms: int) -> None:
        for name in self.job.desks:
            desk = self.desk(name)
            desk.begin()
            for lead in erased(message.lead, desk):
                if desk.held(lead) is not None:
                    desk.hold(lead, None)
            if desk.freed and desk.queue.waiting:
                look_by(desk, at_ms)

    def wake(self, until_ms: float, at_most: int | None = None) -> None:
        """Fold what is due at or before `until_ms`, at most so many rows."""
        woken = 0
        while at_most is None or woken < at_most:
            due = self.agenda.pop(until_ms, self.due_of)
            if due is None:
                return
            self.wake_row(*due, int(until_ms))
            woken += 1

    def due_of(self, key: bytes) -> int | None:
        name = desk_of(key)
        return self.desk(name).due_of(key) if name in self.job.desks else None

    def wake_row(self, due_ms: int, key: bytes, until_ms: int) -> None:
        desk = self.desk(desk_of(key))
        found = desk.read(key)
        if found is None:
            return
        _, name, row = found
        if not isinstance(row, Held):
            at = wake_trigger("queue", due_ms, at_instant(due_ms, until_ms))
            self.safely(desk, at, lambda: hand_out(desk, at))
        elif (due := first_due(desk, row, until_ms)) is not None:
            self.safely(desk, due, lambda: fall_due(desk, name, row, due))
        else:
            desk.hold(name, scheduled(desk, row))

    def restate(self, key: bytes, at_ms: int) -> None:
        name = desk_of(key)
        at = wake_trigger(RELOAD, at_ms, at_ms)
        if name in self.job.desks:
            self.safely(self.desk(name), at, lambda: restate(self.desk(name), key, at))
            return
        # A desk that is no more: who was with it asks the main desk.
        gone = self.desks.setdefault(name, Desk(name, self.job.desks[MAIN_DESK], self.rows, self.agenda.put))
        request = dissolved(gone, key)
        if request is not None:
            self.pass_on(request)

    def safely(self, desk: Desk, trigger: Trigger, work: Callable[[], list[Told]]) -> None:
        try:
            self.on(desk, trigger, work)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a defect of ours must not stop the lane, nor come again and again
            self.errors.append(traceback.format_exc())

    def on(self, desk: Desk, trigger: Trigger, work: Callable[[], list[Told]], headers: Headers = ()) -> None:
        """Take over what work at a desk comes to, and hand out to reps who can take more then: all of it or nothing."""
        begun = len(self.outputs)
        desk.begin()
        try:
            told = work()
            told += hand_out_freed(desk, trigger)
            for one in told:
                self.tell(one, headers)
        except BaseException:
            desk.take_back()
            del self.outputs[begun:]
            raise

    def tell(self, told: Told, headers: Headers) -> None:
        data = told.data
        self.outputs.append(
            output(ASSIGNMENTS_TOPIC, told.kind, data.lead, told.time_ms, data, *told.identity, headers=headers)
        )
        for message in told.messages:
            self.send(message, told.partition, headers)
        if told.outcome is not None:
            team = data.team if isinstance(data, LeadAssignment) else None
            self.tally["assignment", team or "-", told.outcome] += 1
        self.urgent = True

    def send(self, message: OwnerChanged | LeadFeedback, partition: int, headers: Headers) -> None:
        self.outputs.append(Output(INBOX_TOPIC, message.profile.encode(), encode(message), partition, headers))
        self.urgent = True

    def pass_on(self, message: LeadRequested | LeadMerged | StageChanged, headers: Headers = ()) -> None:
        """Leave a message to the desk that it names, in that desk's lane."""
        self.outputs.append(to_desk(message, message.desk, self.job.lane_of(message.desk), headers))
        self.urgent = True

    def at_ms(self, record: Record) -> int:
        """The desk's time when it reads a record: never ahead of the clock, whatever the record says."""
        return int(min(max(record.timestamp, FIRST_MS), LAST_MS, self.agenda.clock_ms))

    def reject(self, record: Record, reason: Reason, field: str | None, message: str) -> None:
        self.outputs.append(reject(record, reason, field, message, record.timestamp))
        self.tally["rejected", reason] += 1
