"""When a message is sent again after it failed: the schedule of Standard Webhooks, spread so that none come at once."""

from email.utils import parsedate_to_datetime

from xxhash import xxh3_64_intdigest

from engine.core.instants import DAY_MS, MINUTE_MS, from_datetime

HOUR_MS = 60 * MINUTE_MS
PAUSES_MS = (
    5_000,
    5 * MINUTE_MS,
    30 * MINUTE_MS,
    2 * HOUR_MS,
    5 * HOUR_MS,
    10 * HOUR_MS,
    14 * HOUR_MS,
    20 * HOUR_MS,
    24 * HOUR_MS,
)
"""Between one attempt and the next; 75 h and 35 min in all."""
JITTER = 0.1
"""Each pause is longer or shorter by up to this share."""
TRIED_FOR_MS_MAX = 84 * HOUR_MS
"""A receiver that only ever asks to wait is asked no longer than this."""
RETRY_AFTER_MS_MAX = DAY_MS

_DRAWS = 2**64


def next_ms(key: str, attempts: int, first_ms: int, now_ms: int) -> int | None:
    """When to send again after `attempts` attempts, the last now; None: no more."""
    if attempts > len(PAUSES_MS) or now_ms - first_ms > TRIED_FOR_MS_MAX:
        return None
    # Drawn from the key, so that a test can count and yet no two messages keep in step.
    drawn = xxh3_64_intdigest(f"{key} {attempts}".encode()) / _DRAWS
    return now_ms + int(PAUSES_MS[attempts - 1] * (1 - JITTER + 2 * JITTER * drawn))


def retry_after_ms(header: str | None, now_ms: int) -> int | None:
    """For how long, from now, a receiver wants no further attempt: seconds or a date, a day at most; None: unsaid."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * 1_000, RETRY_AFTER_MS_MAX)
    try:
        until_ms = from_datetime(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0, until_ms - now_ms), RETRY_AFTER_MS_MAX)
