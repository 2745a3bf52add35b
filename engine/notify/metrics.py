"""What a notifier exports."""

from engine.notify.sending import OUTCOMES
from engine.ops.metrics import Metrics


class NotifierMetrics(Metrics):
    """Attempts by channel and what came of them, what waits, what could not be sent, and how far it is behind."""

    def __init__(self, version: str) -> None:
        """`version` is the program's."""
        super().__init__(version)
        self.attempts = self.counter("notify_attempts", "Attempts to tell somebody", ("channel", "outcome"))
        self.pending = self.gauge("notify_pending", "Notifications that wait to be sent")
        self.dead = self.gauge("notify_dead_letters", "Notifications that could not be sent")
        self._lag = self.gauge("notify_lag_seconds", "How far the notifier is behind the topics")
        self._reload_successful = self.gauge(
            "notify_last_reload_successful", "Whether notify.yaml could be used when it was read last"
        )
        self._reload_successful.set(1)
        for reason in ("malformed", "foreign"):
            self.dropped.labels(reason)

    def prepare(self, channels: list[str]) -> None:
        """Show zeros for what may come of these channels."""
        for channel in channels:
            for outcome in OUTCOMES:
                self.attempts.labels(channel, outcome)

    def lag(self, seconds: float) -> None:
        """The notifier is this far behind."""
        self._lag.set(seconds)

    def reloaded(self, *, successful: bool) -> None:
        """What was read last can be used, or not."""
        self._reload_successful.set(int(successful))
