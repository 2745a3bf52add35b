"""`heatline status`: the workers as the broker and they themselves tell, look by look."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from aiokafka.errors import KafkaError
from msgspec import Struct
from rich.console import Group as Rows
from rich.table import Table
from rich.text import Text

from engine.connecting import read_catalog, stream_settings
from engine.core.events import EVENTS_TOPIC
from engine.core.messages import FEEDBACK_TOPIC, INBOX_TOPIC, REQUESTS_TOPIC
from engine.ops.scrape import Scraped, scrape
from engine.ops.settings import Settings
from engine.stream import admin
from engine.stream.chunk import Partition
from engine.stream.groups import Group, Member, group_of, waiting

LOOK_EVERY_S = 2.0
SHOWN_MAX = 20
"""Of partitions named in a line."""
INPUTS = {EVENTS_TOPIC: "profiles", REQUESTS_TOPIC: "desk"}
"""The topic whose partitions are a table's lanes."""
READ = {EVENTS_TOPIC: "profiles", INBOX_TOPIC: "profiles", REQUESTS_TOPIC: "desk", FEEDBACK_TOPIC: "desk"}
"""All topics that lanes of a table read."""


class WorkerStatus(Struct, frozen=True):
    """A worker: its address, the partitions of each table that it surely has, and what it says of itself.

    `state`: `ready`, `starting` (not all is recovered), or `silent` where nobody answers at the address; then nothing
    is known of what follows. `events_s` and `alerts_s` are since the look before, null at the first.
    """

    address: str
    state: str
    partitions: dict[str, list[int]]
    lag_records: int | None = None
    lag_s: float | None = None
    recovering: int | None = None
    events_s: float | None = None
    alerts_s: float | None = None
    model: str | None = None
    memory_bytes: int | None = None


class Unfound(Struct, frozen=True):
    """A member of the group that no address which answers is known to be: its host, and what it was given."""

    host: str
    partitions: dict[str, list[int]]


class Status(Struct, frozen=True):
    """All of it at an instant, RFC 3339. `unowned`: partitions of each table that no worker has.

    `members` are in the group; `unfound` are some of them unless as many workers answer. The lag of a topic is null
    where it is unknown of a partition. It is `lag_by_broker` where no worker tells that of some partition: then the
    broker does, a few seconds late, and marks that transactions leave count as records.
    """

    at: str
    group: str
    state: str
    workers: list[WorkerStatus]
    members: int
    unfound: list[Unfound]
    unowned: dict[str, list[int]]
    lag_by_topic: dict[str, int | None]
    lag_by_broker: bool
    most_behind: str | None

    @property
    def is_well(self) -> bool:
        """Whether every partition has a worker, and every worker that answers is ready."""
        return not any(self.unowned.values()) and all(worker.state != "starting" for worker in self.workers)


class Rates:
    """Events and alerts a second of each worker, from one look to the next."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._seen: dict[str, tuple[float, Scraped]] = {}

    def of(self, address: str, told: Scraped, at_s: float) -> tuple[float | None, float | None]:
        """Events and alerts a second since the look before; None at the first, and after a restart."""
        before = self._seen.get(address)
        self._seen[address] = (at_s, told)
        if before is None or at_s <= before[0] or told.events < before[1].events:
            return None, None
        passed_s = at_s - before[0]
        return (told.events - before[1].events) / passed_s, (told.alerts - before[1].alerts) / passed_s


async def looks(settings: Settings, at: Sequence[str], every_s: float = LOOK_EVERY_S) -> AsyncGenerator[Status, None]:
    """Look again and again. `at` are the workers' ops ports; else they are looked for on the group's hosts.

    Raises ClusterError, ConfigError, SettingsError.
    """
    catalog, stream = read_catalog(settings), stream_settings(settings)
    counts = {table: catalog.partitions[topic] for topic, table in INPUTS.items()}
    rates = Rates()
    async with admin.connected(stream.bootstrap, stream.security) as client:
        while True:
            group = await group_of(client, stream.app_id)
            addresses = at or sorted({f"{member.host}:{settings.worker.ops_port}" for member in group.members})
            told = await asyncio.gather(*(asyncio.to_thread(scrape, address) for address in addresses))
            answers = dict(zip(addresses, told, strict=True))
            behind: dict[Partition, int] = {}
            if untold := _inputs(counts) - _told(answers).keys():
                # Who may not ask this, or of a broker that does not answer it, is told that it is unknown.
                with suppress(KafkaError):
                    behind = await waiting(client, stream, untold)
            yield status_of(stream.app_id, group, answers, behind, counts, rates, time.time())
            await asyncio.sleep(every_s)


def status_of(
    name: str,
    group: Group,
    answers: Mapping[str, Scraped | None],
    behind: Mapping[Partition, int],
    counts: Mapping[str, int],
    rates: Rates,
    at_s: float,
) -> Status:
    """What group, workers and broker tell, put together.

    `behind`: the broker's word on the lag of partitions of which no worker tells it. `counts`: a table's partitions.
    """
    owned = _owned(group.members)
    told = _told(answers)
    lags = {**behind, **told}
    worst = max(lags, key=lambda place: lags[place], default=None)
    found = _found(group.members, answers)
    answering = sum(answer is not None for answer in answers.values())
    unfound = [one for one in group.members if one not in found.values()] if answering < len(group.members) else []
    return Status(
        at=datetime.fromtimestamp(at_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        group=name,
        state=group.state,
        workers=[_worker(address, answer, found.get(address), rates, at_s) for address, answer in answers.items()],
        members=len(group.members),
        unfound=[Unfound(one.host, tables_of(one.partitions)) for one in unfound],
        unowned={table: sorted(set(range(count)) - owned.get(table, set())) for table, count in counts.items()},
        lag_by_topic=_by_topic(lags, counts),
        lag_by_broker=bool(behind.keys() - told.keys()),
        most_behind=None if worst is None or not lags[worst] else f"{worst[0]}[{worst[1]}]",
    )


def _inputs(counts: Mapping[str, int]) -> set[Partition]:
    """All partitions that workers read."""
    return {Partition(topic, number) for topic, table in READ.items() for number in range(counts[table])}


def _told(answers: Mapping[str, Scraped | None]) -> dict[Partition, int]:
    """The lag of each partition of which a worker tells it."""
    scraped = [told for told in answers.values() if told is not None]
    return {Partition(*place): lag for told in scraped for place, lag in told.lag_records.items()}


def _by_topic(lags: Mapping[Partition, int], counts: Mapping[str, int]) -> dict[str, int | None]:
    by_topic: dict[str, int | None] = {}
    for topic, table in READ.items():
        known = [lags.get(Partition(topic, number)) for number in range(counts[table])]
        by_topic[topic] = sum(lag or 0 for lag in known) if None not in known else None
    return by_topic


def _found(members: Sequence[Member], answers: Mapping[str, Scraped | None]) -> dict[str, Member]:
    """The members that addresses surely are: who tells a partition's lag has it; else by host and number of lanes."""
    found: dict[str, Member] = {}
    for address, told in answers.items():
        for member in members:
            if told is not None and not told.lag_records.keys().isdisjoint(member.partitions):
                found[address] = member
    left = [member for member in members if member not in found.values()]
    quiet = {
        address: (address.rpartition(":")[0], {table: lanes for table, lanes in told.lanes.items() if lanes})
        for address, told in answers.items() if told is not None and address not in found
    }  # fmt: skip
    for address, looks_like in quiet.items():
        alike = [member for member in left if (member.host, _lanes(member)) == looks_like]
        if len(alike) == 1 and list(quiet.values()).count(looks_like) == 1:
            found[address] = alike[0]
    return found


def _lanes(member: Member) -> dict[str, int]:
    return {table: len(numbers) for table, numbers in tables_of(member.partitions).items()}


def _owned(members: Iterable[Member]) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for member in members:
        for table, numbers in tables_of(member.partitions).items():
            found.setdefault(table, set()).update(numbers)
    return found


def tables_of(partitions: Iterable[Partition]) -> dict[str, list[int]]:
    """The lanes of each table that an assignment comes to."""
    found: dict[str, list[int]] = {}
    for topic, number in partitions:
        if topic in INPUTS:
            found.setdefault(INPUTS[topic], []).append(number)
    return found


def _worker(address: str, told: Scraped | None, member: Member | None, rates: Rates, at_s: float) -> WorkerStatus:
    """Its partitions are those that it tells the lag of, else those of the member that it is."""
    if told is None:
        return WorkerStatus(address, "silent", {})
    partitions = tables_of(sorted(Partition(*place) for place in told.lag_records))
    if not partitions and member is not None:
        partitions = tables_of(member.partitions)
    events_s, alerts_s = rates.of(address, told, at_s)
    state = "ready" if told.ready else "starting"
    return WorkerStatus(
        address, state, partitions, sum(told.lag_records.values()), told.lag_s, told.recovering,
        events_s, alerts_s, told.model, told.memory_bytes,
    )  # fmt: skip


def lines(status: Status) -> Iterator[str]:
    """Plain lines, as a log or a pipe takes them."""
    ready = sum(worker.state == "ready" for worker in status.workers)
    count = max(status.members, len(status.workers))
    yield f"{status.at} group {status.group} is {status.state}, {ready} of {count} workers ready"
    for worker in status.workers:
        yield "  " + " · ".join([worker.address, worker.state, *_facts(worker)])
    for line in (*_missing(status), _lag(status)):
        yield f"  {line}"


def _missing(status: Status) -> Iterator[str]:
    """Which members and partitions there is something wrong with."""
    for member in status.unfound:
        given = [f"{table} {_listed(numbers)}" for table, numbers in member.partitions.items()] or ["no partitions"]
        yield " · ".join([f"somewhere on {member.host}", *given])
    answering = sum(worker.state != "silent" for worker in status.workers)
    if answering < status.members:
        yield (
            f"the group has {status.members} members, {answering} of them found: "
            "name their ports with --at HOST:PORT, or see why they do not answer"
        )
    for table, numbers in status.unowned.items():
        if numbers:
            yield f"nobody has {table} {_listed(numbers)}"


def _lag(status: Status) -> str:
    each = [
        f"{topic} {'unknown' if records is None else f'{records:,}'}" for topic, records in status.lag_by_topic.items()
    ]
    told = f"lag in records: {', '.join(each)}"
    if status.most_behind:
        told += f"; most in {status.most_behind}"
    if status.lag_by_broker:
        told += "; where no worker answers, as the broker was told last"
    if None in status.lag_by_topic.values():
        told += "; unknown: no worker answers"
    return told


def _facts(worker: WorkerStatus) -> Iterator[str]:
    yield from (f"{table} {_listed(numbers)}" for table, numbers in worker.partitions.items())
    if worker.state == "silent":
        return
    yield f"lag {worker.lag_records:,} records, {worker.lag_s:.1f} s"
    if worker.recovering:
        yield f"{worker.recovering:,} records to recover"
    if worker.events_s is not None:
        yield f"{worker.events_s:,.0f} events/s, {worker.alerts_s:,.1f} alerts/s"
    yield f"model {worker.model}"
    yield f"{(worker.memory_bytes or 0) / 2**20:,.0f} MiB"


def picture(status: Status) -> Rows:
    """The same for a terminal."""
    table = Table(title=f"{status.group} · {status.state} · {status.at}", title_justify="left")
    for heading in ("worker", "state", "partitions", "lag", "behind", "to recover", "events/s", "model", "memory"):
        table.add_column(heading, justify="left" if heading in ("worker", "state", "partitions") else "right")
    for one in status.workers:
        named = ", ".join(f"{name} {_listed(numbers)}" for name, numbers in one.partitions.items())
        known = () if one.state == "silent" else (
            f"{one.lag_records:,}", f"{one.lag_s:.1f} s", f"{one.recovering:,}",
            "" if one.events_s is None else f"{one.events_s:,.0f}", one.model or "",
            f"{(one.memory_bytes or 0) / 2**20:,.0f} MiB",
        )  # fmt: skip
        table.add_row(one.address, Text(one.state, style=_STYLES[one.state]), named, *known)
    return Rows(table, *(Text(line, style="red") for line in _missing(status)), Text(_lag(status)))


_STYLES = {"ready": "green", "starting": "yellow", "silent": "red"}


def _listed(numbers: Sequence[int]) -> str:
    """`0 1 2`, cut where there are many."""
    shown = " ".join(map(str, numbers[:SHOWN_MAX]))
    return f"{shown} … ({len(numbers)})" if len(numbers) > SHOWN_MAX else shown
