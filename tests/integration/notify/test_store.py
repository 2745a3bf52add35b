"""The store in a real Redis keeps what the port promises, and shares its server."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from engine.notify.port import Store, StoreAway
from engine.notify.redis import RedisStore
from tests.servers.process import free_port
from tests.servers.redis import RedisServer
from tests.unit.notify.contract import CRM, Make, StoreContract, claimed, entry, take


class TestRedisStore(StoreContract):
    @pytest.fixture
    async def make(self, redis_server: RedisServer) -> AsyncIterator[Make]:
        stores: list[RedisStore] = []

        async def made(**limits: int) -> Store:
            stores.append(RedisStore(redis_server.url, f"{uuid4()}:", **limits))
            return stores[-1]

        yield made
        for store in stores:
            await store.close()

    @pytest.fixture
    async def store(self, make: Make) -> Store:
        return await make()

    async def test_nothing_is_left_behind_of_what_was_sent(self, redis_server: RedisServer, store: RedisStore) -> None:
        """Every key of an entry and of a digest goes with it; positions stay."""
        await take(store, entry("a"), entry("b", digest=1_000), entry("c", digest=1_000))
        for one in await claimed(store):
            await store.postpone(CRM, one.key, 2_000, 1, 1_000, "why")
        for one in await claimed(store, now=2_000):
            await store.sent(CRM, one.key)
        async with Redis.from_url(redis_server.url) as client:
            assert await client.keys(f"{store._prefix}*") == [f"{store._prefix}positions".encode()]

    async def test_a_batch_may_be_large(self, store: RedisStore) -> None:
        """As many entries as a batch of records can make, and as many retries."""
        await take(store, *(entry(str(number), digest=1_000) for number in range(6_000)))
        assert sum([len(one.entries) for one in await claimed(store, limit=100)]) == 6_000
        await store.disable(CRM, 1, "gone")
        letters = [letter.entry.key for letter in await store.dead(9_000)]
        assert len(letters) == 6_000
        assert await store.retry(letters, 5) == 6_000

    async def test_a_server_that_is_away_is_named(self) -> None:
        store = RedisStore(f"redis://127.0.0.1:{free_port()}/0")
        with pytest.raises(StoreAway, match=r"Redis at 127\.0\.0\.1"):
            await store.due(1, 1)
        await store.close()
