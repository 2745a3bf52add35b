"""What the pure core costs an event, stage by stage: no Kafka, one thread, in this process."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from time import thread_time

from benchmarks.filling import placed_events
from benchmarks.report import Figure, at_most
from benchmarks.sizes import Sizes
from benchmarks.throughput import EVENTS_PER_LEAD
from engine.app.worker import keep_collector_rare
from engine.configuration import load_folder
from engine.core.agenda import Agenda
from engine.core.flow import InputRecord, Job
from engine.core.fold import fold_event, new_row
from engine.core.messages import INBOX_TOPIC
from engine.core.model import Model
from engine.core.origins import Origin
from engine.core.outputs import Profile, publication
from engine.core.packing import pack, unpack
from engine.core.profile import Row
from engine.core.wake import next_due_ms
from tests.servers.install import ROOT

CHUNK = 1_000
RUNS = 3
"""Noise only adds, so the least of them counts."""
EVENTS_TOPIC = "visitor-events"
Chunks = Sequence[Sequence[InputRecord]]


def core(sizes: Sizes) -> Iterator[Figure]:
    """The score job over chunks of one lane, whole and taken apart."""
    keep_collector_rare()
    configuration = load_folder(ROOT / "config")
    job = configuration.jobs(partitions=1)[0]
    chunks = chunks_of(sizes.core_events)
    us = 1e6 / sizes.core_events
    wholes = [fold_all(job, chunks) for _ in range(RUNS)]
    whole_s = min(spent_s for spent_s, *_ in wholes)
    runs = [_stages(configuration.model, chunks) for _ in range(RUNS)]
    stages_s = {stage: min(run[stage] for run in runs) for stage in runs[0]}
    note = f"{sizes.core_events:,} events in chunks of {CHUNK:,}; the goal is the design's"
    yield Figure("core", "score job", whole_s * us, "µs/event", at_most(5), note)
    for stage, spent_s in stages_s.items():
        yield Figure("core", f"· {stage}", spent_s * us, "µs/event")
    rest_s = whole_s - sum(stages_s.values())
    yield Figure("core", "· the rest", rest_s * us, "µs/event", note="finding rows, hashing new keys, alerts, counting")
    for topic, count in sorted(wholes[0][1].items()):
        yield Figure("core", f"records to {topic}", count / sizes.core_events * 100, "% of events")


def chunks_of(events: int) -> Chunks:
    """So many events of the load, as one lane reads them."""
    placed = placed_events(events, max(1, events // EVENTS_PER_LEAD), lanes=1)
    records = [
        InputRecord(EVENTS_TOPIC, 0, number, one.timestamp_ms, one.key, one.value) for number, one in enumerate(placed)
    ]
    return [records[begin : begin + CHUNK] for begin in range(0, events, CHUNK)]


def fold_all(job: Job, chunks: Chunks) -> tuple[float, Counter[str], dict[bytes, bytes]]:
    """Seconds spent in the job, how many records it put out by topic, and the rows in the end.

    What each chunk sends to the lane's inbox is folded behind it.
    """
    rows: dict[bytes, bytes] = {}
    agenda = Agenda()
    written: Counter[str] = Counter()
    spent_s = 0.0
    waiting = deque(chunks)
    while waiting:
        chunk = waiting.popleft()
        began_s = thread_time()
        fold = job.fold(0, chunk, rows, agenda)
        spent_s += thread_time() - began_s
        for key, row in fold.rows.items():
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        written.update(output.topic for output in fold.outputs)
        messages = [
            InputRecord(INBOX_TOPIC, 0, 0, chunk[-1].timestamp, output.key, output.value, output.headers)
            for output in fold.outputs
            if output.topic == INBOX_TOPIC
        ]
        if messages:
            waiting.appendleft(messages)
    return spent_s, written, rows


def _stages(model: Model, chunks: Chunks) -> dict[str, float]:
    """Seconds spent in each stage when it is done for a whole chunk before the next one begins."""
    stored: dict[bytes, bytes] = {}
    spent_s: defaultdict[str, float] = defaultdict(float)
    decode = model.decoder.decode
    for chunk in chunks:
        times = [thread_time()]
        events = [decode(record) for record in chunk]
        times.append(thread_time())
        keys = [(event.anonymous_id or event.user_id or "").encode() for event in events]
        known = {key for key in keys if key in stored}
        times.append(thread_time())
        rows: dict[bytes, Row] = {key: unpack(stored[key]) for key in known}
        times.append(thread_time())
        totals: dict[bytes, float] = {}
        for key, event in zip(keys, events, strict=True):
            row = rows.get(key)
            folded = fold_event(model, new_row(event, anonymous=True) if row is None else row, event)
            if folded is not None:
                rows[key], totals[key] = folded.row, folded.total
        times.append(thread_time())
        for key, total in totals.items():
            origin = Origin("page_view", rows[key].now_ms, chunk[0])
            publication(model, Profile(key.decode(), rows[key]), total, origin)
        times.append(thread_time())
        stored.update({key: pack(row, next_due_ms(model, row)) for key, row in rows.items()})
        times.append(thread_time())
        names = ("decode", "", "unpack rows", "fold", "publish", "pack rows")
        for name, begin, end in zip(names, times[:-1], times[1:], strict=True):
            spent_s[name] += end - begin
    del spent_s[""]
    return dict(spent_s)
