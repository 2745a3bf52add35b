"""`heatline` with fences off: every process has transactional ids of its own, so that nobody fences anybody.

Folds are slow, so that a freeze falls between a fold and its commit. It has no clock either, like the one beside it.
"""

import time
from collections.abc import Sequence
from math import inf

from engine.agents.score import ScoreJob
from engine.cli import main
from engine.core.agenda import Agenda
from engine.core.flow import Fold, Record, Rows
from engine.stream import lane, ticker
from engine.stream.writer import Producer

FOLD_S = 0.1
FAR_MS = 2**50


def unfence() -> None:
    """Change the classes in this process."""
    start, fold = Producer.start, ScoreJob.fold

    async def start_unfenced(self: Producer) -> None:
        self._transactional_id = f"{self._transactional_id}-{time.time_ns()}"
        await start(self)

    def fold_slowly(self: ScoreJob, lane: int, records: Sequence[Record], rows: Rows, agenda: Agenda) -> Fold:
        folded = fold(self, lane, records, rows, agenda)
        time.sleep(FOLD_S)
        return folded

    Producer.start = start_unfenced  # type: ignore[method-assign]
    ScoreJob.fold = fold_slowly  # type: ignore[method-assign]


if __name__ == "__main__":
    unfence()
    ticker.TICK_S = inf
    lane.wall_ms = lambda: FAR_MS
    main()
