"""The shelf that follows a read model."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from engine.readmodel.case import Case
from engine.readmodel.dossier import Dossier, pack
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Change, DossierKept, LeadGone, LeadScored, Mark, ReadModelAway, Touched
from engine.web.lists import index as index_module
from engine.web.lists.index import Index
from engine.web.lists.views import Wanted
from engine.web.masking import key_of
from tests.unit.readmodel.contract import take
from tests.unit.readmodel.samples import scored
from tests.unit.web.principals import OPERATOR, SECRET


def score(lead: str, total: float = 40.0) -> LeadScored:
    event = scored(lead, total).value
    assert event is not None
    return LeadScored(lead, total, "warm", event)


def case(lead: str, rep: str | None = "bea") -> DossierKept:
    case = Case(state="assigned" if rep else "waiting", rep=rep, since_ms=1, asked_ms=1)
    return DossierKept(lead, pack(Dossier(case=case)))


class Model(MemoryReadModel):
    """A read model that can go away."""

    away = False

    async def touched(self, since: Mark | None, limit: int) -> Touched:
        if self.away:
            raise ReadModelAway("gone fishing")
        return await super().touched(since, limit)


async def filled(*changes: Change) -> tuple[Model, Index]:
    model = Model()
    index = Index(model, lambda: SECRET)
    await take(model, *changes)
    await index.catch_up()
    return model, index


def leads(index: Index) -> list[str]:
    return [card.lead for card in index.page(OPERATOR, Wanted()).cards]


@asynccontextmanager
async def running(index: Index) -> AsyncIterator[None]:
    task = asyncio.create_task(index.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(index: Index, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await index.beyond(index.mark, 0.05)


async def test_it_holds_what_the_model_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many batches it takes; and then each change of a score or a case, and who went."""
    monkeypatch.setattr(index_module, "BATCH", 2)
    model, index = await filled(*(score(lead, total) for total, lead in enumerate("abcde")))
    assert not index.loading
    assert leads(index) == list("edcba")
    await take(model, score("a", 50.0), LeadGone("d"), case("c"))
    await index.catch_up()
    assert leads(index) == list("aecb")
    card = index.find("c")
    assert card is not None
    assert (card.owner, card.state) == ("bea", "assigned")


async def test_a_model_that_begins_anew_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it no longer holds is gone, what it still holds has not changed, and viewers hear of just that."""
    monkeypatch.setattr(index_module, "BATCH", 2)
    model, index = await filled(*(score(lead) for lead in "abcde"))
    mark = index.mark
    await model.clear()
    await take(model, *(score(lead) for lead in "bcd"), score("e", 50.0))
    await index.catch_up()
    assert sorted(leads(index)) == list("bcde")
    changes = index.changes(OPERATOR, Wanted(), mark)
    assert changes is not None
    assert {row.key: row.card is None for row in changes.rows} == {index.key("a"): True, index.key("e"): False}
    assert not index.loading


async def test_another_secret_makes_other_keys() -> None:
    """A key of before finds nothing any more."""
    model = MemoryReadModel()
    secrets = [b"one", b"two"]
    index = Index(model, lambda: secrets[0])
    await take(model, score("a"))
    await index.catch_up()
    assert index.find(key_of(b"one", "a"))
    secrets.pop(0)
    await index.catch_up()
    assert index.find(key_of(b"two", "a"))
    assert index.find(key_of(b"one", "a")) is None


async def test_a_record_that_cannot_be_read_hides_one_lead_only() -> None:
    """Another version of the program may have written it."""
    broken: list[Change] = [LeadScored("x", 90.0, "hot", b"{}"), score("y"), DossierKept("y", b"\xc1")]
    _, index = await filled(score("a"), *broken)
    assert leads(index) == ["a"]


async def test_a_lead_too_cold_for_the_index_is_still_found() -> None:
    """In the model, by its id."""
    model = MemoryReadModel()
    index = Index(model, lambda: SECRET, idle_max=1)
    await take(model, score("a", 1.0), score("b", 2.0))
    await index.catch_up()
    assert leads(index) == ["b"]
    for name in ("a", "b", key_of(SECRET, "b")):
        assert await index.sought(name)
    assert await index.sought("nobody") is None


async def test_it_follows_and_wakes_who_waits() -> None:
    """Changes come by themselves; closing wakes everybody."""
    model, index = await filled()
    async with running(index):
        await until(index, lambda: not index.loading)
        mark = index.mark
        waiting = asyncio.create_task(index.beyond(mark, 10))
        await take(model, score("a"))
        await asyncio.wait_for(waiting, 5)
        assert leads(index) == ["a"]
        waiting = asyncio.create_task(index.beyond(index.mark, 10))
        await asyncio.sleep(0)
        index.close()
        await asyncio.wait_for(waiting, 5)
        await asyncio.wait_for(index.beyond(index.mark, 10), 5)


async def test_while_the_model_is_away_it_says_so_and_shows_what_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the model is back it goes on."""
    monkeypatch.setattr(index_module, "_RETRY_S", 0.01)
    model, index = await filled(score("a"))
    model.away = True
    async with running(index):
        await until(index, lambda: index.away == "gone fishing")
        assert leads(index) == ["a"]
        await take(model, score("b"))
        model.away = False
        await until(index, lambda: index.away is None)
        assert set(leads(index)) == {"a", "b"}
