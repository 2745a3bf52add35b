"""What the board says of itself, and the latest alerts: one watcher for all viewers."""

import asyncio
import logging
import time
from collections.abc import Callable
from itertools import islice
from typing import Literal, NamedTuple

import msgspec

from engine.core.instants import from_rfc3339
from engine.readmodel.events import AlertEvent, decode_alerts
from engine.readmodel.port import Progress, ReadModel, ReadModelAway
from engine.web.gate.access import Principal
from engine.web.lists.cards import name_of
from engine.web.lists.index import Index
from engine.web.masking import Mask, masked_name

log = logging.getLogger(__name__)

ALERTS_READ = 200
ALERTS_SHOWN = 30
"""At most, of those read: the leads of most alerts may be somebody else's."""

TICK_S = 1.0
LATE_S = 5.0
SILENT_S = 10.0
_FAILED_RETRY_S = 10.0


class Status(NamedTuple):
    """Whether what is shown is current, in a word for colours and a sentence for people."""

    level: Literal["live", "late", "off"]
    text: str


AWAY = Status("off", "Not live: the read model is away")


class News(NamedTuple):
    """An alert as somebody may see it. `at_ms` is the event time of its cause."""

    id: str
    key: str
    name: str
    label: str
    priority: str
    reason: str
    band: str
    from_: float
    to: float
    at_ms: int


class Pulse:
    """`status` and the latest alerts; `run` keeps both until it is cancelled.

    `version` grows whenever other alerts are the latest.
    """

    def __init__(self, model: ReadModel, index: Index, show: Callable[[Status], None] = lambda _: None) -> None:
        """`show` is told each new status. Whose lead an alert is, and so who may see it, the index says."""
        self._model = model
        self._index = index
        self._show = show
        self._alerts: list[AlertEvent] = []
        self._read: list[bytes] = []
        # What many viewers see is made once: masking an alert takes long.
        self._news: dict[tuple[str, str, bool], News] = {}
        self.version = 0
        self.status = Status("off", "Starting")

    async def run(self) -> None:
        """Look once a second, and when the index changed."""
        while True:
            mark = self._index.mark
            try:
                await self.look(now_ms())
            except Exception:
                log.exception("the board cannot tell whether it is live")
                self._say(Status("off", "Not live: see the log of the board"))
                await asyncio.sleep(_FAILED_RETRY_S)
            await self._index.beyond(mark, TICK_S)

    async def look(self, at_ms: int) -> None:
        """Read what there is at `at_ms`; where the read model is away, what was read stays."""
        try:
            said = status(await self._model.progress(), at_ms)
            await self._read_alerts()
        except ReadModelAway:
            said = AWAY
        if said.level != "off" and self._index.away is not None:
            said = Status("off", f"Not live: {self._index.away}")
        if said.level != "off" and self._index.loading:
            said = Status("late", "Loading the leads")
        self._say(said)

    def _say(self, said: Status) -> None:
        self.status = said
        self._show(said)

    def alerts(self, who: Principal) -> list[News]:
        """The latest alerts of leads that `who` may see, newest first."""
        seen = (event for event in self._alerts if self._index.may_see(who, event.data.lead))
        return [self._news_of(event, who.personal) for event in islice(seen, ALERTS_SHOWN)]

    def _news_of(self, event: AlertEvent, personal: bool) -> News:
        key = self._index.key(event.data.lead)
        shown = event.id, key, personal
        if shown not in self._news:
            self._news[shown] = _news(event, key, personal)
        return self._news[shown]

    async def _read_alerts(self) -> None:
        read = await self._model.latest("alerts", ALERTS_READ)
        if read == self._read:
            return
        self._read = read
        try:
            self._alerts = decode_alerts(read)
        except msgspec.DecodeError as error:
            log.warning("the board shows older alerts, since the latest cannot be read: %s", error)
        self._news.clear()
        self.version += 1


def _news(event: AlertEvent, key: str, personal: bool) -> News:
    alert, name = event.data, name_of(event.data.lead, event.data.traits)
    if not personal:
        alert, name = Mask(key, alert.lead, alert.traits, alert.ids).told(alert), masked_name(key)
    return News(
        event.id,
        key,
        name,
        alert.label or alert.alert,
        alert.priority,
        alert.reason,
        alert.band,
        alert.from_,
        alert.to,
        from_rfc3339(event.time),
    )


def status(progress: Progress | None, at_ms: int) -> Status:
    """What to tell people who look at the board at `at_ms`."""
    if progress is None:
        return Status("off", "Not live: waiting for the projector")
    silent_s = (at_ms - progress.at_ms) / 1000
    if silent_s > SILENT_S:
        return Status("off", f"Not live: no news for {span(silent_s)}")
    if progress.lag_s > LATE_S:
        return Status("late", f"{span(progress.lag_s)} behind")
    return Status("live", "Live")


def span(seconds: float) -> str:
    """A length of time for people, in its largest unit."""
    for unit, size_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size_s:
            return f"{int(seconds // size_s)} {unit}"
    return f"{int(seconds)} s"


def now_ms() -> int:
    """The clock of this machine."""
    return time.time_ns() // 1_000_000
