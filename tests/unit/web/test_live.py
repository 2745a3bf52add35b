"""What the board tells about itself, and when it has something new to say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from engine.readmodel.events import project
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import LeadScored, Progress, ReadModelAway
from engine.web.live import Live, Snapshot, Status, span, status
from tests.unit.readmodel.contract import take
from tests.unit.readmodel.samples import as_record, scored


@pytest.mark.parametrize(
    ("progress", "now_ms", "told"),
    [
        (None, 0, Status("off", "Not live: waiting for the projector")),
        (Progress(0, 0.0), 900, Status("live", "Live")),
        (Progress(0, 5.0), 900, Status("live", "Live")),
        (Progress(0, 75.0), 900, Status("late", "1 min behind")),
        (Progress(0, 0.0), 10_000, Status("live", "Live")),
        (Progress(0, 0.0), 10_001, Status("off", "Not live: no news for 10 s")),
        (Progress(0, 75.0), 7_300_000, Status("off", "Not live: no news for 2 h")),
    ],
)
def test_whether_it_is_live(progress: Progress | None, now_ms: int, told: Status) -> None:
    """Live while the projector reports and is at most 5 s behind; silence of 10 s outweighs what it said last."""
    assert status(progress, now_ms) == told


def test_spans() -> None:
    """In the largest whole unit."""
    assert [span(seconds) for seconds in (0.9, 59, 60, 3_599, 3_600, 90_000)] == [
        "0 s",
        "59 s",
        "1 min",
        "59 min",
        "1 h",
        "1 d",
    ]


def render(snapshot: Snapshot) -> dict[str, str]:
    return {"leads": ",".join(score.lead for score in snapshot.leads), "status": snapshot.status.text}


@asynccontextmanager
async def running(live: Live) -> AsyncIterator[None]:
    task = asyncio.create_task(live.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until_leads(live: Live, html: str) -> None:
    async with asyncio.timeout(10):
        while live.sections["leads"].html != html:
            await live.beyond(live.version, 10)


def change(lead: str, total: float) -> LeadScored:
    made = project(as_record(scored(lead, total)))
    assert isinstance(made, LeadScored)
    return made


async def test_changes_are_shown() -> None:
    """What is applied appears, with a newer version for the sections that changed only."""
    model = MemoryReadModel()
    live = Live(model, render)
    async with running(live):
        await take(model, change("ada", 50.0))
        await until_leads(live, "ada")
        await take(model, change("bob", 90.0))
        await until_leads(live, "bob,ada")
        assert live.sections["status"].version < live.sections["leads"].version


class Away(MemoryReadModel):
    """A store that is away for as long as `away` says."""

    away = False

    async def hottest(self, limit: int) -> list[bytes]:
        if self.away:
            raise ReadModelAway("gone")
        return await super().hottest(limit)


async def test_an_outage_keeps_what_was_shown() -> None:
    """While the store is away the last state stays, and is not called live; back again, it goes on."""
    model = Away()
    live = Live(model, render)
    async with running(live):
        await take(model, change("ada", 50.0))
        await until_leads(live, "ada")
        model.away = True
        await take(model, change("bob", 90.0))
        async with asyncio.timeout(10):
            while live.snapshot.status.text != "Not live: the read model is away":
                await live.beyond(live.version, 10)
        assert live.sections["leads"].html == "ada"
        model.away = False
        await until_leads(live, "bob,ada")


async def test_waiting_ends_when_closed() -> None:
    """Nobody waits for a board that closes, nor longer than it wants to."""
    live = Live(MemoryReadModel(), render)
    await live.beyond(live.version, 0.01)
    waiting = asyncio.create_task(live.beyond(live.version, 60))
    await asyncio.sleep(0)
    live.close()
    await asyncio.wait_for(waiting, 10)
