"""Topics and dead letters on the demo's broker, which knows no transactions and answers fewer questions."""

from engine.core.flow import InputRecord
from engine.core.rejects import TOPIC, reject
from engine.local.broker import embedded_broker
from engine.local.producer import connected_producer
from engine.stream.admin import apply, check, counts
from engine.stream.catalog import SHIPPED, parse, read
from engine.stream.deadletters import find, listing, retry
from engine.stream.letters import Wanted
from engine.stream.settings import StreamSettings

RECORD = InputRecord("visitor-events", 1, 2, 1_700_000_000_000, b"\xff", b"{", (("h", None),))


async def test_looking_creates_nothing() -> None:
    """This broker creates a topic that is asked for by name, so nobody asks by name."""
    async with embedded_broker() as bootstrap:
        findings = await check(read(), bootstrap)
        assert len(findings.disagreements) == len(read().topics)
        assert await counts(bootstrap) == {}


async def test_topics_are_created_and_what_cannot_be_done_is_said() -> None:
    """Settings of a topic are for good here: the report names what it could not set."""
    async with embedded_broker() as bootstrap:
        assert len((await apply(read(), bootstrap)).created) == len(read().topics)
        findings = await check(read(), bootstrap)
        assert (findings.disagreements, findings.refusal) == ((), None)
        other = read().with_partitions({"rep-events": 2})
        assert (await check(other, bootstrap)).refusal is not None
        assert len((await apply(other, bootstrap)).problems) == 3
        shorter = parse(SHIPPED.read_text(encoding="utf-8").replace("retention: 28d", "retention: 14d", 1))
        (problem,) = (await apply(shorter, bootstrap)).problems
        assert problem.startswith("topic lead-alerts: retention.ms 2419200000 → 1209600000: ")


async def test_settings_that_are_not_told_are_unchecked() -> None:
    """A topic that others made here says nothing of its settings; that is no disagreement, and it is said."""
    async with embedded_broker() as bootstrap:
        async with connected_producer(bootstrap) as producer:
            await producer.partitions_for("lead-alerts")
        findings = await check(read(), bootstrap)
        assert any(line.startswith("topic lead-alerts: the broker does not tell") for line in findings.unchecked)


async def test_dead_letters_are_sent_again_without_transactions() -> None:
    """To the byte, once, with a receipt."""
    async with embedded_broker() as bootstrap:
        settings = StreamSettings(bootstrap=bootstrap, plain=True)
        await apply(read(), bootstrap)
        letter = reject(RECORD, "json", None, "not JSON", RECORD.timestamp)
        async with connected_producer(bootstrap) as producer:
            await producer.send_and_wait(TOPIC, letter.value, key=letter.key)
        (row,) = (await listing(settings, Wanted())).rows
        assert (row.original, row.retried) == ("visitor-events/1/2", False)
        assert (await retry(settings, Wanted())).sent == [row.id]
        assert (await retry(settings, Wanted())).sent == []
        (found,) = await find(settings, row.id)
        assert found.retried
