"""Is Redis as the read model needs it? Reachable, writable, keeping what it is given, its clock ours."""

import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine.core.instants import to_duration
from engine.ops.findings import Finding, ok, warning, wrong
from engine.readmodel.port import Progress

SUBJECT = "redis"
SKEW_S_MAX = 2.0
"""Events are stamped by other clocks than those that see them: more makes lags and deadlines wrong."""
SILENT_S_MAX = 10.0
"""A projector says every second how far it is; this long it is silent where a server is slow or comes back."""
GONE_S = 60.0
"""One that is silent for so long does not run, or cannot."""
BEHIND_S_MAX = 30.0
_TIMEOUT_S = 5.0


async def check_redis(url: str, prefix: str) -> AsyncIterator[Finding]:
    """What is to be said of the server at `url`; one key below `prefix` is written and removed."""
    parts = urlsplit(url)
    where = f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path
    client: Any = Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
    try:
        began_s = time.time()
        seconds, microseconds = await client.time()
        told_s = (began_s + time.time()) / 2
        info = await client.info()
        yield ok(SUBJECT, f"Redis {info['redis_version']} answers at {where}")
        for finding in (memory(info), clock(seconds + microseconds / 1_000_000 - told_s)):
            if finding is not None:
                yield finding
        await client.set(f"{prefix}doctor", b"", px=1_000)
        await client.delete(f"{prefix}doctor")
    except (RedisError, OSError) as error:
        told = f"Redis at {where}: {str(error) or type(error).__name__}"
        yield wrong(SUBJECT, told, "see that it runs, and redis.url, redis.username and redis.password (settings)")
    else:
        yield ok(SUBJECT, f"may be written below {prefix!r}" if prefix else "may be written")
    finally:
        await client.aclose()


def memory(info: dict[str, Any]) -> Finding | None:
    """Whether it keeps what it is given once it is full: what is evicted is missing on the board."""
    policy = info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return None
    return wrong(SUBJECT, f"it forgets keys when it is full: maxmemory-policy {policy}", "maxmemory-policy noeviction")


def clock(skew_s: float) -> Finding:
    """Whether this machine and Redis agree on the time; Redis is `skew_s` seconds ahead."""
    if abs(skew_s) <= SKEW_S_MAX:
        return ok("clock", "that of Redis and ours agree")
    told = f"Redis's is {abs(skew_s):.1f} s {'ahead of' if skew_s > 0 else 'behind'} ours"
    return warning("clock", told, "keep every machine's clock right by NTP (timedatectl set-ntp true)")


def progress(told: Progress | None, now_s: float) -> Finding:
    """Whether a projector fills the read model; `told` is what it said last, `now_s` the time, s since the epoch."""
    subject = "projector"
    if told is None:
        return warning(subject, "none has filled the read model yet: the board is empty", "heatline projector")
    silent_s = max(0.0, now_s - told.at_ms / 1000)
    if silent_s > SILENT_S_MAX:
        what = f"it last said {to_duration(int(silent_s * 1000))} ago how far it is: the board shows what was then"
        remedy = "see that `heatline projector` runs; why the last one ended is at the end of its log"
        return (wrong if silent_s > GONE_S else warning)(subject, what, remedy)
    if told.lag_s > BEHIND_S_MAX:
        what = f"the read model is {to_duration(int(told.lag_s * 1000))} behind the topics"
        return warning(subject, what, "it catches up by itself unless its log says why not")
    return ok(subject, f"the read model is {told.lag_s:.1f} s behind the topics, as of {silent_s:.0f} s ago")
