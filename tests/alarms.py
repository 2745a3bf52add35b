"""Toy jobs: one whose rows time does not change, and one whose rows are alarms, each put out once when it falls due."""

from collections.abc import Iterable, Sequence

from engine.core.agenda import Agenda
from engine.core.flow import Fold, Output, Record, Rows


class Timeless:
    """What a job is whose rows change by records only, and never with a new version of it."""

    stamp = b"toy"

    def wake(self, lane: int, until_ms: int, rows: Rows, agenda: Agenda, at_most: int) -> Fold:
        """Nothing is due."""
        return Fold([], {}, urgent=False, tally={})

    def due(self, row: bytes) -> int | None:
        """Never."""
        return None

    def restate(
        self, lane: int, keys: Iterable[bytes], rows: Rows, agenda: Agenda, stamp: bytes | None, at_ms: int
    ) -> Fold:
        """Rows mean the same to all versions."""
        return Fold([], {}, urgent=False, tally={})


class Alarms:
    """A record sets its key's alarms: the times in ms, parted by spaces, no value for none.

    An alarm that falls due is put out with its time. Records of the first input carry time, others do not. A row is
    `<stamp>:<times>`; one that is brought up to another stamp is put out with that stamp.
    """

    def __init__(
        self,
        table: str = "alarms",
        inputs: tuple[str, ...] = ("events", "inbox"),
        out: str = "out",
        stamp: bytes = b"a",
        *,
        urgent: bool = True,
    ) -> None:
        """`urgent`: somebody waits for what is put out."""
        self.table = table
        self.inputs = inputs
        self.out = out
        self.stamp = stamp
        self.urgent = urgent

    def row(self, *due_ms: int) -> bytes:
        """The row with these alarms."""
        return self.stamp + b":" + " ".join(map(str, sorted(due_ms))).encode()

    def due(self, row: bytes) -> int | None:
        """The first alarm."""
        return min(_alarms(row), default=None)

    def fold(self, lane: int, records: Sequence[Record], rows: Rows, agenda: Agenda) -> Fold:
        """What is due rings before a record of the first input."""
        work = _Work(self, rows, agenda)
        for record in records:
            if record.topic == self.inputs[0]:
                work.ring(min(record.timestamp, agenda.clock_ms), at_most=1_000)
            alarms = [int(time) for time in (record.value or b"").split()]
            work.write(record.key or b"", alarms)
        return work.fold()

    def wake(self, lane: int, until_ms: int, rows: Rows, agenda: Agenda, at_most: int) -> Fold:
        """Ring what is due."""
        work = _Work(self, rows, agenda)
        work.ring(until_ms, at_most)
        return work.fold()

    def restate(
        self, lane: int, keys: Iterable[bytes], rows: Rows, agenda: Agenda, stamp: bytes | None, at_ms: int
    ) -> Fold:
        """Put rows of another stamp under this one."""
        work = _Work(self, rows, agenda)
        for key in keys:
            row = rows.get(key)
            if row is not None and not row.startswith(self.stamp + b":"):
                work.write(key, _alarms(row))
                work.outputs.append(Output(self.out, key, self.stamp))
        return work.fold()


class _Work:
    def __init__(self, job: Alarms, rows: Rows, agenda: Agenda) -> None:
        self.job, self.rows, self.agenda = job, rows, agenda
        self.changed: dict[bytes, bytes | None] = {}
        self.outputs: list[Output] = []

    def get(self, key: bytes) -> bytes | None:
        return self.changed[key] if key in self.changed else self.rows.get(key)

    def due(self, key: bytes) -> int | None:
        row = self.get(key)
        return None if row is None else self.job.due(row)

    def ring(self, until_ms: float, at_most: int) -> None:
        for _ in range(at_most):
            found = self.agenda.pop(until_ms, self.due)
            if found is None:
                break
            due_ms, key = found
            self.outputs.append(Output(self.job.out, key, b"%d" % due_ms))
            self.write(key, sorted(_alarms(self.get(key) or b""))[1:])

    def write(self, key: bytes, alarms: Sequence[int]) -> None:
        self.changed[key] = self.job.row(*alarms) if alarms else None
        if alarms:
            self.agenda.put(min(alarms), key)

    def fold(self) -> Fold:
        return Fold(self.outputs, self.changed, self.job.urgent and bool(self.outputs), tally={})


def _alarms(row: bytes) -> list[int]:
    return [int(time) for time in row.partition(b":")[2].split()]
