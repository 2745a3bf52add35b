"""What the stream layer tells about itself, so that it can be measured without knowing how."""

from collections.abc import Mapping
from typing import Protocol

from engine.core.flow import Fold


class Observer(Protocol):
    """Told synchronously, on the event loop, by a worker's lanes; must return at once and never raise."""

    def folded(self, table: str, lane: int, records: int, seconds: float) -> None:
        """`records` were folded into a lane's staged rows in `seconds`; nothing is written yet."""

    def committed(self, table: str, lane: int, folds: list[Fold], seconds: float) -> None:
        """The transaction with these folds became readable, `seconds` after it began to be written."""

    def failed(self, table: str, lane: int, reason: str) -> None:
        """A lane's transaction failed and the lane stopped: reason `fenced`, `error` or `hole`."""

    def assigned(self, lanes: Mapping[str, int]) -> None:
        """A rebalance ended; the worker now owns this many lanes of each table."""

    def started(self, table: str, lane: int, rows: Mapping[bytes, bytes]) -> None:
        """A lane runs, after a rebalance ended, and these are its committed rows: to look at, not to keep."""

    def recovering(self, table: str, lane: int, remaining: int) -> None:
        """So many changelog records of a lane are still to be read; 0 when it is recovered."""

    def lag(self, topic: str, partition: int, records: int, seconds: float) -> None:
        """How far an input is behind its end: in records, and in seconds of record time (0 when it is read out)."""
