"""How a group is asked for while its broker is not ready to tell."""

from typing import Any, cast

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, GroupCoordinatorNotAvailableError, KafkaError

from engine.stream import groups
from engine.stream.groups import Group, group_of


class Broker:
    """Says so often that nobody coordinates the group, then that it is empty."""

    def __init__(self, refusals: int, refusal: type[KafkaError] = GroupCoordinatorNotAvailableError) -> None:
        self.refusals = refusals
        self._refusal = refusal

    async def find_coordinator(self, name: str) -> int:
        self.refusals -= 1
        if self.refusals >= 0:
            raise self._refusal(name)
        return 1

    async def _send_request(self, request: object, node: int) -> Any:
        return self

    def to_object(self) -> dict[str, Any]:
        return {"groups": [{"error_code": 0, "state": "Dead", "members": [], "authorized_operations": -(2**31)}]}


async def asked(broker: Broker) -> Group:
    return await group_of(cast("AIOKafkaAdminClient", broker), "heatline")


async def test_a_fresh_broker_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes the topic of all groups when it is first asked for one, which takes a moment."""
    monkeypatch.setattr(groups, "_RETRY_S", 0.0)
    assert await asked(Broker(3)) == Group("Dead", [], None)


async def test_asking_again_has_an_end_and_other_refusals_are_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that never coordinates is told of; one that forbids is asked once."""
    monkeypatch.setattr(groups, "COORDINATED_WITHIN_S", 0.0)
    with pytest.raises(GroupCoordinatorNotAvailableError):
        await asked(Broker(10**9))
    broker = Broker(10, GroupAuthorizationFailedError)
    with pytest.raises(GroupAuthorizationFailedError):
        await asked(broker)
    assert broker.refusals == 9
