"""What events that count nothing cost: those of robots, beside one that counts; and what a million ids of one event do.

No Kafka, one thread, in this process. The share of a core that a flood takes is its rate times its cost.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from benchmarks.core import CHUNK, EVENTS_TOPIC, RUNS, Chunks, fold_all
from benchmarks.report import Figure
from benchmarks.sizes import Sizes
from engine.app.worker import keep_collector_rare
from engine.configuration import load_folder
from engine.core.flow import InputRecord
from engine.core.instants import to_rfc3339
from tests.servers.install import ROOT

FLOOD_PER_S = 5_000
START_MS = 1_795_392_000_000
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def robots(sizes: Sizes) -> Iterator[Figure]:
    """Floods of several kinds through the score job: µs an event, and of passers-by the bytes a row."""
    keep_collector_rare()
    configuration = load_folder(ROOT / "config")
    job = configuration.jobs(partitions=1)[0]
    rng = random.Random(1)
    visitors = sizes.core_events // 8
    patterns = [one["pattern"] for one in CRAWLER_USER_AGENTS_DATA]

    def hostile(_: int) -> dict[str, Any]:
        return _view("ada", "".join(rng.choice(patterns)[: rng.randint(1, 6)] for _ in range(60)))

    kinds: dict[str, Callable[[int], dict[str, Any]]] = {
        "many visitors, all counts": lambda number: _view(f"v{number % visitors}", None),
        "one browser at 5,000/s": lambda _: _view("ada", None),
        "one customer at 5,000/s": lambda _: _view("ada", None) | {"anonymousId": None, "userId": "ada"},
        "a crawler": lambda _: _view("ada", GOOGLEBOT),
        "made-up agents, none twice": hostile,
        "an id for each event": lambda number: _view(f"{number:032x}", None),
    }
    for name, event in kinds.items():
        chunks = _flood(sizes.core_events, event)
        found = [fold_all(job, chunks) for _ in range(RUNS)]
        us = min(spent_s for spent_s, *_ in found) * 1e6 / sizes.core_events
        rows = found[0][2]
        size = sum(map(len, rows.values())) / max(1, len(rows))
        share = us * FLOOD_PER_S / 1e4
        note = f"{FLOOD_PER_S:,}/s take {share:.1f} % of a core; {len(rows):,} rows of {size:.0f} bytes"
        yield Figure("robots", name, us, "µs/event", note=note)


def _flood(events: int, event: Callable[[int], dict[str, Any]]) -> Chunks:
    records = []
    for number in range(events):
        at_ms = START_MS + number * 1_000 // FLOOD_PER_S
        value = {**event(number), "timestamp": to_rfc3339(at_ms), "messageId": f"m{number}"}
        records.append(InputRecord(EVENTS_TOPIC, 0, number, at_ms, None, msgspec.json.encode(value)))
    return [records[begin : begin + CHUNK] for begin in range(0, events, CHUNK)]


def _view(browser: str, agent: str | None) -> dict[str, Any]:
    page = {"path": "/pricing", "title": "Pricing", "url": "https://example.com/pricing"}
    return {"type": "page", "anonymousId": browser, "context": {"page": page, "userAgent": agent}}
