"""Visitor events into profiles: one chunk of a lane at a time.

what is due, then record ─► event, message or dead letter ─► its row ─► fold ─► what came of it ─► rows and scores
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from engine.core.agenda import Agenda
from engine.core.effects import Effect, Fired
from engine.core.events import Rejected
from engine.core.flow import Fold, Output, Record, Rows
from engine.core.fold import Folded, fold_event, new_row
from engine.core.instants import from_rfc3339
from engine.core.messages import (
    INBOX_TOPIC,
    LeadFeedback,
    MessageError,
    OwnerChanged,
    decode_inbox,
    forward,
    unwrap,
)
from engine.core.model import Model
from engine.core.origins import Origin
from engine.core.outputs import Profile, effect_outputs, publication, tombstone
from engine.core.packing import due_of, pack, unpack
from engine.core.profile import Row
from engine.core.records import Reason
from engine.core.rejects import reject
from engine.core.restate import RELOAD, Waiting, alerts_before, restate, stamp_of
from engine.core.scoring import fit_now, score_at
from engine.core.told import fold_feedback
from engine.core.wake import next_due_ms, wake

EVENTS_TOPIC = "visitor-events"
TABLE = "profiles"


class ScoreJob:
    """Folds `visitor-events` and `lead-inbox` into the table `profiles`.

    `home` gives the partition number of a row's key; `assign_on` names the alerts that ask for a rep. With
    `alert_on_change` a changed model fires the alerts that the change itself sets off.
    """

    table = TABLE
    inputs = (EVENTS_TOPIC, INBOX_TOPIC)

    def __init__(
        self, model: Model, home: Callable[[bytes], int], assign_on: frozenset[str], *, alert_on_change: bool = False
    ) -> None:
        self.model = model
        self.home = home
        self.assign_on = assign_on
        self.alert_on_change = alert_on_change
        self.stamp = stamp_of(model)

    def fold(self, lane: int, records: Sequence[Record], rows: Rows, agenda: Agenda) -> Fold:
        """Every record ends as scored, forwarded, dropped with a counted reason or dead-lettered; none raises."""
        chunk = _Chunk(self, lane, rows, agenda)
        for record in records:
            if record.topic == EVENTS_TOPIC and agenda.next_ms <= record.timestamp:
                chunk.wake(min(record.timestamp, agenda.clock_ms))
            chunk.take(record)
        for topic, count in Counter(record.topic for record in records).items():
            chunk.tally["consumed", topic] = count
        return chunk.fold()

    def wake(self, lane: int, until_ms: int, rows: Rows, agenda: Agenda, at_most: int) -> Fold:
        """Fold what is due at or before `until_ms`."""
        chunk = _Chunk(self, lane, rows, agenda)
        chunk.wake(until_ms, at_most)
        return chunk.fold()

    def due(self, row: bytes) -> int | None:
        """When time alone will change the row."""
        return due_of(row)

    def restate(
        self, lane: int, keys: Iterable[bytes], rows: Rows, agenda: Agenda, stamp: bytes | None, at_ms: int
    ) -> Fold:
        """Bring rows up to this job's model."""
        chunk = _Chunk(self, lane, rows, agenda)
        before = alerts_before(stamp)
        for key in keys:
            chunk.restate(key, before, at_ms)
        return chunk.fold()


class _Lead:
    """A lead of this chunk: its row so far (None: given up), when it is due, and what changed it last, if anything did.

    `total` is what it stands at, `told` whether anybody is to be told of the change.
    """

    __slots__ = ("due_ms", "key", "origin", "row", "told", "total")

    def __init__(self, key: str, row: Row | None, due_ms: int | None) -> None:
        self.key = key
        self.row = row
        self.due_ms = due_ms
        self.total: float | None = None
        self.origin: Origin | None = None
        self.told = False


class _Chunk:
    """The work on one chunk; what it comes to is in `fold`."""

    def __init__(self, job: ScoreJob, lane: int, rows: Rows, agenda: Agenda) -> None:
        self.job = job
        self.model = job.model
        self.decode = job.model.decoder.decode
        self.lane = lane
        self.rows = rows
        self.agenda = agenda
        self.leads: dict[bytes, _Lead] = {}
        self.outputs: list[Output] = []
        self.tally: Counter[tuple[str, ...]] = Counter()
        self.scored = 0
        self.urgent = False
        self.alerted: list[int] = []
        self.late_ms: list[int] = []
        self.errors: list[str] = []

    def take(self, record: Record) -> None:
        """Fold one record, whatever it holds."""
        try:
            if record.topic != INBOX_TOPIC:
                self.take_event(record, forwarded=False)
            elif (original := unwrap(record)) is not None:
                record = original
                self.take_event(original, forwarded=True)
            else:
                self.take_message(decode_inbox(record.value))
        except Rejected as rejected:
            self.reject(record, rejected.reason, rejected.field, str(rejected))
        except MessageError as error:
            self.reject(record, "schema", None, str(error))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours stops one record, never the lane
            self.errors.append(traceback.format_exc())
            self.reject(record, "internal", None, f"{type(error).__name__} in the core; see the worker's log")

    def take_event(self, record: Record, *, forwarded: bool) -> None:
        event = self.decode(record)
        key = event.anonymous_id or event.user_id or ""
        row_key = key.encode()
        lead = self.lead(row_key)
        if lead is None:
            if not forwarded and (home := self.job.home(row_key)) != self.lane:
                self.outputs.append(forward(record, home, row_key))
                self.tally["forwarded",] += 1
                self.urgent = True
                return
            lead = self.leads[row_key] = _Lead(key, None, None)
        row = self.row_at(row_key, lead, event.time_ms) or new_row(event)
        folded = fold_event(self.model, row, event)
        if folded is None:
            self.tally["duplicate", "message_id"] += 1
            return
        self.settle(row_key, lead, folded, Origin(event.name, event.time_ms, record, event), record.timestamp)
        if event.time_ms < row.now_ms:
            self.late_ms.append(row.now_ms - event.time_ms)
        self.scored += 1

    def take_message(self, message: OwnerChanged | LeadFeedback) -> None:
        row_key = message.profile.encode()
        lead = self.lead(row_key)
        at_ms = message.at if isinstance(message, LeadFeedback) else 0
        row = None if lead is None else self.row_at(row_key, lead, at_ms)
        if lead is None or row is None:
            self.tally["dropped", "no_profile"] += 1
            return
        time_ms = from_rfc3339(message.cause.time)
        if isinstance(message, LeadFeedback):
            folded = fold_feedback(self.model, row, message)
            self.settle(row_key, lead, folded, Origin(message.cause.name, time_ms, stated=message.cause), time_ms)
            return
        # A new owner comes of the same record as the score before it.
        lead.origin = Origin(message.cause.name, time_ms, stated=message.cause, kind="owner")
        lead.told = True
        if row.owner != message.owner:
            row.owner = message.owner
            row.changed = True

    def row_at(self, row_key: bytes, lead: _Lead, time_ms: int) -> Row | None:
        """The lead's row once everything has fallen due that is to come before `time_ms`; None where it is given up."""
        while lead.due_ms is not None and lead.due_ms <= time_ms:
            self.wake_row(row_key, lead, lead.due_ms)
        return lead.row

    def wake(self, until_ms: float, at_most: int | None = None) -> None:
        """Fold what is due at or before `until_ms`, at most so many rows."""
        woken = 0
        while at_most is None or woken < at_most:
            due = self.agenda.pop(until_ms, self.due_of)
            if due is None:
                return
            due_ms, row_key = due
            lead = self.lead(row_key)
            if lead is not None and lead.row is not None:
                self.wake_row(row_key, lead, due_ms)
            woken += 1

    def wake_row(self, row_key: bytes, lead: _Lead, due_ms: int) -> None:
        assert lead.row is not None
        row = lead.row
        lead.due_ms = None
        try:
            woken = wake(self.model, row, due_ms)
            origin = Origin(woken.name, due_ms)
            if woken.row is None:
                self.outputs += tombstone(Profile(lead.key, row))
                lead.row, lead.origin, lead.told = None, origin, False
            elif woken.idle:
                lead.row = woken.row
                lead.origin = lead.origin or origin
                self.schedule(row_key, lead)
            else:
                folded = Folded(woken.row, woken.total, woken.effects)
                self.settle(row_key, lead, folded, origin, due_ms)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a defect of ours must not stop the lane, nor come again and again
            self.errors.append(traceback.format_exc())
            lead.origin = lead.origin or Origin("defect", due_ms)

    def restate(self, row_key: bytes, alerts: dict[str, Waiting] | None, at_ms: int) -> None:
        """Bring one row up to the model."""
        lead = self.lead(row_key)
        if lead is None or lead.row is None:
            return
        try:
            folded = restate(self.model, lead.row, alerts, at_ms, fire=self.job.alert_on_change)
            self.settle(row_key, lead, folded, Origin(RELOAD, lead.row.now_ms), at_ms)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a defect of ours in one row must not keep the others from the new model
            self.errors.append(traceback.format_exc())

    def settle(self, row_key: bytes, lead: _Lead, folded: Folded, origin: Origin, caused_ms: int) -> None:
        """Take over what a step came to: all of it or, where telling it raises, nothing."""
        if folded.effects:
            self.tell(Profile(lead.key, folded.row), folded.effects, origin, caused_ms)
        lead.row, lead.total = folded.row, folded.total
        lead.origin, lead.told = origin, True
        self.schedule(row_key, lead)

    def tell(self, profile: Profile, effects: list[Effect], origin: Origin, caused_ms: int) -> None:
        self.outputs += effect_outputs(self.model, profile, effects, origin, self.lane, self.job.assign_on)
        alerts = [effect.alert for effect in effects if isinstance(effect, Fired) and not effect.alert.is_action]
        self.tally.update(("alert", alert.id) for alert in alerts)
        self.alerted += [caused_ms] * len(alerts)
        self.urgent = True

    def schedule(self, row_key: bytes, lead: _Lead) -> None:
        """Have the lane look at the row when something of it falls due: there is an entry for its due time before."""
        assert lead.row is not None
        due_ms = next_due_ms(self.model, lead.row)
        if due_ms is not None and (lead.due_ms is None or due_ms < lead.due_ms):
            self.agenda.put(due_ms, row_key)
        lead.due_ms = due_ms

    def lead(self, row_key: bytes) -> _Lead | None:
        """The lead of a key, as this chunk has left it; None where there is no row."""
        lead = self.leads.get(row_key)
        if lead is None:
            packed = self.rows.get(row_key)
            if packed is None:
                return None
            lead = self.leads[row_key] = _Lead(row_key.decode(), unpack(packed), due_of(packed))
        return lead

    def due_of(self, row_key: bytes) -> int | None:
        """When a row is due, as this chunk has left it."""
        lead = self.leads.get(row_key)
        if lead is not None:
            return lead.due_ms
        packed = self.rows.get(row_key)
        return None if packed is None else due_of(packed)

    def reject(self, record: Record, reason: Reason, field: str | None, message: str) -> None:
        self.outputs.append(reject(record, reason, field, message, record.timestamp))
        self.tally["rejected", reason] += 1

    def fold(self) -> Fold:
        self.tally["scored",] = self.scored
        changed: dict[bytes, bytes | None] = {}
        for row_key, lead in self.leads.items():
            if lead.origin is None:
                continue
            if lead.row is None:
                changed[row_key] = None
                continue
            if lead.told:
                self.publish(lead, lead.row, lead.origin)
            try:
                packed = pack(lead.row, lead.due_ms, self.model.row_limit)
            except (OverflowError, TypeError, ValueError):
                self.errors.append(traceback.format_exc())
                continue
            # Most rows mean the same under a new model, and need not be written again.
            if lead.origin.name != RELOAD or packed != self.rows.get(row_key):
                changed[row_key] = packed
        return Fold(self.outputs, changed, self.urgent, self.tally, self.alerted, self.late_ms, self.errors)

    def publish(self, lead: _Lead, row: Row, origin: Origin) -> None:
        total = lead.total
        if total is None:
            total = score_at(self.model, row, row.now, fit_now(self.model, row)).total
        # Most leads are cold and anonymous and were never told of: they are not even looked at.
        if row.published is None and total < self.model.publish_from and not row.known:
            return
        try:
            self.outputs += publication(self.model, Profile(lead.key, row), total, origin)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a defect of ours in what is shown must not stop what is counted
            self.errors.append(traceback.format_exc())
