"""Prometheus' own tool reads what is shipped for it, and runs the unit tests of the alert rules."""

import subprocess

import pytest

from tests.monitoring import PROMETHEUS, RULE_TESTS
from tests.servers.install import MissingToolError, prometheus


@pytest.fixture(scope="module")
def promtool() -> str:
    """Installed where it is missing, as far as that can be done from here."""
    try:
        return prometheus("promtool")
    except MissingToolError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("arguments", [["check", "config", "prometheus.yml"], ["test", "rules", *RULE_TESTS]])
def test_prometheus_agrees(promtool: str, arguments: list[str]) -> None:
    """Configuration and rules are sound, and each alert comes when it should and not before."""
    done = subprocess.run([promtool, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout
