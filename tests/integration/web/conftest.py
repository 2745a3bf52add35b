"""The same broker that the projector's tests use."""

from tests.integration.readmodel.conftest import broker, cluster

__all__ = ["broker", "cluster"]
