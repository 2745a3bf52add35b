"""The memory backend keeps the read model's contract."""

import pytest

from engine.readmodel.memory import MemoryReadModel
from tests.unit.readmodel.contract import Make, ReadModelContract


@pytest.fixture
def model() -> MemoryReadModel:
    return MemoryReadModel()


@pytest.fixture
def make() -> Make:
    async def small(*limits: int) -> MemoryReadModel:
        return MemoryReadModel(*limits)

    return small


class TestMemory(ReadModelContract):
    """The whole contract."""
