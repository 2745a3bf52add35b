"""The workers as the broker knows them: who is in their group, which partitions each has, how far they are."""

import asyncio
import time
from collections.abc import Collection
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.admin import DescribeGroupsRequest_v3, DescribeGroupsResponse_v3
from aiokafka.protocol.api import Request

from engine.stream.chunk import Partition
from engine.stream.metadata import operations
from engine.stream.settings import StreamSettings

COORDINATED_WITHIN_S = 10.0
"""A broker that was never asked for a group makes the topic of all groups first, and says meanwhile that none leads."""
_RETRY_S = 0.2
_TIMEOUT_MS = 10_000


class Member(NamedTuple):
    """A worker in the group: from which host it came, and what it was assigned."""

    id: str
    host: str
    partitions: list[Partition]


class Group(NamedTuple):
    """The group now; `allowed` as in `metadata.Described`."""

    state: str
    members: list[Member]
    allowed: frozenset[int] | None


class _GroupsStruct(DescribeGroupsRequest_v3):
    # aiokafka takes the answer for one of version 2, which does not end in what is allowed.
    RESPONSE_TYPE = DescribeGroupsResponse_v3


class _GroupsRequest(Request[_GroupsStruct]):
    API_KEY = 15

    def __init__(self, name: str) -> None:
        self._name = name

    def build(self, request_struct_class: type[_GroupsStruct]) -> _GroupsStruct:
        return request_struct_class([self._name], True)


async def group_of(client: AIOKafkaAdminClient, name: str) -> Group:
    """The group of that name, without members where there is none. Raises errors of Kafka."""
    end_s = time.monotonic() + COORDINATED_WITHIN_S
    while True:
        try:
            return await _group(client, name)
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
            if time.monotonic() >= end_s:
                raise
            await asyncio.sleep(_RETRY_S)


async def _group(client: AIOKafkaAdminClient, name: str) -> Group:
    coordinator = await client.find_coordinator(name)
    (found,) = (await client._send_request(_GroupsRequest(name), coordinator)).to_object()["groups"]
    if found["error_code"]:
        raise for_code(found["error_code"])(f"group {name}")
    members = [_member(one) for one in found["members"]]
    return Group(found["state"], sorted(members), operations(found["authorized_operations"]))


def _member(found: dict[str, Any]) -> Member:
    raw = found["member_assignment"]
    assigned = ConsumerProtocolMemberAssignment.decode(raw).partitions() if raw else []
    return Member(found["member_id"], found["client_host"].lstrip("/"), sorted(Partition(*one) for one in assigned))


async def committed(client: AIOKafkaAdminClient, name: str) -> dict[Partition, int]:
    """The offsets that the group's workers have told the broker, which they do every few seconds."""
    offsets = await client.list_consumer_group_offsets(name)
    return {Partition(*tp): told.offset for tp, told in offsets.items() if told.offset >= 0}


class Bounds(NamedTuple):
    """The offsets at which a partition begins, and of the next record that is to be committed."""

    begin: int
    end: int


async def bounds(
    client: AIOKafkaAdminClient, stream: StreamSettings, partitions: Collection[Partition]
) -> dict[Partition, Bounds]:
    """Of those that the cluster has. Raises errors of Kafka."""
    counts = {topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics()}
    places = [TopicPartition(*one) for one in partitions if one.partition < counts.get(one.topic, 0)]
    if not places:
        return {}
    consumer = AIOKafkaConsumer(
        **stream.client, isolation_level="read_committed", enable_auto_commit=False, request_timeout_ms=_TIMEOUT_MS
    )
    try:
        await consumer.start()
        consumer.assign(places)
        consumer.pause(*places)
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return {Partition(*place): Bounds(begins[place], end) for place, end in ends.items()}


async def waiting(
    client: AIOKafkaAdminClient, stream: StreamSettings, partitions: Collection[Partition]
) -> dict[Partition, int]:
    """How many offsets of each partition lie behind what the workers have told the broker last.

    Marks that transactions leave in a log count as records. A partition is left out where nobody has told anything and
    something is in it. Raises errors of Kafka.
    """
    told = await committed(client, stream.app_id)
    found = await bounds(client, stream, partitions)
    return {
        place: max(0, end - max(begin, told.get(place, begin)))
        for place, (begin, end) in found.items()
        if place in told or begin == end
    }
