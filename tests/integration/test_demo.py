"""`heatline demo`, as somebody who tries Heatline for the first time sees it."""

import json
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.worker.deployment import HEATLINE, Deployment, Program, eventually
from tests.servers.process import HOST, free_port

STOPS_S = 20.0
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """The shipped configuration; the demo brings its own broker."""
    return Deployment("127.0.0.1:1", tmp_path / "heatline")


@pytest.fixture
def demos() -> Iterator[list[Program]]:
    """Demos put in here are killed in the end."""
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.kill()


def started(deployment: Deployment, demos: list[Program], *arguments: str) -> Program:
    """A demo whose board answers."""
    port = free_port()
    command = [HEATLINE, "demo", "--port", str(port), *arguments, *deployment.flags()]
    demo = Program(deployment.folder / "demo", command, port, "/login")
    demos.append(demo.start())
    return demo


def visitor(link: str) -> urllib.request.OpenerDirector:
    """A browser, as far as this test needs one, that came in by a link."""
    opened = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opened.open(link, timeout=5) as response:
        assert response.status == 200
    return opened


def read(browser: urllib.request.OpenerDirector, demo: Program, path: str) -> str:
    """What the board answers to it."""
    with browser.open(f"http://{HOST}:{demo.port}{path}", timeout=5) as response:
        text: str = response.read().decode()
    return text


def session_of(demo: Program) -> list[int]:
    """The processes that run in a demo's session: what it has started, and itself."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == demo.pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def test_a_demo_with_an_end_shows_an_alert_and_ends_by_itself(deployment: Deployment, demos: list[Program]) -> None:
    """An alert is printed, the board stands behind each link, and the status is 0 in the end."""
    demo = started(deployment, demos, "--for", "12s")
    eventually(lambda: "event → alert" in demo.logged(), "an alert is printed")
    links = re.findall(r"Board, for ([^:]+): (http://\S+)", demo.logged())
    assert [name for name, _ in links] == ["Sales manager", "Ravi"]
    manager, rep = (visitor(link) for _, link in links)
    eventually(lambda: "demo_request" in read(manager, demo, "/api/alerts"), "the board has the alert")
    assert json.loads(read(rep, demo, "/api/leads"))["total"] <= json.loads(read(manager, demo, "/api/leads"))["total"]
    assert len(session_of(demo)) > 1
    assert demo.ended() == 0
    assert re.search(r"[\d,]+ simulated events from [\d,]+ visitors: [1-9]", demo.logged())
    assert "Traceback" not in demo.logged()
    assert session_of(demo) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_interrupted_leaves_nothing_behind(
    deployment: Deployment, demos: list[Program], number: signal.Signals
) -> None:
    """Ctrl-C stops everything, cleanly, and long before it would be killed."""
    demo = started(deployment, demos)
    status, seconds = demo.end(number)
    assert (status, seconds < STOPS_S) == (0, True)
    assert "Traceback" not in demo.logged()
    assert session_of(demo) == []
