"""A command loads what it uses: who asks something at night should not wait for what a worker is made of."""

import subprocess
import sys

import pytest

HEAVY = {"faust", "aiohttp", "aiokafka", "redis", "jinja2", "phonenumbers", "holidays", "tldextract", "maxminddb"}


@pytest.mark.parametrize(
    ("module", "needed"),
    [
        ("engine.cli", set[str]()),
        ("engine.connecting", {"redis"}),
        ("engine.app.projector", HEAVY - {"faust", "aiohttp", "jinja2", "maxminddb", "holidays"}),
        ("engine.app.notifier", HEAVY - {"faust"}),
        ("engine.app.board", HEAVY - {"faust"}),
    ],
)
def test_a_module_loads_no_more_than_it_needs(module: str, needed: set[str]) -> None:
    """Of the libraries that take long to load."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY.intersection(loaded) <= needed
