"""The gauges of leads that wait, fed by rows of a desk as a worker commits them."""

import pytest

from engine.core.flow import Fold
from engine.ops.metrics import MetricsObserver, WorkerMetrics
from tests.unit.routing.office import Office, ms

ONE_REP = """
assign_on: [hot-lead]
reps: {andy: {name: Andy, capacity: {open: 1}}}
teams: {us: {reps: [andy]}}
rules: [{name: all, to: {team: us}}]
"""
NOW_S = ms("2026-11-23T10:00") / 1000


class Shown:
    """What a worker with one desk shows."""

    def __init__(self) -> None:
        """Nothing yet."""
        metrics = WorkerMetrics("0.1.0")
        self.observer = MetricsObserver(metrics, clock=lambda: NOW_S)
        self._value = metrics.registry.get_sample_value

    def gauges(self) -> tuple[float | None, ...]:
        """Leads unowned and uncontacted, and how long the oldest of the latter has waited."""
        names = ("unowned", "uncontacted", "uncontacted_oldest_seconds")
        return tuple(self._value(f"heatline_leads_{name}") for name in names)

    def commit(self, rows: dict[bytes, bytes | None], table: str = "desk") -> None:
        """A lane has committed these rows."""
        self.observer.committed(table, 0, [Fold([], rows, urgent=False, tally={})], 0.01)


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def office() -> Office:
    """Ann asked at nine and has Andy; Bob asked at half past and waits, since Andy takes one."""
    made = Office(ONE_REP)
    made.ask("ann", at="2026-11-23T09:00")
    made.ask("bob", at="2026-11-23T09:30")
    return made


def test_who_waits_is_known_from_the_rows_that_a_worker_begins_with(shown: Shown, office: Office) -> None:
    """At ten: one of two has no rep, and the older has waited for an hour."""
    assert shown.gauges() == (0, 0, 0)
    shown.observer.started("desk", 0, office.rows)
    assert shown.gauges() == (1, 2, 3_600)


def test_who_waits_follows_the_rows_that_change(shown: Shown, office: Office) -> None:
    """Ann is called, so Bob's half an hour is the longest; he is forgotten, and nobody waits."""
    shown.commit(dict(office.rows))
    office.say("contacted", "andy", "ann", at="2026-11-23T09:40", channel="phone")
    shown.commit(dict(office.rows))
    assert shown.gauges() == (1, 1, 1_800)
    shown.commit({b"main/lead/bob": None})
    assert shown.gauges() == (0, 0, 0)


def test_rows_of_other_tables_and_of_desks_that_went_to_others_do_not_count(shown: Shown, office: Office) -> None:
    """After a rebalance another worker tells of them."""
    shown.commit(dict(office.rows), table="profiles")
    assert shown.gauges() == (0, 0, 0)
    shown.observer.started("desk", 0, office.rows)
    shown.observer.assigned({"desk": 0})
    assert shown.gauges() == (0, 0, 0)
