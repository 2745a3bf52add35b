"""What every read model does, whatever keeps it: the tests of each backend inherit these."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from engine.readmodel.port import (
    Batch,
    Change,
    Counts,
    DossierKept,
    LeadErased,
    LeadGone,
    LeadScored,
    Log,
    Logged,
    Mark,
    PositionsMoved,
    Progress,
    ReadModel,
)

BEHIND = Progress(1_000, 2.5)
Make = Callable[..., Awaitable[ReadModel]]
"""Of a model's limits: leads, entries a log, dossiers, leads that went."""


def scored(lead: str, total: float, band: str = "warm") -> LeadScored:
    return LeadScored(lead, total, band, f"{lead}={total}".encode())


def logged(entry: str, at_ms: int, log: Log = "alerts") -> Logged:
    return Logged(log, entry, at_ms, entry.encode())


async def take(model: ReadModel, *changes: Change, progress: Progress = BEHIND) -> None:
    """Apply `changes`, and move the position by one."""
    since = await model.positions()
    until = {("t", 0): since.get(("t", 0), 0) + 1}
    await model.apply(Batch(changes, since, until, progress))


def kept(lead: str, text: str = "") -> DossierKept:
    return DossierKept(lead, f"{lead}:{text}".encode(), f"h-{lead}")


class ReadModelContract:
    """Tests against `model`, and against `make(leads_max, log_max, dossiers_max, gone_max)` for a smaller one."""

    async def test_a_new_model_holds_nothing(self, model: ReadModel) -> None:
        """No positions, no progress, nothing to show."""
        assert await model.positions() == {}
        assert await model.progress() is None
        assert await model.counts() == Counts(0, 0, 0)
        assert await model.hottest(10) == []
        assert await model.latest("alerts", 10) == []
        assert await model.lead("ada") is None
        assert await model.erased("h") is None
        assert await model.logged("answers", "0/0") is None
        assert await model.dossiers(["ada"]) == [None]

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

    async def test_dossiers_are_kept_whole(self, model: ReadModel) -> None:
        """The last of each lead, beside its score and without one; a lead that is gone keeps it."""
        await take(model, kept("ada", "old"), scored("ada", 5.0), kept("bob"))
        await take(model, kept("ada", "new"), LeadGone("ada"))
        assert await model.dossiers(["bob", "eve", "ada"]) == [b"bob:", None, b"ada:new"]
        assert await model.scores(["bob", "ada"]) == [None, None]
        assert await model.dossiers([]) == await model.scores([]) == []
        assert await model.named([]) == []
        assert await model.named(["h-bob", "bob"]) == ["bob", None]
        await model.clear()
        assert await model.dossiers(["bob"]) == [None]
        assert await model.named(["h-bob"]) == [None]

    async def test_the_longest_untouched_dossier_is_dropped(self, make: Make) -> None:
        """Its score stays."""
        model = await make(9, 9, 2, 9)
        await take(model, scored("a", 1.0), kept("a"), kept("b"), kept("a"), kept("c"))
        assert await model.dossiers(["a", "b", "c"]) == [b"a:", None, b"c:"]
        await take(model, kept("d"))
        assert await model.dossiers(["a", "c", "d"]) == [None, b"c:", b"d:"]
        assert await model.lead("a") == b"a=1.0"
        assert await model.named(["h-a", "h-c"]) == [None, "c"]

    async def test_with_a_lead_its_dossier_and_answers_are_erased(self, model: ReadModel) -> None:
        """Told by its id, or by its hash alone; what is left of a dossier may be kept again in the same batch."""
        await take(model, kept("ada"), kept("bob"), kept("eve"), Logged("answers", "0/1", 1, b"yes", "h-ada", 50))
        await take(model, LeadErased("ada", "h-ada", 60), LeadErased(None, "h-bob", 60), kept("bob", "later"))
        assert await model.dossiers(["ada", "bob", "eve"]) == [None, b"bob:later", b"eve:"]
        assert await model.logged("answers", "0/1") is None
        assert await model.erasures(["h-ada", "h-eve"]) == [60, None]
        assert await model.erasures([]) == []

    async def test_an_entry_is_found_by_its_id(self, model: ReadModel) -> None:
        """In its own log; answers are no part of the counts."""
        await take(model, logged("0/7", 5, "answers"), logged("x", 5))
        assert await model.logged("answers", "0/7") == b"0/7"
        assert await model.logged("alerts", "0/7") is None
        assert await model.counts() == Counts(0, 1, 0)

    async def test_what_changed_is_told_in_order_and_once(self, model: ReadModel) -> None:
        """Scores and dossiers, by the last change of a lead, page by page; then nothing until something changes."""
        await take(model, scored("a", 1.0), scored("b", 2.0), kept("c"), scored("a", 3.0))
        first = await model.touched(None, 2)
        assert (first.leads, first.anew) == (["b", "c"], True)
        then = await model.touched(first.mark, 2)
        assert (then.leads, then.anew) == (["a"], False)
        assert await model.touched(then.mark, 2) == (then.mark, [], False)
        await take(model, logged("x", 5), LeadGone("nobody"))
        assert (await model.touched(then.mark, 2)).leads == []
        await take(model, LeadGone("b"), kept("a"))
        last = await model.touched(then.mark, 9)
        assert (last.leads, last.anew) == (["b", "a"], False)
        assert (await model.touched(None, 9)).leads == ["c", "a"]

    async def test_who_was_erased_is_not_even_told_to_have_gone(self, model: ReadModel) -> None:
        """Everybody begins anew instead, once; also where the lead had gone before, or its hash alone is told."""
        await take(model, scored("a", 1.0), scored("b", 1.0), kept("c"), scored("d", 1.0))
        mark = (await model.touched(None, 9)).mark
        await take(model, LeadGone("b"))
        for erased in (LeadErased("a", "h-a", 1), LeadErased("b", "h-b", 1), LeadErased(None, "h-c", 1)):
            await take(model, erased)
            told = await model.touched(mark, 9)
            assert told.anew
            mark = told.mark
        assert (await model.touched(None, 9)).leads == ["d"]
        await take(model, LeadErased("a", "h-a", 1), LeadErased("nobody", "h", 1))
        assert await model.touched(mark, 9) == (mark, [], False)
        await take(model, LeadErased("d", "h-d", 1), kept("d", "later"), scored("e", 1.0), LeadErased("e", "h-e", 1))
        assert (await model.touched(mark, 9)).leads == ["d"]

    async def test_marks_of_a_cleared_model_mean_nothing(self, model: ReadModel) -> None:
        """Nor do those of none at all; who asks is told all anew."""
        empty = await model.touched(None, 9)
        assert (empty.leads, empty.anew) == ([], True)
        await take(model, scored("a", 1.0), scored("b", 1.0))
        mark = (await model.touched(None, 9)).mark
        await model.clear()
        await take(model, scored("c", 1.0))
        again = await model.touched(mark, 9)
        assert (again.leads, again.anew) == (["c"], True)
        assert (await model.touched(Mark("elsewhere", 7), 9)).anew

    async def test_what_went_is_forgotten_at_last(self, make: Make) -> None:
        """Who may have missed it is told all anew; who reads all anew is not told so again and again."""
        model = await make(9, 9, 9, 2)
        await take(model, *(scored(lead, 1.0) for lead in "abcde"))
        first = (await model.touched(None, 1)).mark
        know = (await model.touched(first, 9)).mark
        await take(model, LeadGone("a"), LeadGone("b"))
        assert (await model.touched(know, 9)).leads == ["a", "b"]
        await take(model, LeadGone("c"))
        told = await model.touched(know, 1)
        assert (told.leads, told.anew) == (["d"], True)
        await take(model, LeadGone("e"))
        rest = await model.touched(told.mark, 9)
        assert (rest.leads, rest.anew) == (["e"], False)

    async def test_the_coldest_that_are_dropped_are_told(self, make: Make) -> None:
        """And the dossiers that are."""
        model = await make(1, 9, 1, 9)
        await take(model, scored("a", 5.0), kept("c"))
        mark = (await model.touched(None, 9)).mark
        await take(model, scored("b", 6.0), kept("d"))
        assert set((await model.touched(mark, 9)).leads) == {"a", "b", "c", "d"}
