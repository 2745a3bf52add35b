"""README.md and topics/README.md on routing: what they show is what comes of it."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.cli import app
from engine.configuration import load_folder
from engine.core.events import Rejected
from engine.core.flow import InputRecord
from engine.core.instants import from_rfc3339
from engine.local.simulate import Simulation
from engine.routing.saying import AVAILABLE, AWAY, KINDS, read_saying
from engine.stream.emitted import EMITTED

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
TOPICS_PAGE = (ROOT / "topics" / "README.md").read_text()


def fenced(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def tables(page: str, heading: str) -> list[list[list[str]]]:
    """The rows of each table that begins with `heading`, without marks of code."""
    found = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)
    return [
        [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows.splitlines()]
        for rows in found
    ]


def simulated(lines: list[str], until: str) -> list[dict[str, Any]]:
    """What the lines come to on `lead-assignments` under the shipped configuration."""
    simulation = Simulation(load_folder(ROOT / "config").jobs(1), 1)
    outputs = [out for number, line in enumerate(lines) for out in simulation.line(line.encode(), number)]
    outputs += simulation.advance(from_rfc3339(until))
    return [json.loads(out.value or b"") for out in outputs if out.topic == "lead-assignments"]


@pytest.mark.parametrize("block", fenced(README, "console"))
def test_a_command_prints_what_the_page_says(block: str) -> None:
    command, _, printed = block.partition("\n")
    words = shlex.split(command.removeprefix("$ heatline "))
    assert CliRunner().invoke(app, [*words, "--config", str(ROOT / "config")]).stdout == printed


def test_the_day_comes_to_the_records_in_the_table() -> None:
    """Andy has 15 minutes to accept, and from 15:10 on an hour to get in touch; he does not."""
    [day] = fenced(README, "json")
    [until] = re.findall(r"heatline simulate day\.jsonl --until (\S+)`", README)
    found = [
        [one["time"], one["type"], one["data"]["rep"], one["data"]["due_at"], one["data"]["reason"] or ""]
        for one in simulated(day.splitlines(), until)
    ]
    shown = [
        [f"2026-11-23T{time}.000Z", f"io.heatline.{kind}.v1", rep, f"2026-11-23T{due}.000Z", reason]
        for time, kind, rep, due, reason in tables(README, "time")[0]
    ]
    assert found == shown


def test_every_kind_of_record_on_lead_assignments_is_explained() -> None:
    """The last row stands for all feedback, which the other table explains."""
    told, _ = tables(TOPICS_PAGE, "type")
    emitted = {kind.type for kind in EMITTED if kind.topic == "lead-assignments"}
    kinds = {kind.removeprefix("io.heatline.").removesuffix(".v1") for kind in emitted}
    assert {row[0] for row in told[:-1]} == kinds - KINDS.keys()


def test_everything_that_reps_can_say_is_explained_with_its_fields() -> None:
    """A field that is no good is told by name, so one that does not belong to the type is not read at all."""
    _, said = tables(TOPICS_PAGE, "type")
    assert {row[0] for row in said} == {*KINDS, AVAILABLE, AWAY}
    fields = {"until", "reason", "channel", "text", "amount", "close_on", "currency"}
    for kind, more, *_ in said:
        read = {name for name in fields if is_read(kind, name)}
        assert read == set(filter(None, more.split(", "))), kind


def is_read(kind: str, field: str) -> bool:
    value = json.dumps({"type": kind, "rep": "andy", "lead": "ada", field: []}).encode()
    try:
        read_saying(InputRecord("rep-events", 0, 0, 1, None, value))
    except Rejected as rejected:
        return rejected.field == field
    return False


def test_the_examples_of_what_reps_say_are_accepted() -> None:
    """Behind an assignment; each that is of a lead is told."""
    [said] = fenced(TOPICS_PAGE, "json")
    [day] = fenced(README, "json")
    records = [
        json.dumps(
            {"topic": "rep-events", "key": "main", "timestamp": "2026-11-23T15:30:00Z", "value": json.loads(line)}
        )
        for line in said.splitlines()
    ]
    told = [one["type"] for one in simulated([*day.splitlines(), *records], "2026-11-23T16:00:00Z")]
    assert [kind.split(".")[-2] for kind in told][-3:] == ["contacted", "snoozed", "won"]
