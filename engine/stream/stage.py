"""What a lane has folded and not yet committed."""

from engine.core.flow import Fold, Output
from engine.stream.errors import RecordTooLarge
from engine.stream.shard import Staged


class Stage:
    """Folds that one transaction will write. `records` and `bytes` say how much work they came of."""

    def __init__(self) -> None:
        """Nothing folded yet."""
        self.rows: Staged = {}
        self.outputs: list[Output] = []
        self.folds: list[Fold] = []
        self.urgent = False
        self.records = 0
        self.bytes = 0

    def __bool__(self) -> bool:
        """Whether anything was folded."""
        return bool(self.folds)

    def add(self, fold: Fold, records: int) -> None:
        """Put a fold of so many records or rows behind the others."""
        self.rows.update(fold.rows)
        self.outputs.extend(fold.outputs)
        self.folds.append(fold)
        self.records += records
        self.urgent = self.urgent or fold.urgent

    def check(self, lane: str, record_bytes_max: int) -> None:
        """Raise RecordTooLarge for a row that the broker would not take."""
        size_max = record_bytes_max
        for key, value in self.rows.items():
            if value is not None and len(key) + len(value) > size_max - 128:
                raise RecordTooLarge(
                    f"the row {key!r} of {lane} is {len(value):,} bytes; the broker takes records of {size_max:,}"
                )
