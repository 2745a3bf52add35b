"""Stages: where a lead goes, when it is recycled, and what reps say moves it.

The engine moves leads to the stages that the model has a condition for; from where sales set a lead, sales move it. A
stage never goes back by itself (`semantics.md` 3).
"""

from msgspec.structs import replace

from engine.core.effects import Moved
from engine.core.messages import LeadFeedback
from engine.core.model import MQL, RECYCLED, STAGES, Model
from engine.core.profile import Life, Row
from engine.core.standing import Standing
from engine.core.step import Step

_SALES = frozenset(range(MQL + 1, RECYCLED))
_SET_BY_FEEDBACK = {
    "qualified": "salesqualifiedlead",
    "opportunity": "opportunity",
    "won": "customer",
    "lost": "disqualified",
    "disqualified": "disqualified",
    "recycled": "recycled",
}
_STOPS_CYCLE = frozenset({"contacted", "snoozed", *_SET_BY_FEEDBACK})


def advance(step: Step) -> Moved | None:
    """Take the lead to the highest stage whose condition holds, if above its own; where it goes, or None."""
    model, row = step.model, step.row
    if not model.stages or row.stage in _SALES:
        return None
    rank = 0 if row.stage == RECYCLED else row.stage
    stale = 0 if row.life is None else row.life.stale
    to: int | None = None
    for stage, holds in model.stages:
        if stage <= rank and not stale:
            continue
        held = holds(step.standing)
        if not held:
            stale &= ~(1 << stage)
        elif stage > rank and not stale & (1 << stage):
            to = stage
    if row.life is not None and row.life.stale != stale:
        row.life = replace(row.life, stale=stale)
    return None if to is None else _move(model, row, step, to, _reason(step, to))


def _reason(step: Step, stage: int) -> str:
    what = step.name if step.top is None else (step.top.label or step.top.id)
    return f"{what}: qualifies for {STAGES[stage]} at a score of {step.after.total:.1f}"


def _move(model: Model, row: Row, step: Step, to: int, reason: str) -> Moved:
    life = row.life or Life()
    moved = Moved(life.stage, to, reason, (row.now - life.at) / 1000, step.after.total, step.name)
    cycle_ms = _cycle_ms(model, step.standing) if to == MQL else 0
    row.life = replace(life, stage=to, at=row.now, cycle_due=row.now + cycle_ms if cycle_ms else None)
    row.changed = True
    return moved


def _cycle_ms(model: Model, standing: Standing) -> int:
    """How long the lead may stay qualified; 0: for ever."""
    return next((cycle.for_ms for cycle in model.cycle if cycle.holds(standing)), 0)


def recycle(step: Step, reason: str) -> Moved:
    """Start over: nothing that was earned counts any more, and to qualify again a condition must become true anew."""
    model, row = step.model, step.row
    moved = _move(model, row, step, RECYCLED, reason)
    row.fast_track = False
    row.owner = row.desk = None
    row.ledger = {}
    row.gains = []
    step.recount()
    assert row.life is not None
    stale = sum(1 << stage for stage, holds in model.stages if holds(step.standing))
    row.life = replace(row.life, over=row.now, stale=stale)
    return moved


def take_feedback(step: Step, feedback: LeadFeedback) -> Moved | None:
    """What a rep says about the lead: it may stop the cycle, move the stage and be a conversion."""
    row = step.row
    if feedback.kind in _STOPS_CYCLE and row.life is not None and row.life.cycle_due is not None:
        row.life = replace(row.life, cycle_due=None)
    if feedback.kind == "won":
        step.convert("won", feedback.amount, feedback.currency, step.name)
    if feedback.kind in ("disqualified", "recycled"):
        row.desk = None
    to = _SET_BY_FEEDBACK.get(feedback.kind)
    if to is None or STAGES[row.stage] == to:
        return None
    said = f"{feedback.rep}: {feedback.kind}" + (f", {feedback.reason}" if feedback.reason else "")
    if to == "recycled":
        return recycle(step, said)
    return _move(step.model, row, step, STAGES.index(to), said)
