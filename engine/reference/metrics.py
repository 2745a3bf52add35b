"""The page of metrics: what each kind of process registers when it starts."""

from typing import NamedTuple

from prometheus_client import Counter, Gauge, Histogram

from engine.notify.metrics import NotifierMetrics
from engine.ops.metrics import BUCKETS_S, Metrics, ProjectorMetrics, WorkerMetrics
from engine.reference.markdown import code, page, table


class _Family(NamedTuple):
    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


class _Noted(Metrics):
    """Keeps what is registered, in order. In front of a process's own metrics it hears of all of them."""

    def __init__(self, version: str) -> None:
        self.families: list[_Family] = []
        super().__init__(version)

    def counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        self.families.append(_Family(f"heatline_{name}_total", "counter", labels, text))
        return super().counter(name, text, labels)

    def gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        self.families.append(_Family(f"heatline_{name}", "gauge", labels, text))
        return super().gauge(name, text, labels)

    def histogram(self, name: str, text: str, buckets: tuple[float, ...] = BUCKETS_S) -> Histogram:
        self.families.append(_Family(f"heatline_{name}_seconds", "histogram", (), text))
        return super().histogram(name, text, buckets)


class _Worker(_Noted, WorkerMetrics):
    """A worker's."""


class _Projector(_Noted, ProjectorMetrics):
    """A projector's."""


class _Notifier(_Noted, NotifierMetrics):
    """A notifier's."""


def metrics_page() -> str:
    """Every metric, by the process that exports it."""
    parts: list[str] = []
    for title, kind in (("Worker", _Worker), ("Projector", _Projector), ("Notifier", _Notifier)):
        rows = [(code(one.name), one.kind, ", ".join(map(code, one.labels)), one.text) for one in kind("").families]
        parts += [f"## {title}", table(("metric", "type", "labels", "what it counts"), rows)]
    return page(
        "Metrics",
        "Every worker, projector and notifier serves `/metrics` at `worker.ops_host` and `worker.ops_port`, in"
        " Prometheus's format; so do `/livez` and `/readyz` say whether it lives and whether it works. No lead,"
        " address or URL is ever a label. Besides, each exports the `process_*` metrics of the Prometheus client.",
        "Alert rules are in `config/prometheus/`, and the"
        " [runbook](../../config/prometheus/runbook.md) says what to do when one fires.",
        *parts,
    )
