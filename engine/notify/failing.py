"""Which channels fail: said once when it begins and once when it is over, however often they are tried."""

import logging
import shlex
from collections.abc import Container
from dataclasses import dataclass

from engine.core.instants import to_duration, to_rfc3339
from engine.notify.sending import Failed

log = logging.getLogger(__name__)

CALM_MS = 30_000
"""A channel works again when for so long after a delivery nothing failed: one that does both by turns fails."""

_VERBS = {"failed": "fails", "throttled": "asks to wait"}


@dataclass(slots=True)
class _Failing:
    since_ms: int
    delivered_ms: int | None = None


class Failing:
    """The channels that fail, told to the log."""

    def __init__(self) -> None:
        """None does."""
        self._channels: dict[str, _Failing] = {}

    def failed(self, channel: str, how: Failed, again_ms: int, now_ms: int) -> None:
        """An attempt has failed; the message is tried again at `again_ms`."""
        if channel not in self._channels:
            log.warning(
                "channel %s %s: %s; tried again at %s", channel, _VERBS[how.outcome], how.why, to_rfc3339(again_ms)
            )
        self._fails(channel, now_ms)

    def gone(self, channel: str, why: str, now_ms: int) -> None:
        """A receiver of this channel wants nothing more."""
        log.warning(
            "channel %s is disabled: its receiver %s; `%s` enables it", channel, why, command_to_enable(channel)
        )
        self._fails(channel, now_ms)

    def delivered(self, channel: str, now_ms: int) -> None:
        """A receiver of this channel took a message."""
        failing = self._channels.get(channel)
        if failing is not None and failing.delivered_ms is None:
            failing.delivered_ms = now_ms

    def settle(self, now_ms: int) -> None:
        """Say which work again by now."""
        for channel, failing in list(self._channels.items()):
            if failing.delivered_ms is not None and now_ms - failing.delivered_ms >= CALM_MS:
                lasted = to_duration(failing.delivered_ms - failing.since_ms)
                log.info("channel %s works again, after %s", channel, lasted)
                del self._channels[channel]

    def keep(self, channels: Container[str]) -> None:
        """Only these are left."""
        self._channels = {channel: failing for channel, failing in self._channels.items() if channel in channels}

    def _fails(self, channel: str, now_ms: int) -> None:
        self._channels.setdefault(channel, _Failing(now_ms)).delivered_ms = None


def command_to_enable(channel: str) -> str:
    """What an operator types to send again what a channel could not, and to enable it."""
    return f"heatline notify retry --channel {shlex.quote(channel)}"
