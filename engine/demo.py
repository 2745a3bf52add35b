"""`heatline demo`: every role in one process, with a broker and stores that end with it, and a simulated site."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from engine import __version__
from engine.app.board import named_port
from engine.app.notifier import notifying
from engine.app.worker import make_worker
from engine.configuration import Configuration, read_configuration
from engine.connecting import read_catalog
from engine.core.events import EVENTS_TOPIC
from engine.core.messages import REQUESTS_TOPIC
from engine.local.boardsender import board_sender
from engine.local.broker import embedded_broker
from engine.local.demo import print_banner, print_live, print_summary, send_site
from engine.local.errors import LocalError
from engine.local.ipdatabase import read_ip_database
from engine.notify.memory import MemoryStore
from engine.notify.metrics import NotifierMetrics
from engine.ops.metrics import WorkerMetrics
from engine.ops.settings import Settings
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import ReadModel
from engine.readmodel.projector import run_projector
from engine.routing.config import Region, Rep, Team
from engine.stream import admin
from engine.stream.settings import StreamSettings
from engine.web.board import Board
from engine.web.gate.access import ALL_REGIONS, Access, Principal
from engine.web.gate.audit import Audit
from engine.web.gate.guard import Entrance
from engine.web.port import Reps, Sender, reps_of

PARTITIONS = 4
BOARD_PORT = 8080
VISITOR = Principal("demo", "Sales manager", "manager", regions=frozenset({ALL_REGIONS}))
SETTLES_S = 0.5
"""What was sent last becomes an alert and an assignment before everything stops."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What to show: for how long (None: until Ctrl-C), at how many events a second, and where the board is (0: any)."""

    seconds: float | None
    rate: float
    seed: int
    port: int | None


async def run_demo(settings: Settings, stop: asyncio.Event, demo: Demo) -> None:
    """The whole line on this machine, with an embedded broker, stores in memory and a simulated site."""
    console = Console()
    configuration = read_configuration(settings, read_ip_database(settings.paths.ip_database))
    topics = read_catalog(settings).with_partitions({EVENTS_TOPIC: PARTITIONS})
    reps = reps_of(configuration.routing)
    people = [VISITOR, *(Principal(f"demo-{rep}", reps[rep].name, "rep", rep=rep) for rep in busy_rep(configuration))]
    model = MemoryReadModel()
    async with AsyncExitStack() as stack:
        bootstrap = await stack.enter_async_context(embedded_broker())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="heatline-demo-"))
        stream = StreamSettings(bootstrap=bootstrap, plain=True, idempotent=False, data_dir=Path(folder))
        await admin.apply(topics, bootstrap)
        notifier = notifying(settings, MemoryStore(), stream.client, NotifierMetrics(__version__))
        follower, deliveries = await stack.enter_async_context(notifier)
        sender = await stack.enter_async_context(board_sender(bootstrap))
        board = await stack.enter_async_context(shown_board(model, demo.port, sender, reps, people))
        jobs = configuration.jobs(topics.partitions[EVENTS_TOPIC], desk_partitions=topics.partitions[REQUESTS_TOPIC])
        worker = make_worker(jobs, topics, stream, WorkerMetrics(__version__))
        print_banner(console, {person.name: board.link(person) for person in people}, demo.seed)
        stopping = asyncio.Event()
        behind = [
            asyncio.create_task(work)
            for work in (
                worker.run(stopping),
                run_projector(model, stream.client, stopping),
                follower.run(stopping),
                deliveries.run(stopping),
            )
        ]
        site = asyncio.create_task(send_site(bootstrap, demo.seed, demo.rate, stop))
        live = asyncio.create_task(print_live(bootstrap, stopping, console))
        await _first_end(stop, demo.seconds, [*behind, site, live])
        traffic = await site
        await asyncio.sleep(SETTLES_S)
        stopping.set()
        await asyncio.gather(*behind)
        print_summary(console, traffic, await live)


def busy_rep(configuration: Configuration) -> list[str]:
    """A rep who surely gets leads: one of those whom the last rule names, since what is left is theirs."""
    rules = configuration.routing.rules
    match rules[-1].to if rules else None:
        case Team(reps=reps) | Region(reps=reps):
            return [*reps[:1]]
        case Rep(id=rep):
            return [rep]
    return [*configuration.routing.reps][:1]


@dataclass(frozen=True, slots=True)
class Shown:
    """The board at `address`."""

    board: Board
    address: str

    def link(self, person: Principal) -> str:
        """The address at which that person comes in, once."""
        return self.address.rstrip("/") + self.board.login_link(person)


@asynccontextmanager
async def shown_board(
    model: ReadModel, port: int | None, sender: Sender, reps: Reps, people: Sequence[Principal]
) -> AsyncIterator[Shown]:
    """A board on loopback for these people, at its usual port if that is free and no other is named."""
    way = Entrance(Access.in_memory(*people), Audit())

    def on(port: int) -> Board:
        return Board(model, way, port=port, sender=sender, reps=lambda: reps)

    board = on(BOARD_PORT if port is None else port)
    try:
        async with named_port("127.0.0.1", port or 0, "--port"):
            address = await board.start()
    except LocalError:
        if port is not None:
            raise
        board = on(0)
        address = await board.start()
    try:
        yield Shown(board, address)
    finally:
        await board.close()


async def _first_end(stop: asyncio.Event, seconds: float | None, tasks: list["asyncio.Task[Any]"]) -> None:
    """Wait until `stop`, the end of the time, or a task that failed; then `stop` is set. Raises as that task did."""
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([waiting, *tasks], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    for task in done:
        task.result()
