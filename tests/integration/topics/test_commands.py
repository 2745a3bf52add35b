"""What the commands print, on a real Kafka and on the demo's broker, and the status they end with."""

import io
import json
from collections.abc import Iterator

import pytest

from engine.core.flow import InputRecord
from engine.core.rejects import reject
from engine.local.broker import embedded_broker
from engine.local.producer import connected_producer
from engine.stream.admin import check, counts
from engine.stream.catalog import read
from engine.stream.commands import apply_topics, check_topics, list_letters, retry_letters, show_letter
from engine.stream.letters import Wanted
from engine.stream.settings import StreamSettings
from tests.servers.kafka import KafkaServer

HOSTILE = "\x1b[31mred"
RECORD = InputRecord("visitor-events", 1, 2, 1_700_000_000_000, b"\xff", b"{" + HOSTILE.encode(), (("h", None),))


class Terminal(io.StringIO):
    """Text written to a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker for this module."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka")).start()
    yield server
    server.kill()


async def run_through(settings: StreamSettings) -> None:
    """Topics applied and checked; a dead letter listed, shown and retried."""
    catalog = read()
    out = io.StringIO()
    assert not await check_topics(catalog, settings, out)
    assert out.getvalue().count("is missing: `heatline topics apply` creates it") == len(catalog.topics)
    out = io.StringIO()
    assert await apply_topics(catalog, settings, out)
    assert out.getvalue().endswith(f"14 topics at {settings.bootstrap}: 14 changed, 0 problems\n")
    out = io.StringIO()
    assert await check_topics(catalog, settings, out)
    assert out.getvalue() == f"14 topics at {settings.bootstrap}: 0 differences from the catalog\n"
    assert not await apply_topics(catalog.with_partitions({"rep-events": 2}), settings, out)
    assert "problem: topic rep-events: partitions 1, the catalog says 2: " in out.getvalue()

    letter = reject(RECORD, "json", None, HOSTILE, RECORD.timestamp)
    async with connected_producer(settings.bootstrap) as producer:
        await producer.send_and_wait(letter.topic, letter.value, key=letter.key)
    out = io.StringIO()
    assert await list_letters(settings, Wanted(), to=out)
    row = json.loads(out.getvalue())
    assert (row["original"], row["reason"], row["retried"]) == ("visitor-events/1/2", "json", False)
    terminal = Terminal()
    assert await list_letters(settings, Wanted(), to=terminal)
    assert await show_letter(settings, row["id"], to=terminal)
    assert not await show_letter(settings, "visitor-events/9/9", to=terminal)
    assert "\x1b[31mred" not in terminal.getvalue()
    assert "[31mred" in terminal.getvalue()
    assert "there is no dead letter at 'visitor-events/9/9'" in terminal.getvalue()
    out = io.StringIO()
    assert await show_letter(settings, row["original"], to=out)
    assert json.loads(out.getvalue())["payload"]["key_base64"] == "/w=="

    out = io.StringIO()
    assert await retry_letters(settings, Wanted(place=row["id"]), dry_run=True, to=out)
    assert await retry_letters(settings, Wanted(place=row["id"]), to=out)
    assert not await retry_letters(settings, Wanted(place=row["id"]), to=out)
    assert not await retry_letters(settings, Wanted(place="x/1/2"), to=out)
    assert out.getvalue().splitlines() == [
        f"{row['id']}: would be sent",
        "1 would be sent, 0 not",
        f"{row['id']}: sent",
        "1 sent, 0 not",
        f"{row['id']}: not sent: already retried; --again sends it once more",
        "0 sent, 1 not",
        "there is no dead letter at 'x/1/2'",
    ]


async def test_the_commands_on_kafka(server: KafkaServer) -> None:
    """Every command says what it did, and ends well only if all is well."""
    await run_through(StreamSettings(bootstrap=server.bootstrap))


async def test_the_commands_on_a_plain_broker() -> None:
    """The same, without transactions."""
    async with embedded_broker() as bootstrap:
        await run_through(StreamSettings(bootstrap=bootstrap, plain=True))


async def test_a_plain_broker_is_looked_at_without_creating_anything() -> None:
    """It creates a topic that is asked for by name, so nobody asks by name."""
    async with embedded_broker() as bootstrap:
        await check(read(), bootstrap)
        assert await counts(bootstrap) == {}
