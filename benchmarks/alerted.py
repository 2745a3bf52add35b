"""A committed reader of alerts, in a process of its own: `python -m benchmarks.alerted BOOTSTRAP`.

It prints for each the number of the event that caused it and the time (`time.monotonic`) at which it was read.
"""

import asyncio
import sys
import time

import msgspec
from aiokafka import AIOKafkaConsumer

from engine.core.records import Cause

READY = "reading"
ALERT = "alert "
TOPIC = "lead-alerts"


class _Data(msgspec.Struct):
    cause: Cause


class _Alert(msgspec.Struct):
    data: _Data


async def read_alerts(bootstrap: str) -> None:
    """Until killed."""
    decoder = msgspec.json.Decoder(_Alert)
    async with AIOKafkaConsumer(
        TOPIC, bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    ) as consumer:
        # aiokafka else holds the next fetch back for up to 100 ms after each that brought something.
        consumer._fetcher._prefetch_backoff = 0.001
        print(READY, flush=True)
        while True:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                at_s = time.monotonic()
                for record in records:
                    message_id = decoder.decode(record.value).data.cause.event or ""
                    print(f"{ALERT}{message_id.rpartition('-')[2]} {at_s}")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(read_alerts(sys.argv[1]))
