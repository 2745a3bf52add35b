"""What every store of the notifier does, whatever keeps it: the tests of each backend inherit these."""

from collections.abc import Awaitable, Callable

import pytest

from engine.notify.port import Batch, Claimed, Counts, Entry, Erased, PositionsMoved, Queue, Store, Waiting

Make = Callable[..., Awaitable[Store]]
CRM, SALES = Queue("crm", ""), Queue("sales", "")
LEASED = 90_000


def entry(
    key: str, queue: Queue = CRM, *, made: int = 1_000, whose: str = "h", time: int = 50, digest: int = 0
) -> Entry:
    return Entry(key, queue, f"id-{key}", "lead.alerted", whose, time, made, f"event {key}\0é".encode(), digest)


async def take(store: Store, *changes: Entry | Erased) -> None:
    """Take `changes`, and move the position by one."""
    since = await store.positions()
    await store.take(Batch(changes, since, {("t", 0): since.get(("t", 0), 0) + 1}))


async def claimed(store: Store, queue: Queue = CRM, now: int = 1_000, limit: int = 10) -> list[Claimed]:
    return await store.claim(queue, now, now + LEASED, limit)


async def keys(store: Store, queue: Queue = CRM, now: int = 1_000) -> list[str]:
    return [one.key for one in await claimed(store, queue, now)]


async def dead(store: Store) -> list[tuple[str, str]]:
    return [(letter.entry.key, letter.why) for letter in await store.dead(100)]


class StoreContract:
    """Tests against `store`, and against `make(queue_max=…)` for a smaller one."""

    async def test_a_new_store_is_empty(self, store: Store) -> None:
        assert await store.positions() == {}
        assert await store.due(9_000, 10) == []
        assert await keys(store) == []
        assert await store.counts() == Counts(0, 0)
        assert (await store.dead(10), await store.disabled()) == ([], {})

    async def test_what_is_taken_is_claimed_whole_oldest_first(self, store: Store) -> None:
        """Each queue by itself, at most as many as asked for, none before it is due."""
        late, early, other = entry("late", made=900), entry("early", made=800), entry("other", SALES, made=700)
        await take(store, late, early, other, entry("later", made=1_001))
        assert await store.due(1_000, 10) == [SALES, CRM]
        assert await store.due(1_000, 1) == [SALES]
        assert await claimed(store, limit=1) == [Claimed("early", "id-early", CRM, (early,), 0, 0)]
        assert await claimed(store) == [Claimed("late", "id-late", CRM, (late,), 0, 0)]
        assert await claimed(store) == []
        assert await keys(store, SALES) == ["other"]
        assert await store.counts() == Counts(4, 0)

    async def test_who_claims_and_dies_leaves_it_to_others(self, store: Store) -> None:
        """What was claimed is due again when the time is over, its queue as well; what was sent never."""
        await take(store, entry("a"), entry("b"))
        assert await keys(store) == ["a", "b"]
        assert await store.due(1_000 + LEASED - 1, 10) == []
        await store.sent(CRM, "a")
        assert await store.due(1_000 + LEASED, 10) == [CRM]
        assert await keys(store, now=1_000 + LEASED) == ["b"]
        await store.sent(CRM, "b")
        await store.sent(CRM, "b")
        assert await store.counts() == Counts(0, 0)
        assert await store.due(10**12, 10) == []

    async def test_what_failed_comes_back_when_it_is_to(self, store: Store) -> None:
        await take(store, entry("a"))
        await keys(store)
        await store.postpone(CRM, "a", 6_000, 1, 1_000, "why")
        assert await store.due(5_999, 10) == []
        assert await store.due(6_000, 10) == [CRM]
        [again] = await claimed(store, now=6_000)
        assert (again.attempts, again.first_ms, again.id) == (1, 1_000, "id-a")

    async def test_a_queue_on_hold_is_not_shown(self, store: Store) -> None:
        """Until then, or until something is added to it; one that has nothing is not shown at all."""
        await take(store, entry("a"))
        await store.hold(CRM, 5_000)
        await store.hold(SALES, 2_000)
        assert await store.due(4_999, 10) == []
        assert await store.due(5_000, 10) == [CRM]
        await take(store, entry("b"))
        assert await store.due(1_000, 10) == [CRM]

    async def test_a_batch_is_taken_once(self, store: Store) -> None:
        """Positions move with what was read; a batch that begins elsewhere is refused whole."""
        await store.take(Batch([entry("a")], {}, {("t", 0): 7, ("u", 11): 2}))
        assert await store.positions() == {("t", 0): 7, ("u", 11): 2}
        with pytest.raises(PositionsMoved):
            await store.take(Batch([entry("b")], {}, {("t", 0): 9}))
        await store.take(Batch([entry("a")], await store.positions(), {("t", 0): 8}))
        assert await keys(store) == ["a"]

    async def test_what_cannot_be_sent_is_a_dead_letter_until_it_is_retried(self, store: Store) -> None:
        """Newest first, of all channels or one; a retry makes it new."""
        await take(store, entry("a"), entry("b", SALES), entry("c"))
        await claimed(store)
        await store.postpone(CRM, "a", 2_000, 3, 1_000, "why")
        await store.bury(CRM, "a", 7_000, "why" * 1_000)
        await store.bury(SALES, "b", 8_000, "no such channel")
        await store.bury(SALES, "nobody", 8_000, "gone")
        assert [(one.entry.key, one.attempts, one.at_ms, one.why[:3]) for one in await store.dead(9)] == [
            ("b", 0, 8_000, "no "),
            ("a", 3, 7_000, "why"),
        ]
        assert [one.entry.key for one in await store.dead(9, "crm")] == ["a"]
        assert [one.entry.key for one in await store.dead(1)] == ["b"]
        assert await store.counts() == Counts(1, 2)
        assert await store.due(80_000, 10) == []
        assert await store.retry(["a", "nobody"], 9_000) == 1
        assert await dead(store) == [("b", "no such channel")]
        [again] = await claimed(store, now=9_000)
        assert (again.key, again.attempts, again.first_ms) == ("a", 0, 0)

    async def test_who_wants_nothing_more_gets_nothing_more(self, store: Store) -> None:
        """What waits and what comes are dead letters, also what waits for a digest, until one is retried."""
        await take(store, entry("a"), entry("b", digest=10_000), entry("s", SALES))
        await claimed(store)
        await store.disable(CRM, 2_000, "410 Gone")
        await take(store, entry("c", made=3_000))
        assert await dead(store) == [("c", "410 Gone"), ("b", "410 Gone"), ("a", "410 Gone")]
        assert await store.disabled() == {CRM: "410 Gone"}
        await store.postpone(CRM, "a", 5_000, 1, 1, "why")
        assert await keys(store, now=50_000) == []
        assert await keys(store, SALES) == ["s"]
        assert await store.retry(["c"], 6_000) == 1
        assert await store.disabled() == {}
        await take(store, entry("d", made=6_000))
        assert await keys(store, now=6_000) == ["c", "d"]

    async def test_records_of_a_span_go_out_together(self, store: Store) -> None:
        """At its end, counted from 1970, as one message with a key of its own that stays over retries."""
        await take(
            store, entry("b", made=12_500, digest=5_000), entry("a", made=14_999, digest=5_000), entry("x", made=14_000)
        )
        await take(store, entry("next", made=15_001, digest=5_000))
        assert await keys(store, now=14_999) == ["x"]
        assert await store.due(14_999, 9) == []
        assert await store.due(15_000, 9) == [CRM]
        [digest] = await claimed(store, now=15_000)
        assert sorted(one.key for one in digest.entries) == ["a", "b"]
        assert digest.key == digest.id
        assert digest.key.startswith("digest-")
        await store.postpone(CRM, digest.key, 20_000, 1, 15_000, "why")
        first, second = await claimed(store, now=20_000)
        assert (first.key, first.entries, first.attempts) == (digest.key, digest.entries, 1)
        assert [one.key for one in second.entries] == ["next"]
        await store.sent(CRM, first.key)
        await store.bury(CRM, second.key, 21_000, "why")
        assert await store.counts() == Counts(1, 1)
        await store.sent(CRM, "x")
        assert await dead(store) == [("next", "why")]
        assert await store.retry(["next"], 30_000) == 1
        [again] = await claimed(store, now=30_000)
        assert [one.key for one in again.entries] == ["next"]
        await store.sent(CRM, again.key)
        assert await store.counts() == Counts(0, 0)

    async def test_a_digest_has_a_limit(self, make: Make) -> None:
        store = await make(digest_max=2)
        await take(store, *(entry(str(number), digest=1_000) for number in range(5)))
        assert [len(one.entries) for one in await claimed(store)] == [2, 2, 1]

    async def test_of_a_lead_that_was_erased_nothing_is_sent_any_more(self, store: Store) -> None:
        """What waits, alone or in a digest, claimed or dead, goes; what it did later and what is others' stays."""
        mine = [entry("a"), entry("dead"), entry("pen", digest=60_000), entry("in", SALES, digest=1_000)]
        others = [entry("bob", SALES, whose="h2", digest=1_000), entry("later", time=61), entry("ha", whose="ha")]
        await take(store, *mine, *others)
        await store.bury(CRM, "dead", 1_000, "why")
        [digest] = await claimed(store, SALES)
        await store.postpone(SALES, digest.key, 2_000, 1, 1_000, "why")
        await claimed(store, limit=1)
        await take(store, Erased("h", 60), Erased("nobody", 60))
        assert await store.dead(9) == []
        assert await store.counts() == Counts(3, 0)
        [left] = await claimed(store, SALES, 2_000)
        assert (left.key, [one.key for one in left.entries]) == (digest.key, ["bob"])
        await store.postpone(CRM, "a", 3_000, 1, 1_000, "why")
        await store.bury(CRM, "a", 3_000, "why")
        await take(store, entry("again", made=1_000))
        assert sorted(await keys(store, now=200_000)) == ["ha", "later"]
        assert await store.retry(["dead", "a"], 1_000) == 0

    async def test_a_digest_of_nobody_else_goes_with_its_lead(self, store: Store) -> None:
        await take(store, entry("a", digest=1_000))
        [digest] = await claimed(store)
        await store.postpone(CRM, digest.key, 2_000, 1, 1_000, "why")
        await take(store, Erased("h", 60))
        assert await claimed(store, now=3_000) == []
        assert await store.due(10**12, 9) == []
        assert await store.counts() == Counts(0, 0)

    async def test_what_waits_is_told_by_receiver(self, store: Store) -> None:
        """Entries, whether alone, in a digest or to become one; the oldest of them; when one is sent next."""
        await take(store, entry("s", SALES, made=400), entry("b", made=700), entry("a", made=500))
        await take(store, entry("c", made=600, digest=5_000), entry("d", made=650, digest=5_000))
        assert await store.waiting() == [Waiting(CRM, 4, 500, 500, ""), Waiting(SALES, 1, 400, 400, "")]
        [a, _, digest] = await claimed(store, now=5_000)
        assert await store.waiting() == [Waiting(CRM, 4, 500, 5_000 + LEASED, ""), Waiting(SALES, 1, 400, 400, "")]
        await store.sent(CRM, a.key)
        await store.sent(CRM, digest.key)
        await store.sent(SALES, "s")
        assert await store.waiting() == [Waiting(CRM, 1, 700, 5_000 + LEASED, "")]

    async def test_why_the_last_attempt_failed_is_told_until_one_does_not(self, store: Store) -> None:
        """Of each receiver by itself, cut to its limit; it goes with what waits, and a retry begins anew."""
        await take(store, entry("a"), entry("b"), entry("c"), entry("s", SALES))
        await claimed(store)
        await store.postpone(CRM, "a", 6_000, 1, 1_000, "answered 500")
        await store.postpone(CRM, "b", 7_000, 1, 1_000, "é" * 400)
        assert await store.waiting() == [Waiting(CRM, 3, 1_000, 6_000, "é" * 300), Waiting(SALES, 1, 1_000, 1_000, "")]
        await store.sent(CRM, "c")
        assert (await store.waiting())[0] == Waiting(CRM, 2, 1_000, 6_000, "")
        await store.postpone(CRM, "b", 9_000, 2, 1_000, "answered 502")
        await store.disable(CRM, 8_000, "answered 410")
        assert await store.waiting() == [Waiting(SALES, 1, 1_000, 1_000, "")]
        assert await store.retry(["b"], 9_000) == 1
        assert (await store.waiting())[0] == Waiting(CRM, 1, 9_000, 9_000, "")
        await take(store, Erased("h", 60))
        assert await store.waiting() == []

    async def test_of_who_was_erased_nothing_is_told_to_wait(self, store: Store) -> None:
        """Not even by a digest of which nothing is left."""
        await take(store, entry("a", made=100, digest=1_000), entry("b", made=200, whose="h2", digest=1_000))
        [digest] = await claimed(store)
        await store.postpone(CRM, digest.key, 2_000, 1, 1_000, "why")
        await take(store, Erased("h", 60))
        assert await store.waiting() == [Waiting(CRM, 1, 200, 2_000, "why")]
        await take(store, Erased("h2", 60))
        assert await store.waiting() == []

    async def test_queues_are_bounded(self, make: Make) -> None:
        """What comes to a full queue, or to a full store, is a dead letter at once; others are not touched."""
        store = await make(queue_max=2, pending_max=3)
        await take(store, *(entry(name) for name in "abc"), entry("d", SALES), entry("e", SALES))
        assert await keys(store) == ["a", "b"]
        assert await keys(store, SALES) == ["d"]
        assert {key for key, _ in await dead(store)} == {"c", "e"}
        await store.sent(CRM, "a")
        await take(store, entry("f"))
        assert await keys(store) == ["f"]

    async def test_the_oldest_dead_letters_are_dropped(self, make: Make) -> None:
        store = await make(dead_max=2)
        await take(store, *(entry(name) for name in "abc"))
        for at, name in enumerate("abc"):
            await store.bury(CRM, name, at, "why")
        assert await dead(store) == [("c", "why"), ("b", "why")]
        assert await store.counts() == Counts(0, 2)
