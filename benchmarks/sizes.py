"""How much each benchmark does."""

from typing import NamedTuple


class Sizes(NamedTuple):
    """Counts and seconds of one run."""

    events: int = 1_000_000
    stock_events: int = 60_000
    leads: int = 1_000_000
    core_events: int = 300_000
    warm_up_s: int = 5
    measured_s: int = 20
    failovers: int = 5
    fault_events: int = 200_000
    fault_sending_s: float = 90.0
    identity_seeds: int = 1_000
    open_leads: int = 100_000
    cards: int = 100_000


QUICK = Sizes(
    events=60_000,
    stock_events=6_000,
    leads=50_000,
    core_events=30_000,
    warm_up_s=2,
    measured_s=4,
    failovers=1,
    fault_events=10_000,
    fault_sending_s=30.0,
    identity_seeds=20,
    open_leads=5_000,
    cards=5_000,
)
"""Enough to see that everything runs; not enough for a figure to mean anything."""
