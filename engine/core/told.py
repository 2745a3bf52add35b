"""What a rep says about a lead, folded into its row."""

from engine.core.fold import Folded, settle
from engine.core.lifecycle import take_feedback
from engine.core.messages import LeadFeedback
from engine.core.model import Model
from engine.core.profile import Row, copy_of
from engine.core.step import Step


def fold_feedback(model: Model, row: Row, feedback: LeadFeedback) -> Folded:
    """`row` after what a rep said; a silence is not broken by it."""
    before = row
    row = copy_of(row)
    row.now = max(row.now, feedback.at - row.born_ms)
    step = Step(model, before, row, None, feedback.cause.name, quiet=False)
    return settle(step, moved=take_feedback(step, feedback))
