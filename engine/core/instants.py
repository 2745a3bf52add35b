"""Instants are milliseconds since the Unix epoch, durations too; text is RFC 3339 or `1h30m`."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

MINUTE_MS = 60_000
DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
FIRST_MS = -62_135_596_800_000
LAST_MS = 253_402_300_799_999
"""What RFC 3339 can say: the years 1 to 9999."""
_UNITS_MS = {"s": 1_000, "m": MINUTE_MS, "h": 60 * MINUTE_MS, "d": DAY_MS}
_DURATION = re.compile(r"(?:[0-9]{1,9}[dhms])+")
_STEP = re.compile(r"([0-9]+)([dhms])")


def from_datetime(moment: datetime) -> int:
    """The instant of `moment` in ms; one without an offset is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // MS


def from_rfc3339(text: str) -> int:
    """The instant that `text` names. Raises ValueError where it is not RFC 3339."""
    try:
        instant_ms = from_datetime(msgspec.convert(text, datetime))
    except msgspec.ValidationError:
        raise ValueError(f"{text[:80]!r} is not a time such as 2026-11-23T04:30:00Z") from None
    if not FIRST_MS <= instant_ms <= LAST_MS:
        raise ValueError(f"{text[:80]!r} is not within the years 1 to 9999")
    return instant_ms


# A lead's pages and its rules' last events are written again with each of its scores.
@lru_cache(16_384)
def to_rfc3339(instant_ms: int) -> str:
    """`2026-11-23T04:30:00.000Z`. Instants outside the years 1 to 9999 raise OverflowError."""
    day, ms = divmod(instant_ms, DAY_MS)
    second, ms = divmod(ms, 1_000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return f"{_date(day)}T{hour:02d}:{minute:02d}:{second:02d}.{ms:03d}Z"


@lru_cache(512)
def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).date().isoformat()


def parse_duration(text: str) -> int:
    """Milliseconds of `30s`, `15m`, `2h`, `30d` or `1h30m`. Raises ValueError otherwise."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 30s, 15m, 2h, 30d or 1h30m")
    return sum(int(count) * _UNITS_MS[unit] for count, unit in _STEP.findall(text))


def to_duration(duration_ms: int) -> str:
    """`1d12h` for so many milliseconds; a rest below a second is left out."""
    left, parts = duration_ms // 1_000, []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, _UNITS_MS[unit] // 1_000)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
