"""The engine by its public doors: a lane whose chunks and restarts a test chooses, and `simulate`."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from engine.agents.score import ScoreJob
from engine.core.agenda import Agenda
from engine.core.desks import only_main
from engine.core.flow import Fold, InputRecord, Output
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.model import Model
from engine.local.simulate import final_scores, run
from tests.build import model as loaded
from tests.build import segment
from tests.reference.events import Seen, Spec

Arrival = tuple[str, Seen]
"""A lead and what came of it. The lead `user-…` is known from the first on; the others are anonymous."""


def as_segment(lead: str, seen: Seen) -> dict[str, Any]:
    """The Segment event of what a visitor did."""
    ids: dict[str, Any] = {"anonymousId": None, "userId": lead} if lead.startswith("user-") else {}
    context: dict[str, Any] = {} if seen.path is None else {"page": {"path": seen.path}}
    if seen.source != "web":
        context["channel"] = seen.source
    name = "identify" if seen.traits else seen.name
    properties, traits = dict(seen.properties) or None, dict(seen.traits) or None
    return segment(
        name, seen.at_ms, lead, messageId=seen.id, context=context, properties=properties, traits=traits, **ids
    )


def records(arrivals: Iterable[Arrival]) -> list[InputRecord]:
    """The records that hold these events, in order."""
    return [
        InputRecord(
            "visitor-events", 0, offset, seen.arrived_ms, lead.encode(), json.dumps(as_segment(lead, seen)).encode()
        )
        for offset, (lead, seen) in enumerate(arrivals)
    ]


class Lane:
    """One lane of the table `profiles`; a restart leaves nothing but the rows' bytes."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.rows: dict[bytes, bytes] = {}
        self.outputs: list[Output] = []
        self.restart()

    def restart(self, model: Model | None = None) -> None:
        """A new worker, with another model if there is one, builds its agenda from the rows."""
        self.model = model or self.model
        self.job = ScoreJob(self.model, lambda key: 0, only_main(()))
        dues = [(self.job.due(row), key) for key, row in self.rows.items()]
        self.agenda = Agenda((due_ms, key) for due_ms, key in dues if due_ms is not None)

    def fold(self, chunk: Sequence[InputRecord]) -> None:
        self._take(self.job.fold(0, chunk, self.rows, self.agenda))

    def wake(self, until_ms: int) -> None:
        """Fold all that falls due up to an instant."""
        while True:
            fold = self.job.wake(0, until_ms, self.rows, self.agenda, 100)
            self._take(fold)
            if not fold.rows and not fold.outputs:
                return

    def _take(self, fold: Fold) -> None:
        assert not fold.errors, fold.errors[0]
        for key, row in fold.rows.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
        self.outputs += fold.outputs

    def scores(self, at_ms: int) -> dict[str, dict[str, Any]]:
        """Each lead's score with its explanation at an instant, by lead."""
        found = [values(output)["data"] for output in final_scores(self.model, self.rows.items(), at_ms)]
        return {data["lead"]: data for data in found}

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that came, in order, as CloudEvents."""
        return [values(output) for output in self.outputs if output.topic == "lead-alerts"]


def folded(
    spec: Spec | Model, chunks: Iterable[Sequence[InputRecord]], until_ms: int, *, restarting: bool = False
) -> Lane:
    """A lane after these chunks and all that falls due; with a restart between any two if `restarting`."""
    lane = Lane(loaded(spec) if isinstance(spec, Mapping) else spec)
    for chunk in chunks:
        lane.fold(chunk)
        if restarting:
            lane.restart()
    lane.wake(until_ms)
    return lane


def cut(whole: Sequence[InputRecord], places: Iterable[int]) -> list[Sequence[InputRecord]]:
    """The records in chunks that begin at these places."""
    bounds = sorted({0, len(whole), *(place % (len(whole) + 1) for place in places)})
    return [whole[start:end] for start, end in pairwise(bounds)]


def simulated(model: Model, arrivals: Iterable[Arrival], until_ms: int) -> list[dict[str, Any]]:
    """The lines of `heatline simulate --final --until`."""
    lines = [
        json.dumps(
            {"topic": "visitor-events", "key": lead, "timestamp": seen.arrived_ms, "value": as_segment(lead, seen)}
        ).encode()
        for lead, seen in arrivals
    ]
    out = io.BytesIO()
    jobs = [ScoreJob(model, lambda key: 0, only_main(()))]
    run(model, jobs, lines, out, partitions=1, until=to_rfc3339(until_ms), final=True)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def last_scores(lines: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The last score in these lines of each lead that is still there, by lead."""
    last = {line["key"]: line["value"] for line in lines if line["topic"] == "lead-scores"}
    return {lead: value["data"] for lead, value in last.items() if value is not None}


def values(output: Output) -> dict[str, Any]:
    """The CloudEvent that an output holds."""
    decoded: dict[str, Any] = json.loads(output.value or b"{}")
    return decoded


def cause_ms(alert: Mapping[str, Any]) -> int:
    """The instant of what caused an alert."""
    return from_rfc3339(alert["data"]["cause"]["time"])
