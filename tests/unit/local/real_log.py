"""The access log of a real site, for tests that look at all of it where it is there."""

import os
from pathlib import Path

_BESIDE_THE_REPOSITORY = Path(__file__).parents[4] / "shared" / "data" / "apache_logs"
_NAMED = os.environ.get("TEST_ACCESS_LOG")

REAL_LOGS = [path for path in [Path(_NAMED) if _NAMED else _BESIDE_THE_REPOSITORY] if path.is_file()]
"""The log in a list, which is empty where the log is not there: parametrise over it."""
