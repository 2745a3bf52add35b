"""An observer for tests."""

from collections.abc import Mapping

from engine.core.flow import Fold


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        """Nothing told yet."""
        self.folds = 0
        self.commits = 0
        self.failures: list[str] = []
        self.assignments: list[Mapping[str, int]] = []
        self.rows: dict[tuple[str, int], Mapping[bytes, bytes]] = {}
        self.recovered: dict[int, int] = {}
        self.lags: dict[tuple[str, int], tuple[int, float]] = {}

    def folded(self, table: str, lane: int, records: int, seconds: float) -> None:
        self.folds += records

    def committed(self, table: str, lane: int, folds: list[Fold], seconds: float) -> None:
        self.commits += 1

    def failed(self, table: str, lane: int, reason: str) -> None:
        self.failures.append(reason)

    def assigned(self, lanes: Mapping[str, int]) -> None:
        self.assignments.append(dict(lanes))

    def started(self, table: str, lane: int, rows: Mapping[bytes, bytes]) -> None:
        self.rows[table, lane] = dict(rows)

    def recovering(self, table: str, lane: int, remaining: int) -> None:
        self.recovered[lane] = remaining

    def lag(self, topic: str, partition: int, records: int, seconds: float) -> None:
        self.lags[topic, partition] = (records, seconds)
