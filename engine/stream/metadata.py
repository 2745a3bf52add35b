"""What a cluster says of itself and of what this client may do: Kafka's Metadata, as aiokafka does not ask for it."""

from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

READ, WRITE = 3, 4
"""Bits of `allowed`, as Kafka numbers its operations."""
FETCH, INIT_PRODUCER_ID = 1, 22
"""Numbers of requests."""
_RELEASES = {4: "0.11", 5: "1.0", 7: "1.1", 8: "2.0", 10: "2.1", 11: "2.3", 12: "2.7", 13: "3.1", 14: "3.5", 16: "3.7"}
_RELEASES |= {17: "3.9", 18: "4.1"}
"""In which release the version of Fetch came: brokers do not tell their own."""


class Place(NamedTuple):
    """One partition: the broker that leads it, -1 for none, how many keep copies, how many of these are up to date."""

    number: int
    leader: int
    replicas: int
    in_sync: int


class Described(NamedTuple):
    """A topic, and what this client may do with it as a set of Kafka's operations; None: the broker does not tell."""

    name: str
    places: list[Place]
    allowed: frozenset[int] | None


class Cluster(NamedTuple):
    """A cluster as one of its brokers describes it: `brokers` are `host:port` by id."""

    id: str | None
    brokers: dict[int, str]
    topics: dict[str, Described]


class _MetadataResponse(Response):
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8"))),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("allowed", Int32),
            ),
        ),
        ("allowed", Int32),
    )


class _MetadataStruct(RequestStruct):
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _MetadataRequest(Request[_MetadataStruct]):
    """All topics, and what is allowed with each."""

    API_KEY = 3

    def build(self, request_struct_class: type[_MetadataStruct]) -> _MetadataStruct:
        return request_struct_class(None, False, False, True)


async def describe(client: AIOKafkaAdminClient) -> Cluster:
    """The cluster as it is now. Raises IncompatibleBrokerVersion below Kafka 2.3, else errors of Kafka."""
    found = (await client._send_request(_MetadataRequest())).to_object()
    return Cluster(
        found["cluster_id"],
        {broker["node_id"]: f"{broker['host']}:{broker['port']}" for broker in found["brokers"]},
        {topic["topic"]: _described(topic) for topic in found["topics"]},
    )


def _described(topic: dict[str, Any]) -> Described:
    places = [
        Place(one["partition"], one["leader"], len(one["replicas"]), len(one["isr"])) for one in topic["partitions"]
    ]
    return Described(topic["topic"], sorted(places), operations(topic["allowed"]))


def operations(bits: int) -> frozenset[int] | None:
    """The operations that a bit field names; None where the broker leaves it out."""
    return None if bits == -(2**31) else frozenset(place for place in range(31) if bits >> place & 1)


async def versions(client: AIOKafkaAdminClient, broker: int) -> dict[int, tuple[int, int]]:
    """The least and the newest version of each request that a broker takes. Raises errors of Kafka."""
    connection = await client._client._get_conn(broker)
    if connection is None:
        raise ConnectionError("no connection")
    return dict(connection._versions)


def release_of(newest_fetch: int) -> str:
    """The Kafka release that brought this version of Fetch."""
    return _RELEASES[max((one for one in _RELEASES if one <= newest_fetch), default=4)]
