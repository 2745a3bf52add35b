"""Visitor events into profiles: one chunk of a lane at a time.

what is due, then record ─► event, message or dead letter ─► its row ─► fold ─► what came of it ─► rows and scores
"""

import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from engine.agents.erasing import Erasing
from engine.agents.joining import Joins
from engine.agents.leads import Lead, Leads, Outcome
from engine.agents.placing import Places
from engine.core.agenda import Agenda
from engine.core.bots import CRAWLER, judge
from engine.core.canary import ANSWERED_MAX, scored
from engine.core.crawlers import is_crawler
from engine.core.desks import Desks
from engine.core.effects import Effect, Fired
from engine.core.erasure import Pseudonym
from engine.core.events import EVENTS_TOPIC, Canary, Event, Rejected
from engine.core.flow import Fold, Record, Rows
from engine.core.fold import Folded, fold_event, new_row
from engine.core.identity import address_of, is_person, public_id
from engine.core.instants import from_rfc3339
from engine.core.merging import merged
from engine.core.messages import (
    INBOX_TOPIC,
    Arrival,
    LeadErase,
    LeadFeedback,
    LeadForget,
    LeadJoin,
    LeadMerge,
    LeadMoved,
    Message,
    MessageError,
    decode_inbox,
    unwrap,
)
from engine.core.model import Model
from engine.core.origins import Origin, origin_of, stated_origin
from engine.core.outputs import Profile, effect_outputs, merge_outputs, publication
from engine.core.packing import due_of, pack, unpack
from engine.core.persons import adopted, with_browser
from engine.core.pointers import pack_pointer
from engine.core.profile import Row
from engine.core.records import Reason
from engine.core.rejects import reject
from engine.core.restate import RELOAD, Waiting, alerts_before, restate, stamp_of
from engine.core.scoring import fit_now, score_at
from engine.core.told import fold_feedback
from engine.core.wake import next_due_ms, wake

TABLE = "profiles"
HOMES_CACHED_MAX = 16_384


class ScoreJob:
    """Folds `visitor-events` and `lead-inbox` into the table `profiles`.

    `home` gives the partition number of a lead's id, `home_of` that of a row's key; `desks` are asked for reps. With
    `alert_on_change` a changed model fires the alerts that the change itself sets off. `lanes` is the number of
    partitions; `pseudonym` hashes ids of who is erased, without it nobody can be.
    """

    table = TABLE
    inputs = (EVENTS_TOPIC, INBOX_TOPIC)

    def __init__(
        self,
        model: Model,
        home: Callable[[bytes], int],
        desks: Desks,
        *,
        alert_on_change: bool = False,
        lanes: int = 1,
        pseudonym: Pseudonym | None = None,
    ) -> None:
        self.model = model
        self.lanes = lanes
        self.pseudonym = pseudonym
        self.home = home
        # What follows a pointer is hashed at every hop, and the hash is a loop in Python.
        self.home_of = lru_cache(HOMES_CACHED_MAX)(lambda key: home(public_id(key).encode()))
        self.desks = desks
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
        canaries = chunk.tally["canary", "scored"] + chunk.tally["dropped", "canary"]
        if canaries:
            # Whoever asks whether visitors come does not mean these.
            chunk.tally["consumed", EVENTS_TOPIC] -= canaries
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


class _Chunk:
    """The work on one chunk; what it comes to is in `fold`."""

    def __init__(self, job: ScoreJob, lane: int, rows: Rows, agenda: Agenda) -> None:
        self.job = job
        self.model = job.model
        self.decode = job.model.decoder.decode
        self.lane = lane
        self.leads = Leads(rows, agenda)
        self.outcome = Outcome()
        self.tally = self.outcome.tally
        self.erasing = Erasing(self.leads, self.outcome, job.home_of, job.lanes, job.pseudonym, job.desks)
        self.joins = Joins(job.model, job.home_of, self.leads, self.outcome, self.row_at, self.erasing, job.desks)
        self.places = Places(job.model, lane, self.leads, self.outcome, self.joins, self.erasing)
        self.hops: Counter[int] = Counter()
        self.alerted: list[int] = []
        self.late_ms: list[int] = []
        self.errors: list[str] = []

    def take(self, record: Record) -> None:
        """Fold one record, whatever it holds; an event that was forwarded is rejected as the visitor's record."""
        arrival = unwrap(record) if record.topic == INBOX_TOPIC else Arrival(record)
        source = record if arrival is None else arrival.record
        try:
            if arrival is None:
                self.take_message(decode_inbox(record.value), record)
            else:
                self.take_event(arrival)
        except Rejected as rejected:
            self.reject(source, rejected.reason, rejected.field, str(rejected))
        except MessageError as error:
            self.reject(record, "schema", None, str(error))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect of ours stops one record, never the lane
            self.errors.append(traceback.format_exc())
            self.reject(source, "internal", None, f"{type(error).__name__} in the core; see the worker's log")

    def take_event(self, arrival: Arrival) -> None:
        record = arrival.record
        try:
            event = self.decode(record)
        except Canary as canary:
            self.answer(record, canary.nonce)
            return
        if is_crawler(event):
            self.tally["bot", CRAWLER] += 1
            return
        lead = self.places.place(arrival, event)
        if lead is None:
            return
        held = self.row_at(lead, event.time_ms)
        row = held or self.new_row(lead.key, event)
        recorded_ms = int(min(record.timestamp, self.leads.agenda.clock_ms))
        verdict = judge(self.model.bots, row, event, recorded_ms, is_new=held is None)
        if verdict is not None and verdict.kind is not None:
            self.drop_bot(lead, verdict.kind, row, verdict.row, origin_of(event, record))
            return
        row = row if verdict is None else verdict.row
        folded = fold_event(self.model, row, event)
        if folded is None:
            self.tally["duplicate", "message_id"] += 1
            return
        if arrival.errand == "joined":
            folded.row.address = address_of(event)
        self.settle(lead, folded, origin_of(event, record), record.timestamp)
        if event.time_ms < row.now_ms:
            self.late_ms.append(row.now_ms - event.time_ms)
        self.hops[arrival.hops] += 1

    def answer(self, record: Record, nonce: str | None) -> None:
        """Answer a canary, unless so many others were in this chunk that strangers must have sent them."""
        if self.tally["canary", "scored"] < ANSWERED_MAX:
            self.outcome.send(*scored(record, nonce, self.job.desks))
            self.tally["canary", "scored"] += 1
        else:
            self.tally["dropped", "canary"] += 1

    def new_row(self, key: str, event: Event) -> Row:
        """The row of a lead that is new, or was erased before."""
        row = new_row(event, anonymous=not is_person(key))
        row.erased = self.erasing.erased_at_ms(key)
        return row

    def drop_bot(self, lead: Lead, kind: str, row: Row, after: Row, origin: Origin) -> None:
        """Count an event that is no human's; most leave the row as it is, so that a flood costs no writing."""
        self.tally["bot", kind] += 1
        if after is not row:
            lead.row, lead.total = after, None
            lead.origin, lead.told = origin, True
            self.leads.schedule(lead, next_due_ms(self.model, after))

    def take_message(self, message: Message, record: Record) -> None:
        if isinstance(message, LeadJoin):
            self.joins.take_join(message)
            return
        if isinstance(message, LeadMoved):
            self.joins.take_moved(message)
            return
        if isinstance(message, LeadErase):
            self.erasing.erase(message)
            return
        if isinstance(message, LeadForget):
            self.erasing.forget(message)
            return
        key = (record.key or b"").decode()
        lead = self.leads.get(key.encode())
        time_ms = from_rfc3339(message.cause.time)
        if self.erasing.is_over(key, lead, time_ms):
            self.tally["dropped", "erased"] += 1
            return
        if isinstance(message, LeadMerge) and (lead is None or not lead.is_there):
            lead = self.joins.first_seen(key, stated_origin(message.cause)) or lead
        if lead is not None and self.joins.pass_on(lead, record):
            return
        if isinstance(message, LeadMerge):
            self.merge(lead or self.leads.new(key), message, time_ms)
            return
        row = None if lead is None else self.row_at(lead, message.at if isinstance(message, LeadFeedback) else 0)
        if lead is None or row is None:
            self.tally["dropped", "no_profile"] += 1
            return
        if isinstance(message, LeadFeedback):
            folded = fold_feedback(self.model, row, message)
            self.settle(lead, folded, stated_origin(message.cause), time_ms)
            return
        if message.lead != public_id(key) and row.owner is not None:
            # Given to a rep under an id that was merged meanwhile: the desk says itself who of two keeps the lead.
            self.tally["dropped", "merged"] += 1
            return
        # A new owner comes of the same record as the score before it.
        lead.origin = stated_origin(message.cause, "owner")
        lead.told = True
        if row.owner != message.owner:
            row.owner = message.owner
            row.changed = True

    def merge(self, lead: Lead, message: LeadMerge, time_ms: int) -> None:
        """Take over what was known of the lead under another id; nothing fires, and no stage moves."""
        other = unpack(message.row)
        if other.anonymous:
            other.browsers = with_browser(other.browsers, message.other)[0]
        person = self.row_at(lead, time_ms)
        row = adopted(other) if person is None else merged(self.model, person, other)
        if is_person(message.other):
            row.depth = max(row.depth, other.depth + 1)
        if person is None:
            # The other's own erasure is told by its mark: what comes by the pointer there is looked up.
            row.erased = self.erasing.erased_at_ms(lead.key)
        total = score_at(self.model, row, row.now, fit_now(self.model, row)).total
        origin = stated_origin(message.cause, "merge")
        profile = Profile(lead.key, row)
        self.outcome.send(*merge_outputs(self.model, profile, total, message, other, origin, self.lane, self.job.desks))
        self.settle(lead, Folded(row, total, []), origin, time_ms)
        self.tally["merged",] += 1

    def row_at(self, lead: Lead, time_ms: int) -> Row | None:
        """The lead's row once everything has fallen due that is to come before `time_ms`; None where there is none."""
        while lead.row is not None and lead.due_ms is not None and lead.due_ms <= time_ms:
            self.wake_row(lead, lead.row, lead.due_ms)
        return lead.row

    def wake(self, until_ms: float, at_most: int | None = None) -> None:
        """Fold what is due at or before `until_ms`, at most so many rows."""
        woken = 0
        while at_most is None or woken < at_most:
            due = self.leads.agenda.pop(until_ms, self.leads.due_of)
            if due is None:
                return
            due_ms, row_key = due
            lead = self.leads.get(row_key)
            if lead is not None and lead.row is not None:
                self.wake_row(lead, lead.row, due_ms)
            elif lead is not None:
                lead.pointer, lead.origin, lead.due_ms = None, Origin("eviction", due_ms), None
            woken += 1

    def wake_row(self, lead: Lead, row: Row, due_ms: int) -> None:
        lead.due_ms = None
        try:
            woken = wake(self.model, row, due_ms)
            origin = Origin(woken.name, due_ms)
            if woken.row is None:
                self.outcome.outputs += self.joins.buried(Profile(lead.key, row))
                lead.row, lead.origin, lead.told = None, origin, False
            elif woken.idle:
                lead.row = woken.row
                lead.origin = lead.origin or origin
                self.leads.schedule(lead, next_due_ms(self.model, woken.row))
            else:
                folded = Folded(woken.row, woken.total, woken.effects)
                self.settle(lead, folded, origin, due_ms)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a defect of ours must not stop the lane, nor come again and again
            self.errors.append(traceback.format_exc())
            lead.origin = lead.origin or Origin("defect", due_ms)

    def restate(self, row_key: bytes, alerts: dict[str, Waiting] | None, at_ms: int) -> None:
        """Bring one row up to the model."""
        lead = self.leads.get(row_key)
        if lead is None or lead.row is None:
            return
        try:
            folded = restate(self.model, lead.row, alerts, at_ms, fire=self.job.alert_on_change)
            self.settle(lead, folded, Origin(RELOAD, lead.row.now_ms), at_ms)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a defect of ours in one row must not keep the others from the new model
            self.errors.append(traceback.format_exc())

    def settle(self, lead: Lead, folded: Folded, origin: Origin, caused_ms: int) -> None:
        """Take over what a step came to: all of it or, where telling it raises, nothing."""
        if folded.effects:
            self.tell(Profile(lead.key, folded.row), folded.effects, origin, caused_ms)
        lead.row, lead.total = folded.row, folded.total
        lead.origin, lead.told = origin, True
        self.leads.schedule(lead, next_due_ms(self.model, folded.row))

    def tell(self, profile: Profile, effects: list[Effect], origin: Origin, caused_ms: int) -> None:
        self.outcome.send(*effect_outputs(self.model, profile, effects, origin, self.lane, self.job.desks))
        alerts = [effect.alert for effect in effects if isinstance(effect, Fired) and not effect.alert.is_action]
        self.tally.update(("alert", alert.id) for alert in alerts)
        self.alerted += [caused_ms] * len(alerts)

    def reject(self, record: Record, reason: Reason, field: str | None, message: str) -> None:
        self.outcome.outputs.append(reject(record, reason, field, message, record.timestamp))
        self.tally["rejected", reason] += 1

    def fold(self) -> Fold:
        self.tally["scored",] = self.hops.total()
        self.tally.update({("hops", str(hops)): count for hops, count in self.hops.items()})
        row_limit = self.model.row_limit
        changed: dict[bytes, bytes | None] = {}
        # What is published may look for others, who are touched by it.
        for row_key, lead in list(self.leads.touched.items()):
            if lead.origin is None:
                continue
            if lead.row is None:
                changed[row_key] = None if lead.pointer is None else pack_pointer(lead.pointer, lead.due_ms)
                continue
            if lead.told:
                self.publish(lead, lead.row, lead.origin)
            try:
                packed = pack(lead.row, lead.due_ms, row_limit)
            except (OverflowError, TypeError, ValueError):
                self.errors.append(traceback.format_exc())
                continue
            # Most rows mean the same under a new model, and need not be written again.
            if lead.origin.name != RELOAD or packed != self.leads.rows.get(row_key):
                changed[row_key] = packed
        outcome = self.outcome
        changed.update(self.leads.marks)
        return Fold(outcome.outputs, changed, outcome.urgent, self.tally, self.alerted, self.late_ms, self.errors)

    def publish(self, lead: Lead, row: Row, origin: Origin) -> None:
        total = lead.total
        if total is None:
            total = score_at(self.model, row, row.now, fit_now(self.model, row)).total
        # Most leads are cold and anonymous and were never told of: they are not even looked at.
        if row.published is None and total < self.model.publish_from and not row.known:
            return
        if self.joins.has_namesake(lead.key):
            return
        try:
            self.outcome.outputs += publication(self.model, Profile(lead.key, row), total, origin)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a defect of ours in what is shown must not stop what is counted
            self.errors.append(traceback.format_exc())
