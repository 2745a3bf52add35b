import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from engine.core.partitioner import by_murmur2
from engine.local.errors import LocalError
from engine.local.importing import Target, import_leads
from tests.integration.local.test_feed import PARTITIONS, console, new_topic, records_of, said
from tests.servers.kafka import KafkaServer


async def test_each_row_is_a_record_at_its_leads_home(kafka: KafkaServer, tmp_path: Path) -> None:
    """Keyed by the lead, in the partition of any Kafka client, at the time of sending; said on the console."""
    path, shown = tmp_path / "leads.csv", console()
    path.write_text("userId,email,at\nada,a@example.com,2020-01-01\n,Bob@example.com,\nbad,,x\n")
    topic = await new_topic(kafka)
    imported = await import_leads(str(path), Target(kafka.bootstrap, topic=topic), shown)
    assert (imported.read, imported.acknowledged, imported.refused) == (3, 2, 1)
    assert f"3 rows read = 2 acknowledged by {topic} + 1 refused" in said(shown)
    records = {record.key or b"": record for record in await records_of(kafka, topic, 2)}
    assert records.keys() == {b"ada", b"email:bob@example.com"}
    assert all(record.partition == by_murmur2(key, PARTITIONS) for key, record in records.items())
    # A record as old as its event would be deleted with the topic's oldest.
    assert abs(records[b"ada"].timestamp - records[b"email:bob@example.com"].timestamp) < 60_000


async def test_what_the_broker_does_not_take_is_said(kafka: KafkaServer, tmp_path: Path) -> None:
    """The sum holds: what was acknowledged before is in the topic, the rest is named as not acknowledged."""
    path, shown = tmp_path / "leads.jsonl", console()
    large = json.dumps({"userId": "b", "x": "x" * 20_000})
    path.write_text(f'{{"userId": "a"}}\n{large}\n')
    topic = await new_topic(kafka, {"max.message.bytes": "10000"})
    with pytest.raises(LocalError, match=f"{topic} does not take a record"):
        await import_leads(str(path), Target(kafka.bootstrap, topic=topic), shown)
    assert f"2 rows read = 1 acknowledged by {topic} + 0 refused + 1 not acknowledged" in said(shown)
    assert "import the file again within a day: what arrived counts once" in said(shown)
    [record] = await records_of(kafka, topic, 1)
    assert record.key == b"a"


async def test_a_topic_that_is_not_there_is_one_clear_error(kafka: KafkaServer, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("userId\nada\n")
    with pytest.raises(LocalError, match=r"there is no topic nowhere at .*: `heatline topics apply` creates it"):
        await import_leads(str(path), Target(kafka.bootstrap, topic="nowhere"), Console(file=io.StringIO()))
