"""Topics in a real Kafka: created, compared, mended where that is safe, and named where it is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from engine.stream.admin import ClusterError, Disagreement, apply, check, counts
from engine.stream.catalog import SHIPPED, Catalog, parse, read
from tests.servers.kafka import KafkaServer

TEXT = SHIPPED.read_text(encoding="utf-8")


@pytest.fixture
async def bootstrap(broker: KafkaServer) -> AsyncIterator[str]:
    """The address of a broker that has no topics, now and in the end."""
    yield broker.bootstrap
    async with admin(broker.bootstrap) as client:
        await client.delete_topics([name for name in await client.list_topics() if not name.startswith("__")])
    await until_counts(broker.bootstrap, {})


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def until_counts(bootstrap: str, wanted: dict[str, int]) -> None:
    """Waits until the broker has heard from its controller."""
    while await own_counts(bootstrap) != wanted:  # noqa: ASYNC110  a broker gives no sign
        await asyncio.sleep(0.02)


async def own_counts(bootstrap: str) -> dict[str, int]:
    """The partitions of each topic, without those that a broker makes for itself when it has groups."""
    return {name: count for name, count in (await counts(bootstrap)).items() if not name.startswith("__")}


async def setting(bootstrap: str, topic: str, name: str) -> str:
    async with admin(bootstrap) as client:
        (response,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    entries = response.to_object()["resources"][0]["config_entries"]
    return str(next(entry["config_value"] for entry in entries if entry["config_names"] == name))


def with_line(old: str, new: str) -> Catalog:
    """The shipped catalog with one piece of text replaced, the first time it stands there."""
    assert old in TEXT
    return parse(TEXT.replace(old, new, 1))


async def test_apply_creates_every_topic_as_the_catalog_says(bootstrap: str) -> None:
    """Counts, cleanup, retention and size; then the cluster agrees and a worker may start."""
    before = await check(read(), bootstrap)
    assert [one.what for one in before.disagreements] == ["missing"] * len(read().topics)
    report = await apply(read(), bootstrap)
    assert set(report.created) == set(read().topics)
    assert (report.altered, report.problems, report.unchecked) == ((), (), ())
    assert await own_counts(bootstrap) == read().partitions
    assert await setting(bootstrap, "profiles-changelog", "cleanup.policy") == "compact"
    assert await setting(bootstrap, "visitor-events", "retention.ms") == "604800000"
    findings = await check(read(), bootstrap)
    assert (findings.disagreements, findings.unchecked, findings.refusal) == ((), (), None)


async def test_a_second_apply_changes_nothing(bootstrap: str) -> None:
    """It can run at every deployment."""
    await apply(read(), bootstrap)
    report = await apply(read(), bootstrap)
    assert (report.created, report.altered, report.problems) == ((), (), ())


async def test_retention_and_size_are_altered_and_other_settings_stay(bootstrap: str) -> None:
    """What an operator set on a topic by hand, and the catalog does not name, is left alone."""
    catalog = read()
    topic = catalog.topics["lead-alerts"]
    async with admin(bootstrap) as client:
        own = {**topic.settings, "min.cleanable.dirty.ratio": "0.25", "retention.ms": "1000"}
        await client.create_topics([NewTopic(topic.name, topic.partitions, 1, None, own)])
    await until_counts(bootstrap, {topic.name: topic.partitions})
    (found,) = (one for one in (await check(catalog, bootstrap)).disagreements if one.topic == topic.name)
    assert found == Disagreement("lead-alerts", "retention.ms", "1000", "2419200000")
    assert not found.stops_worker
    report = await apply(catalog, bootstrap)
    assert report.altered == ("topic lead-alerts: retention.ms 1000 → 2419200000",)
    assert await setting(bootstrap, topic.name, "retention.ms") == "2419200000"
    assert await setting(bootstrap, topic.name, "min.cleanable.dirty.ratio") == "0.25"


async def test_another_count_is_named_and_refused(bootstrap: str) -> None:
    """Partitions are for good, whether there are more or fewer than the catalog says."""
    await apply(read(), bootstrap)
    async with admin(bootstrap) as client:
        await client.create_partitions({"rep-events": NewPartitions(2), "lead-alerts": NewPartitions(13)})
    await until_counts(bootstrap, {**read().partitions, "rep-events": 2, "lead-alerts": 13})
    report = await apply(read(), bootstrap)
    assert (report.created, report.altered) == ((), ())
    assert [problem.split(": keys")[0] for problem in report.problems] == [
        "topic lead-alerts: partitions 13, the catalog says 12",
        "topic rep-events: partitions 2, the catalog says 1",
    ]
    assert (await counts(bootstrap))["rep-events"] == 2
    assert (await check(read(), bootstrap)).refusal is not None


async def test_another_cleanup_policy_is_named_and_refused(bootstrap: str) -> None:
    """It decides which records live: the report gives the command, and does not run it."""
    await apply(
        with_line("    cleanup: compact\n\n  lead-alerts", "    cleanup: delete\n    retention: 1d\n\n  lead-alerts"),
        bootstrap,
    )
    report = await apply(read(), bootstrap)
    assert [problem.split(": records")[0] for problem in report.problems] == [
        "topic lead-scores: cleanup.policy delete, the catalog says compact"
    ]
    assert "--entity-name lead-scores --add-config cleanup.policy=compact" in report.problems[0]
    assert await setting(bootstrap, "lead-scores", "cleanup.policy") == "delete"
    refusal = (await check(read(), bootstrap)).refusal
    assert refusal is not None
    assert "lead-scores" in refusal


async def test_a_worker_is_refused_with_the_command_that_mends_it(bootstrap: str) -> None:
    """A missing topic stops a worker; so does an empty cluster."""
    catalog = read()
    await apply(Catalog({name: topic for name, topic in catalog.topics.items() if name != "lead-inbox"}), bootstrap)
    findings = await check(catalog, bootstrap)
    assert [(one.topic, one.what) for one in findings.disagreements] == [("lead-inbox", "missing")]
    assert findings.refusal is not None
    assert "topic lead-inbox is missing: `heatline topics apply` creates it" in findings.refusal
    assert (await apply(catalog, bootstrap)).created == ("lead-inbox",)


async def test_more_replicas_than_brokers_are_refused_by_name(bootstrap: str) -> None:
    """What the broker refuses is a problem of the report, and the other topics are created."""
    catalog = with_line(
        "    partitions: 3\n    cleanup: compact", "    partitions: 3\n    replication: 3\n    cleanup: compact"
    )
    report = await apply(catalog, bootstrap)
    assert len(report.created) == len(catalog.topics) - 1
    (problem,) = report.problems
    assert problem.startswith("topic site-stats was not created: ")


async def test_other_replicas_are_named(bootstrap: str) -> None:
    """Moving replicas is the operator's; a worker starts nevertheless."""
    await apply(read(), bootstrap)
    catalog = with_line(
        "    partitions: 3\n    cleanup: compact", "    partitions: 3\n    replication: 3\n    cleanup: compact"
    )
    findings = await check(catalog, bootstrap)
    assert findings.disagreements == (Disagreement("site-stats", "replication", "1", "3"),)
    assert findings.refusal is None
    assert (await apply(catalog, bootstrap)).problems == (str(findings.disagreements[0]),)


async def test_looking_creates_nothing(bootstrap: str) -> None:
    """A check changes nothing, whatever it does not find."""
    await check(read(), bootstrap)
    assert await own_counts(bootstrap) == {}


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", r"no Kafka cluster can be reached at 127\.0\.0\.1:1: .*Connect call failed"),
        ("nowhere.invalid:9092", r"no Kafka cluster can be reached at nowhere\.invalid:9092: "),
        ("127.0.0.1:many", r"'127\.0\.0\.1:many' is no address of a Kafka cluster: expected host:port"),
    ],
)
async def test_an_unreachable_cluster_is_one_clear_line(
    address: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Where, and why; neither a traceback nor the client's own complaints."""
    with pytest.raises(ClusterError, match=message) as raised:
        await check(read(), address)
    assert "\n" not in str(raised.value)
    assert not [record for record in caplog.records if record.name.startswith("aiokafka")]
