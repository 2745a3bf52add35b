"""What a running Heatline process says of itself at its ops port, read back."""

import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

TIMEOUT_S = 2.0
BYTES_MAX = 8 * 2**20


class Scraped(NamedTuple):
    """A worker's own word: lanes by table, lag, recovery, counters so far, the model in force."""

    ready: bool
    lanes: dict[str, int]
    lag_records: dict[tuple[str, int], int]
    lag_s: float
    recovering: int
    events: float
    alerts: float
    model: str
    memory_bytes: int


def scrape(address: str) -> Scraped | None:
    """What the worker at `host:port` says; None where none answers there in time. Blocks."""
    try:
        ready = _get(address, "/readyz")[0] == 200
        status, text = _get(address, "/metrics")
        return read(text_string_to_metric_families(text), ready=ready) if status == 200 else None
    except (OSError, ValueError):
        return None


def read(families: Iterable[Metric], *, ready: bool) -> Scraped:
    """A scrape of a worker, by what its metrics are called."""
    samples = [sample for family in families for sample in family.samples]

    def of(name: str) -> list[tuple[dict[str, str], float]]:
        return [(one.labels, one.value) for one in samples if one.name == f"heatline_{name}"]

    def total(name: str) -> float:
        return sum(value for _, value in of(name))

    memory = next((one.value for one in samples if one.name == "process_resident_memory_bytes"), 0.0)
    return Scraped(
        ready,
        {labels["table"]: int(value) for labels, value in of("lanes_owned")},
        {(labels["topic"], int(labels["partition"])): int(value) for labels, value in of("consumer_lag_records")},
        total("consumer_lag_seconds"),
        int(total("recovery_remaining_records")),
        sum(value for labels, value in of("events_consumed_total") if labels["topic"] == "visitor-events"),
        total("alerts_total"),
        next((labels["version"] for labels, _ in of("model_info")), ""),
        int(memory),
    )


def _get(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=TIMEOUT_S) as answer:
            return answer.status, answer.read(BYTES_MAX).decode()
    except urllib.error.HTTPError as error:
        return error.code, ""
