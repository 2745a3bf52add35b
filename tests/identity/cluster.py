"""A cluster without a broker: lanes with logs, transactions that commit whole or not at all, workers that come and go.

What happens when is drawn from a seed. It is the design's guarantee taken at its word: a lane folds some records of one
of its inputs, and either its rows, its outputs and its position move on together, or nothing does.
"""

from collections.abc import Iterable, Sequence
from math import inf
from random import Random

from engine.agents.score import ScoreJob
from engine.core.agenda import Agenda
from engine.core.desks import only_main
from engine.core.erasure import Pseudonym
from engine.core.flow import Fold, InputRecord, Output
from engine.core.messages import INBOX_TOPIC
from engine.core.model import Model
from engine.core.packing import unpack
from engine.core.partitioner import by_murmur2
from engine.core.pointers import is_pointer, is_row
from engine.core.profile import Row

EVENTS_TOPIC = "visitor-events"
TOPICS = (EVENTS_TOPIC, INBOX_TOPIC)


class Lane:
    """One partition number: its logs, how far they are read, its rows, and what is due."""

    def __init__(self) -> None:
        self.logs: dict[str, list[InputRecord]] = {topic: [] for topic in TOPICS}
        self.read = dict.fromkeys(TOPICS, 0)
        self.rows: dict[bytes, bytes] = {}
        self.agenda = Agenda()

    def unread(self, topic: str) -> int:
        """How many records of an input are to be folded."""
        return len(self.logs[topic]) - self.read[topic]


class Cluster:
    """Lanes that fold in any order; `outputs` are all that was committed besides internal messages, in order."""

    def __init__(self, model: Model, partitions: int, seed: int, pseudonym: Pseudonym | None = None) -> None:
        self._draw = Random(seed)
        self._job = ScoreJob(
            model,
            lambda key: by_murmur2(key, partitions),
            only_main(frozenset()),
            lanes=partitions,
            pseudonym=pseudonym,
        )
        self.lanes = [Lane() for _ in range(partitions)]
        self.outputs: list[Output] = []
        self.commits = self.crashes = self.moves = 0

    def send(self, key: str, value: bytes, at_ms: int, *, stray: float = 0.0) -> None:
        """Have a producer write a record of `visitor-events`, with `stray` to a partition that is not its key's."""
        lane = self.lanes[by_murmur2(key.encode(), len(self.lanes))]
        if self._draw.random() < stray:
            lane = self._draw.choice(self.lanes)
        self._append(lane, EVENTS_TOPIC, key.encode(), value, at_ms, ())

    def tell(self, lead: str, message: bytes) -> None:
        """Have a command write a message to the home of an id."""
        lane = self.lanes[by_murmur2(lead.encode(), len(self.lanes))]
        self._append(lane, INBOX_TOPIC, lead.encode(), message, 0, ())

    def run(self, *, crash: float = 0.15, move: float = 0.05, at_most: float = inf) -> None:
        """Fold until every log is read, or `at_most` transactions were begun.

        A transaction fails with `crash`, a lane gets another worker with `move`.
        """
        begun = self.commits + self.crashes
        while self.commits + self.crashes - begun < at_most and (waiting := self._waiting()):
            lane, topic = self._draw.choice(waiting)
            if self._draw.random() < move:
                self._rebuild(lane)
                self.moves += 1
            start = lane.read[topic]
            records = lane.logs[topic][start : start + self._draw.randint(1, 8)]
            fold = self._job.fold(self.lanes.index(lane), records, lane.rows, lane.agenda)
            assert not fold.errors, fold.errors[0]
            if self._draw.random() < crash:
                self._rebuild(lane)
                self.crashes += 1
                continue
            lane.read[topic] += len(records)
            self._commit(lane, fold)

    def _waiting(self) -> list[tuple[Lane, str]]:
        return [(lane, topic) for lane in self.lanes for topic in TOPICS if lane.unread(topic)]

    def rows(self) -> dict[str, Row]:
        """Every row by its key, over all lanes."""
        return {
            key.decode(): unpack(packed) for lane in self.lanes for key, packed in lane.rows.items() if is_row(packed)
        }

    def pointers(self) -> set[str]:
        """The keys of all pointers."""
        return {key.decode() for lane in self.lanes for key, packed in lane.rows.items() if is_pointer(packed)}

    def _commit(self, lane: Lane, fold: Fold) -> None:
        self.commits += 1
        for key, packed in fold.rows.items():
            if packed is None:
                lane.rows.pop(key, None)
            else:
                lane.rows[key] = packed
        for output in fold.outputs:
            if output.topic == INBOX_TOPIC:
                assert output.partition is not None
                to = self.lanes[output.partition]
                self._append(to, INBOX_TOPIC, output.key, output.value, self._clock_ms(), output.headers)
            elif output.topic != "routing-requests":
                self.outputs.append(output)

    def _append(
        self,
        lane: Lane,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        at_ms: int,
        headers: Iterable[tuple[str, bytes | None]],
    ) -> None:
        log = lane.logs[topic]
        log.append(InputRecord(topic, self.lanes.index(lane), len(log), at_ms, key, value, tuple(headers)))

    def _clock_ms(self) -> int:
        logs: Iterable[Sequence[InputRecord]] = (lane.logs[EVENTS_TOPIC] for lane in self.lanes)
        return max((log[-1].timestamp for log in logs if log), default=0)

    def _rebuild(self, lane: Lane) -> None:
        """A worker begins with the committed rows."""
        dues = ((self._job.due(packed), key) for key, packed in lane.rows.items())
        lane.agenda = Agenda((due_ms, key) for due_ms, key in dues if due_ms is not None)
