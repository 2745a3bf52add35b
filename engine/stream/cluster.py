"""Before a worker starts: a broker must answer, and its topics be the ones the worker was built for."""

import asyncio
import logging
from collections.abc import Mapping

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from engine.stream.errors import BrokerUnreachable, ClusterMismatch
from engine.stream.outage import wait
from engine.stream.settings import StreamSettings

log = logging.getLogger(__name__)

RETRY_S = 0.5
REMIND_S = 5.0


async def check_cluster(
    settings: StreamSettings, partitions: Mapping[str, int], stop: asyncio.Event, patience_s: float
) -> None:
    """Wait until the cluster answers and agrees with `partitions`, or `stop` is set.

    Raises BrokerUnreachable after `patience_s`, ClusterMismatch where a topic is missing or has another count.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    reminded = float("-inf")
    while not stop.is_set():
        found = await _partition_counts(settings, partitions)
        if found is not None:
            _compare(partitions, found)
            return
        waited_s = loop.time() - began
        if waited_s >= patience_s:
            raise BrokerUnreachable(f"no Kafka broker answers at {settings.bootstrap} (tried for {waited_s:.0f} s)")
        if loop.time() - reminded >= REMIND_S:
            reminded = loop.time()
            log.warning("no Kafka broker answers at %s yet; trying on", settings.bootstrap)
        await wait(stop, RETRY_S)


async def _partition_counts(settings: StreamSettings, topics: Mapping[str, int]) -> dict[str, int] | None:
    client = AIOKafkaClient(**settings.client, client_id=settings.app_id, request_timeout_ms=5_000)
    try:
        await client.bootstrap()
        await asyncio.wait_for(client.set_topics(topics), 5.0)
        return {topic: len(client.cluster.partitions_for_topic(topic) or ()) for topic in topics}
    except (KafkaError, OSError, TimeoutError):
        return None
    finally:
        await client.close()


def _compare(expected: Mapping[str, int], found: Mapping[str, int]) -> None:
    missing = sorted(topic for topic in expected if not found[topic])
    if missing:
        raise ClusterMismatch(f"the cluster has no topic {', '.join(missing)}; `heatline topics apply` creates them")
    for topic, count in expected.items():
        if found[topic] != count:
            raise ClusterMismatch(f"topic {topic} has {found[topic]} partitions in the cluster; {count} are expected")
