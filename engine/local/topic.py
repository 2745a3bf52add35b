"""What a feed must know of its topic before the first record leaves: that it exists, and how long it keeps records."""

from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError

from engine.local.errors import LocalError, no_broker, what_is_raised_is_said_once


async def retention_ms(bootstrap: str, topic: str, security: Mapping[str, Any] | None = None) -> int | None:
    """How long `topic` keeps a record, None where time deletes nothing. `security` is aiokafka's.

    Raises LocalError where no broker answers or there is no such topic.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **(security or {}))
    try:
        with what_is_raised_is_said_once():
            await admin.start()
        # All topics are listed: asking for one by name can create it.
        if topic not in await admin.list_topics():
            raise LocalError(f"there is no topic {topic} at {bootstrap}: `heatline topics apply` creates it")
        (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    except KafkaConnectionError as error:
        raise no_broker(bootstrap) from error
    except KafkaError as error:
        raise LocalError(f"the broker at {bootstrap} does not describe topic {topic}: {error}") from error
    finally:
        await admin.close()
    entries = {entry[0]: entry[1] for resource in response.resources for entry in resource[4]}
    kept_ms = int(entries.get("retention.ms", -1))
    return None if kept_ms < 0 or "delete" not in entries.get("cleanup.policy", "delete") else kept_ms
