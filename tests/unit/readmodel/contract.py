"""What every read model does, whatever keeps it: the tests of each backend inherit these."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from engine.readmodel.port import (
    Batch,
    Change,
    Counts,
    LeadErased,
    LeadGone,
    LeadScored,
    Log,
    Logged,
    PositionsMoved,
    Progress,
    ReadModel,
)

BEHIND = Progress(1_000, 2.5)
Make = Callable[[int, int], Awaitable[ReadModel]]


def scored(lead: str, total: float, band: str = "warm") -> LeadScored:
    return LeadScored(lead, total, band, f"{lead}={total}".encode())


def logged(entry: str, at_ms: int, log: Log = "alerts") -> Logged:
    return Logged(log, entry, at_ms, entry.encode())


async def take(model: ReadModel, *changes: Change) -> None:
    """Apply `changes`, and move the position by one."""
    since = await model.positions()
    until = {("t", 0): since.get(("t", 0), 0) + 1}
    await model.apply(Batch(changes, since, until, BEHIND))


class ReadModelContract:
    """Tests against `model`, and against `make(leads_max, log_max)` for a smaller one."""

    async def test_a_new_model_holds_nothing(self, model: ReadModel) -> None:
        """No positions, no progress, nothing to show."""
        assert await model.positions() == {}
        assert await model.progress() is None
        assert await model.counts() == Counts(0, 0, 0)
        assert await model.hottest(10) == []
        assert await model.latest("alerts", 10) == []
        assert await model.lead("ada") is None
        assert await model.erased("h") is None

    async def test_hottest_by_total_then_by_id(self, model: ReadModel) -> None:
        """Highest total first, negative ones last, equal ones by id; the limit cuts the coldest."""
        await take(model, scored("b", 10.5), scored("ü", -3.0), scored("c", 80.25), scored("a", 10.5), scored("z", 0.0))
        assert await model.hottest(9) == [b"c=80.25", b"a=10.5", b"b=10.5", b"z=0.0", "ü=-3.0".encode()]
        assert await model.hottest(2) == [b"c=80.25", b"a=10.5"]
        assert await model.hottest(0) == []

    async def test_a_later_score_replaces_an_earlier_one(self, model: ReadModel) -> None:
        """One score a lead, the last applied, also within a batch."""
        await take(model, scored("a", 90.0), scored("b", 50.0))
        await take(model, scored("a", 70.0), scored("a", 20.0))
        assert await model.hottest(9) == [b"b=50.0", b"a=20.0"]
        assert await model.lead("a") == b"a=20.0"
        assert (await model.counts()).leads == 2

    async def test_a_lead_that_is_gone_is_shown_nowhere(self, model: ReadModel) -> None:
        """A tombstone removes a lead's score; one for an unknown lead changes nothing; it may come back."""
        await take(model, scored("a", 90.0), LeadGone("a"), LeadGone("nobody"))
        assert await model.lead("a") is None
        assert await model.hottest(9) == []
        await take(model, scored("a", 5.0))
        assert await model.hottest(9) == [b"a=5.0"]

    async def test_leads_are_counted_by_band(self, model: ReadModel, make: Make) -> None:
        """Each once, under its last band; not those that are gone, erased, or dropped for hotter ones."""
        assert sum((await model.bands()).values()) == 0
        await take(model, scored("a", 90.0, "hot"), scored("b", 50.0), scored("c", 40.0), scored("d", 5.0, "cold"))
        assert await model.bands() == {"hot": 1, "warm": 2, "cold": 1}
        await take(model, scored("a", 60.0), scored("b", 95.0, "hot"), scored("b", 96.0, "hot"))
        assert await model.bands() == {"hot": 1, "warm": 2, "cold": 1}
        await take(model, LeadGone("a"), LeadGone("nobody"), LeadErased("d", "h", 1), LeadErased(None, "i", 1))
        assert +Counter(await model.bands()) == {"hot": 1, "warm": 1}
        await model.clear()
        assert sum((await model.bands()).values()) == 0
        small = await make(2, 9)
        await take(small, scored("a", 90.0, "hot"), scored("b", 5.0, "cold"), scored("c", 50.0))
        assert +Counter(await small.bands()) == {"hot": 1, "warm": 1}

    async def test_the_latest_by_instant_then_by_id(self, model: ReadModel) -> None:
        """Newest first whatever the order of arrival; the logs are kept apart."""
        await take(model, logged("x", 5), logged("y", 9), logged("w", 5), logged("r", 7, "assignments"))
        assert await model.latest("alerts", 9) == [b"y", b"x", b"w"]
        assert await model.latest("alerts", 1) == [b"y"]
        assert await model.latest("alerts", 0) == []
        assert await model.latest("assignments", 9) == [b"r"]

    async def test_the_same_id_is_logged_once(self, model: ReadModel) -> None:
        """A doubled alert, in one batch or in two, is one; what was there stays."""
        await take(model, logged("x", 5), Logged("alerts", "x", 6, b"again"))
        await take(model, Logged("alerts", "x", 7, b"again"))
        assert await model.latest("alerts", 9) == [b"x"]
        assert await model.counts() == Counts(0, 1, 0)

    async def test_of_a_lead_that_was_erased_only_its_hash_is_left(self, model: ReadModel) -> None:
        """Its score goes, and of the logs what it did up to then, under its hash or its id; others' stay."""
        mine = [Logged("alerts", "a1", 1, b"a1", "h", 50), Logged("assignments", "r1", 2, b"r1", "ada x", 60)]
        others = [Logged("alerts", "later", 3, b"later", "h", 61), Logged("alerts", "bob", 4, b"bob", "g", 50)]
        await take(model, scored("ada x", 9.0), scored("bob", 5.0), *mine, *others)
        await take(model, LeadErased("ada x", "h", 60))
        assert await model.lead("ada x") is None
        assert await model.hottest(9) == [b"bob=5.0"]
        assert await model.latest("alerts", 9) == [b"bob", b"later"]
        assert await model.latest("assignments", 9) == []
        assert await model.counts() == Counts(1, 2, 0)
        assert (await model.erased("h"), await model.erased("ada x"), await model.erased("g")) == (60, None, None)

    async def test_what_an_erased_lead_did_before_is_logged_no_more(self, model: ReadModel) -> None:
        """However late it is read; what it does later is. A receipt may come twice, and an earlier one later."""
        await take(model, LeadErased(None, "h", 60), LeadErased(None, "h", 40), LeadErased(None, "h", 60))
        early, late = Logged("alerts", "x", 9, b"x", "h", 60), Logged("alerts", "y", 9, b"y", "h", 61)
        await take(model, early, late)
        assert await model.latest("alerts", 9) == [b"y"]
        assert await model.erased("h") == 60
        await take(model, scored("ada", 5.0))
        assert await model.hottest(9) == [b"ada=5.0"]

    async def test_a_batch_is_taken_once(self, model: ReadModel) -> None:
        """Positions move with what was read; a batch that begins elsewhere is refused whole."""
        batch = Batch([scored("a", 1.0)], {}, {("t", 0): 7, ("u", 11): 2}, BEHIND)
        await model.apply(batch)
        assert await model.positions() == {("t", 0): 7, ("u", 11): 2}
        late = Batch([scored("a", 2.0), logged("x", 5)], {}, {("t", 0): 9}, Progress(9, 9.0))
        with pytest.raises(PositionsMoved):
            await model.apply(late)
        assert await model.hottest(9) == [b"a=1.0"]
        assert await model.latest("alerts", 9) == []
        assert await model.positions() == {("t", 0): 7, ("u", 11): 2}
        assert await model.progress() == BEHIND

    async def test_a_heartbeat_says_how_far_behind(self, model: ReadModel) -> None:
        """A batch without changes moves positions and progress."""
        await model.apply(Batch([], {}, {("t", 0): 3}, Progress(1_795_000_000_123, 0.25)))
        assert await model.progress() == Progress(1_795_000_000_123, 0.25)
        assert await model.positions() == {("t", 0): 3}

    async def test_clear_forgets_everything(self, model: ReadModel) -> None:
        """As new, and fillable again."""
        await take(model, scored("a", 1.0), logged("x", 5), logged("r", 7, "assignments"), LeadErased(None, "h", 1))
        await model.clear()
        await self.test_a_new_model_holds_nothing(model)
        await take(model, scored("a", 1.0), logged("x", 5))
        assert await model.counts() == Counts(1, 1, 0)

    async def test_the_coldest_leads_are_dropped(self, make: Make) -> None:
        """Beyond `leads_max` the lowest total goes, be it the newcomer's; of equals the larger id."""
        model = await make(2, 9)
        await take(model, scored("a", 5.0), scored("c", 7.0), scored("b", 5.0))
        assert await model.hottest(9) == [b"c=7.0", b"a=5.0"]
        assert await model.lead("b") is None
        await take(model, scored("d", 6.0))
        assert await model.hottest(9) == [b"c=7.0", b"d=6.0"]
        assert await model.counts() == Counts(2, 0, 0)

    async def test_the_oldest_entries_are_dropped(self, make: Make) -> None:
        """A log keeps its newest `log_max` entries; an older newcomer is not kept."""
        model = await make(9, 2)
        await take(model, logged("x", 5), logged("y", 4), logged("z", 6))
        await take(model, logged("old", 1))
        assert await model.latest("alerts", 9) == [b"z", b"x"]
        assert (await model.counts()).alerts == 2

    async def test_who_listens_hears_of_changes(self, model: ReadModel) -> None:
        """Once at the start, then after changes and clearing; heartbeats are no news."""
        heard = asyncio.Queue[None]()

        async def listen() -> None:
            async for _ in model.changed():
                heard.put_nowait(None)

        listener = asyncio.create_task(listen())
        try:
            await asyncio.wait_for(heard.get(), 10)
            await take(model)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(heard.get(), 0.2)
            await take(model, scored("a", 1.0))
            await asyncio.wait_for(heard.get(), 10)
            await model.clear()
            await asyncio.wait_for(heard.get(), 10)
        finally:
            listener.cancel()
