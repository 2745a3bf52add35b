"""The time that `--since` names."""

import pytest

from engine.core.instants import from_rfc3339
from engine.stream.commands import since_ms

NOW_MS = 1_700_000_000_000


def test_since_is_a_duration_before_now_or_a_time() -> None:
    """Both as in the configuration."""
    assert since_ms("1h30m", NOW_MS) == NOW_MS - 5_400_000
    assert since_ms("2026-11-23T04:30:00Z", NOW_MS) == from_rfc3339("2026-11-23T04:30:00Z")


def test_anything_else_is_refused_with_what_would_be_right() -> None:
    """The message quotes what was given."""
    with pytest.raises(ValueError, match="'yesterday' is no time: expected 2h"):
        since_ms("yesterday", NOW_MS)
