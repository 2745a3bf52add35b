"""Known leads go in, scores come out: import, lead add and export beside a running worker."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.integration.worker.deployment import Deployment, Program, eventually

pytestmark = pytest.mark.timeout(240)

LEADS = """\
User ID;Email;First Name;Job Title;address.city
ada;Ada@Example.com;Ada;CEO;Paris
;bob@example.com;=cmd|'/c calc'!A1;;
;bob;Bob;;
cleo;;Cleo;;
"""
PAST = [
    {"type": "track", "event": "Order Completed", "userId": "ada", "properties": {"revenue": 40}, "timestamp": time}
    for time in ("2020-02-01T10:00:00Z", "2021-02-01T10:00:00Z")
]


def scores(deployment: Deployment) -> dict[str, Any]:
    """What `heatline export` says, by lead."""
    lines = deployment.run("export", "--format", "jsonl").stdout.splitlines()
    return {score["lead"]: score for score in map(json.loads, lines)}


def rows(deployment: Deployment, *arguments: str) -> dict[str, dict[str, str]]:
    """What it says as CSV."""
    text = deployment.run("export", *arguments).stdout.decode()
    return {row["lead"]: row for row in csv.DictReader(io.StringIO(text))}


def events_scored(worker: Program) -> float:
    return worker.metrics().get("heatline_events_scored_total", 0.0)


async def test_imported_leads_are_scored_and_come_out_again(deployment: Deployment, started: list[Program]) -> None:
    """Each once, however often the files are imported; without an alert, though a CEO has bought twice.

    A row that is refused is written down, and one who phones is a lead like the others.
    """
    folder: Path = deployment.folder
    (folder / "leads.csv").write_text(LEADS)
    (folder / "past.jsonl").write_text("".join(json.dumps(event) + "\n" for event in PAST))
    leads, past, refused = (str(folder / name) for name in ("leads.csv", "past.jsonl", "refused.csv"))

    checked = deployment.run("import", leads, "--dry-run", status=1)
    assert b"4 rows read = 3 good + 1 refused; nothing was sent" in checked.stderr
    assert await deployment.read("visitor-events") == []
    done = deployment.run("import", leads, "--refused", refused, status=1)
    assert b"4 rows read = 3 acknowledged by visitor-events + 1 refused" in done.stderr
    [row] = csv.DictReader(io.StringIO((folder / "refused.csv").read_text()))
    assert (row["line"], row["column"], row["value"], row["row"]) == ("4", "Email", "bob", ";bob;Bob;;")
    deployment.run("import", past)

    worker = deployment.worker().start()
    started.append(worker)
    eventually(lambda: events_scored(worker) == 5, "the leads and the past are scored")
    once = scores(deployment)
    assert once.keys() == {"ada", "email:bob@example.com", "cleo"}
    assert once["ada"]["counts"]["purchase"] == 2
    traits = {"email": "Ada@Example.com", "firstName": "Ada", "title": "CEO", "address": {"city": "Paris"}}
    assert once["ada"]["traits"] == traits
    assert await deployment.values("lead-alerts") == []

    deployment.run("import", leads, status=1)
    deployment.run("import", past)
    added = deployment.run(
        "lead", "add", "--email", "Dora@example.com", "--phone", "+33 1 23", "--event", "demo_request"
    )
    assert added.stdout == b"email:dora@example.com\n"
    eventually(lambda: events_scored(worker) == 7, "who phoned is scored")
    eventually(lambda: worker.metrics().get("heatline_events_duplicate_total message_id", 0) == 5, "all came twice")
    again = scores(deployment)
    assert {lead: again[lead] for lead in once} == once
    assert again["email:dora@example.com"]["counts"]["demo_request"] == 1
    assert {alert["subject"] for alert in await deployment.values("lead-alerts")} == {"email:dora@example.com"}

    table = rows(deployment)
    assert list(table) == ["ada", "cleo", "email:bob@example.com", "email:dora@example.com"]
    assert table["email:bob@example.com"]["firstName"] == "'=cmd|'/c calc'!A1"
    assert table["email:dora@example.com"]["phone"] == "'+33 1 23"
    assert float(table["ada"]["total"]) == once["ada"]["total"]
    assert rows(deployment, "--band", "nowhere") == {}
    parquet = folder / "scores.parquet"
    deployment.run("export", "--format", "parquet", "--out", str(parquet))
    assert {score["lead"]: score["total"] for score in pq.read_table(parquet).to_pylist()} == {
        lead: score["total"] for lead, score in again.items()
    }
    dead = await deployment.values("dead-letters")
    assert dead == []
