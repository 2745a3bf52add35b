"""A broken law is shrunk to a small example, for up to five minutes; its test waits that long."""

from pathlib import Path

import pytest

SHRINKING_S_MAX = 400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives the tests of this folder that time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(SHRINKING_S_MAX))
