"""Is Kafka as Heatline needs it? Reachable, new enough, its topics as the catalog says, reading and writing allowed."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError

from engine.ops.findings import Finding, ok, warning, wrong
from engine.stream import admin
from engine.stream.admin import ClusterError, Findings
from engine.stream.catalog import Catalog, Topic, changelog_of
from engine.stream.chunk import Partition
from engine.stream.errors import StreamError, WriteFailed
from engine.stream.groups import Group, bounds, committed, group_of
from engine.stream.metadata import FETCH, INIT_PRODUCER_ID, READ, WRITE, Cluster, describe, release_of, versions
from engine.stream.settings import StreamSettings
from engine.stream.writer import Producer

KAFKA, TOPICS, ACCESS, TRANSACTIONS = "kafka", "topics", "access", "transactions"
OPERATIONS: Mapping[int, str] = {READ: "Read", WRITE: "Write"}
OURS = ("score", "route", "operations")
"""Owners of topics that workers write; everybody else's are only read."""
ROWS = changelog_of("profiles")
"""Where something is in it a worker has run."""


async def check_kafka(catalog: Catalog, stream: StreamSettings, reads: Iterable[str]) -> AsyncIterator[Finding]:
    """What is to be said of the cluster; `reads` are topics that are read besides the workers' own inputs.

    Changes nothing: a transactional id of the doctor's own is opened, nothing is written under it.
    """
    try:
        async with admin.connected(stream.bootstrap, stream.security) as client:
            async for finding in _look(client, catalog, stream, reads):
                yield finding
    except ClusterError as error:
        yield wrong(KAFKA, str(error), "see that it runs, and kafka.bootstrap and kafka.security_protocol (settings)")


async def _look(
    client: AIOKafkaAdminClient, catalog: Catalog, stream: StreamSettings, reads: Iterable[str]
) -> AsyncIterator[Finding]:
    try:
        cluster = await describe(client)
    except IncompatibleBrokerVersion:
        yield warning(KAFKA, "it is older than 2.3 or no Kafka: rights and copies are not looked at")
        cluster = None
    if cluster is not None:
        yield ok(KAFKA, f"cluster {cluster.id} answers at {stream.bootstrap}")
        async for finding in _brokers(client, cluster, stream):
            yield finding
    for finding in compared(catalog, await admin.compare(client, catalog)):
        yield finding
    if cluster is not None:
        for finding in (*copies(catalog, cluster), *access(catalog, cluster, reads)):
            yield finding
    group = await group_of(client, stream.app_id)
    worked = not group.members and await _has_worked(client, catalog, stream)
    for finding in members(group, stream.app_id, worked=worked):
        yield finding
    yield await _transactions(stream)


async def _brokers(client: AIOKafkaAdminClient, cluster: Cluster, stream: StreamSettings) -> AsyncIterator[Finding]:
    """Each must be reached under the address that it gives, which need not be the one that was asked."""
    for number, address in cluster.brokers.items():
        try:
            known = await versions(client, number)
        except (KafkaError, OSError) as error:
            told = f"broker {number} cannot be reached at {address}, the address that it gives: {error}"
            yield wrong(KAFKA, told, "see its advertised.listeners, and that this machine can resolve and reach it")
            continue
        newest = release_of(known.get(FETCH, (0, 0))[1])
        if INIT_PRODUCER_ID not in known and not stream.plain:
            yield wrong(KAFKA, f"broker {number} at {address} knows no transactions", "set kafka.transactions = false")
        else:
            yield ok(KAFKA, f"broker {number} at {address}, by its protocol Kafka {newest} or a little newer")


def compared(catalog: Catalog, findings: Findings) -> Iterator[Finding]:
    """How the topics compare with the catalog."""
    for one in findings.disagreements:
        yield (wrong if one.stops_worker else warning)(TOPICS, str(one))
    for line in findings.unchecked:
        yield warning(TOPICS, f"not checked: {line}")
    if not findings.disagreements:
        yield ok(TOPICS, f"all {len(catalog.topics)} are as the catalog says")


def copies(catalog: Catalog, cluster: Cluster) -> Iterator[Finding]:
    """Partitions that nobody leads, and those with copies that are behind."""
    found = [cluster.topics[name] for name in catalog.topics if name in cluster.topics]
    for topic in found:
        orphans = [place.number for place in topic.places if place.leader < 0]
        behind = [place.number for place in topic.places if place.leader >= 0 and place.in_sync < place.replicas]
        if orphans:
            yield wrong(TOPICS, f"topic {topic.name}: no broker leads partitions {orphans}", "start their brokers")
        if behind:
            told = f"topic {topic.name}: copies of partitions {behind} are behind or away"
            yield warning(TOPICS, told, "see the brokers that keep them")
    if found and max(place.replicas for topic in found for place in topic.places) == 1:
        told = "there is one copy of everything: a broker's disk that dies takes leads with it"
        yield warning(TOPICS, told, "with three brokers: replication: 3 in topics/catalog.yaml before `topics apply`")


def needed(topic: Topic, reads: Iterable[str]) -> frozenset[int]:
    """What workers and projectors do with a topic."""
    writes = topic.owner in OURS
    return frozenset(
        operation for operation, is_done in
        ((READ, topic.internal or not writes or topic.name in reads), (WRITE, writes)) if is_done
    )  # fmt: skip


def access(catalog: Catalog, cluster: Cluster, reads: Iterable[str]) -> Iterator[Finding]:
    """Whether this client may do with each topic what Heatline does."""
    told = [cluster.topics[name] for name in catalog.topics if name in cluster.topics]
    refused = 0
    for topic in told:
        allowed = frozenset(OPERATIONS) if topic.allowed is None else topic.allowed
        missing = needed(catalog.topics[topic.name], reads) - allowed
        if missing:
            refused += 1
            yield wrong(ACCESS, *_lacking(missing, "topic", topic.name))
    if told and not refused:
        yield ok(ACCESS, "every topic may be read and written as needed")


def _lacking(operations: Iterable[int], kind: str, name: str) -> tuple[str, str]:
    """What a user may not do, and the command that lets it."""
    names = [OPERATIONS[one] for one in sorted(operations)]
    flags = "".join(f" --operation {one}" for one in names)
    return (
        f"this user lacks {' and '.join(names)} on {kind} {name}",
        f"kafka-acls.sh --add --allow-principal User:… --{kind} {name}{flags}",
    )


async def _has_worked(client: AIOKafkaAdminClient, catalog: Catalog, stream: StreamSettings) -> bool:
    """Whether any worker ran here before; the broker forgets a group that nobody was in for a week, rows stay."""
    try:
        if await committed(client, stream.app_id):
            return True
        rows = [Partition(ROWS, number) for number in range(catalog.partitions.get(ROWS, 0))]
        return any(found.end > 0 for found in (await bounds(client, stream, rows)).values())
    except KafkaError:
        return False


def members(group: Group, app_id: str, *, worked: bool) -> Iterator[Finding]:
    """Whether this client may join the workers' group, and how many have; `worked`: some were in it before."""
    if group.allowed is not None and READ not in group.allowed:
        yield wrong(ACCESS, *_lacking([READ], "group", app_id))
    elif group.members:
        yield ok("workers", f"{len(group.members)} in the group {app_id}, which is {group.state}")
    elif worked:
        told = f"none in the group {app_id}, where some have worked before: nothing is scored, and events wait"
        yield wrong("workers", told, "start `heatline worker`; why the last one ended is at the end of its log")
    else:
        yield warning("workers", f"none in the group {app_id}", "heatline worker")


async def _transactions(stream: StreamSettings) -> Finding:
    if stream.plain:
        told = "off: a crash may double what was in flight"
        return warning(TRANSACTIONS, told, "kafka.transactions = true where the brokers can")
    producer = Producer(stream, (), f"{stream.app_id}-doctor")
    try:
        await producer.start()
    except (WriteFailed, StreamError) as failure:
        remedy = (
            f"the user needs Write and Describe on transactional ids that begin with {stream.app_id}-, and the brokers "
            "enough copies of __transaction_state (transaction.state.log.min.isr)"
        )
        return wrong(TRANSACTIONS, f"cannot be begun: {failure}", remedy)
    finally:
        await producer.stop()
    return ok(TRANSACTIONS, f"can be begun, as {stream.app_id}-…")
