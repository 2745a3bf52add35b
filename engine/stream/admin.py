"""Makes a cluster's topics what the catalog says, and says where they are not.

Nothing is ever deleted or shrunk. What holds data as it was laid out - the number of partitions, the cleanup
policy - is never changed here, only named; retention and size are.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from engine.stream.catalog import Catalog, Topic
from engine.stream.errors import StreamError

MISSING = "missing"
PARTITIONS = "partitions"
REPLICATION = "replication"
CLEANUP = "cleanup.policy"
_NOT_OURS = (PARTITIONS, REPLICATION, CLEANUP)

APPLY = "heatline topics apply"
REQUEST_TIMEOUT_MS = 10_000
VISIBLE_WITHIN_S = 10.0
"""What a controller has changed reaches the brokers that are asked a little later."""

_TOPIC_SETTING = 1
"""`DYNAMIC_TOPIC_CONFIG`: a setting made for this topic, in DescribeConfigs."""


class ClusterError(StreamError):
    """The cluster cannot be asked: unreachable, not Kafka, or not for us. One line that says which cluster and why."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One thing in which a topic is not what the catalog says; `what` is a constant above or a setting's name."""

    topic: str
    what: str
    found: str
    wanted: str

    @property
    def stops_worker(self) -> bool:
        """Whether a worker would lose or misplace records with it."""
        return self.what in (MISSING, PARTITIONS, CLEANUP)

    def __str__(self) -> str:
        """One line, with what mends it."""
        if self.what == MISSING:
            return f"topic {self.topic} is missing: `{APPLY}` creates it"
        line = f"topic {self.topic}: {self.what} {self.found}, the catalog says {self.wanted}: "
        if self.what == PARTITIONS:
            return line + "keys and rows would move, so correct the catalog, or make the topic anew"
        if self.what == CLEANUP:
            return line + (
                "records could be lost, so this is yours to do: kafka-configs.sh --alter --entity-type topics "
                f"--entity-name {self.topic} --add-config {CLEANUP}={self.wanted}"
            )
        if self.what == REPLICATION:
            return line + "move replicas with kafka-reassign-partitions.sh"
        return line + f"`{APPLY}` sets it"


@dataclass(frozen=True, slots=True)
class Findings:
    """How a cluster compares with the catalog; `unchecked` names what the broker does not tell, a line each."""

    disagreements: tuple[Disagreement, ...]
    unchecked: tuple[str, ...]

    @property
    def refusal(self) -> str | None:
        """Why a worker must not start, with the commands that mend it; None where it may."""
        reasons = [str(one) for one in self.disagreements if one.stops_worker]
        if not reasons:
            return None
        lines = "\n".join(f"  {reason}" for reason in reasons)
        return f"the cluster's topics are not those of the catalog:\n{lines}\nSee `heatline topics check`."


@dataclass(frozen=True, slots=True)
class Report:
    """What `apply` did and could not do. Names of created topics, and a line for each of the others."""

    created: tuple[str, ...]
    altered: tuple[str, ...]
    problems: tuple[str, ...]
    unchecked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """A topic as it is. `settings` and those `own` to the topic are empty where the broker does not tell them."""

    partitions: int
    replication: int
    settings: Mapping[str, str]
    own: Mapping[str, str]


async def check(catalog: Catalog, bootstrap: str, security: Mapping[str, Any] | None = None) -> Findings:
    """Where the cluster differs from the catalog; topics that the catalog does not name are no business of ours.

    `bootstrap` is `host:port[,host:port…]`, `security` aiokafka's keyword arguments. Raises ClusterError.
    """
    async with connected(bootstrap, security) as client:
        return await compare(client, catalog)


async def compare(client: AIOKafkaAdminClient, catalog: Catalog) -> Findings:
    """As `check`, by a client that is connected. Raises errors of Kafka."""
    return _compare(catalog, await _describe(client, catalog))


async def counts(bootstrap: str, security: Mapping[str, Any] | None = None) -> dict[str, int]:
    """The number of partitions of every topic in the cluster. Arguments and errors as `check`."""
    async with connected(bootstrap, security) as client:
        return {topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics()}


async def apply(catalog: Catalog, bootstrap: str, security: Mapping[str, Any] | None = None) -> Report:
    """Creates missing topics and sets retention and size where they differ; a second run changes nothing.

    What it must not or cannot change is in the report's `problems`. Arguments and errors as `check`.
    """
    async with connected(bootstrap, security) as client:
        before = await _describe(client, catalog)
        created, refused = await _create(
            client, [topic for name, topic in catalog.topics.items() if name not in before]
        )
        found = (
            await _seen(client, catalog, lambda found: all(name in found for name in created)) if created else before
        )
        findings = _compare(catalog, found)
        altered, unaltered = await _alter(client, catalog, found, findings.disagreements)
        left = [
            str(one)
            for one in findings.disagreements
            if one.what in _NOT_OURS or (one.what == MISSING and one.topic in created)
        ]
        return Report(tuple(created), tuple(altered), (*refused, *left, *unaltered), findings.unchecked)


@asynccontextmanager
async def connected(bootstrap: str, security: Mapping[str, Any] | None) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client of the cluster. Errors of Kafka, in its block too, become ClusterError."""
    client = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS, **dict(security or {})
    )
    try:
        await _start(client, bootstrap)
        yield client
    except (KafkaError, OSError, TimeoutError) as error:
        raise ClusterError(f"the Kafka cluster at {bootstrap} did not answer: {_one_line(error)}") from error
    finally:
        await client.close()


async def _start(client: AIOKafkaAdminClient, bootstrap: str) -> None:
    with _overheard() as said:
        try:
            await client.start()
        except (KafkaError, OSError, TimeoutError) as error:
            why = said[-1] if said else _one_line(error)
            raise ClusterError(f"no Kafka cluster can be reached at {bootstrap}: {why}") from error
        except (ValueError, OverflowError) as error:
            raise ClusterError(f"{bootstrap!r} is no address of a Kafka cluster: expected host:port") from error


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What aiokafka would log meanwhile: nowhere else does it say why a broker could not be reached."""
    said: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        said.append(" ".join(record.getMessage().split()))
        return False

    logger = logging.getLogger("aiokafka")
    logger.addFilter(keep)
    try:
        yield said
    finally:
        logger.removeFilter(keep)


async def _describe(client: AIOKafkaAdminClient, catalog: Catalog) -> dict[str, _Found]:
    """The catalog's topics that exist. All topics are listed: asking for one by name can create it."""
    listed = [
        topic for topic in await client.describe_topics() if topic["topic"] in catalog.topics and topic["partitions"]
    ]
    settings = await _settings(client, [topic["topic"] for topic in listed])
    return {
        topic["topic"]: _Found(
            len(topic["partitions"]),
            max(len(partition["replicas"]) for partition in topic["partitions"]),
            *settings.get(topic["topic"], ({}, {})),
        )
        for topic in listed
    }


async def _settings(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """All settings of each topic, and those made for it; topics that the broker says nothing about are left out."""
    told: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    for name in names:
        try:
            # One by one and without names of settings: other requests make the demo's broker hang up.
            (response,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        except KafkaError:
            continue
        for resource in response.to_object()["resources"]:
            if not resource["error_code"]:
                entries = {entry["config_names"]: entry for entry in resource["config_entries"]}
                values = {key: entry["config_value"] for key, entry in entries.items()}
                own = {key for key, entry in entries.items() if entry["config_source"] == _TOPIC_SETTING}
                told[name] = values, {key: values[key] for key in own}
    return told


def _compare(catalog: Catalog, found: Mapping[str, _Found]) -> Findings:
    disagreements: list[Disagreement] = []
    unchecked: list[str] = []
    for name, topic in catalog.topics.items():
        if name not in found:
            disagreements.append(Disagreement(name, MISSING, "", ""))
            continue
        disagreements += _differences(topic, found[name])
        untold = [key for key in topic.settings if key not in found[name].settings]
        if untold:
            unchecked.append(f"topic {name}: the broker does not tell {', '.join(untold)}")
    return Findings(tuple(disagreements), tuple(unchecked))


def _differences(topic: Topic, found: _Found) -> Iterable[Disagreement]:
    if found.partitions != topic.partitions:
        yield Disagreement(topic.name, PARTITIONS, str(found.partitions), str(topic.partitions))
    if topic.replication not in (-1, found.replication):
        yield Disagreement(topic.name, REPLICATION, str(found.replication), str(topic.replication))
    for key, wanted in topic.settings.items():
        value = found.settings.get(key, wanted)
        if value != wanted:
            yield Disagreement(topic.name, key, value, wanted)


async def _create(client: AIOKafkaAdminClient, topics: list[Topic]) -> tuple[list[str], list[str]]:
    """The names of what is there now, and a line for each topic that the broker refused."""
    if not topics:
        return [], []
    response = await client.create_topics([_new(topic) for topic in topics])
    created: list[str] = []
    refused: list[str] = []
    for name, code, message in response.topic_errors:
        if code in (0, TopicAlreadyExistsError.errno):
            created.append(name)
        else:
            refused.append(f"topic {name} was not created: {message or for_code(code).__name__}")
    return created, refused


def _new(topic: Topic) -> NewTopic:
    # aiokafka takes the broker's default replication only together with a mapping of assignments.
    assignments: dict[int, list[int]] | None = {} if topic.replication == -1 else None
    return NewTopic(topic.name, topic.partitions, topic.replication, assignments, topic.settings)


async def _seen(
    client: AIOKafkaAdminClient, catalog: Catalog, holds: Callable[[Mapping[str, _Found]], bool]
) -> dict[str, _Found]:
    """The cluster's topics as soon as `holds` says so, or as they are when patience ends."""
    deadline_s = asyncio.get_running_loop().time() + VISIBLE_WITHIN_S
    while True:
        found = await _describe(client, catalog)
        if holds(found) or asyncio.get_running_loop().time() > deadline_s:
            return found
        await asyncio.sleep(0.05)


async def _alter(
    client: AIOKafkaAdminClient, catalog: Catalog, found: Mapping[str, _Found], disagreements: Iterable[Disagreement]
) -> tuple[list[str], list[str]]:
    """Sets what may be set; a line for each topic altered and for each that could not be."""
    changes: dict[str, list[Disagreement]] = {}
    for one in disagreements:
        if one.what in catalog.topics[one.topic].settings and one.what != CLEANUP:
            changes.setdefault(one.topic, []).append(one)
    pending = dict(changes)
    altered: list[str] = []
    failed: list[str] = []
    for name, ones in changes.items():
        what = f"topic {name}: " + ", ".join(f"{one.what} {one.found} → {one.wanted}" for one in ones)
        # The request replaces all settings made for the topic, so it repeats those that stay.
        settings = {**found[name].own, **{one.what: one.wanted for one in ones}}
        error = await _alter_one(client, name, settings)
        (failed if error else altered).append(f"{what}: {error}" if error else what)
        if error:
            del pending[name]
    if pending:
        await _seen(client, catalog, lambda now: _set(pending, now))
    return altered, failed


def _set(changes: Mapping[str, list[Disagreement]], found: Mapping[str, _Found]) -> bool:
    return all(
        name in found and found[name].settings.get(one.what) == one.wanted
        for name, ones in changes.items()
        for one in ones
    )


async def _alter_one(client: AIOKafkaAdminClient, name: str, settings: Mapping[str, str]) -> str:
    """Why the topic's settings could not be replaced; empty where they were."""
    try:
        (response,) = await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, dict(settings))])
    except KafkaError as error:
        return _one_line(error)
    code, message = response.resources[0][:2]
    return str(message or for_code(code).__name__) if code else ""


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
