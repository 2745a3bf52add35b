"""What is said on the board: who may say what, what the desk would not take, and what comes of it."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.flow import InputRecord
from engine.core.instants import from_datetime
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Logged
from engine.routing.saying import read_saying
from engine.web.lead.actions import (
    AGAIN_S,
    FIELDS,
    KINDS,
    ONCE_MAX,
    Availability,
    Feedback,
    Mistaken,
    NotYours,
    Once,
    Told,
    answer_to,
    availability,
    checked,
    tell,
)
from engine.web.live import now_ms
from engine.web.port import NotSent, Origin, Rep
from tests.unit.web.leads import FakeSender
from tests.unit.web.people import take
from tests.unit.web.principals import ANDY, EAST, OPERATOR, card

NOW_MS = 1_800_000_000_000
LATER = datetime(2100, 1, 1, 9, 30, tzinfo=UTC)
HERS = card(owner="bea", region="east", state="assigned", desk="main")
HIS = card(owner="andy", region="west", state="assigned", desk="eu")
REPS = {"andy": Rep("Andy", "eu", frozenset({"west"})), "bea": Rep("Bea", "main", frozenset({"east", "north"}))}
VALUES: dict[str, Any] = {
    "until": LATER,
    "channel": "phone",
    "amount": 1200.5,
    "currency": "EUR",
    "close_on": date(2099, 12, 31),
    "text": "Call in spring",
    "reason": "No budget",
}


@given(st.sampled_from(KINDS), st.sets(st.sampled_from(sorted(VALUES))))
def test_what_is_sent_says_all_that_was_said_and_what_has_no_place_is_refused(kind: Any, names: set[str]) -> None:
    """Nothing is dropped in silence: the desk's own reader finds each field, or its name is among the mistakes."""
    feedback = Feedback(type=kind, **{name: VALUES[name] for name in names})
    strange = names - set(FIELDS.get(kind, ()))
    missing = {"lead.snoozed": {"until"}, "lead.noted": {"text"}}.get(kind, set()) - names
    if strange | missing:
        with pytest.raises(Mistaken) as mistaken:
            checked(feedback, "andy", "ada", NOW_MS)
        assert {mistake.field for mistake in mistaken.value.mistakes} == strange | missing
        return
    value = checked(feedback, "andy", "ada", NOW_MS)
    saying = read_saying(InputRecord("rep-events", 0, 0, NOW_MS, b"main", msgspec.json.encode(value)))
    assert (saying.kind, saying.rep, saying.lead) == (kind, "andy", "ada")
    heard = {**VALUES, "until": from_datetime(LATER)}
    assert {name: getattr(saying, "until_ms" if name == "until" else name) for name in names} == {
        name: heard[name] for name in names
    }


@pytest.mark.parametrize(
    ("feedback", "field"),
    [
        (Feedback(type="lead.snoozed", until=datetime(2001, 1, 1, tzinfo=UTC)), "until"),
        (Feedback(type="lead.won", amount=-1.0), "amount"),
        (Feedback(type="lead.won", amount=float("nan")), "amount"),
        (Feedback(type="lead.won", amount=float("inf")), "amount"),
        (Feedback(type="lead.lost", reason="x" * 501), "reason"),
        (Feedback(type="lead.noted", text=""), "text"),
    ],
)
def test_what_the_desk_would_misread_is_a_mistake_of_its_field(feedback: Feedback, field: str) -> None:
    """A call in the past, an amount that is none, a text that would be cut."""
    with pytest.raises(Mistaken) as mistaken:
        checked(feedback, "andy", "ada", NOW_MS)
    assert [mistake.field for mistake in mistaken.value.mistakes] == [field]


@pytest.mark.parametrize(("who", "lead", "rep"), [(ANDY, HIS, "andy"), (EAST, HERS, "bea")])
async def test_a_rep_speaks_for_itself_and_a_manager_for_who_has_the_lead(who: Any, lead: Any, rep: str) -> None:
    """To the desk that has the lead."""
    model = MemoryReadModel()
    sender = FakeSender(model, {"accepted": True})
    told = await tell(sender, model, who, lead, Feedback(type="lead.accepted"))
    assert told == Told("accepted", None, Origin(0, 1))
    assert sender.sent == [(lead.desk, {"type": "lead.accepted", "rep": rep, "lead": "ada"})]


@pytest.mark.parametrize(
    ("who", "lead"), [(ANDY, HERS), (EAST, HIS), (OPERATOR, HERS), (EAST, card(region="east", owner=None))]
)
async def test_nobody_else_says_anything(who: Any, lead: Any) -> None:
    """Nor does anybody for a lead that nobody has; nothing is sent."""
    model = MemoryReadModel()
    sender = FakeSender(model)
    with pytest.raises(NotYours):
        await tell(sender, model, who, lead, Feedback(type="lead.accepted"))
    assert sender.sent == []


async def test_a_refusal_comes_with_its_reason() -> None:
    """As the desk put it."""
    model = MemoryReadModel()
    sender = FakeSender(model, {"accepted": False, "why": "expected bea, who has it"})
    told = await tell(sender, model, ANDY, HIS, Feedback(type="lead.accepted"))
    assert told == Told("refused", "expected bea, who has it", Origin(0, 1))


async def test_an_answer_that_comes_later_is_waited_for_and_none_is_no_error() -> None:
    """What was written stands in Kafka, whatever the read model knows of it."""
    model, origin = MemoryReadModel(), Origin(3, 17)
    assert await answer_to(model, origin, 0.01) == Told("sent", None, origin)
    waiting = asyncio.create_task(answer_to(model, origin, 5.0))
    await asyncio.sleep(0.01)
    await take(model, Logged("answers", "3/16", now_ms(), b'{"type": null, "lead": null, "accepted": false}'))
    await take(
        model, Logged("answers", "3/17", now_ms(), b'{"type": "lead.accepted", "lead": "ada", "accepted": true}')
    )
    assert await waiting == Told("accepted", None, origin)


@pytest.mark.parametrize(("who", "rep", "desk"), [(ANDY, "andy", "eu"), (EAST, "bea", "main"), (EAST, "carla", "main")])
async def test_one_is_away_by_oneself_or_by_the_manager_of_a_region(who: Any, rep: str, desk: str) -> None:
    """Told to the desk of the rep; of who is in no file, to `main`."""
    model = MemoryReadModel()
    sender = FakeSender(model)
    told = await availability(sender, model, who, rep, Availability(type="rep.away", until=LATER), REPS, 0.01)
    assert told.outcome == "sent"
    assert sender.sent == [(desk, {"type": "rep.away", "until": "2100-01-01T09:30:00Z", "rep": rep})]


@pytest.mark.parametrize(("who", "rep"), [(ANDY, "bea"), (EAST, "andy"), (OPERATOR, "andy"), (EAST, "nobody")])
async def test_nobody_else_is_sent_away(who: Any, rep: str) -> None:
    """Nothing is written."""
    model = MemoryReadModel()
    sender = FakeSender(model)
    with pytest.raises(NotYours):
        await availability(sender, model, who, rep, Availability(type="rep.away"), REPS, 0.01)
    assert sender.sent == []


@pytest.mark.parametrize(
    "said",
    [
        Availability(type="rep.away", until=datetime(2001, 1, 1, tzinfo=UTC)),
        Availability(type="rep.available", until=LATER),
    ],
)
async def test_an_absence_that_cannot_be_is_a_mistake(said: Availability) -> None:
    """One that is over, or one until which somebody is back."""
    model = MemoryReadModel()
    with pytest.raises(Mistaken, match="until"):
        await availability(FakeSender(model), model, ANDY, "andy", said, REPS, 0.01)


class Counting:
    """Work that says how often it was done."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.done = 0
        self.failure = failure

    async def __call__(self) -> Told:
        self.done += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return Told("accepted", None, Origin(0, self.done))


async def test_what_is_said_twice_at_once_is_sent_once() -> None:
    """A double click: both hear the same. Something else, or the same half a minute later, is sent."""
    now_s, work = [0.0], Counting()
    once = Once(lambda: now_s[0])
    first, second = await asyncio.gather(once.do("won", work), once.do("won", work))
    assert first == second
    assert work.done == 1
    await once.do("lost", work)
    now_s[0] = AGAIN_S
    await once.do("won", work)
    assert work.done == 3


async def test_what_was_not_sent_can_be_said_again() -> None:
    """At once."""
    work, once = Counting(NotSent("no broker")), Once()
    for _ in range(2):
        with pytest.raises(NotSent):
            await once.do("won", work)
    assert work.done == 2


async def test_what_was_refused_can_be_said_again() -> None:
    """At once: who is given the lead a moment later is not told what held before."""
    once, answers = Once(), iter(("refused", "accepted"))

    async def work() -> Told:
        return Told(next(answers), None, Origin(0, 1))  # type: ignore[arg-type]

    assert [(await once.do("accept", work)).outcome for _ in range(3)] == ["refused", "accepted", "accepted"]


async def test_what_was_said_is_remembered_within_a_limit() -> None:
    """However much is said in half a minute."""
    once, work = Once(lambda: 0.0), Counting()
    for number in range(ONCE_MAX + 10):
        await once.do(number, work)
    assert len(once._said) == ONCE_MAX
