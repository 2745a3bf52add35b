"""What the doctor says of this machine: files, folders, ports, clocks, time zones; and how it says it."""

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from engine.doctor import check_port, examine, files, places, time_zones, untold
from engine.notify.port import Counts
from engine.ops.findings import Finding, is_well, lines, ok, warning, wrong
from engine.ops.health import OpsServer
from engine.ops.metrics import WorkerMetrics
from engine.ops.settings import (
    BoardSettings,
    KafkaSettings,
    NotifySettings,
    PathSettings,
    RedisSettings,
    Settings,
    WorkerSettings,
)
from engine.ops.values import Url
from engine.readmodel.checkup import clock, memory, progress
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Progress
from engine.web.board import Board
from engine.web.gate.access import Access
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance
from engine.web.gate.security import Front

HOST = "127.0.0.1"


def levels(findings: Iterator[Finding]) -> dict[str, str]:
    """The worst level of each subject."""
    order = ("ok", "warning", "wrong")
    found: dict[str, str] = {}
    for one in findings:
        found[one.subject] = max(found.get(one.subject, "ok"), one.level, key=order.index)
    return found


def test_findings_are_lines_and_remedies_stand_below() -> None:
    """Well is where nothing is wrong; a warning is no illness."""
    found = [ok("kafka", "answers"), warning("clock", "is late", "mend it")]
    assert list(lines(found)) == [
        "ok       kafka         answers",
        "warning  clock         is late",
        "                       → mend it",
    ]
    assert is_well(found)
    assert not is_well([*found, wrong("redis", "is away")])


def test_the_shipped_configuration_is_well_but_for_erasure() -> None:
    """Without a key nobody can be erased, which is a warning."""
    assert levels(files(Settings())) == {"configuration": "ok", "notify": "ok", "privacy": "warning"}


def test_each_mistake_of_the_configuration_is_told(tmp_path: Path) -> None:
    """With its place; a database that is none is one too; without reps there is a warning."""
    model = tmp_path / "model.yaml"
    model.write_text("engagement: {a: {points: many}, b: {when: {event: x}, points: 1, decay: never}}\n")
    found = [one for one in files(Settings(paths=PathSettings(model=model))) if one.level == "wrong"]
    assert len(found) >= 2
    assert all(str(model) in one.what and one.remedy for one in found)
    database = Settings(paths=PathSettings(ip_database=str(model)))
    assert levels(files(database))["configuration"] == "wrong"
    alone = Settings(paths=PathSettings(routing=tmp_path / "none.yaml"))
    assert levels(files(alone))["configuration"] == "warning"


def test_each_mistake_of_who_is_told_is_told(tmp_path: Path) -> None:
    """A rule to a channel that is none, with its place; a file that is not there tells nobody, which is well."""
    file = tmp_path / "notify.yaml"
    assert levels(files(Settings(notify=NotifySettings(file=file))))["notify"] == "ok"
    file.write_text("channels: {}\nrules: [{records: [lead.alerted], to: [nobody]}]\n")
    [found] = [one for one in files(Settings(notify=NotifySettings(file=file))) if one.subject == "notify"]
    assert (found.level, f"{file}:2" in found.what) == ("wrong", True)


def test_a_data_directory_may_be_missing_where_it_can_be_made(tmp_path: Path) -> None:
    """A file in its place cannot be one."""
    there, missing, file = (Settings(paths=PathSettings(data_dir=tmp_path / name)) for name in (".", "a/b", "f/d"))
    (tmp_path / "f").touch()
    assert [levels(places(one))["data"] for one in (there, missing, file)] == ["ok", "ok", "wrong"]
    assert list(tmp_path.iterdir()) == [tmp_path / "f"]


def test_a_port_is_free_or_taken() -> None:
    """Port 0 is any free one; one that a stranger has is named with its setting; a name without address too."""
    assert check_port("board.port", HOST, 0).level == "ok"
    with socket.create_server((HOST, 0)) as stranger:
        port = stranger.getsockname()[1]
        stranger.close()
        assert check_port("board.port", HOST, port).level == "ok"
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        taken.settimeout(0)
        found = check_port("board.port", HOST, taken.getsockname()[1])
    assert found.level == "wrong"
    assert "board.port" in (found.remedy or "")
    assert check_port("board.port", "no.such.host.invalid", 80).level == "wrong"


async def test_a_port_of_a_running_worker_is_no_conflict() -> None:
    """The doctor may look at a machine on which Heatline runs."""
    async with OpsServer(HOST, 0, WorkerMetrics("0").registry, lambda: None) as server:
        found = await asyncio.to_thread(check_port, "worker.ops_port", HOST, server.port)
    assert (found.level, "which runs" in found.what) == ("ok", True)


@pytest.mark.parametrize("host", [HOST, "0.0.0.0"])
async def test_a_port_of_a_running_board_is_no_conflict(host: str) -> None:
    """A board lets nobody in without a token, and is known by how it says so."""
    front = Front(proxies=(ip_network("10.0.0.0/8"),))
    board = Board(MemoryReadModel(), Entrance(Access.in_memory(), Audit(), front), host, 0)
    port = urlsplit(await board.start()).port
    try:
        found = await asyncio.to_thread(check_port, "board.port", host, port or 0)
    finally:
        await board.close()
    assert (found.level, "that of a board, which runs" in found.what) == ("ok", True)


@pytest.mark.parametrize(
    ("told", "level"),
    [
        (None, "warning"),
        (Progress(995_000, 0.5), "ok"),
        (Progress(1_002_000, 0.5), "ok"),
        (Progress(995_000, 31.0), "warning"),
        (Progress(989_000, 0.5), "warning"),
        (Progress(939_000, 0.5), "wrong"),
    ],
)
def test_a_projector_is_well_while_it_says_how_far_it_is(told: Progress | None, level: str) -> None:
    """At 1000 s: silent for 5 s is well, for 11 s suspicious, for 61 s wrong; 31 s behind is told, a fast clock not."""
    found = progress(told, 1_000.0)
    assert (found.level, found.remedy is None) == (level, level == "ok")


def test_what_could_not_be_sent_is_told() -> None:
    """What waits, dead letters, and receivers that are disabled are a warning each."""
    assert untold(Counts(0, 0), 0).level == "ok"
    for found in (untold(Counts(1, 0), 0), untold(Counts(0, 1), 0), untold(Counts(0, 0), 1)):
        assert (found.level, "heatline notify list" in (found.remedy or "")) == ("warning", True)
    assert untold(Counts(2, 1_168), 1).what == "waiting to be sent: 2, dead letters: 1,168, disabled receivers: 1"


def test_time_zones_are_known_here() -> None:
    """Python brings none of its own; the package tzdata does."""
    assert time_zones().level == "ok"


@pytest.mark.parametrize(("skew_s", "level"), [(0.0, "ok"), (-1.9, "ok"), (2.1, "warning"), (-90.0, "warning")])
def test_clocks_may_differ_by_two_seconds(skew_s: float, level: str) -> None:
    """On either side."""
    assert clock(skew_s).level == level


def test_a_redis_that_forgets_is_wrong() -> None:
    """Only `noeviction` keeps what it is given; a server that does not say so is taken for one that does."""
    assert memory({"maxmemory_policy": "noeviction"}) is None
    assert memory({}) is None
    found = memory({"maxmemory_policy": "allkeys-lru"})
    assert found is not None
    assert (found.level, found.remedy) == ("wrong", "maxmemory-policy noeviction")


async def test_nothing_reachable_is_told_and_nothing_raised(tmp_path: Path) -> None:
    """Kafka and Redis are away: each is named with its address, and what does not need them is looked at."""
    with socket.create_server((HOST, 0)) as one:
        port = one.getsockname()[1]
    settings = Settings(
        kafka=KafkaSettings(bootstrap=f"{HOST}:{port}"),
        redis=RedisSettings(url=Url(f"redis://:secret@{HOST}:{port}/0")),
        worker=WorkerSettings(ops_port=0),
        board=BoardSettings(port=0),
        paths=PathSettings(data_dir=tmp_path),
    )
    found = [finding async for finding in examine(settings)]
    assert levels(iter(found)) == {
        "configuration": "ok", "notify": "ok", "privacy": "warning", "data": "ok", "time zones": "ok", "ports": "ok",
        "kafka": "wrong", "redis": "wrong",
    }  # fmt: skip
    told = " ".join(one.what for one in found if one.level == "wrong")
    assert told.count(f"{HOST}:{port}") >= 2
    assert "secret" not in told
