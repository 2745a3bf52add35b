"""The whole product as a function: lines in, lines out; no Kafka, no clock, no network.

It runs the worker's own jobs, one line a chunk; what a job sends to another job's topic is handled at once, first in
first out. What falls due at or before a line's record time happens before it, whatever its lane. The same lines and
configuration give the same bytes.
"""

import sys
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from engine.core.agenda import Agenda
from engine.core.events import EVENTS_TOPIC
from engine.core.flow import Fold, InputRecord, Job, Output
from engine.core.instants import from_rfc3339
from engine.core.messages import FEEDBACK_TOPIC, INBOX_TOPIC, REQUESTS_TOPIC
from engine.core.model import Model
from engine.core.outputs import Profile, score_output
from engine.core.packing import unpack
from engine.core.partitioner import by_murmur2
from engine.core.pointers import is_row
from engine.local.errors import SimulateError

INTERNAL_TOPICS = frozenset({INBOX_TOPIC, REQUESTS_TOPIC})
DESK_TOPICS = frozenset({REQUESTS_TOPIC, FEEDBACK_TOPIC})
PROFILES = "profiles"
_NULL = msgspec.Raw(b"null")


class _RecordLine(msgspec.Struct):
    topic: str
    key: str | None = None
    value: msgspec.Raw = _NULL
    value_base64: str | None = None
    timestamp: str | int | None = None
    headers: dict[str, str | None] | list[tuple[str, str | None]] = {}
    partition: int | None = None


class _OutputLine(msgspec.Struct):
    topic: str
    partition: int
    key: str | None
    value: msgspec.Raw
    headers: dict[str, str | None]


_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_check_json = msgspec.json.Decoder(msgspec.Raw).decode
_decode_record: Callable[[bytes], _RecordLine] = msgspec.json.Decoder(_RecordLine).decode


class Simulation:
    """Jobs with their rows in memory, fed one record at a time.

    The topics of the desk have one partition, all others `partitions`. `clock_ms` is the largest record time so far,
    or the due time of what fell due behind it.
    """

    def __init__(self, jobs: Sequence[Job], partitions: int) -> None:
        self._jobs = {topic: job for job in jobs for topic in job.inputs}
        self._partitions = partitions
        self._offsets: dict[tuple[str, int], int] = {}
        self._waiting: deque[InputRecord] = deque()
        self._tables = {job.table: job for job in jobs}
        self.rows: dict[str, dict[int, dict[bytes, bytes]]] = {job.table: {} for job in jobs}
        self._agendas: dict[tuple[str, int], Agenda] = {}
        self.clock_ms = 0

    def line(self, line: bytes, number: int) -> Iterator[Output]:
        """What one line comes to, internal messages included. Raises SimulateError for a line that names no input."""
        yield from self.record(self._record(line, number))

    def record(self, record: InputRecord) -> Iterator[Output]:
        """What falls due up to one record and what the record comes to, with everything that it sets off."""
        yield from self.advance(record.timestamp)
        self.clock_ms = max(self.clock_ms, record.timestamp)
        self._waiting.append(record)
        yield from self._handle_waiting()

    def advance(self, until_ms: int) -> Iterator[Output]:
        """What falls due at or before `until_ms`, by due time and row over all lanes, with all that it sets off."""
        while (first := self._first_due(until_ms)) is not None:
            due_ms, _, table, lane = first
            self.clock_ms = max(self.clock_ms, due_ms)
            rows, agenda = self._lane(table, lane)
            fold = self._tables[table].wake(lane, due_ms, rows, agenda, 1)
            yield from self._take(table, lane, fold)
            yield from self._handle_waiting()

    def restart(self) -> None:
        """What a restart leaves: the rows. What falls due is found in them anew."""
        for table, lanes in self.rows.items():
            job = self._tables[table]
            for lane, rows in lanes.items():
                dues = ((job.due(row), key) for key, row in rows.items())
                self._agendas[table, lane] = Agenda((due_ms, key) for due_ms, key in dues if due_ms is not None)

    def partition_of(self, topic: str, key: bytes | None) -> int:
        """The partition number of a key on a topic."""
        return by_murmur2(key or b"", self._count(topic))

    def _count(self, topic: str) -> int:
        return 1 if topic in DESK_TOPICS else self._partitions

    def _lane(self, table: str, lane: int) -> tuple[dict[bytes, bytes], Agenda]:
        if (table, lane) not in self._agendas:
            self.rows[table][lane] = {}
            self._agendas[table, lane] = Agenda()
        return self.rows[table][lane], self._agendas[table, lane]

    def _first_due(self, until_ms: int) -> tuple[int, bytes, str, int] | None:
        """Due time, key, table and lane of the row that falls due first."""
        found = []
        for (table, lane), agenda in self._agendas.items():
            if agenda.next_ms <= until_ms:
                rows, due = self.rows[table][lane], self._tables[table].due
                first = agenda.first(until_ms, lambda key: None if (row := rows.get(key)) is None else due(row))  # noqa: B023
                if first is not None:
                    found.append((*first, table, lane))
        return min(found, default=None)

    def _handle_waiting(self) -> Iterator[Output]:
        while self._waiting:
            record = self._waiting.popleft()
            job = self._jobs[record.topic]
            rows, agenda = self._lane(job.table, record.partition)
            yield from self._take(job.table, record.partition, job.fold(record.partition, [record], rows, agenda))

    def _take(self, table: str, lane: int, fold: Fold) -> Iterator[Output]:
        """Take the rows of a fold over; its outputs, of which internal ones now wait."""
        rows, _ = self._lane(table, lane)
        for key, row in fold.rows.items():
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        for output in fold.outputs:
            partition = output.partition
            if partition is None:
                partition = self.partition_of(output.topic, output.key)
            yield output._replace(partition=partition)
            if output.topic in self._jobs:
                self._waiting.append(self._arrived(output, partition))

    def _arrived(self, output: Output, partition: int) -> InputRecord:
        offset = self._next_offset(output.topic, partition)
        return InputRecord(output.topic, partition, offset, self.clock_ms, output.key, output.value, output.headers)

    def _next_offset(self, topic: str, partition: int) -> int:
        offset = self._offsets.get((topic, partition), 0)
        self._offsets[topic, partition] = offset + 1
        return offset

    def _record(self, line: bytes, number: int) -> InputRecord:
        parsed = _object(line)
        # RudderStack's wrapper has a topic as well, but no value.
        if "topic" in parsed and ("value" in parsed or "value_base64" in parsed):
            return self._stated(line, number)
        return self._bare(line, parsed)

    def _bare(self, line: bytes, parsed: Mapping[str, msgspec.Raw]) -> InputRecord:
        event = _unwrapped(parsed)
        ids = (_value(event.get("anonymousId")), _value(event.get("userId")), _value(parsed.get("userId")))
        key = next((name.encode() for name in ids if isinstance(name, str) and name), None)
        partition = self.partition_of(EVENTS_TOPIC, key)
        times = (_value(event.get(name)) for name in ("receivedAt", "timestamp", "originalTimestamp"))
        stated_ms = next((_instant(time) for time in times if time is not None), None)
        timestamp = max(self.clock_ms, stated_ms or 0)
        offset = self._next_offset(EVENTS_TOPIC, partition)
        return InputRecord(EVENTS_TOPIC, partition, offset, timestamp, key, line)

    def _stated(self, line: bytes, number: int) -> InputRecord:
        try:
            stated = _decode_record(line)
            value = None if stated.value == _NULL else bytes(stated.value)
            if stated.value_base64 is not None:
                value = b64decode(stated.value_base64, validate=True)
        except ValueError as error:
            raise SimulateError(f"line {number}: not a record: {error}") from None
        if stated.topic not in self._jobs:
            known = ", ".join(sorted(self._jobs))
            raise SimulateError(f"line {number}: topic = {stated.topic!r}: expected one of {known}")
        key = None if stated.key is None else stated.key.encode()
        partition = stated.partition
        if partition is None:
            partition = self.partition_of(stated.topic, key)
        elif not 0 <= partition < self._count(stated.topic):
            last = self._count(stated.topic) - 1
            raise SimulateError(f"line {number}: partition = {partition}: {stated.topic} has those from 0 to {last}")
        timestamp = self.clock_ms if stated.timestamp is None else _instant(stated.timestamp)
        if timestamp is None:
            raise SimulateError(f"line {number}: timestamp = {stated.timestamp!r}: expected RFC 3339 or milliseconds")
        pairs = stated.headers.items() if isinstance(stated.headers, dict) else stated.headers
        headers = tuple((name, None if text is None else text.encode()) for name, text in pairs)
        offset = self._next_offset(stated.topic, partition)
        return InputRecord(stated.topic, partition, offset, timestamp, key, value, headers)


def _object(text: bytes | msgspec.Raw) -> Mapping[str, msgspec.Raw]:
    """The keys of a JSON object, each with its value as it stands there; none where `text` is no such object."""
    try:
        bytes(text).decode()
        return _decode_object(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _value(raw: msgspec.Raw | None) -> Any:
    """The value that stands there, None where none does, or one that is too large to compute with."""
    try:
        return None if raw is None else _decode_any(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def _unwrapped(parsed: Mapping[str, msgspec.Raw]) -> Mapping[str, msgspec.Raw]:
    """The Segment event that a bare line holds, inside a CloudEvent or RudderStack's wrapper, too."""
    if _value(parsed.get("specversion")) is not None and "data" in parsed:
        parsed = _object(parsed["data"])
    if _value(parsed.get("type")) is None and "message" in parsed:
        parsed = _object(parsed["message"])
    return parsed


def _instant(stated: object) -> int | None:
    """The instant that a line states, None where it states none that can be read."""
    if isinstance(stated, int) and not isinstance(stated, bool):
        return stated
    try:
        return from_rfc3339(stated) if isinstance(stated, str) else None
    except (ValueError, OverflowError):
        return None


def output_line(output: Output) -> bytes:
    """`output` as a line, `{"topic", "partition", "key", "value", "headers"}`; a value that is no JSON is base64."""
    line = _OutputLine(
        topic=output.topic,
        partition=output.partition or 0,
        key=None if output.key is None else output.key.decode(errors="replace"),
        value=_json(output.value),
        headers={name: None if value is None else value.decode(errors="replace") for name, value in output.headers},
    )
    return _encode(line) + b"\n"


def _json(value: bytes | None) -> msgspec.Raw:
    if value is None:
        return _NULL
    try:
        value.decode()
        _check_json(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.Raw(_encode(b64encode(value).decode()))
    # A line must stay one line, however a forwarded event was written.
    return msgspec.Raw(msgspec.json.format(value, indent=-1) if b"\n" in value or b"\r" in value else value)


def run(
    model: Model,
    jobs: Sequence[Job],
    lines: Iterable[bytes],
    out: BinaryIO,
    *,
    partitions: int,
    until: str | None = None,
    final: bool = False,
    internal: bool = False,
) -> None:
    """Writes to `out` what `lines` come to, with internal messages if `internal`, every lead at the end if `final`.

    What falls due behind the last line, at or before `until`, happens as well. Raises SimulateError for a line that
    names no input, or an `until` that is no time.
    """
    until_ms = _until(until)
    simulation = Simulation(jobs, partitions)
    for output in _outputs(simulation, lines, until_ms):
        if internal or output.topic not in INTERNAL_TOPICS:
            out.write(output_line(output))
    if final:
        rows = [item for lane in simulation.rows[PROFILES].values() for item in lane.items()]
        for output in final_scores(model, rows, until_ms):
            partition = simulation.partition_of(output.topic, output.key)
            out.write(output_line(output._replace(partition=partition)))
    out.flush()


def _outputs(simulation: Simulation, lines: Iterable[bytes], until_ms: int | None) -> Iterator[Output]:
    for number, line in enumerate(lines, 1):
        stripped = line.strip(b"\r\n")
        if stripped:
            yield from simulation.line(stripped, number)
    if until_ms is not None:
        yield from simulation.advance(until_ms)


def read_lines(files: Sequence[Path]) -> Iterator[bytes]:
    """The lines of `files`, one after another, or of standard input if there are none."""
    if not files:
        yield from sys.stdin.buffer
    for file in files:
        try:
            with file.open("rb") as opened:
                yield from opened
        except OSError as error:
            raise SimulateError(f"{file}: cannot be read: {error.strerror}") from None


def _until(until: str | None) -> int | None:
    instant_ms = _instant(until)
    if until is not None and instant_ms is None:
        raise SimulateError(f"--until = {until!r}: expected a time such as 2026-11-23T04:30:00Z")
    return instant_ms


def final_scores(model: Model, rows: Iterable[tuple[bytes, bytes]], until_ms: int | None) -> Iterator[Output]:
    """One record of `lead-scores` for every row, ordered by lead: as of `until_ms`, else as of the row's own now."""
    profiles = sorted(
        (Profile(key.decode(), unpack(packed)) for key, packed in rows if is_row(packed)),
        key=lambda profile: (profile.lead, profile.key),
    )
    for profile in profiles:
        yield final_score(model, profile, until_ms)


def final_score(model: Model, profile: Profile, until_ms: int | None) -> Output:
    """The record of `lead-scores` for a row as it stands at `until_ms`, or at its own now if that is later."""
    at_ms = profile.row.now_ms if until_ms is None else max(until_ms, profile.row.now_ms)
    return score_output(model, profile, at_ms, at_ms, "final", str(at_ms))
