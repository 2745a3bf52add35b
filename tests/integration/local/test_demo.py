import asyncio
import io
import json

from aiokafka import AIOKafkaConsumer
from rich.console import Console

from engine.core.instants import from_rfc3339
from engine.local.broker import embedded_broker
from engine.local.demo import print_live, send_site
from engine.local.lines import Message
from engine.local.producer import Sender, connected_producer
from engine.local.reading import wall_clock_ms
from engine.stream import admin, catalog
from tests.unit.local.test_demo import alert, assignment


async def test_the_site_sends_what_it_says_until_it_is_stopped() -> None:
    """Every event once, at the time of its record, keyed by its visitor."""
    stop = asyncio.Event()
    before_ms = wall_clock_ms()
    async with embedded_broker() as bootstrap:
        await admin.apply(catalog.read(), bootstrap)
        site = asyncio.create_task(send_site(bootstrap, 42, 100.0, stop))
        await asyncio.sleep(0.5)
        stop.set()
        traffic = await site
        assert traffic.events > 0
        consumer = AIOKafkaConsumer("visitor-events", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        async with asyncio.timeout(30):
            records = [await consumer.getone() for _ in range(traffic.events)]
        await consumer.stop()
    events = [json.loads(record.value) for record in records]
    assert len({event["messageId"] for event in events}) == traffic.events
    assert len({event["anonymousId"] for event in events}) == traffic.visitors
    assert [event["anonymousId"].encode() for event in events] == [record.key for record in records]
    assert [from_rfc3339(event["timestamp"]) for event in events] == [record.timestamp for record in records]
    assert all(before_ms <= record.timestamp <= wall_clock_ms() for record in records)


async def test_alerts_and_assignments_are_printed_as_they_become_readable() -> None:
    """What is there at the stop is still printed, and counted."""
    stop, console = asyncio.Event(), Console(file=io.StringIO(), width=200)
    assert isinstance(console.file, io.StringIO)
    async with embedded_broker() as bootstrap:
        await admin.apply(catalog.read(), bootstrap)
        printer = asyncio.create_task(print_live(bootstrap, stop, console))
        async with connected_producer(bootstrap) as producer:
            for out in (alert({"name": "Ada Berg"}), assignment("andy")):
                sender = Sender(producer, out.topic)
                await sender.send(Message(out.key, out.value or b"", None))
                await sender.drain()
        stop.set()
        async with asyncio.timeout(30):
            live = await printer
    assert (live.alerts, live.assignments, len(live.latencies_ms)) == (1, 1, 1)
    assert "Ada Berg" in console.file.getvalue()
    assert "to andy, team us" in console.file.getvalue()
