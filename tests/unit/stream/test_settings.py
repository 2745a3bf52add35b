"""Settings that contradict each other are refused by name."""

import pytest

from engine.stream.settings import StreamSettings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"partitioner": "md5"}, "partitioner is 'md5'; must be one of murmur2, crc32"),
        ({"heartbeat_s": 3.0}, "heartbeat_s is 3.0; must be below session_timeout_s"),
        ({"ack_timeout_s": 12.0}, "ack_timeout_s is 12.0; must be below transaction_timeout_s"),
    ],
)
def test_contradictions_are_named(changes: dict[str, object], message: str) -> None:
    """With the value, and what would be right."""
    with pytest.raises(ValueError, match=message):
        StreamSettings(bootstrap="127.0.0.1:9092", **changes)  # type: ignore[arg-type]


def test_secrets_are_not_shown() -> None:
    """Settings are logged."""
    settings = StreamSettings(bootstrap="127.0.0.1:9092", security={"sasl_plain_password": "secret"})
    assert "secret" not in repr(settings)
    assert settings.client == {"bootstrap_servers": "127.0.0.1:9092", "sasl_plain_password": "secret"}
