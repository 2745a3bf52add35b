"""Visitor events into profiles: one chunk of a lane at a time.

record ─► event, message or dead letter ─► its row ─► fold ─► alerts ─► changed rows and scores
"""

import traceback
from collections import Counter
from collections.abc import Callable, Sequence

from engine.core.events import Event, Rejected
from engine.core.flow import Fold, Output, Record, Rows
from engine.core.fold import Fired, fold_event, new_row
from engine.core.instants import from_rfc3339
from engine.core.messages import INBOX_TOPIC, MessageError, OwnerChanged, decode_inbox, forward, unwrap
from engine.core.model import Model
from engine.core.outputs import Profile, alert_outputs, publication
from engine.core.profile import Row, pack, unpack
from engine.core.records import Reason
from engine.core.rejects import reject
from engine.core.scoring import total_of

EVENTS_TOPIC = "visitor-events"
TABLE = "profiles"


class ScoreJob:
    """Folds `visitor-events` and `lead-inbox` into the table `profiles`.

    `home` gives the partition number of a row's key; `assign_on` names the alerts that ask for a rep.
    """

    table = TABLE
    inputs = (EVENTS_TOPIC, INBOX_TOPIC)

    def __init__(self, model: Model, home: Callable[[bytes], int], assign_on: frozenset[str]) -> None:
        self.model = model
        self.home = home
        self.assign_on = assign_on

    def fold(self, lane: int, records: Sequence[Record], rows: Rows) -> Fold:
        """Every record ends as scored, forwarded, dropped with a counted reason or dead-lettered; none raises."""
        chunk = _Chunk(self, lane, rows)
        for record in records:
            chunk.take(record)
        for topic, count in Counter(record.topic for record in records).items():
            chunk.tally["consumed", topic] = count
        return chunk.fold()


class _Lead:
    """A lead of this chunk: its row so far, the total it stands at, and what changed it last, if anything did."""

    __slots__ = ("cause", "cause_ms", "key", "row", "total")

    def __init__(self, key: str, row: Row) -> None:
        self.key = key
        self.row = row
        self.total: float | None = None
        self.cause: Record | OwnerChanged | None = None
        self.cause_ms = 0


class _Chunk:
    """The work on one chunk; what it comes to is in `fold`."""

    def __init__(self, job: ScoreJob, lane: int, rows: Rows) -> None:
        self.job = job
        self.model = job.model
        self.decode = job.model.decoder.decode
        self.lane = lane
        self.rows = rows
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
                self.take_owner(decode_inbox(record.value))
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
        lead = self.leads.get(row_key)
        if lead is None:
            packed = self.rows.get(row_key)
            if packed is not None:
                lead = _Lead(key, unpack(packed))
            elif not forwarded and (home := self.job.home(row_key)) != self.lane:
                self.outputs.append(forward(record, home, row_key))
                self.tally["forwarded",] += 1
                self.urgent = True
                return
            else:
                lead = _Lead(key, new_row(event))
        self.fold_event(lead, event, record)
        self.leads[row_key] = lead

    def fold_event(self, lead: _Lead, event: Event, record: Record) -> None:
        folded = fold_event(self.model, lead.row, event)
        if folded is None:
            self.tally["duplicate", "message_id"] += 1
            return
        if folded.fired:
            self.alert(Profile(lead.key, folded.row), folded.fired, event, record)
        if event.time_ms < lead.row.now_ms:
            self.late_ms.append(lead.row.now_ms - event.time_ms)
        lead.row, lead.total = folded.row, folded.total
        lead.cause, lead.cause_ms = record, event.time_ms
        self.scored += 1

    def alert(self, profile: Profile, alerts: list[Fired], event: Event, record: Record) -> None:
        # All of them or, where one raises, none: its record leaves nothing behind but a dead letter.
        outputs: list[Output] = []
        for fired in alerts:
            outputs += alert_outputs(
                self.model, profile, fired, record, event, partition=self.lane, assign_on=self.job.assign_on
            )
        self.outputs += outputs
        self.tally.update(("alert", fired.alert.id) for fired in alerts)
        self.alerted += [record.timestamp] * len(alerts)
        self.urgent = True

    def take_owner(self, message: OwnerChanged) -> None:
        row_key = message.profile.encode()
        lead = self.leads.get(row_key)
        if lead is None:
            packed = self.rows.get(row_key)
            if packed is None:
                self.tally["dropped", "no_profile"] += 1
                return
            lead = self.leads[row_key] = _Lead(message.profile, unpack(packed))
        if lead.row.owner != message.owner:
            lead.row.owner = message.owner
            lead.row.changed = True
        lead.cause, lead.cause_ms = message, from_rfc3339(message.cause.time)

    def reject(self, record: Record, reason: Reason, field: str | None, message: str) -> None:
        self.outputs.append(reject(record, reason, field, message, record.timestamp))
        self.tally["rejected", reason] += 1

    def fold(self) -> Fold:
        self.tally["scored",] = self.scored
        changed: dict[bytes, bytes | None] = {}
        publish_from = self.model.publish_from
        for row_key, lead in self.leads.items():
            if lead.cause is None:
                continue
            row = lead.row
            total = lead.total
            if total is None:
                total = total_of(self.model, row.ledger, row.now)
            try:
                # Most leads are cold and anonymous and were never told of: they are not even looked at.
                if row.published is not None or total >= publish_from or row.known:
                    self.outputs += publication(self.model, Profile(lead.key, row), total, lead.cause, lead.cause_ms)
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001 - a defect of ours in what is shown must not stop what is counted
                self.errors.append(traceback.format_exc())
            changed[row_key] = pack(row)
        return Fold(self.outputs, changed, self.urgent, self.tally, self.alerted, self.late_ms, self.errors)
