"""What tests of the core are made of: models, Segment events, records, and profiles in memory."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from engine.agents.score import ScoreJob
from engine.core.agenda import Agenda
from engine.core.events import Event
from engine.core.flow import Fold, InputRecord, Output
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.model import Model
from engine.core.modelfile import load_model
from engine.core.names import Vocabulary
from engine.core.outputs import Profile, score_output
from engine.core.packing import unpack
from engine.core.partitioner import by_murmur2
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
    """The table `profiles` in memory, fed chunk by chunk; `outputs` are all that the chunks came to, in order."""

    def __init__(self, model: Model, partitions: int = 1, assign_on: Iterable[str] = ()) -> None:
        self.model = model
        self.job = ScoreJob(model, lambda key: by_murmur2(key, partitions), frozenset(assign_on))
        self.lanes: dict[int, dict[bytes, bytes]] = {lane: {} for lane in range(partitions)}
        self.agendas = {lane: Agenda() for lane in range(partitions)}
        self.outputs: list[Output] = []

    def fold(self, *records: InputRecord, lane: int = 0) -> Fold:
        """Fold one chunk into a lane."""
        return self._take(lane, self.job.fold(lane, records, self.lanes[lane], self.agendas[lane]))

    def wake(self, until_ms: int, lane: int = 0) -> Fold:
        """Fold what falls due in a lane at or before `until_ms`."""
        return self._take(lane, self.job.wake(lane, until_ms, self.lanes[lane], self.agendas[lane], at_most=1_000))

    def restate(self, model: Model, at_ms: int, lane: int = 0) -> Fold:
        """Go on with another model, and bring the rows of a lane up to it."""
        stamp, self.model = self.job.stamp, model
        self.job = ScoreJob(model, self.job.home, self.job.assign_on)
        rows = self.lanes[lane]
        return self._take(lane, self.job.restate(lane, list(rows), rows, self.agendas[lane], stamp, at_ms))

    def _take(self, lane: int, fold: Fold) -> Fold:
        rows = self.lanes[lane]
        for key, row in fold.rows.items():
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        self.outputs += fold.outputs
        return fold

    def feed(self, *events: dict[str, Any], at_ms: int | None = None) -> list[Output]:
        """Fold each event as a chunk of its own, at its own time, or all at `at_ms`; what came of the last."""
        outputs: list[Output] = []
        for offset, event in enumerate(events, len(self.outputs)):
            recorded = from_rfc3339(event["timestamp"]) if at_ms is None else at_ms
            outputs = self.fold(record(event, recorded, offset)).outputs
        return outputs

    def row(self, key: str = "ada") -> Row:
        """The row of a key."""
        return next(unpack(rows[key.encode()]) for rows in self.lanes.values() if key.encode() in rows)

    def score(self, key: str = "ada", at_ms: int | None = None) -> dict[str, Any]:
        """The lead's score with its explanation, as `lead-scores` would say it."""
        row = self.row(key)
        at_ms = row.now_ms if at_ms is None else at_ms
        return data_of(score_output(self.model, Profile(key, row), at_ms, at_ms))

    def on(self, topic: str) -> list[dict[str, Any]]:
        """The data of all records on a topic, tombstones left out."""
        return [data_of(output) for output in self.outputs if output.topic == topic and output.value is not None]

    def alerts(self) -> list[str]:
        """The names of the alerts that fired."""
        return [alert["alert"] for alert in self.on("lead-alerts")]
