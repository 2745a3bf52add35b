"""What a model's length costs an event: 20 rules beside 200, half of them on pages, and what rows come to."""

import json
from collections.abc import Iterator
from statistics import mean, median
from typing import Any

from benchmarks.core import RUNS, chunks_of, fold_all
from benchmarks.report import Figure, at_most
from benchmarks.sizes import Sizes
from engine.agents.score import ScoreJob
from engine.app.worker import keep_collector_rare
from engine.configuration import load_folder
from engine.core.desks import only_main
from engine.core.modelfile import load_model
from engine.core.packing import BYTES_MAX, unpack
from engine.core.pointers import is_pointer
from tests.servers.install import ROOT

SHORT, LONG = 20, 200
_EVENTS = ("form_submit", "search", "file_download", "click", "chat")


def rules(sizes: Sizes) -> Iterator[Figure]:
    """The score job with two models over the same chunks; the rows that the shipped model makes of them."""
    keep_collector_rare()
    chunks = chunks_of(sizes.core_events // 3)
    us = 1e6 / sum(map(len, chunks))
    spent_s: dict[int, float] = {}
    for count in (SHORT, LONG):
        job = ScoreJob(load_model(_model(count), f"{count} rules"), lambda _key: 0, only_main(()))
        spent_s[count] = min(fold_all(job, chunks)[0] for _ in range(RUNS))
        yield Figure("rules", f"{count} rules", spent_s[count] * us, "µs/event")
    ratio = spent_s[LONG] / spent_s[SHORT]
    yield Figure("rules", f"{LONG} rules beside {SHORT}", ratio, "×", at_most(2), "half of them on paths of pages")
    _, _, rows = fold_all(load_folder(ROOT / "config").jobs(partitions=1)[0], chunks)
    anonymous = [len(row) for row in rows.values() if not is_pointer(row) and unpack(row).anonymous]
    yield Figure("rules", "row of an anonymous visitor", mean(anonymous), "bytes", at_most(230), "the shipped model")
    yield Figure("rules", "· the median", median(anonymous), "bytes")
    yield Figure("rules", "the largest row", max(map(len, rows.values())), "bytes", at_most(BYTES_MAX))


def _model(count: int) -> str:
    """So many rules: a quarter each on paths, on how paths begin, on events, and on a property of an event."""
    engagement: dict[str, Any] = {"views": {"when": {"event": "page_view"}, "points": 1}}
    for number in range(count - 1):
        whens: tuple[dict[str, Any], ...] = (
            {"page.path": f"/products/{number}"},
            {"page.path": f"/topics/{number}/*"},
            {"event": f"event_{number}"},
            {"event": _EVENTS[number % len(_EVENTS)], "properties.product": f"p{number}"},
        )
        engagement[f"rule-{number}"] = {"when": whens[number % len(whens)], "points": 2}
    return json.dumps({"engagement": engagement})
