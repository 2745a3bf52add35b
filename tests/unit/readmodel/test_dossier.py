"""What is known of a lead: from topics read in any order, within limits, and of who was erased nothing."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.erasure import pseudonym
from engine.core.instants import DAY_MS, MINUTE_MS
from engine.readmodel.dossier import (
    TEXT_CHARS_MAX,
    TIMELINE_MAX,
    Dossier,
    Moved,
    News,
    entry_of,
    fold,
    pack,
    since,
    unpack,
    until,
)
from engine.readmodel.events import Read
from engine.readmodel.gathering import gather
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Batch, LeadErased, Progress
from tests.unit.readmodel.told import alerted, decided, instant, merged, moved, said, scored

HASH = pseudonym(b"key")
QUICK = settings(max_examples=20, deadline=None)
OWN = [decided("assigned", 1, due=30), said("accepted", 4, due=60), said("contacted", 40), said("lost", 50)]
OTHERS = [decided("queued", 2, rep=None, lead="a-1"), decided("assigned", 9, rep="bea", lead="a-1")]
MERGED = merged(20)
RELEASED = decided("released", 20, rep=None, lead="a-1", reason="merged: the lead is ada now", trace=[])


def folded(told: Iterable[News], dossier: Dossier | None = None) -> Dossier:
    """The dossier after all of them."""
    for one in told:
        dossier = fold(dossier, one)
    assert dossier is not None
    return dossier


def gathered(*batches: Sequence[News | LeadErased]) -> dict[str, Dossier | None]:
    """The dossiers of both leads after these batches."""

    async def run() -> dict[str, Dossier | None]:
        model = MemoryReadModel()
        for number, batch in enumerate(batches):
            reads = [Read(one) if isinstance(one, LeadErased) else Read(None, one) for one in batch]
            changes = await gather(model, reads, HASH)
            at = await model.positions()
            await model.apply(Batch(changes, at, {("t", 0): number}, Progress(0, 0.0)))
        leads = ("ada", "a-1")
        packed = await model.dossiers(leads)
        return {lead: value and unpack(value) for lead, value in zip(leads, packed, strict=True)}  # type: ignore[misc]

    return asyncio.run(run())


@st.composite
def interleaved(draw: st.DrawFn, *topics: Sequence[News]) -> list[list[News]]:
    """Batches of all topics' records, those of each topic in order."""
    left = [list(topic) for topic in topics]
    batches: list[list[News]] = [[]]
    while any(left):
        batches[-1].append(draw(st.sampled_from([topic for topic in left if topic])).pop(0))
        if draw(st.booleans()):
            batches.append([])
    return batches


ALL = (
    OWN,
    [alerted(1), alerted(30)],
    [alerted(2, "a-1")],
    [scored(1), scored(25, 50.0), scored(39, 60.0)],
    [scored(2, 10.0, "a-1"), scored(19, 30.0, "a-1")],
    [MERGED, moved(60, "lead")],
)


@QUICK
@given(interleaved(*ALL, [*OTHERS, RELEASED]))
def test_topics_may_be_read_in_any_order(batches: list[list[News]]) -> None:
    """However they are cut and mixed, and wherever the merge comes: it is as if all were read in order of time.

    The person has a rep, so the desk takes the other lead from its own.
    """
    told = gathered(*batches)
    ordered = sorted([one for batch in batches for one in batch], key=lambda one: one.time_ms)
    assert told == gathered(ordered)
    ada = told["ada"]
    assert ada is not None
    assert ada.case is not None
    assert (ada.case.state, ada.case.rep, ada.case.of) == ("closed", "andy", "")
    assert [point.total for point in ada.history] == [40.0, 10.0, 30.0, 50.0, 60.0]
    assert told["a-1"] == Dossier(moved=Moved("ada", instant(20), instant(20)))


@QUICK
@given(interleaved([decided("queued", 1, rep=None)], OTHERS, [MERGED]))
def test_a_person_who_only_waits_goes_on_with_the_others_rep(batches: list[list[News]]) -> None:
    """The desk writes nothing of it; what it then writes of the person counts more."""
    ada = gathered(*batches)["ada"]
    assert ada is not None
    assert ada.case is not None
    assert (ada.case.state, ada.case.rep, ada.case.of) == ("assigned", "bea", "a-1")
    later = gathered(*batches, [said("disqualified", 70, rep="bea")])["ada"]
    assert later is not None
    assert later.case is not None
    assert (later.case.state, later.case.rep, later.case.of) == ("closed", None, "")


@QUICK
@given(st.permutations([alerted(minute) for minute in range(60)]))
def test_a_timeline_is_the_newest_entries_in_order(told: list[News]) -> None:
    """Whatever order they come in; what comes again changes nothing."""
    dossier = folded(told)
    assert [entry.at_ms for entry in dossier.timeline] == [instant(minute) for minute in range(60 - TIMELINE_MAX, 60)]
    assert folded(told, dossier) == dossier


@QUICK
@given(interleaved([decided("queued", 5, rep=None)], [moved(10)]))
def test_who_is_recycled_waits_no_more(batches: list[list[News]]) -> None:
    """Whichever topic tells first; who is asked for afterwards waits again."""
    ada = gathered(*batches)["ada"]
    assert ada is not None
    assert ada.case is not None
    assert ada.case.state == "closed"
    again = gathered(*batches, [decided("queued", 11, rep=None)])["ada"]
    assert again is not None
    assert again.case is not None
    assert again.case.state == "waiting"


@QUICK
@given(st.integers(0, 90), interleaved(OWN, [alerted(1), alerted(30)], [scored(1), scored(39)]), st.integers(0, 20))
def test_of_who_was_erased_nothing_up_to_then_is_left(minute: int, batches: list[list[News]], place: int) -> None:
    """Whenever it is read, told by the hash alone, and when all is read anew; what happened later stays."""
    erased = LeadErased(None, HASH("ada"), instant(minute))
    place = min(place, len(batches) - 1)
    ada = gathered(*batches[:place], [*batches[place], erased], *batches[place + 1 :])["ada"]
    later = [one for batch in batches for one in batch if one.time_ms > instant(minute)]
    if not later:
        assert ada is None
        return
    assert ada is not None
    wanted = folded(later)
    assert (ada.history, ada.timeline) == (wanted.history, wanted.timeline)
    assert (ada.case is None) == (wanted.case is None)


def test_a_lead_that_was_merged_may_begin_anew() -> None:
    """A day after the merge its id is another's: what happens then is its own, what came late is the person's."""
    anew = alerted(20 + DAY_MS // MINUTE_MS + 1, "a-1")
    late = alerted(3, "a-1")
    told = gathered([MERGED], [anew], [late])
    ada, other = told["ada"], told["a-1"]
    assert ada is not None
    assert other is not None
    assert [entry.id for entry in ada.timeline] == [late.id, MERGED.id]
    assert [entry.id for entry in other.timeline] == [anew.id]
    assert gathered([anew], [late], [MERGED]) == told


def test_who_moved_twice_is_found() -> None:
    """Also where the later move was read first."""
    second = merged(30, other="ada", lead="user-1")
    for order in ([MERGED, second], [second, MERGED]):

        async def run(order: list[News] = order) -> list[bytes | None]:
            model = MemoryReadModel()
            for number, news in enumerate([*order, alerted(3, "a-1")]):
                at = await model.positions()
                changes = await gather(model, [Read(None, news)], HASH)
                await model.apply(Batch(changes, at, {("t", 0): number}, Progress(0, 0.0)))
            return await model.dossiers(["user-1"])

        (packed,) = asyncio.run(run())
        assert packed is not None
        assert alerted(3, "a-1").id in [entry.id for entry in unpack(packed).timeline]


def test_an_entry_shows_what_there_is_of_the_record() -> None:
    """Nulls are left out, texts are cut and clean, a field is called as in the record."""
    shown = msgspec.json.decode(entry_of(alerted(1, reason="\x1b[31mred " + "x" * 9_999)).data)
    assert shown.keys() == {"alert", "priority", "reason", "from", "to", "total", "band"}
    assert len(shown["reason"]) < TEXT_CHARS_MAX
    assert shown["reason"].startswith("[31mred x")
    assert msgspec.json.decode(entry_of(said("snoozed", 1, until=2)).data).keys() == {"rep", "until"}


def test_a_dossier_is_bounded_whatever_is_written() -> None:
    """100 points of 14 bytes, 40 entries of 9 texts of 500 characters, 40 steps of 4 of 300, 20 territories."""
    long = "é" * 9_999
    territories = [f"{number}{long}" for number in range(100)]
    told = [decided("assigned", 0, reason=long, team=long, territories=territories)]
    many = [scored(minute) for minute in range(300)] + [alerted(minute, reason=long) for minute in range(300)]
    assert len(pack(folded([*told, *many]))) < 250 * 1024


def test_a_dossier_from_before_cases_had_territories_is_read() -> None:
    """It has none then; all else of it stays."""
    older = msgspec.msgpack.decode(pack(folded([decided("assigned", 1, territories=["maine"])])))
    assert older["case"].pop("territories") == ["maine"]
    assert unpack(msgspec.msgpack.encode(older)) == folded([decided("assigned", 1)])


@pytest.mark.parametrize("minute", [0, 1, 4, 45, 99])
def test_a_dossier_parts_in_what_came_before_and_after(minute: int) -> None:
    """Each point and entry is in one of both."""
    whole = folded([*OWN, *ALL[1], *ALL[3]])
    before, after = until(whole, instant(minute)) or Dossier(), since(whole, instant(minute)) or Dossier()
    assert [*before.timeline, *after.timeline] == whole.timeline
    assert [*before.history, *after.history] == whole.history
    assert [one.case for one in (before, after) if one.case] == [whole.case]
