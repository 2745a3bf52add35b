"""The store in memory keeps what the port promises."""

import pytest

from engine.notify.memory import MemoryStore
from engine.notify.port import Store
from tests.unit.notify.contract import Make, StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()

    @pytest.fixture
    def make(self) -> Make:
        async def made(**limits: int) -> Store:
            return MemoryStore(**limits)

        return made
