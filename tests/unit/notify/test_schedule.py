"""When a message is sent again."""

import pytest

from engine.notify.schedule import HOUR_MS, PAUSES_MS, next_ms, retry_after_ms

NOW = 1_795_000_000_000


def test_retries_are_spread_over_about_75_hours() -> None:
    """Ten attempts; each pause within a tenth of the standard's; then no more."""
    for key in ("a", "b", "c"):
        now, pauses = NOW, []
        for attempts in range(1, 20):
            due = next_ms(key, attempts, NOW, now)
            if due is None:
                break
            pauses.append(due - now)
            now = due
        assert len(pauses) == 9
        assert all(0.9 <= pause / stated <= 1.1 for pause, stated in zip(pauses, PAUSES_MS, strict=True))
        assert 68 * HOUR_MS < now - NOW < 84 * HOUR_MS
    assert sum(PAUSES_MS) == 75 * HOUR_MS + 35 * 60_000 + 5_000


def test_no_two_messages_keep_in_step() -> None:
    """What failed together is not tried together."""
    dues = [next_ms(str(number), 2, NOW, NOW) for number in range(1_000)]
    assert len({due // 1_000 for due in dues if due}) > 50
    assert next_ms("a", 2, NOW, NOW) == next_ms("a", 2, NOW, NOW)


def test_who_only_ever_asks_to_wait_is_asked_no_longer() -> None:
    assert next_ms("a", 1, NOW, NOW + 84 * HOUR_MS) is not None
    assert next_ms("a", 1, NOW, NOW + 84 * HOUR_MS + 1) is None


@pytest.mark.parametrize(
    ("header", "wait_ms"),
    [
        *[("120", 120_000), (" 0 ", 0), ("99999999999999999999", 86_400_000), (None, None), ("", None), ("soon", None)],
        *[("-5", None), ("1.5", None), ("٣", None), ("Sun, 99 Nov 2026", None), ("x" * 100_000, None)],
        *[("Wed, 18 Nov 2026 12:27:20 GMT", 960_000), ("Wed, 18 Nov 1970 12:00:00 GMT", 0)],
        *[("Wed, 18 Nov 2099 12:00:00 GMT", 86_400_000)],
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, wait_ms: int | None) -> None:
    """A day at most, whatever a receiver says. `NOW` is 2026-11-18T11:06:40Z plus what the dates say."""
    at = NOW + 64 * 60_000 + 40_000 - 0
    assert retry_after_ms(header, at) == wait_ms
