"""Canaries in files: `simulate` answers them as the worker does, and what reads logs and outputs reads past them."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from engine.configuration import load_folder
from engine.core.erasure import pseudonym
from engine.core.flow import InputRecord
from engine.local.demo import LivePrinter
from engine.local.modeldiff import Replay, compare
from engine.local.modeltest import run_test
from engine.local.simulate import read_lines, run
from engine.local.testfile import Expectation, ModelTest
from engine.notify.records import KINDS, read
from engine.readmodel.canary import Came, canary_came
from engine.readmodel.events import project
from tests.build import T0, page

GOLDEN = Path(__file__).parents[2] / "golden"
STORY = GOLDEN / "story"
SENT = list(read_lines([GOLDEN / "canary" / "in.jsonl"]))
ANSWERED = (GOLDEN / "canary" / "out.jsonl").read_bytes()


def answers() -> list[InputRecord]:
    """What is read on the output topics once canaries went through."""
    found = [json.loads(line) for line in ANSWERED.splitlines()]
    return [
        InputRecord(one["topic"], 0, 0, T0, one["key"].encode(), json.dumps(one["value"]).encode())
        for one in found
        if one["topic"] != "routing-requests"
    ]


def test_canaries_are_the_golden_file_twice() -> None:
    """It is `heatline simulate in.jsonl --config ../story --partitions 2 --final --internal`, to the byte."""
    for _ in range(2):
        configuration = load_folder(STORY)
        out = io.BytesIO()
        run(configuration.model, configuration.jobs(2), SENT, out, partitions=2, final=True, internal=True)
        assert out.getvalue() == ANSWERED


def test_a_model_is_tested_and_compared_as_without_them() -> None:
    """No lead, nothing fired, nothing decided."""
    configuration = load_folder(STORY)
    jobs = configuration.jobs(1)
    visit = json.dumps(page("/", T0, "ada")).encode()
    bare = [line for line in SENT if b'"partition"' not in line]
    test = ModelTest("", "", (*bare, visit), None, (Expectation(None, {"alerts": [], "rule": None}),))
    assert bare
    assert run_test(configuration.model, jobs, test) == []
    with_canaries, without = (Replay(configuration.model, jobs) for _ in range(2))
    with_canaries.feed([*bare, visit])
    without.feed([visit])
    assert not +with_canaries.fired
    assert compare(with_canaries, without, None) == []


@pytest.mark.parametrize("record", answers(), ids=lambda record: record.topic)
def test_whoever_tells_people_reads_past_them(record: InputRecord) -> None:
    """Nothing for the read model, for receivers or for the demo's terminal: neither foreign nor malformed nor shown."""
    assert project(record) is None
    assert read(record, pseudonym(b"k" * 32)) is None
    console = Console(file=io.StringIO())
    LivePrinter(console).show(record, T0)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""


def test_no_rule_of_notify_can_name_them() -> None:
    """Nobody can be told of a canary by mistake."""
    assert not [kind for kind in KINDS if not kind.startswith("lead.")]


def test_who_waits_for_them_knows_them_by_stage_and_nonce() -> None:
    """In the order in which they come."""
    expected = [Came("scored", "c0ffee"), Came("routed", "c0ffee"), Came("scored", "decade"), Came("routed", "decade")]
    assert [canary_came(record) for record in answers()] == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"ada", b'{"type": "io.heatline.canary.scored.v1", "data": {}}'),
        (b"heatline-canary-0", None),
        (b"heatline-canary-0", b"{"),
        (b"heatline-canary-0", b"[" * 100_000),
        (b"heatline-canary-0", b"\xff"),
        (b"heatline-canary-0", b'{"type": "io.heatline.canary.scored.v1", "data": {"nonce": 7}}'),
        (b"heatline-canary-0", (answers()[0].value or b"").replace(b"canary.scored", b"lead.alerted")),
    ],
)
def test_what_is_none_is_not_taken_for_one(key: bytes, value: bytes | None) -> None:
    """A lead that is called like one, what cannot be read."""
    assert canary_came(InputRecord("lead-alerts", 0, 0, T0, key, value)) is None
