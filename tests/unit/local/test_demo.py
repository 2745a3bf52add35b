import io
import json
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from engine.configuration import load_folder
from engine.core.cloudevents import output
from engine.core.flow import InputRecord, Output
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.records import Cause, Contribution, Ids, LeadAlert, LeadAssignment
from engine.local import simulate
from engine.local.demo import Live, LivePrinter, Traffic, print_banner, print_summary
from engine.local.site import visits

CONFIG = Path(__file__).parents[3] / "config"
AT_MS = from_rfc3339("2026-11-23T12:00:00Z")
AT = to_rfc3339(AT_MS)
CAUSE = Cause("visitor-events", 0, 7, "message", "demo_request", AT)


def alert(traits: Mapping[str, object], label: str = "Hot lead") -> Output:
    data = LeadAlert(
        lead="user-1", alert="hot-lead", label=label, priority="high", reason="", engagement=0, fit=0, total=85,
        band="hot", grade="D", stage="lead", from_=72.4, to=85.2, pages=[], product=None, first_touch=None,
        last_touch=None, traits=dict(traits), ids=Ids("user-1", []), owner=None, cause=CAUSE, model="1",
        top=[Contribution("engagement", "demo", "Asked for a demo", None, 25, 1, AT)],
    )  # fmt: skip
    return output("lead-alerts", "lead.alerted", data.lead, AT_MS, data, "1")


def assignment(rep: str | None, kind: str | None = None) -> Output:
    data = LeadAssignment(
        lead="user-1", rep=rep, team="us", rule="us", attempt=1, previous=None, due_at=None, reason="nobody is there",
        trace=[], alert="1", score=85, band="hot", desk="main", region=None, remind_at=None, cause=CAUSE,
    )  # fmt: skip
    kind = kind or ("lead.assigned" if rep else "lead.queued")
    return output("lead-assignments", kind, data.lead, AT_MS, data, "1")


def shown(*outputs: Output, after_ms: int = 38) -> tuple[list[str], Live]:
    console = Console(file=io.StringIO(), width=40)
    printer = LivePrinter(console)
    for offset, out in enumerate(outputs):
        printer.show(InputRecord(out.topic, 0, offset, AT_MS, out.key, out.value), AT_MS + after_ms)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines(), printer.live


def test_an_alert_is_one_line_with_what_a_rep_needs() -> None:
    """Time, alert, who, score before and after, the top reason, and how long it took; not broken on a narrow screen."""
    (line,), live = shown(alert({"name": "Ada Berg", "company": "Contoso"}))
    assert [part.strip() for part in line.split("  ") if part.strip()][1:] == [
        *("Hot lead", "Ada Berg, Contoso", "72 → 85", "Asked for a demo", "event → alert 38 ms")
    ]
    assert (live.alerts, live.assignments, list(live.latencies_ms)) == (1, 0, [38])


def test_an_assignment_names_whom_the_alert_named() -> None:
    """And the rep and the team; a lead that waits says why."""
    lines, live = shown(alert({"firstName": "Ada", "lastName": "Berg"}), assignment("andy"), assignment(None))
    assert "Ada Berg" in lines[1]
    assert "to andy, team us" in lines[1]
    assert "waits: nobody is there, team us" in lines[2]
    assert (live.alerts, live.assignments) == (1, 2)


def test_what_comes_of_a_lead_that_nobody_accepts_is_told_by_its_name() -> None:
    """A reminder is no assignment."""
    lines, live = shown(*(assignment("andy", f"lead.{kind}") for kind in ("reminded", "reassigned", "escalated")))
    assert [line.split()[1] for line in lines] == ["Reminded", "Reassigned", "Escalated"]
    assert live.assignments == 2


def test_a_lead_without_a_name_is_called_by_its_id() -> None:
    nameless: list[dict[str, object]] = [{}, {"name": ""}, {"name": 5, "email": None}]
    for traits in nameless:
        assert "user-1" in shown(alert(traits))[0][0]


def test_what_visitors_write_cannot_steer_the_terminal() -> None:
    """Escapes, control characters and overrides of direction are gone, markup stays text, a line stays one line."""
    hostile = "\x1b[31m\x07A\u202eB\n[bold]C[/bold]" + "x" * 500
    (line,), _ = shown(alert({"name": hostile, "company": hostile}, label=hostile))
    assert not set(line) & {"\x1b", "\x07", "\u202e", "\r"}
    assert "[bold]C[/bold]" in line
    assert len(line) < 500


def test_a_record_that_is_none_of_ours_is_said_and_stops_nothing() -> None:
    bad = Output("lead-alerts", b"user-1", b'{"id": \x1b')
    lines, live = shown(bad, alert({}))
    assert "none of Heatline's" in lines[0]
    assert "\x1b" not in lines[0]
    assert live.alerts == 1


def test_the_demo_says_that_its_visitors_are_simulated() -> None:
    console = Console(file=io.StringIO(), width=40)
    print_banner(console, {"Sales manager": "http://127.0.0.1:8080/a", "Bea\x1b[31m": "http://127.0.0.1:8080/b"}, 42)
    live = Live(alerts=2, assignments=1)
    live.latencies_ms.extend([30, 40, 900])
    print_summary(console, Traffic(1200, 400), live)
    assert isinstance(console.file, io.StringIO)
    banner, manager, rep, note, summary = console.file.getvalue().splitlines()
    assert "visitors are simulated (seed 42)" in banner
    assert manager == "Board, for Sales manager: http://127.0.0.1:8080/a"
    assert "\x1b" not in rep
    assert "once" in note
    assert summary == (
        "1,200 simulated events from 400 visitors: 2 alerts, 1 assignments, event → alert 40 ms (median)"
    )


def records_of(start: str, seconds: float) -> list[dict[str, Any]]:
    """What the shipped configuration makes of so many seconds of the site."""
    start_ms = from_rfc3339(start)
    steps = takewhile(lambda step: step.at_s <= seconds, visits(42, 20.0))
    events = [
        json.dumps({**step.event, "timestamp": to_rfc3339(start_ms + int(step.at_s * 1000))}).encode() for step in steps
    ]
    configuration, out = load_folder(CONFIG), io.BytesIO()
    simulate.run(
        configuration.model, configuration.jobs(1), events, out, partitions=1, until=None, final=False, internal=False
    )
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_shipped_configuration_makes_the_first_visitor_an_alert() -> None:
    """Within ten seconds of the site's time, with a rep for it; no event of the site is a dead letter."""
    records = records_of(AT, 10)
    assert not [record for record in records if record["topic"] == "dead-letters"]
    for topic in ("lead-alerts", "lead-assignments"):
        assert "user-0" in {record["key"] for record in records if record["topic"] == topic}


@pytest.mark.parametrize(
    ("start", "reps"),
    [
        ("2026-11-23T16:00:00Z", {"andy", "bea", "lena", "noel", "ravi", "mina"}),  # Dan still sleeps
        ("2026-11-23T20:30:00Z", {"andy", "dan", "ravi", "mina"}),
        ("2026-12-25T22:00:00Z", {"ravi", "mina"}),
        ("2026-11-22T02:00:00Z", {"ravi", "mina"}),
    ],
)
def test_every_lead_that_asks_in_the_demo_gets_a_rep_at_once(start: str, reps: set[str]) -> None:
    """At any hour, at night and on holidays, too; whoever works gets some of them."""
    told = [record["value"] for record in records_of(start, 30) if record["topic"] == "lead-assignments"]
    assert {one["type"] for one in told} <= {"io.heatline.lead.assigned.v1", "io.heatline.lead.reassigned.v1"}
    assert {one["data"]["rep"] for one in told} == reps
