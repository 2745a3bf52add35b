"""What the board tells about itself, and the latest alerts."""

import asyncio
from typing import NoReturn

import pytest

from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Progress, ReadModelAway
from engine.web import live as live_module
from engine.web.lists import index as index_module
from engine.web.lists.index import Index
from engine.web.live import ALERTS_SHOWN, Pulse, Status, now_ms, span, status
from tests.unit.web.people import fill
from tests.unit.web.principals import ANDY, BLIND, OPERATOR, SECRET


@pytest.mark.parametrize(
    ("progress", "at_ms", "told"),
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
def test_whether_it_is_live(progress: Progress | None, at_ms: int, told: Status) -> None:
    """Live while the projector reports and is at most 5 s behind; silence of 10 s outweighs what it said last."""
    assert status(progress, at_ms) == told


def test_spans() -> None:
    """In the largest whole unit."""
    told = [span(seconds) for seconds in (0.9, 59, 60, 3_599, 3_600, 90_000)]
    assert told == ["0 s", "59 s", "1 min", "59 min", "1 h", "1 d"]


class Model(MemoryReadModel):
    """Away for as long as `away` says."""

    away = False

    async def progress(self) -> Progress | None:
        if self.away:
            raise ReadModelAway("gone")
        return await super().progress()


async def test_it_says_what_keeps_it() -> None:
    """Loading, live, the store away, and live again, each told to whoever shows it; alerts stay meanwhile."""
    model, told = Model(), list[Status]()
    index = Index(model, lambda: SECRET)
    pulse = Pulse(model, index, told.append)
    await fill(model, range(3), alerts=2)
    await pulse.look(now_ms())
    await index.catch_up()
    await pulse.look(now_ms())
    model.away = True
    await pulse.look(now_ms())
    assert len(pulse.alerts(OPERATOR)) == 2
    model.away = False
    await pulse.look(now_ms())
    live, away = Status("live", "Live"), Status("off", "Not live: the read model is away")
    assert told == [Status("late", "Loading the leads"), live, away, live]


async def test_lists_that_cannot_follow_are_not_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of ours is told in the log and on the page; once it is over, all goes on."""
    monkeypatch.setattr(index_module, "_FAILED_RETRY_S", 0.01)
    monkeypatch.setattr(live_module, "_FAILED_RETRY_S", 0.01)
    model = Model()
    index = Index(model, lambda: SECRET)
    pulse = Pulse(model, index)
    following = [asyncio.create_task(index.run()), asyncio.create_task(pulse.run())]

    async def says(level: str) -> None:
        async with asyncio.timeout(10):
            while pulse.status.level != level:
                await fill(model, range(2))
                await asyncio.sleep(0.01)

    await says("live")
    for owner, name in ((index, "catch_up"), (model, "latest")):
        with monkeypatch.context() as broken:
            broken.setattr(owner, name, _fail)
            await says("off")
        await says("live")
    for task in following:
        task.cancel()


async def _fail(*_: object) -> NoReturn:
    raise RuntimeError("a defect")


async def test_alerts_are_for_who_may_see_the_lead() -> None:
    """Newest first, at most 30, by a rep's own leads; without the name for who may not know it."""
    model = Model()
    index = Index(model, lambda: SECRET)
    await fill(model, range(40), alerts=40)
    await index.catch_up()
    pulse = Pulse(model, index)
    await pulse.look(now_ms())
    every = pulse.alerts(OPERATOR)
    assert (len(every), every[0].name) == (ALERTS_SHOWN, "Ada")
    # Of the leads 0 to 39 andy has each third, but those that wait for a rep: 4, 12, 20, 28 and 36.
    own = {number for number in range(0, 40, 3) if number % 8 != 4}
    keys = {card.key for number in own if (card := index.find(f"email:lead{number}@example.com"))}
    assert {news.key for news in pulse.alerts(ANDY)} == keys
    assert [news.name for news in pulse.alerts(BLIND)] == [f"lead {news.key}" for news in every]


async def test_an_alert_of_a_lead_that_is_gone_is_for_nobody_who_had_it() -> None:
    """Who has it since, or as which lead it goes on, the alert does not say."""
    model = Model()
    index = Index(model, lambda: SECRET)
    await fill(model, [0], alerts=1)
    await index.catch_up()
    pulse = Pulse(model, index)
    await pulse.look(now_ms())
    assert len(pulse.alerts(ANDY)) == 1
    index.drop("email:lead0@example.com")
    assert (pulse.alerts(ANDY), len(pulse.alerts(OPERATOR))) == ([], 1)


async def test_alerts_of_another_version_keep_the_older_ones() -> None:
    """What cannot be read is no reason to show nothing."""
    model = Model()
    index = Index(model, lambda: SECRET)
    await fill(model, range(2), alerts=1)
    await index.catch_up()
    pulse = Pulse(model, index)
    await pulse.look(now_ms())

    async def broken(*_: object) -> list[bytes]:
        return [b"{}"]

    model.latest = broken  # type: ignore[method-assign, assignment]
    await pulse.look(now_ms())
    assert [news.name for news in pulse.alerts(OPERATOR)] == ["Ada"]
