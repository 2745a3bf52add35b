"""From the queues to receivers that fail, hang, ask to wait and go, by a clock that the test moves."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytest

from engine.core.instants import from_rfc3339
from engine.notify.config import Notify
from engine.notify.deliveries import LEASE_MS, Deliveries, Plan
from engine.notify.failing import CALM_MS
from engine.notify.memory import MemoryStore
from engine.notify.metrics import NotifierMetrics
from engine.notify.port import Counts, Entry, Queue
from engine.notify.sending import Delivered, Failed, Gone, Message, Outcome, Refused
from tests.unit.notify.contract import take
from tests.unit.notify.samples import configured, notice

CRM, SALES = Queue("crm", ""), Queue("sales", "")
NOON_MS = from_rfc3339("2026-01-10T12:00:00Z")


@dataclass
class Receiver:
    """A channel whose answers the test gives; it remembers what it got, and when."""

    answer: Callable[[Message], Outcome] = lambda _: Delivered()
    at_once: int = 2
    pause_ms: int = 0
    hangs: bool = False
    got: list[str] = field(default_factory=list)
    most: int = 0
    _now: int = 0

    async def send(self, message: Message) -> Outcome:
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            self.got.append(message.id)
            if self.hangs:
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            return self.answer(message)
        finally:
            self._now -= 1


class Bench:
    """Deliveries over a store in memory, on a clock of their own; settled between two looks."""

    def __init__(self, notify: Notify | None = None, **receivers: Receiver) -> None:
        self.store = MemoryStore()
        self.metrics = NotifierMetrics("test")
        self.now_ms = NOON_MS
        self.deliveries = Deliveries(self.store, self.metrics, lambda: self.now_ms / 1000)
        self.deliveries.use(Plan(notify or Notify(), receivers))

    async def add(self, *keys: str, queue: Queue = CRM, digest_ms: int = 0) -> None:
        told = notice()
        await take(
            self.store,
            *(Entry(key, queue, key, told.kind, "h", 1, self.now_ms, told.event, digest_ms) for key in keys),
        )

    async def run(self, *, after_ms: int = 0, looks: int = 5) -> None:
        """Let time pass, and look until nothing more happens."""
        self.now_ms += after_ms
        for _ in range(looks):
            await self.deliveries._look()
            for _ in range(10):
                await asyncio.sleep(0)

    def attempts(self, channel: str, outcome: str) -> float:
        labels = {"channel": channel, "outcome": outcome}
        return self.metrics.registry.get_sample_value("heatline_notify_attempts_total", labels) or 0.0


async def test_what_is_taken_is_sent_once_and_forgotten() -> None:
    crm = Receiver()
    bench = Bench(crm=crm)
    await bench.add("a", "b", "c")
    await bench.run()
    await bench.run(after_ms=10 * LEASE_MS)
    assert sorted(crm.got) == ["a", "b", "c"]
    assert crm.most <= crm.at_once
    assert await bench.store.counts() == Counts(0, 0)
    assert bench.attempts("crm", "delivered") == 3


async def test_a_receiver_that_hangs_delays_nobody_else() -> None:
    crm, sales = Receiver(hangs=True), Receiver()
    bench = Bench(crm=crm, sales=sales)
    await bench.add("a", "b", "c")
    await bench.add("s", "t", queue=SALES)
    await bench.run()
    assert crm.got == ["a", "b"]
    assert sorted(sales.got) == ["s", "t"]
    for task in bench.deliveries._tasks:
        task.cancel()


async def test_what_fails_is_sent_again_with_its_id_and_in_the_end_a_dead_letter() -> None:
    """Ten attempts over about 75 hours, and then the list; a retry begins anew."""
    crm = Receiver(answer=lambda _: Failed("answered 500"))
    bench = Bench(crm=crm)
    await bench.add("a")
    hours = 0
    while not await bench.store.dead(1):
        await bench.run(after_ms=3_600_000, looks=1)
        hours += 1
        assert hours < 100
    assert crm.got == ["a"] * 10
    assert 68 < hours < 90
    [letter] = await bench.store.dead(9)
    assert (letter.attempts, letter.why) == (10, "answered 500")
    crm.answer = lambda _: Delivered()
    assert await bench.store.retry(["a"], bench.now_ms) == 1
    await bench.run()
    assert crm.got == ["a"] * 11
    assert await bench.store.counts() == Counts(0, 0)


async def test_who_asks_to_wait_is_left_alone_with_all_that_waits() -> None:
    """That is no failure: the schedule stands still."""
    answers: list[Outcome] = [Failed("answered 429", 30_000), Delivered(), Delivered()]
    crm = Receiver(answer=lambda _: answers.pop(0), at_once=1)
    bench = Bench(crm=crm)
    await bench.add("a", "b")
    await bench.run()
    await bench.run(after_ms=29_999)
    assert crm.got == ["a"]
    assert bench.attempts("crm", "throttled") == 1
    await bench.run(after_ms=2)
    await bench.run(after_ms=60_000)
    assert sorted(crm.got) == ["a", "a", "b"]
    assert await bench.store.counts() == Counts(0, 0)


async def test_who_is_gone_gets_nothing_more_until_an_operator_retries() -> None:
    crm = Receiver(answer=lambda _: Gone("answered 410 Gone"), at_once=1)
    bench = Bench(crm=crm)
    await bench.add("a", "b")
    await bench.run()
    await bench.add("c")
    await bench.run(after_ms=100_000_000)
    assert crm.got == ["a"]
    assert await bench.store.disabled() == {CRM: "answered 410 Gone"}
    assert len(await bench.store.dead(9)) == 3
    crm.answer = lambda _: Delivered()
    await bench.store.retry([letter.entry.key for letter in await bench.store.dead(9)], bench.now_ms)
    await bench.run(looks=9)
    assert sorted(crm.got) == ["a", "a", "b", "c"]


async def test_what_can_never_be_sent_is_a_dead_letter_at_once() -> None:
    """As is what is for a channel that is no longer there; an error of ours is a failure like others."""
    crm = Receiver(answer=lambda _: Refused("10.0.0.1 is not public"))
    bench = Bench(crm=crm)
    await bench.add("a")
    await bench.add("s", queue=SALES)
    await bench.run()
    whys = {letter.entry.key: letter.why for letter in await bench.store.dead(9)}
    assert whys == {"a": "10.0.0.1 is not public", "s": "notify.yaml has no channel sales any more"}


async def test_an_error_of_ours_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """It is tried again; what it was about is not logged."""

    def broken(message: Message) -> Outcome:
        raise KeyError(message.notices[0].lead)

    bench = Bench(crm=Receiver(answer=broken))
    await bench.add("a")
    await bench.run()
    assert bench.attempts("crm", "failed") == 1
    assert await bench.store.counts() == Counts(1, 0)
    assert "KeyError" in caplog.text
    assert "ada" not in caplog.text


async def test_messages_of_a_channel_with_a_pause_keep_it() -> None:
    """One a second, however many wait."""
    crm = Receiver(at_once=1, pause_ms=1_000)
    bench = Bench(crm=crm)
    await bench.add("a", "b", "c")
    for sent in (1, 2, 3):
        await bench.run()
        assert len(crm.got) == sent
        await bench.run(after_ms=999)
        assert len(crm.got) == sent
        await bench.run(after_ms=1)


async def test_what_falls_into_quiet_hours_is_sent_when_they_end() -> None:
    """Held back, not lost; and a configuration without quiet hours lets it go."""
    text = "channels: {crm: {mail: {to: a@example.com}}}\nquiet_hours: {crm: {mon-sun: '11:00-13:30'}}"
    crm = Receiver()
    bench = Bench(configured(text), crm=crm)
    await bench.add("a")
    await bench.run()
    await bench.run(after_ms=89 * 60_000)
    assert crm.got == []
    await bench.run(after_ms=60_000)
    assert crm.got == ["a"]


async def test_a_rep_is_left_in_peace_by_the_rep_s_own_clock() -> None:
    """12:00 UTC is 21:00 in Tokyo, and in UTC no quiet hour."""
    text = "channels: {crm: {mail: {to: '{rep.email}'}}}\nquiet_hours: {crm: {mon-sun: '20:00-07:00'}}"
    crm = Receiver()
    bench = Bench(configured(text), crm=crm)
    bench.deliveries.use(Plan(configured(text), {"crm": crm}, {"yuki": ZoneInfo("Asia/Tokyo")}))
    await bench.add("y", queue=Queue("crm", "rep:yuki"))
    await bench.add("a", queue=Queue("crm", "rep:andy"))
    await bench.run()
    assert crm.got == ["a"]
    await bench.run(after_ms=10 * 3_600_000)
    assert crm.got == ["a", "y"]


async def test_a_digest_is_one_message() -> None:
    crm = Receiver()
    bench = Bench(crm=crm)
    await bench.add("a", "b", digest_ms=900_000)
    bench.now_ms += 1
    await bench.add("c", "d", digest_ms=900_000)
    await bench.run(after_ms=899_998)
    assert crm.got == ["digest-a"]
    await bench.run(after_ms=900_000)
    assert crm.got == ["digest-a", "digest-c"]


async def test_who_stops_lets_end_what_is_under_way() -> None:
    crm = Receiver()
    bench = Bench(crm=crm)
    await bench.add("a")
    stop = asyncio.Event()
    running = asyncio.create_task(bench.deliveries.run(stop))
    await asyncio.sleep(0.02)
    stop.set()
    bench.deliveries.wake()
    await asyncio.wait_for(running, 5)
    assert crm.got == ["a"]


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


async def test_a_channel_that_fails_is_told_once_and_once_when_it_works_again(caplog: pytest.LogCaptureFixture) -> None:
    """At 12:00:00 it begins, at 12:10:00 something is delivered, and 30 s later it is over, whatever is tried.

    The receiver's own words, which can quote a visitor, are not told.
    """
    caplog.set_level("INFO")
    crm = Receiver(answer=lambda _: Failed("answered 500", words="to ada@example.com"))
    bench = Bench(crm=crm, sales=Receiver())
    await bench.add("a", "b", "c")
    await bench.add("s", queue=SALES)
    await bench.run()
    await bench.run(after_ms=10_000)
    assert len(crm.got) == 6
    [(level, line)] = told(caplog)
    assert level == "WARNING"
    assert line.startswith("channel crm fails: answered 500; tried again at 2026-01-10T12:00:0")
    assert [one.why for one in await bench.store.waiting()] == ["answered 500 to ada@example.com"]
    crm.answer = lambda _: Delivered()
    await bench.run(after_ms=590_000)
    await bench.run(after_ms=CALM_MS - 1)
    assert len(told(caplog)) == 1
    await bench.run(after_ms=1)
    assert told(caplog)[1:] == [("INFO", "channel crm works again, after 10m")]
    await bench.run(after_ms=600_000)
    assert len(told(caplog)) == 2


async def test_a_channel_that_fails_by_turns_fails(caplog: pytest.LogCaptureFixture) -> None:
    """Every second message of 20, one in each 10 s: one line."""
    caplog.set_level("INFO")
    crm = Receiver(answer=lambda message: Failed("answered 500") if int(message.id) % 2 else Delivered())
    bench = Bench(crm=crm)
    for number in range(20):
        await bench.add(str(number))
        await bench.run(after_ms=10_000)
    assert [level for level, _ in told(caplog)] == ["WARNING"]


async def test_who_asks_to_wait_is_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(crm=Receiver(answer=lambda _: Failed("answered 503", 30_000)))
    await bench.add("a")
    await bench.run()
    assert told(caplog) == [
        ("WARNING", "channel crm asks to wait: answered 503; tried again at 2026-01-10T12:00:30.000Z")
    ]


async def test_who_is_gone_is_told_with_what_enables_it(caplog: pytest.LogCaptureFixture) -> None:
    """As a shell takes it; when it was enabled and works, that is told, too."""
    caplog.set_level("INFO")
    crm = Receiver(answer=lambda _: Gone("answered 410 Gone"))
    bench = Bench(None, **{"the crm": crm})
    await bench.add("a", queue=Queue("the crm", ""))
    await bench.run()
    crm.answer = lambda _: Delivered()
    await bench.store.retry(["a"], bench.now_ms)
    await bench.run(after_ms=5_000)
    await bench.run(after_ms=CALM_MS)
    enables = "`heatline notify retry --channel 'the crm'` enables it"
    assert told(caplog) == [
        ("WARNING", f"channel the crm is disabled: its receiver answered 410 Gone; {enables}"),
        ("INFO", "channel the crm works again, after 5s"),
    ]


async def test_a_channel_that_is_no_longer_there_does_not_work_again(caplog: pytest.LogCaptureFixture) -> None:
    """One of the same name that comes later is new."""
    crm = Receiver(answer=lambda _: Failed("answered 500"))
    bench = Bench(crm=crm)
    await bench.add("a")
    await bench.run()
    bench.deliveries.use(Plan(Notify(), {}))
    bench.deliveries.use(Plan(Notify(), {"crm": crm}))
    await bench.run(after_ms=10_000)
    assert [line[:17] for _, line in told(caplog)] == ["channel crm fails"] * 2
