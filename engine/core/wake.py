"""What time alone does to a row: when it is due, and what falls due then."""

from collections.abc import Iterator
from math import inf, log2
from typing import NamedTuple

from engine.core.abandoned import abandoned
from engine.core.drift import next_fall
from engine.core.effects import Effect
from engine.core.fold import settle
from engine.core.instants import LAST_MS
from engine.core.lifecycle import recycle
from engine.core.model import Model
from engine.core.points import points_of
from engine.core.profile import Row, copy_of
from engine.core.scoring import fit_now
from engine.core.step import Step, Wait
from engine.core.visits import SESSION_GAP_MS, ended

NOTHING_LEFT = 1.0
"""Σ |points × mass| below which a score has decayed to nothing."""
_DAY_MS = 86_400_000


class Woken(NamedTuple):
    """The row after a wake-up, None where it is given up; `name` says what fell due.

    Where `idle`, it was not time yet: only when to look again has changed, and nobody is to be told anything.
    """

    row: Row | None
    name: str
    total: float
    effects: list[Effect]
    idle: bool = False


def next_due_ms(model: Model, row: Row) -> int | None:
    """When time alone may change the row, in ms since the epoch; None: never."""
    due = _next_due(model, row)
    if row.falls is not None and row.falls < due:
        due = row.falls
    return None if row.born_ms + due > LAST_MS else row.born_ms + int(due)


def _next_due(model: Model, row: Row) -> float:
    """The first instant at which something falls due besides the score; asked after every event, hence so plain."""
    waiting = model.waiting
    due: float = inf
    if row.anonymous:
        due = row.last + (waiting.kept_ms if model.bots.one_visit_ms is None else _kept_ms(model, row))
        if due <= row.now:
            due = _nothing_left_at(model, row)
    for begun in row.pending:
        due = min(due, begun.due)
    for missed, _ in row.waits.values():
        if missed is not None and missed < due:
            due = missed
    visit = row.visit
    if model.tells_ends and visit is not None and not visit.ended:
        due = min(due, visit.last + SESSION_GAP_MS)
    for alert, trigger in waiting.silences:
        silent = row.last + trigger.for_ms
        if row.now < silent < due and not _told(row, alert.state):
            due = silent
    if row.life is not None and row.life.cycle_due is not None:
        due = min(due, row.life.cycle_due)
    return due


def _told(row: Row, state: str) -> bool:
    """Whether the silence since the row's last event has been told, or passed over."""
    fired, fired_at = row.alerts.get(state, (False, None))
    return fired and fired_at is not None and fired_at > row.last


def _left(model: Model, row: Row, at: int) -> float:
    return sum(map(abs, points_of(model, row.ledger, at, row.born_ms).values()))


def _nothing_left_at(model: Model, row: Row) -> float:
    """When to look again whether an idle row's score has decayed to nothing; infinite: it never will."""
    left = _left(model, row, row.now)
    lives = [term[1] for rule, term in model.terms.items() if rule in row.ledger and term[4] is None]
    longest_ms = max((life for life in lives if life < inf), default=0.0)
    if not longest_ms and not any(term[4] for rule, term in model.terms.items() if rule in row.ledger):
        return inf
    return row.now + max(_DAY_MS, int(longest_ms * log2(max(left, 1.0))))


def wake(model: Model, row: Row, due_ms: int) -> Woken:
    """`row` at `due_ms`, when something of it is due; the row that went in is left as it was."""
    before = row
    row = copy_of(row)
    at = max(due_ms - row.born_ms, row.now)
    if _is_idle(model, row, at):
        return Woken(row, "decay", 0.0, [], idle=True)
    row.now = at
    events = [*abandoned(row, at)]
    if row.visit is not None and at >= row.visit.last + SESSION_GAP_MS and model.tells_ends:
        events += ended(model, row, at)
    states = _states_due(model, row, at)
    row.waits = dict(_rewaited(model, row, at))
    step = Step(model, before, row, None, events[0].name if events else _name(row, states, at), quiet=row.quiet)
    for event in events:
        step.count(event)
    if not states and _is_evicted(model, row, at):
        return Woken(None, "eviction", 0.0, [])
    ended_cycle = row.life is not None and row.life.cycle_due is not None and row.life.cycle_due <= at
    folded = settle(step, states, recycle(step, "not contacted in time") if ended_cycle else None)
    return Woken(folded.row, step.name, folded.total, folded.effects)


def _is_idle(model: Model, row: Row, at: int) -> bool:
    """Whether nothing is due but a look at how far the score has fallen, and it has not fallen far enough.

    When it will have is written down then.
    """
    if row.falls is None or _next_due(model, row) <= at:
        return False
    row.falls = next_fall(model, row, row.now, fit_now(model, row))
    return row.falls is None or row.falls > at


def _states_due(model: Model, row: Row, at: int) -> frozenset[str]:
    """The states of alerts and actions that waited until now."""
    followed = {state for state, (due, _) in row.waits.items() if due is not None and due <= at}
    silent = {
        alert.state
        for alert, trigger in model.waiting.silences
        if row.last + trigger.for_ms == at and not _told(row, alert.state)
    }
    return frozenset(followed | silent)


def _rewaited(model: Model, row: Row, at: int) -> Iterator[tuple[str, Wait]]:
    """What still waits: one that fired goes on behind the latest event that it waits behind."""
    for state, (due, latest) in row.waits.items():
        if due is None or due > at:
            yield state, (due, latest)
        elif state in model.waiting.followed:
            later = latest + model.waiting.followed[state][1].within_ms
            if later > at:
                yield state, (later, latest)


def _name(row: Row, states: frozenset[str], at: int) -> str:
    if row.life is not None and row.life.cycle_due is not None and row.life.cycle_due <= at:
        return "cycle"
    return "decay" if not states else "silence"


def _kept_ms(model: Model, row: Row) -> int:
    """How long an idle row is kept at least: as long as a silence may be waited for, within bounds."""
    if model.bots.one_visit_ms is not None and _came_once(row):
        return model.bots.one_visit_ms
    return model.waiting.kept_ms


def _came_once(row: Row) -> bool:
    """Whether it is that of one visit, or of a day where there are no visits, of which nobody was told."""
    is_short = row.sessions <= 1 and row.last - row.first < _DAY_MS
    return is_short and row.published is None and row.owner is None


def _is_evicted(model: Model, row: Row, at: int) -> bool:
    if row.known or row.last + _kept_ms(model, row) > at:
        return False
    waits = any(due is not None for due, _ in row.waits.values())
    pending = row.pending or waits or (row.life is not None and row.life.cycle_due is not None)
    enough = NOTHING_LEFT
    if model.bots.one_visit_ms is not None and _came_once(row):
        enough = max(enough, *(band.bound for band in model.bands[1:2]))
    return not pending and _left(model, row, at) < enough
