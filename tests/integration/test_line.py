"""The whole line: a file is fed, a worker scores, a projector follows, and people see the lead and its rep."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from engine.core.flow import InputRecord
from tests.build import MINUTE, T0, page, segment
from tests.integration.worker.deployment import Deployment, Program, eventually
from tests.servers.kafka import KafkaServer
from tests.servers.redis import RedisServer

SCORED = "heatline_events_scored_total"
pytestmark = pytest.mark.timeout(240)

VISITS = [
    page("/", T0, "passer-by"),
    *(page("/pricing", T0 + number * MINUTE, "ada-browser") for number in range(4)),
    segment("identify", T0 + 4 * MINUTE, "ada-browser", userId="ada", traits={"name": "Ada <b>Berg</b>\x1b[31m"}),
    segment("Form Submitted", T0 + 5 * MINUTE, "ada-browser", userId="ada"),
    segment("demo_request", T0 + 6 * MINUTE, "ada-browser", userId="ada"),
    segment("webinar_register", T0 + 7 * MINUTE, "ada-browser", userId="ada"),
    segment("webinar_attend", T0 + 8 * MINUTE, "ada-browser", userId="ada"),
    segment("form_submit", T0 + 9 * MINUTE, "bob"),
    segment("webinar_attend", T0 + 10 * MINUTE, "bob"),
]


class Line(NamedTuple):
    """All roles, running."""

    deployment: Deployment
    redis: RedisServer
    worker: Program
    projector: Program
    board: Program
    token: str

    def api(self, path: str) -> Any:
        """What the board's API answers."""
        status, body = self.board.get(f"/api/{path}", self.token)
        return json.loads(body) if status == 200 else None

    def leads(self) -> dict[str, Any]:
        """What `heatline leads --json` prints, by lead."""
        lines = self.deployment.run("leads", "--json").stdout.splitlines()
        return {event["subject"]: event for event in map(json.loads, lines)}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """The visits fed through a broker, a Redis and four programs of their own."""
    folder = tmp_path_factory.mktemp("line")
    kafka = KafkaServer(folder / "kafka").start()
    redis = RedisServer(folder / "redis").start()
    deployment = Deployment(
        kafka.bootstrap, folder / "heatline", redis__url=redis.url, access__file=folder / "access.yaml"
    )
    programs = (deployment.worker(), deployment.projector(), deployment.board())
    try:
        deployment.run("topics", "apply")
        token = deployment.run("token", "add", "Carla", "--role", "manager", "--region", "*").stdout.decode().strip()
        for program in programs:
            program.start(wait=False)
        file = folder / "visits.jsonl"
        file.write_text("".join(json.dumps(event) + "\n" for event in VISITS))
        deployment.run("feed", str(file))
        for program in programs:
            program.wait_ready()
        yield Line(deployment, redis, *programs, token)
    finally:
        for server in (*programs, redis, kafka):
            server.kill()


def test_the_board_shows_who_is_hot_why_and_whose_it_is(line: Line) -> None:
    """Score, alerts and assignment of one lead, and nothing of one who passed by."""
    owned = eventually(lambda: owned_lead(line), "the owner stands in the score")
    assert owned["band"] == "hot"
    assert {row["lead"] for row in line.api("leads")["leads"]} == {"ada", "bob"}
    alerts = [event["data"] for event in line.api("alerts")["alerts"]]
    assert {alert["lead"] for alert in alerts} == {"ada"}
    assert sorted(alert["alert"] for alert in alerts) == ["fast-track", "hot-lead", "new-lead", "surge"]
    assignments = [event["data"] for event in line.api("assignments")["assignments"]]
    assert {assignment["rep"] for assignment in assignments} == {owned["owner"]}
    status, page = line.board.get("/", line.token)
    assert status == 200
    assert "Ada &lt;b&gt;Berg" in page
    assert "\x1b" not in page


def owned_lead(line: Line) -> Any:
    """Ada's score once it has an owner and both assignments are there."""
    shown = line.api("leads/ada")
    both = line.api("assignments")
    return shown and shown["score"]["owner"] and len(both["assignments"]) >= 2 and shown["score"]


def test_a_redis_that_dies_and_comes_back_empty_is_filled_again(line: Line) -> None:
    """The worker scores on without noticing; afterwards leads and explanations are what they were, and what is new."""
    eventually(lambda: owned_lead(line), "the owner stands in the score")
    before, explained = line.leads(), line.deployment.run("explain", "ada").stdout
    scored = line.worker.metrics()[SCORED]
    line.redis.kill()
    failed = line.deployment.run("leads", status=1)
    assert b"Traceback" not in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    more = [segment("form_submit", T0, "cleo"), segment("demo_request", T0 + MINUTE, "cleo")]
    line.deployment.run("feed", "-", stdin="\n".join(map(json.dumps, more)).encode())
    eventually(lambda: line.worker.metrics()[SCORED] == scored + 2, "the worker scores on")
    line.redis.start()
    eventually(lambda: line.leads().keys() == {*before, "cleo"}, "the projector has rebuilt the leads")
    after = line.leads()
    assert {lead: after[lead] for lead in before} == before
    assert line.deployment.run("explain", "ada").stdout == explained
    assert b"Read the prices" in explained
    eventually(lambda: len(line.api("alerts")["alerts"]) == 5, "the board has all alerts again")
    assert line.projector.running
    for program in (line.worker, line.projector, line.board):
        assert "Traceback" not in program.logged()


async def test_a_lead_nobody_knows_is_said_to_be_unknown(line: Line) -> None:
    """Status 3, and why it may be missing; a bad record in an output topic stops neither projector nor board."""
    unknown = line.deployment.run("explain", "nobody", status=3).stdout.decode()
    assert unknown.startswith("nobody: no such lead")
    await line.deployment.produce([InputRecord("lead-scores", 0, 0, T0, b"ada", b"{oops")])
    dropped = "heatline_events_dropped_total malformed"
    eventually(lambda: line.projector.metrics()[dropped] == 1, "the bad record is counted")
    assert owned_lead(line)
