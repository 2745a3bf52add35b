"""The Redis backend keeps the read model's contract against a real Redis."""

import uuid
from collections.abc import AsyncIterator

import pytest

from engine.readmodel.port import ReadModelAway
from engine.readmodel.redis import RedisReadModel
from tests.conftest import RedisFactory
from tests.servers.redis import RedisServer
from tests.unit.readmodel.contract import Make, ReadModelContract, scored, take


@pytest.fixture
async def make(redis_server: RedisServer) -> AsyncIterator[Make]:
    made: list[RedisReadModel] = []

    async def under_own_prefix(*limits: int) -> RedisReadModel:
        made.append(RedisReadModel(redis_server.url, f"test:{uuid.uuid4()}:", *limits))
        return made[-1]

    yield under_own_prefix
    for model in made:
        await model.clear()
        await model.close()


@pytest.fixture
async def model(make: Make) -> RedisReadModel:
    made = await make(1000, 1000)
    assert isinstance(made, RedisReadModel)
    return made


class TestRedis(ReadModelContract):
    """The whole contract."""


async def test_two_prefixes_share_nothing(make: Make) -> None:
    """Every key lies under the prefix."""
    one, other = await make(9, 9), await make(9, 9)
    await take(one, scored("a", 1.0))
    assert await other.hottest(9) == []
    assert await other.positions() == {}
    await other.clear()
    assert await one.hottest(9) == [b"a=1.0"]


async def test_an_absent_redis_is_named(redis_factory: RedisFactory) -> None:
    """Every use says which Redis is away, without its password; back again, the same model works."""
    server = redis_factory()
    model = RedisReadModel(server.url.replace("redis://", "redis://:secret@"))
    server.kill()
    for attempt in (model.positions(), model.hottest(1), take(model, scored("a", 1.0)), anext(model.changed())):
        with pytest.raises(ReadModelAway, match=f"Redis at 127.0.0.1:{server.port}: ") as away:
            await attempt
        assert "secret" not in str(away.value)
    await model.close()
    model = RedisReadModel(server.url)
    server.start()
    await take(model, scored("a", 1.0))
    server.kill()
    with pytest.raises(ReadModelAway):
        await model.hottest(9)
    server.start()
    assert await model.positions() == {}
    await model.close()
