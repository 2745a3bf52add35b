"""Metrics: the contract's names, zeros from the start, and what was committed counted once."""

import ast
from pathlib import Path

import pytest

from engine.core.flow import Fold
from engine.ops.metrics import DROPPED, REASONS, MetricsObserver, ProjectorMetrics, WorkerMetrics
from engine.ops.observer import Observer

AGENTS = Path(__file__).parents[3] / "engine" / "agents"


@pytest.fixture
def metrics() -> WorkerMetrics:
    return WorkerMetrics("0.1.0")


@pytest.fixture
def observer(metrics: WorkerMetrics) -> MetricsObserver:
    return MetricsObserver(metrics, clock=lambda: 1_000.0)


def sample(metrics: WorkerMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"heatline_{name}", labels)


def fold(tally: dict[tuple[str, ...], int], alerted: tuple[int, ...] = (), late_ms: tuple[int, ...] = ()) -> Fold:
    return Fold([], {}, urgent=False, tally=tally, alerted=alerted, late_ms=late_ms)


def test_names_and_labels_are_the_contract(metrics: WorkerMetrics) -> None:
    """Dashboards elsewhere read these: renaming one breaks them."""
    metrics.prepare(["visitor-events"], ["hot-lead"])
    metrics.model("abc", 1_000.0)
    MetricsObserver(metrics).assigned({"profiles": 0})
    MetricsObserver(metrics).lag("visitor-events", 0, 0, 0.0)
    MetricsObserver(metrics).committed("desk", 0, [fold({("assignment", "us", "assigned"): 1})], 0.1)
    found = {
        (one.name, *sorted(one.labels))
        for family in metrics.registry.collect()
        for one in family.samples
        if one.name.startswith("heatline_") and not one.name.endswith(("_bucket", "_sum"))
    }
    assert found >= {
        ("heatline_events_consumed_total", "topic"),
        ("heatline_events_rejected_total", "reason"),
        ("heatline_events_duplicate_total", "kind"),
        ("heatline_events_bot_total", "kind"),
        ("heatline_event_late_seconds_count",),
        ("heatline_chunk_process_seconds_count",),
        ("heatline_event_to_alert_seconds_count",),
        ("heatline_alerts_total", "alert"),
        ("heatline_assignments_total", "outcome", "team"),
        ("heatline_consumer_lag_records", "partition", "topic"),
        ("heatline_consumer_lag_seconds",),
        ("heatline_leads_unowned",),
        ("heatline_leads_uncontacted",),
        ("heatline_leads_uncontacted_oldest_seconds",),
        ("heatline_recovery_remaining_records",),
        ("heatline_rebalances_total",),
        ("heatline_model_info", "version"),
        ("heatline_model_last_reload_success_timestamp_seconds",),
        ("heatline_model_last_reload_successful",),
        ("heatline_build_info", "version"),
        ("heatline_events_forwarded_total",),
        ("heatline_transactions_total", "outcome"),
        ("heatline_transaction_seconds_count",),
        ("heatline_lanes_owned", "table"),
        ("heatline_lanes_fenced_total",),
    }
    assert not any(name.endswith("_created") for name, *_ in found)


def test_a_first_scrape_shows_zeros(metrics: WorkerMetrics) -> None:
    """`rate()` sees the first rejection only if there was a zero before it."""
    metrics.prepare(["visitor-events"], ["hot-lead"])
    assert [sample(metrics, "events_rejected_total", reason=reason) for reason in REASONS] == [0.0] * len(REASONS)
    assert sample(metrics, "events_consumed_total", topic="visitor-events") == 0
    assert sample(metrics, "alerts_total", alert="hot-lead") == 0
    assert sample(metrics, "transactions_total", outcome="fenced") == 0
    assert sample(metrics, "event_to_alert_seconds_count") == 0


def test_tallies_count_when_committed_not_when_folded(metrics: WorkerMetrics, observer: MetricsObserver) -> None:
    """A fold whose transaction fails leaves no trace in what was consumed."""
    observer.folded("profiles", 0, 10, 0.002)
    observer.failed("profiles", 0, "fenced")
    assert sample(metrics, "events_scored_total") == 0
    folds = [fold({("consumed", "visitor-events"): 10, ("scored",): 9, ("rejected", "json"): 1})] * 2
    observer.committed("profiles", 0, [*folds, fold({("alert", "hot-lead"): 1, ("forwarded",): 3})], 0.01)
    assert sample(metrics, "events_consumed_total", topic="visitor-events") == 20
    assert sample(metrics, "events_scored_total") == 18
    assert sample(metrics, "events_rejected_total", reason="json") == 2
    assert sample(metrics, "alerts_total", alert="hot-lead") == 1
    assert sample(metrics, "events_forwarded_total") == 3
    assert sample(metrics, "transactions_total", outcome="committed") == 1
    assert sample(metrics, "transactions_total", outcome="fenced") == 1
    assert sample(metrics, "lanes_fenced_total") == 1
    assert sample(metrics, "chunk_process_seconds_count") == 1


def test_the_objective_is_measured_from_the_record_to_now(metrics: WorkerMetrics, observer: MetricsObserver) -> None:
    """Two alerts, caused 30 ms and 2 s ago; a record from the future counts as 0, never negative."""
    observer.committed("profiles", 0, [fold({}, alerted=(999_970, 998_000, 1_000_500))], 0.01)
    assert sample(metrics, "event_to_alert_seconds_count") == 3
    assert sample(metrics, "event_to_alert_seconds_sum") == pytest.approx(2.03)
    assert sample(metrics, "event_to_alert_seconds_bucket", le="0.04") == 2


def test_late_events_are_measured(metrics: WorkerMetrics, observer: MetricsObserver) -> None:
    """In seconds, by how much they are older than their lead's latest."""
    observer.committed("profiles", 0, [fold({}, late_ms=(500, 90_000))], 0.01)
    assert sample(metrics, "event_late_seconds_sum") == pytest.approx(90.5)


def test_lag_is_that_of_the_input_furthest_behind_and_forgotten_with_its_lane(
    metrics: WorkerMetrics, observer: MetricsObserver
) -> None:
    """After a rebalance another worker may own the partition: its lag must not stay here for ever."""
    observer.lag("visitor-events", 0, 5, 1.5)
    observer.lag("visitor-events", 1, 9, 4.0)
    assert sample(metrics, "consumer_lag_seconds") == 4
    assert sample(metrics, "consumer_lag_records", topic="visitor-events", partition="1") == 9
    observer.assigned({"profiles": 1, "desk": 0})
    assert sample(metrics, "consumer_lag_seconds") == 0
    assert sample(metrics, "consumer_lag_records", topic="visitor-events", partition="1") is None
    assert sample(metrics, "lanes_owned", table="profiles") == 1
    assert sample(metrics, "lanes_owned", table="desk") == 0
    assert sample(metrics, "rebalances_total") == 1


def test_recovery_shows_what_all_lanes_have_still_to_read(metrics: WorkerMetrics, observer: MetricsObserver) -> None:
    """The sum, down to 0."""
    observer.recovering("profiles", 0, 100)
    observer.recovering("profiles", 1, 50)
    assert sample(metrics, "recovery_remaining_records") == 150
    observer.recovering("profiles", 0, 0)
    observer.recovering("profiles", 1, 0)
    assert sample(metrics, "recovery_remaining_records") == 0


def test_a_new_model_replaces_the_old_one_and_a_broken_one_does_not(metrics: WorkerMetrics) -> None:
    """One version is in force; since when, and whether the files say something else by now."""

    def shown() -> list[float | None]:
        return [
            sample(metrics, "model_info", version="a"),
            sample(metrics, "model_info", version="b"),
            sample(metrics, "model_last_reload_success_timestamp_seconds"),
            sample(metrics, "model_last_reload_successful"),
        ]

    metrics.model("a", 1_000.0)
    metrics.model("b", 2_000.0)
    assert shown() == [None, 1, 2_000, 1]
    metrics.reload_failed()
    assert shown() == [None, 1, 2_000, 0]
    metrics.model("a", 3_000.0)
    assert shown() == [1, None, 3_000, 1]


def test_every_tally_of_the_agents_is_shown(metrics: WorkerMetrics, observer: MetricsObserver) -> None:
    """Each `tally[name, …]` in engine/agents has its family, with as many labels."""
    keys = {
        tuple(str(part.value) if isinstance(part, ast.Constant) else "some" for part in node.slice.elts)
        for file in AGENTS.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple)
        if ast.unparse(node.value).endswith(".tally")
    }
    assert len(keys) >= 6
    assert {name for name, *_ in keys} <= observer._families.keys()
    assert {key[1] for key in keys if key[0] == "dropped"} <= set(DROPPED)
    observer.committed("profiles", 0, [fold(dict.fromkeys(keys, 1))], 0.0)
    assert sample(metrics, "events_scored_total") == 1


def test_an_observer_is_what_the_stream_layer_asks_for(observer: MetricsObserver) -> None:
    """Checked by mypy."""
    port: Observer = observer
    assert port is observer


def test_a_projector_shows_its_lag_and_what_it_skipped() -> None:
    """`lag`, `drop` and `bands` are the projector's callbacks; a band that is empty now shows 0."""
    metrics = ProjectorMetrics("0.1.0")
    metrics.lag(2.5)
    metrics.drop("malformed", 3)
    metrics.bands({"hot": 2, "warm": 5})
    metrics.bands({"hot": 0, "warm": 7})
    value = metrics.registry.get_sample_value
    assert value("heatline_read_model_lag_seconds") == 2.5
    assert value("heatline_events_dropped_total", {"reason": "malformed"}) == 3
    assert value("heatline_events_dropped_total", {"reason": "foreign"}) == 0
    assert [value("heatline_leads", {"band": band}) for band in ("hot", "warm")] == [0, 7]
