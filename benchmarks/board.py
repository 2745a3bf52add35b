"""What the board's lists cost: loading the index, one page, a search, and what changed, beside 100,000 cards."""

import asyncio
import time
from collections.abc import Callable, Iterator
from statistics import median

from benchmarks.report import Figure, at_most
from benchmarks.sizes import Sizes
from engine.app.worker import keep_collector_rare
from engine.core.records import Ids, Page, Touch
from engine.readmodel.case import Case
from engine.readmodel.dossier import Dossier, pack
from engine.readmodel.history import Point
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Batch, Change, DossierKept, LeadScored, Progress
from engine.web.gate.access import Principal
from engine.web.lists.index import Index
from engine.web.lists.views import Wanted
from tests.unit.readmodel.samples import AT, NOW_MS, scored

RUNS = 20
REPS = 200
REGIONS = 9
AREAS = 47
"""Territories that many reps share; each rep has one of its own, too."""
CHANGED = 1_000
MANAGER = Principal("m", "Manager", "manager", regions=frozenset({"*"}))
EAST = Principal("e", "East", "manager", regions=frozenset({f"region-{number}" for number in range(REGIONS // 2)}))
REP = Principal("r", "Rep", "rep", "rep-7")


def board(sizes: Sizes) -> Iterator[Figure]:
    """Processor time in this process, with a memory read model: what HTTP and a store add is not in it."""
    keep_collector_rare()
    yield from asyncio.run(_measured(sizes.cards))


async def _measured(cards: int) -> list[Figure]:
    model = MemoryReadModel(leads_max=cards)
    await _apply(model, [change for number in range(cards) for change in _lead(number)])
    index = Index(model, lambda: b"a secret of benchmarks", idle_max=cards)
    loaded_s, pause_ms = await _loaded(index)
    note = f"{cards:,} leads, a third of them with an open case"
    figures = [
        Figure("board", "index loaded", loaded_s, "s", at_most(60), note),
        Figure("board", "· longest pause for others", pause_ms, "ms", at_most(50)),
    ]

    def asked(name: str, who: Principal, wanted: Wanted, goal_ms: float, after: str | None = None) -> None:
        took_ms = _took_ms(lambda: index.page(who, wanted, after, 100))
        figures.append(Figure("board", name, took_ms, "ms", at_most(goal_ms)))

    asked("first page of 100", MANAGER, Wanted(), 10)
    asked("· a page in the middle", MANAGER, Wanted(), 10, _cursor(index, cards // 2))
    asked("· of a manager of half the regions", EAST, Wanted(), 10)
    asked("· of a rep", REP, Wanted(), 10)
    asked("· of a territory of many reps", MANAGER, Wanted(territory="area-7"), 10)
    asked("· of a territory of one", MANAGER, Wanted(territory="district-7"), 10)
    asked("· a day", REP, Wanted(view="day"), 10)
    asked("search that finds one", MANAGER, Wanted(q=f"person-{cards - 1}@"), 50)
    asked("· that finds all", MANAGER, Wanted(q="example.com"), 50)
    asked("· that finds nothing", MANAGER, Wanted(q="nobody at all"), 50)
    asked("· of a manager of half the regions", EAST, Wanted(q="example.com"), 100)
    figures.append(Figure("board", "values to filter by", _took_ms(lambda: index.facets(MANAGER)), "ms", at_most(50)))
    mark = index.mark
    await _apply(model, [change for number in range(CHANGED) for change in _lead(number, 1.0)])
    begin_s = time.process_time()
    await index.catch_up()
    taken_ms = (time.process_time() - begin_s) * 1_000
    figures.append(Figure("board", f"{CHANGED:,} changes taken in", taken_ms, "ms", at_most(1_000)))
    changes_ms = _took_ms(lambda: index.changes(MANAGER, Wanted(), mark))
    return [*figures, Figure("board", "· told to a viewer", changes_ms, "ms", at_most(20))]


async def _apply(model: MemoryReadModel, changes: list[Change]) -> None:
    since = await model.positions()
    until = {("t", 0): since.get(("t", 0), 0) + 1}
    await model.apply(Batch(changes, since, until, Progress(NOW_MS, 0.0)))


async def _loaded(index: Index) -> tuple[float, float]:
    """How long it took, and the longest time in which nothing else got its turn, of the processor's."""
    loading = asyncio.create_task(index.catch_up())
    begin_s = turn_s = time.process_time()
    longest_s = 0.0
    while not loading.done():
        await asyncio.sleep(0)
        now_s = time.process_time()
        longest_s, turn_s = max(longest_s, now_s - turn_s), now_s
    await loading
    return turn_s - begin_s, longest_s * 1_000


def _took_ms(work: Callable[[], object]) -> float:
    taken_s = []
    for _ in range(RUNS):
        begin_s = time.process_time()
        work()
        taken_s.append(time.process_time() - begin_s)
    return median(taken_s) * 1_000


def _cursor(index: Index, number: int) -> str | None:
    return index.page(MANAGER, Wanted(), None, number).next


def _lead(number: int, more: float = 0.0) -> list[Change]:
    """Of the size of a real one: three reasons, ten pages, some traits, a history."""
    lead, total = f"email:person-{number}@example.com", (number * 7919 % 10_000) / 100 + more
    output = scored(
        lead,
        total,
        pages=[Page(AT, f"/products/{one}/details", "A page with a title", 42.0) for one in range(10)],
        first_touch=Touch(AT, "paid", f"source-{number % 20}", "cpc", "spring"),
        traits={"firstName": "Ada", "lastName": f"Lovelace {number}", "company": f"Engines {number % 5_000}"},
        ids=Ids(None, [f"a-{number}"]),
    )
    rep = number % REPS
    case = Case(
        state="assigned" if number % 3 == 0 else "closed",
        rep=f"rep-{rep}",
        team=f"team-{rep % 20}",
        region=f"region-{rep % REGIONS}",
        territories=(f"area-{number % AREAS}", f"district-{rep}"),
        since_ms=NOW_MS,
        asked_ms=NOW_MS,
        due_ms=NOW_MS + number if number % 3 == 0 else None,
    )
    history = [Point(NOW_MS - one * 60_000, total) for one in range(40, 0, -1)]
    assert output.value is not None
    band = "hot" if total >= 80 else "warm" if total >= 30 else "cold"
    return [LeadScored(lead, total, band, output.value), DossierKept(lead, pack(Dossier(history, case)))]
