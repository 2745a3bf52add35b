"""What a feed must know of its topic before the first record leaves: that it exists, and how long it keeps records."""

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, KafkaError, UnknownTopicOrPartitionError

from engine.local.errors import LocalError, no_broker


async def retention_ms(bootstrap: str, topic: str) -> int | None:
    """How long `topic` keeps a record, None where time deletes nothing.

    Raises LocalError where no broker answers or there is no such topic.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        described = await admin.describe_topics([topic])
    except KafkaConnectionError as error:
        raise no_broker(bootstrap) from error
    except KafkaError as error:
        raise LocalError(f"the broker at {bootstrap} does not describe topic {topic}: {error}") from error
    finally:
        await admin.close()
    if described[0]["error_code"] == UnknownTopicOrPartitionError.errno:
        raise LocalError(f"there is no topic {topic} at {bootstrap}: `heatline topics apply` creates it")
    entries = {entry[0]: entry[1] for resource in response.resources for entry in resource[4]}
    kept_ms = int(entries.get("retention.ms", -1))
    return None if kept_ms < 0 or "delete" not in entries.get("cleanup.policy", "delete") else kept_ms
