"""What Prometheus sees: one registry for a process, every family there from the start.

No lead, address or URL is ever a label.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import get_args, get_type_hints

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from engine.core.bots import KINDS
from engine.core.canary import STAGES, Stage
from engine.core.flow import Fold
from engine.core.records import Failure
from engine.ops.backlog import Backlog

BUCKETS_S = (0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LATE_BUCKETS_S = (0.1, 1, 10, 60, 600, 3_600, 21_600, 86_400, 345_600)
"""Up to the 96 h after which the shipped model takes an event as too late."""
DROPPED = ("aliases", "canary", "erased", "merged", "no_profile", "oversized")
"""Why a worker drops a record that is no dead letter."""
REASONS: tuple[str, ...] = get_args(get_type_hints(Failure)["reason"])


class Metrics:
    """A registry of its own with what every process exports: two in one interpreter do not meet."""

    def __init__(self, version: str) -> None:
        """`version` is the program's."""
        disable_created_metrics()
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.gauge("build_info", "The program", ("version",)).labels(version).set(1)
        self.dropped = self.counter("events_dropped", "Records that are of no use here", ("reason",))

    def counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        """`heatline_<name>_total`."""
        return Counter(f"heatline_{name}", text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        """`heatline_<name>`."""
        return Gauge(f"heatline_{name}", text, labels, registry=self.registry)

    def histogram(self, name: str, text: str, buckets: tuple[float, ...] = BUCKETS_S) -> Histogram:
        """`heatline_<name>_seconds`."""
        return Histogram(f"heatline_{name}_seconds", text, buckets=buckets, registry=self.registry)


class ProjectorMetrics(Metrics):
    """What a projector exports; `lag`, `drop` and `bands` are what it is to be started with."""

    def __init__(self, version: str) -> None:
        """`version` is the program's."""
        super().__init__(version)
        self._lag = self.gauge("read_model_lag_seconds", "How far the read model is behind the topics")
        self._leads = self.gauge("leads", "Leads in the read model, by the band of their last score", ("band",))
        self._canary_age = self.gauge(
            "canary_age_seconds",
            "Age of the last canary that came so far, in the lane where it is oldest",
            ("stage",),
        )
        self._canary_lost = self.counter("canary_lost", "Canaries that did not come so far in time", ("stage",))
        for reason in ("malformed", "foreign"):
            self.dropped.labels(reason)

    def canaries(self, age_s: Callable[[Stage], float]) -> None:
        """Canaries are sent; `age_s` says how old the last one is that came so far."""
        for stage in STAGES:
            self._canary_age.labels(stage).set_function(partial(age_s, stage))
            self._canary_lost.labels(stage)

    def canary_lost(self, stage: Stage) -> None:
        """A canary did not come as far as `stage` in time."""
        self._canary_lost.labels(stage).inc()

    def lag(self, seconds: float) -> None:
        """The read model is this far behind."""
        self._lag.set(seconds)

    def bands(self, leads: Mapping[str, int]) -> None:
        """The read model holds so many leads by band."""
        self._leads.clear()
        for band, count in leads.items():
            self._leads.labels(band).set(count)

    def drop(self, reason: str, records: int) -> None:
        """So many records could not be shown."""
        self.dropped.labels(reason).inc(records)


class WorkerMetrics(Metrics):
    """What a worker exports; `observer` feeds it."""

    def __init__(self, version: str) -> None:
        """`version` is the program's."""
        super().__init__(version)
        self.consumed = self.counter("events_consumed", "Records read and committed", ("topic",))
        self.canaries = self.counter("canaries", "Canaries that were answered, which are no events", ("stage",))
        self.scored = self.counter("events_scored", "Events that counted for a lead")
        self.rejected = self.counter("events_rejected", "Records that became dead letters", ("reason",))
        self.duplicate = self.counter("events_duplicate", "Records seen before", ("kind",))
        self.bots = self.counter("events_bot", "Events of robots, which do not count", ("kind",))
        self.forwarded = self.counter("events_forwarded", "Events sent on to their lead's partition")
        self.hops = self.counter("events_hops", "Events scored, by how many topics they came through", ("hops",))
        self.untrusted = self.counter("identify_untrusted", "Claims of who a visitor is, from a source not trusted")
        self.merged = self.counter("leads_merged", "Leads that became one with another")
        self.erased = self.counter("leads_erased", "Ids of leads that were erased")
        self.late = self.histogram("event_late", "How much older than its lead's latest an event was", LATE_BUCKETS_S)
        self.process = self.histogram("chunk_process", "Folding a chunk")
        self.to_alert = self.histogram("event_to_alert", "From the record that caused an alert to its being readable")
        self.alerts = self.counter("alerts", "Alerts", ("alert",))
        self.assignments = self.counter("assignments", "Decisions who gets a lead", ("team", "outcome"))
        self.transactions = self.counter("transactions", "Transactions of lanes", ("outcome",))
        self.transaction = self.histogram("transaction", "Writing and committing a transaction")
        self.lanes_owned = self.gauge("lanes_owned", "Lanes of this worker", ("table",))
        self.lanes_fenced = self.counter("lanes_fenced", "Lanes that another worker took over while they wrote")
        self.rebalances = self.counter("rebalances", "Rebalances that ended")
        self.lag_records = self.gauge("consumer_lag_records", "Records up to a topic's end", ("topic", "partition"))
        self.lag = self.gauge("consumer_lag_seconds", "Age of the last record folded, of the input furthest behind")
        self.unowned = self.gauge("leads_unowned", "Leads that asked for a rep and wait for one")
        self.uncontacted = self.gauge("leads_uncontacted", "Leads that nobody has been in touch with since they asked")
        self.uncontacted_oldest = self.gauge(
            "leads_uncontacted_oldest_seconds", "How long the oldest of these has waited, 0 where there is none"
        )
        self.recovering = self.gauge("recovery_remaining_records", "Changelog records still to be read")
        self._model = self.gauge("model_info", "The scoring model in force", ("version",))
        self._reloaded = self.gauge(
            "model_last_reload_success_timestamp_seconds", "When the configuration in force was read"
        )
        self._reload_successful = self.gauge(
            "model_last_reload_successful", "Whether the configuration could be used when it was read last"
        )
        for reason in REASONS:
            self.rejected.labels(reason)
        for outcome in ("committed", "fenced", "error", "hole"):
            self.transactions.labels(outcome)
        for reason in DROPPED:
            self.dropped.labels(reason)
        for stage in STAGES:
            self.canaries.labels(stage)
        self.duplicate.labels("message_id")
        for kind in KINDS:
            self.bots.labels(kind)

    def prepare(self, topics: Iterable[str], alerts: Iterable[str]) -> None:
        """Show zeros for what may come from these topics and alerts."""
        for topic in topics:
            self.consumed.labels(topic)
        for alert in alerts:
            self.alerts.labels(alert)

    def model(self, version: str, now_s: float) -> None:
        """This version of the scoring model is in force, read at `now_s`."""
        self._model.clear()
        self._model.labels(version).set(1)
        self._reloaded.set(now_s)
        self._reload_successful.set(1)

    def reload_failed(self) -> None:
        """What was read last cannot be used."""
        self._reload_successful.set(0)


class MetricsObserver:
    """An `engine.ops.observer.Observer` that counts what was committed, once for a transaction."""

    def __init__(self, metrics: WorkerMetrics, clock: Callable[[], float] = time.time) -> None:
        """`clock` is the wall clock, in seconds since the epoch."""
        self._metrics = metrics
        self._clock = clock
        self._lag_s: dict[tuple[str, int], float] = {}
        self._remaining: dict[tuple[str, int], int] = {}
        metrics.lag.set_function(lambda: max(self._lag_s.copy().values(), default=0.0))
        metrics.recovering.set_function(lambda: sum(self._remaining.copy().values()))
        self._backlog = Backlog()
        metrics.unowned.set_function(self._backlog.unowned)
        metrics.uncontacted.set_function(self._backlog.uncontacted)
        metrics.uncontacted_oldest.set_function(lambda: self._backlog.oldest_s(clock()))
        self._families: Mapping[str, Counter] = {
            "consumed": metrics.consumed,
            "canary": metrics.canaries,
            "scored": metrics.scored,
            "rejected": metrics.rejected,
            "duplicate": metrics.duplicate,
            "bot": metrics.bots,
            "dropped": metrics.dropped,
            "forwarded": metrics.forwarded,
            "hops": metrics.hops,
            "untrusted": metrics.untrusted,
            "merged": metrics.merged,
            "erased": metrics.erased,
            "alert": metrics.alerts,
            "assignment": metrics.assignments,
        }

    def folded(self, table: str, lane: int, records: int, seconds: float) -> None:
        """Time the chunk; what it came to counts when it is committed."""
        self._metrics.process.observe(seconds)

    def committed(self, table: str, lane: int, folds: list[Fold], seconds: float) -> None:
        """Count what the folds tell."""
        now_ms = self._clock() * 1000
        self._metrics.transactions.labels("committed").inc()
        self._metrics.transaction.observe(seconds)
        for fold in folds:
            self._backlog.change(table, fold.rows)
            for (name, *labels), count in fold.tally.items():
                family = self._families.get(name)
                if family is not None:
                    (family.labels(*labels) if labels else family).inc(count)
            for record_ms in fold.alerted:
                self._metrics.to_alert.observe(max(0.0, now_ms - record_ms) / 1000)
            for late_ms in fold.late_ms:
                self._metrics.late.observe(late_ms / 1000)

    def failed(self, table: str, lane: int, reason: str) -> None:
        """Count the transaction, and the lane if another worker has it now."""
        self._metrics.transactions.labels(reason).inc()
        if reason == "fenced":
            self._metrics.lanes_fenced.inc()

    def assigned(self, lanes: Mapping[str, int]) -> None:
        """Count the rebalance, and forget what was told of lanes that may be gone."""
        self._metrics.rebalances.inc()
        self._backlog.clear()
        self._remaining.clear()
        self._lag_s.clear()
        self._metrics.lag_records.clear()
        for table, count in lanes.items():
            self._metrics.lanes_owned.labels(table).set(count)

    def started(self, table: str, lane: int, rows: Mapping[bytes, bytes]) -> None:
        """See which leads wait for a rep, or to be contacted."""
        self._backlog.change(table, rows)

    def recovering(self, table: str, lane: int, remaining: int) -> None:
        """Remember how much a lane has still to read."""
        self._remaining[table, lane] = remaining

    def lag(self, topic: str, partition: int, records: int, seconds: float) -> None:
        """Show an input's lag."""
        self._lag_s[topic, partition] = seconds
        self._metrics.lag_records.labels(topic, str(partition)).set(records)
