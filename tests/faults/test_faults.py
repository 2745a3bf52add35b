"""Whatever happens to workers and broker: every lead's row is right, every alert and assignment is there once."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.faults.harness import Outcome, Plan, numbers_of, run

UNFENCED = (sys.executable, str(Path(__file__).with_name("unfenced.py")))
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Two SIGKILLs, a freeze past the session and a broker crash in the middle of the work of three workers."""
    return asyncio.run(run(Plan(seed=3), tmp_path_factory.mktemp("faults")))


def test_nothing_is_lost_and_nothing_doubled(outcome: Outcome) -> None:
    """The oracle replays the log through the core; there is something to lose: alerts, assignments, forwards."""
    assert outcome.findings() == []
    assert len(outcome.found.alerts) > 50
    assert len(outcome.found.assignments) > 30
    assert outcome.forwarded > 1_000
    assert not outcome.found.dead


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_one_record_more_or_less_is_found_and_names_its_lead(outcome: Outcome, part: float) -> None:
    """The check would see a single event lost or counted twice."""
    number = next(numbers_of(outcome.log, part))
    findings = outcome.findings(without=number)
    assert findings
    names = names_of(outcome, outcome.log[number].key)
    assert all(any(name in finding for name in names) for finding in findings)


def names_of(outcome: Outcome, visitor: bytes) -> set[str]:
    """A visitor's id, and whom the visitor logged in as."""
    events = [json.loads(record.value) for record in outcome.log if record.key == visitor]
    return {visitor.decode(), *(f"{event['userId']}:" for event in events if "userId" in event)}


def test_without_fences_the_books_do_not_balance(tmp_path: Path) -> None:
    """The check would see what fences prevent: a thawed worker that commits although it has lost its lanes."""
    plan = Plan(
        seed=5, workers=2, partitions=4, leads=300, events=1_500, sending_s=10.0,
        kills=0, freezes=2, broker_kills=0, session_s=1, frozen_s=3.0, command=UNFENCED,
    )  # fmt: skip
    findings = asyncio.run(run(plan, tmp_path)).findings()
    assert [finding for finding in findings if finding.startswith("lead ")]
