"""The fault run at full size: kills, a freeze past the session and a broker crash, and then every book is checked."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Figure, at_least, at_most
from benchmarks.sizes import Sizes
from tests.faults.harness import Plan, run

SHOWN_MAX = 20


def faults(sizes: Sizes) -> Iterator[Figure]:
    """Raises RuntimeError that names leads where anything differs from the oracle; the plan is seeded."""
    plan = Plan(
        seed=1,
        workers=3,
        partitions=12,
        leads=sizes.fault_events // 13,
        events=sizes.fault_events,
        sending_s=sizes.fault_sending_s,
        kills=5,
        freezes=1,
        broker_kills=1,
        session_s=3,
        frozen_s=6.0,
        drained_within_s=300.0,
    )
    began_s = time.monotonic()
    with TemporaryDirectory(prefix="heatline-faults-") as folder:
        outcome = asyncio.run(run(plan, Path(folder)))
        findings = outcome.findings()
    if findings:
        told = "\n".join(findings[:SHOWN_MAX])
        raise RuntimeError(f"{len(findings)} differences from the oracle, of which the first:\n{told}")
    note = (
        f"{plan.kills} SIGKILLs, {plan.freezes} freeze, {plan.broker_kills} broker kill, "
        f"{plan.workers} workers, {plan.partitions} lanes"
    )
    yield Figure("faults", "differences from the oracle", len(findings), "", at_most(0), note)
    yield Figure("faults", "events", len(outcome.log), "", note=f"{len(outcome.found.rows):,} leads")
    yield Figure("faults", "alerts, each once", len(outcome.found.alerts), "", at_least(1))
    yield Figure("faults", "assignments, each once", len(outcome.found.assignments), "", at_least(1))
    yield Figure("faults", "forwarded", outcome.forwarded, "events")
    yield Figure("faults", "time", time.monotonic() - began_s, "s")
