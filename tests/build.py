"""What tests of the core are made of: models, Segment events, records, and profiles in memory."""

import json
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from engine.agents.score import ScoreJob
from engine.core.agenda import Agenda
from engine.core.desks import only_main
from engine.core.events import Event
from engine.core.flow import Fold, InputRecord, Output
from engine.core.identity import person_key
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.messages import INBOX_TOPIC
from engine.core.model import Model
from engine.core.modelfile import load_model
from engine.core.names import Vocabulary
from engine.core.outputs import Profile, score_output
from engine.core.packing import unpack
from engine.core.partitioner import by_murmur2
from engine.core.pointers import is_pointer, unpack_pointer
from engine.core.profile import Row

T0 = 1_795_392_000_000
"""2026-11-23T00:00:00Z, a Monday."""
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
_TYPES = {"page_view": "page", "screen_view": "screen", "identify": "identify"}


def model(spec: Mapping[str, Any] | str, names: Mapping[str, str] | None = None) -> Model:
    """The model that a mapping, or the text of a model.yaml, states."""
    return load_model(spec if isinstance(spec, str) else json.dumps(spec), "model.yaml", Vocabulary(names or {}))


def segment(name: str = "page_view", at_ms: int | None = T0, lead: str = "ada", **changes: Any) -> dict[str, Any]:
    """A Segment event; `changes` are its other keys, None takes one away."""
    event = {"type": _TYPES.get(name, "track"), "anonymousId": lead, **changes}
    if event["type"] == "track":
        event.setdefault("event", name)
    if at_ms is not None:
        event.setdefault("timestamp", to_rfc3339(at_ms))
    return {key: value for key, value in event.items() if value is not None}


def page(path: str, at_ms: int = T0, lead: str = "ada", **changes: Any) -> dict[str, Any]:
    """A page view."""
    return segment("page_view", at_ms, lead, context={"page": {"path": path}}, **changes)


def record(value: Any, at_ms: int = T0, offset: int = 0, **changes: Any) -> InputRecord:
    """A record of `visitor-events` with a value that is bytes, null, or goes into JSON."""
    packed = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    return InputRecord("visitor-events", 0, offset, at_ms, None, packed)._replace(**changes)


def decoded(model: Model, value: Any, at_ms: int = T0, **changes: Any) -> Event:
    """The event that a record of this value holds."""
    return model.decoder.decode(record(value, at_ms, **changes))


def data_of(output: Output) -> dict[str, Any]:
    """The `data` of an output record."""
    decoded: dict[str, Any] = json.loads(output.value or b"")["data"]
    return decoded


class Profiles:
    """The table `profiles` in memory, fed chunk by chunk; `outputs` are all that the chunks came to, in order.

    What they send to `lead-inbox` is folded at once, first in first out, in the lanes that it is for; not `deliver`:
    it is held back. `folded` are all records that were folded, in order.
    """

    def __init__(
        self, model: Model, partitions: int = 1, assign_on: Iterable[str] = (), *, deliver: bool = True
    ) -> None:
        self.model = model
        self.job = ScoreJob(model, lambda key: by_murmur2(key, partitions), only_main(frozenset(assign_on)))
        self.lanes: dict[int, dict[bytes, bytes]] = {lane: {} for lane in range(partitions)}
        self.agendas = {lane: Agenda() for lane in range(partitions)}
        self.outputs: list[Output] = []
        self.errors: list[str] = []
        self.folded: list[InputRecord] = []
        self.clock_ms = 0
        self._deliver = deliver
        self._inbox: deque[InputRecord] = deque()
        self._messages = count()

    def fold(self, *records: InputRecord, lane: int = 0) -> Fold:
        """Fold one chunk into a lane, then the messages that follow; what came of the chunk itself."""
        self.clock_ms = max(self.clock_ms, *(record.timestamp for record in records))
        fold = self._fold(lane, *records)
        while self._inbox:
            message = self._inbox.popleft()
            self._fold(message.partition, message)
        return fold

    def wake(self, until_ms: int, lane: int = 0) -> Fold:
        """Fold what falls due in a lane at or before `until_ms`."""
        return self._take(lane, self.job.wake(lane, until_ms, self.lanes[lane], self.agendas[lane], at_most=1_000))

    def restate(self, model: Model, at_ms: int, lane: int = 0) -> Fold:
        """Go on with another model, and bring the rows of a lane up to it."""
        stamp, self.model = self.job.stamp, model
        self.job = ScoreJob(model, self.job.home, self.job.desks)
        rows = self.lanes[lane]
        return self._take(lane, self.job.restate(lane, list(rows), rows, self.agendas[lane], stamp, at_ms))

    def _fold(self, lane: int, *records: InputRecord) -> Fold:
        self.folded += records
        return self._take(lane, self.job.fold(lane, records, self.lanes[lane], self.agendas[lane]))

    def _take(self, lane: int, fold: Fold) -> Fold:
        rows = self.lanes[lane]
        for key, row in fold.rows.items():
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        self.outputs += fold.outputs
        self.errors += fold.errors
        if self._deliver:
            self._inbox += (self.arrived(output) for output in fold.outputs if output.topic == INBOX_TOPIC)
        return fold

    def arrived(self, message: Output) -> InputRecord:
        """A message as the lane that it is for reads it."""
        lane, offset = message.partition or 0, next(self._messages)
        return InputRecord(INBOX_TOPIC, lane, offset, self.clock_ms, message.key, message.value, message.headers)

    def feed(self, *events: dict[str, Any], at_ms: int | None = None) -> list[Output]:
        """Fold each event as a chunk of its own, at its own time, or all at `at_ms`; what came of the last."""
        before = len(self.outputs)
        for offset, event in enumerate(events, before):
            recorded = from_rfc3339(event["timestamp"]) if at_ms is None else at_ms
            before = len(self.outputs)
            self.fold(record(event, recorded, offset))
        return [output for output in self.outputs[before:] if output.topic != INBOX_TOPIC]

    def found(self, lead: str = "ada") -> Profile:
        """The row that a public id leads to, with its key; KeyError where there is none."""
        rows = {key.decode(): packed for lane in self.lanes.values() for key, packed in lane.items()}
        key = person_key(lead) if person_key(lead) in rows else lead
        while is_pointer(rows[key]):
            key = unpack_pointer(rows[key]).target
        return Profile(key, unpack(rows[key]))

    def row(self, lead: str = "ada") -> Row:
        """The row that a public id leads to."""
        return self.found(lead).row

    def score(self, lead: str = "ada", at_ms: int | None = None) -> dict[str, Any]:
        """The lead's score with its explanation, as `lead-scores` would say it."""
        profile = self.found(lead)
        at_ms = profile.row.now_ms if at_ms is None else at_ms
        return data_of(score_output(self.model, profile, at_ms, at_ms))

    def on(self, topic: str) -> list[dict[str, Any]]:
        """The data of all records on a topic, tombstones left out."""
        return [data_of(output) for output in self.outputs if output.topic == topic and output.value is not None]

    def alerts(self) -> list[str]:
        """The names of the alerts that fired."""
        return [alert["alert"] for alert in self.on("lead-alerts")]
