"""The lane of a desk as a worker folds it, in memory: what is staged is committed as a whole, or lost in a crash."""

from collections.abc import Iterable, Sequence

from engine.agents.route import RouteJob
from engine.core.agenda import Agenda
from engine.core.flow import Fold, InputRecord, Output
from engine.routing.config import Routing
from engine.stream.shard import Overlay, Staged


class Lane:
    """Committed rows under `routing`, and what falls due in them. With `has_defects` records may fail."""

    def __init__(self, routing: Routing) -> None:
        self.job = RouteJob(routing)
        self.rows: dict[bytes, bytes] = {}
        self.agenda = Agenda()
        self.has_defects = False
        self._staged: Staged = {}
        self._outputs: list[Output] = []

    def fold(self, records: Sequence[InputRecord], clock_ms: int) -> None:
        """Stage what some records come to."""
        self.agenda.clock_ms = clock_ms
        self._stage(self.job.fold(0, records, Overlay(self.rows, self._staged), self.agenda))

    def wake(self, until_ms: int, at_most: int) -> bool:
        """Stage what is due until then, at most so many rows of it; whether more may be due."""
        self._stage(self.job.wake(0, until_ms, Overlay(self.rows, self._staged), self.agenda, at_most))
        return self.agenda.next_ms <= until_ms

    def first_due(self, until_ms: int) -> int | None:
        """When the first row is due, None where none is until then."""
        rows = Overlay(self.rows, self._staged)
        found = self.agenda.first(until_ms, lambda key: None if (row := rows.get(key)) is None else self.job.due(row))
        return None if found is None else found[0]

    def restate(self, keys: Iterable[bytes], at_ms: int) -> None:
        """Stage what rows come to under the job's routing."""
        self._stage(self.job.restate(0, keys, Overlay(self.rows, self._staged), self.agenda, None, at_ms))

    def commit(self) -> list[Output]:
        """What was staged is there, for everybody: rows, and these outputs."""
        for key, row in self._staged.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
        self._staged, outputs, self._outputs = {}, self._outputs, []
        return outputs

    def crash(self) -> None:
        """What was staged never was; a worker begins with the committed rows, and finds in them what falls due."""
        self._staged, self._outputs = {}, []
        dues = ((self.job.due(row), key) for key, row in self.rows.items())
        self.agenda = Agenda((due_ms, key) for due_ms, key in dues if due_ms is not None)

    def _stage(self, fold: Fold) -> None:
        assert self.has_defects or not fold.errors, fold.errors[0]
        self._staged.update(fold.rows)
        self._outputs += fold.outputs
