import asyncio
import socket
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from engine.local.broker import embedded_broker
from engine.local.errors import LocalError
from engine.local.lines import Message
from engine.local.producer import Sender, connected_producer
from engine.stream import admin, catalog


def answers(bootstrap: str) -> bool:
    host, _, port = bootstrap.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


async def test_a_broker_lives_as_long_as_its_block() -> None:
    """Also where the block fails."""
    used = []

    async def use() -> None:
        async with embedded_broker() as bootstrap:
            assert answers(bootstrap)
            used.append(bootstrap)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await use()
    assert not answers(used[0])


async def test_two_brokers_run_side_by_side() -> None:
    async with embedded_broker() as one, embedded_broker() as other:
        assert one != other
        assert answers(one)
        assert answers(other)


async def test_the_catalog_can_be_created_on_it() -> None:
    """All topics, with their partitions; what is written to one is read from it, with its timestamp."""
    shipped = catalog.read()
    async with embedded_broker() as bootstrap:
        report = await admin.apply(shipped, bootstrap)
        assert (set(report.created), report.problems) == (set(shipped.topics), ())
        assert (await admin.check(shipped, bootstrap)).refusal is None
        async with connected_producer(bootstrap) as producer:
            sender = Sender(producer, "visitor-events")
            for number in range(100):
                await sender.send(Message(b"key", b"%d" % number, 1_000_000 + number))
            await sender.drain()
        assert sender.acknowledged == 100
        async with asyncio.timeout(30):
            consumer = AIOKafkaConsumer("visitor-events", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
            await consumer.start()
            records = [await consumer.getone() for _ in range(100)]
            await consumer.stop()
    assert [(record.value, record.timestamp) for record in records] == [
        (b"%d" % number, 1_000_000 + number) for number in range(100)
    ]


async def test_a_broker_that_cannot_start_says_why_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its port is taken, its program is missing, or the program is none."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(LocalError, match=r"does not answer at .*in use"):
            async with embedded_broker(taken.getsockname()[1]):
                pass
    monkeypatch.setenv("CALF_TANSU_BIN", str(tmp_path / "nothing"))
    with pytest.raises(LocalError, match=r"cannot be started: .*does not point at an executable file"):
        async with embedded_broker():
            pass
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho I am no broker; exit 1")
    program.chmod(0o755)
    monkeypatch.setenv("CALF_TANSU_BIN", str(program))
    with pytest.raises(LocalError, match=r"does not answer at .*: I am no broker"):
        async with embedded_broker():
            pass
