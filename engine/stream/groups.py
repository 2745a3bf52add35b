"""The workers as the broker knows them: who is in their group, which partitions each has, how far they are."""

from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DescribeGroupsRequest_v3, DescribeGroupsResponse_v3
from aiokafka.protocol.api import Request

from engine.stream.chunk import Partition
from engine.stream.metadata import operations


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
