"""What the board shows now, and who waits for it to change.

Readers never queue: each one asks for the sections newer than those it has, so a slow reader skips what it missed and
costs nothing.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import msgspec

from engine.core.records import LeadScore
from engine.readmodel.events import (
    AlertEvent,
    AssignmentEvent,
    decode_alerts,
    decode_assignments,
    decode_score,
)
from engine.readmodel.port import Counts, Progress, ReadModel, ReadModelAway

log = logging.getLogger(__name__)

LEADS_SHOWN = 50
LOG_SHOWN = 30

REFRESH_S = 0.25
"""Changes that come faster are shown together."""

LATE_S = 5.0
SILENT_S = 10.0
_RETRY_S = 1.0


class Status(NamedTuple):
    """Whether what is shown is current, in a word for colours and a sentence for people."""

    level: Literal["live", "late", "off"]
    text: str


class Snapshot(NamedTuple):
    """What the read model held at one moment."""

    leads: list[LeadScore]
    alerts: list[AlertEvent]
    assignments: list[AssignmentEvent]
    counts: Counts
    status: Status


class Section(NamedTuple):
    """A part of the page as HTML, and the version in which it changed last."""

    version: int
    html: str


Render = Callable[[Snapshot], Mapping[str, str]]
STARTING = Snapshot([], [], [], Counts(0, 0, 0), Status("off", "Starting"))


class Live:
    """Follows a read model and keeps the page's sections; `run` does the work until it is cancelled."""

    def __init__(self, model: ReadModel, render: Render) -> None:
        """`render` gives each section's HTML; a section whose source did not change is not sent again."""
        self._model = model
        self._render = render
        # Versions of another process mean nothing to this one.
        self.epoch = secrets.token_hex(4)
        self.version = 0
        self.snapshot = STARTING
        self.sections: dict[str, Section] = {}
        self.closed = False
        self._news = asyncio.Event()
        self._show(STARTING)

    async def run(self) -> None:
        """Follow changes and the clock."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_changes())
            tasks.create_task(self._follow_status())

    async def beyond(self, version: int, timeout_s: float) -> None:
        """Return when there is something newer than `version`, when closed, or after `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.version <= version and not self.closed:
                    await self._news.wait()

    def close(self) -> None:
        """Send everybody home."""
        self.closed = True
        self._news.set()

    async def _follow_changes(self) -> None:
        while True:
            try:
                async with contextlib.aclosing(self._model.changed()) as changes:
                    async for _ in changes:
                        await self._read()
                        await asyncio.sleep(REFRESH_S)
            except (ReadModelAway, msgspec.DecodeError) as error:
                self._say(error)
                await asyncio.sleep(_RETRY_S)

    async def _follow_status(self) -> None:
        while True:
            try:
                self._show(self.snapshot._replace(status=status(await self._model.progress(), _now_ms())))
            except ReadModelAway as away:
                self._say(away)
            await asyncio.sleep(_RETRY_S)

    async def _read(self) -> None:
        leads = await self._model.hottest(LEADS_SHOWN)
        alerts = await self._model.latest("alerts", LOG_SHOWN)
        assignments = await self._model.latest("assignments", LOG_SHOWN)
        self._show(
            Snapshot(
                leads=[decode_score(event).data for event in leads],
                alerts=decode_alerts(alerts),
                assignments=decode_assignments(assignments),
                counts=await self._model.counts(),
                status=status(await self._model.progress(), _now_ms()),
            )
        )

    def _say(self, error: Exception) -> None:
        away = isinstance(error, ReadModelAway)
        text = "Not live: the read model is away" if away else "Not live: the read model is of another version"
        if self.snapshot.status.text != text:
            log.warning("the board shows what it last saw: %s", error)
        self._show(self.snapshot._replace(status=Status("off", text)))

    def _show(self, snapshot: Snapshot) -> None:
        if self.sections and snapshot == self.snapshot:
            return
        self.snapshot = snapshot
        rendered = self._render(snapshot)
        changed = {name: html for name, html in rendered.items() if self._differs(name, html)}
        if changed:
            self.version += 1
            self.sections |= {name: Section(self.version, html) for name, html in changed.items()}
            self._news.set()
            self._news = asyncio.Event()

    def _differs(self, name: str, html: str) -> bool:
        return name not in self.sections or self.sections[name].html != html


def status(progress: Progress | None, now_ms: int) -> Status:
    """What to tell people who look at the board at `now_ms`."""
    if progress is None:
        return Status("off", "Not live: waiting for the projector")
    silent_s = (now_ms - progress.at_ms) / 1000
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


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
