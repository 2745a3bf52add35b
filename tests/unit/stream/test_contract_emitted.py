"""What the shipped configuration makes of visits is what the contract says, to the byte that leaves."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.configuration import load_folder
from engine.core.flow import InputRecord, Output
from engine.local.simulate import Simulation
from engine.stream.catalog import read
from engine.stream.contract import record_schema
from engine.stream.emitted import EMITTED
from tests.unit.stream.test_contract import validator

CONFIG = Path(__file__).parents[3] / "config"
START_MS = 1_700_000_000_000
TRAITS = {"title": "Founder & CEO", "industry": "finance", "country": "US", "age": 40}
PAGE = {"context": {"page": {"path": "/pricing", "title": "Pricing <b>\u202e", "url": "https://example.com/pricing"}}}
CALLS: list[Any] = [
    {"type": "page", "anonymousId": "ann", "messageId": "1", **PAGE},
    {"type": "identify", "anonymousId": "ann", "userId": "anna", "traits": TRAITS},
    {"type": "track", "event": "Demo Requested", "anonymousId": "ann", "userId": "anna", **PAGE},
    {"type": "track", "event": "demo_request", "userId": "bob", "traits": TRAITS},
    *({"type": "track", "event": "form_submit", "userId": "carl"} for _ in range(8)),
    {"type": "page"},
    {"type": "page", "userId": 7},
    {"type": "page", "userId": "late", "timestamp": "1999-01-01T00:00:00Z"},
    [],
]


def emitted() -> list[Output]:
    """Every record that the calls lead to, and some that are no calls at all."""
    simulation = Simulation(load_folder(CONFIG).jobs(2), 2)
    values = [json.dumps(call).encode() for call in CALLS] + [b"", b"{", b"\xff", b"[" * 10_000]
    return [
        output
        for number, value in enumerate(values)
        for output in simulation.record(
            InputRecord(
                "visitor-events", number % 2, number, START_MS + number * 60_000, b"\xff", value, (("h", None),)
            )
        )
    ]


@pytest.fixture(scope="module")
def outputs() -> list[Output]:
    return emitted()


def test_every_record_with_a_contract_holds_it(outputs: list[Output]) -> None:
    """The type stands on its topic, keyed by its subject, and the whole record is valid."""
    kinds = {kind.type: kind for kind in EMITTED}
    validators = {kind.type: validator(record_schema(kind)) for kind in EMITTED}
    seen: Counter[str] = Counter()
    for output in outputs:
        if output.topic in {kind.topic for kind in EMITTED} and output.value is not None:
            record = json.loads(output.value)
            validators[record["type"]].validate(record)
            assert kinds[record["type"]].topic == output.topic
            assert output.key == record["subject"].encode() == record["partitionkey"].encode()
            seen[output.topic] += 1
    assert set(seen) == {kind.topic for kind in EMITTED}


def test_no_id_is_used_twice(outputs: list[Output]) -> None:
    """A consumer that is not transactional can tell repeats by the id."""
    ids = [
        json.loads(one.value)["id"] for one in outputs if one.value and one.topic in {kind.topic for kind in EMITTED}
    ]
    assert len(ids) == len(set(ids))


def test_every_output_has_a_topic_in_the_catalog(outputs: list[Output]) -> None:
    """Nothing is written where nobody created a topic."""
    assert {output.topic for output in outputs} <= set(read().topics)
