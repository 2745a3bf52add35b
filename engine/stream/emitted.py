"""Every type of record that Heatline emits, with what it holds: the list that contract, readers and tellers share."""

from dataclasses import dataclass
from typing import get_args

import msgspec

from engine.core.canary import ROUTED, SCORED
from engine.core.cloudevents import kind_of
from engine.core.messages import FeedbackKind
from engine.core.records import (
    CanaryAnswer,
    DeadLetter,
    LeadAction,
    LeadAlert,
    LeadAssignment,
    LeadConversion,
    LeadErased,
    LeadFeedbackRecord,
    LeadMergeRecord,
    LeadScore,
    LeadStageChange,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of record that Heatline emits: `io.heatline.<noun_verb>.v1` on `topic`."""

    topic: str
    noun_verb: str
    data: type[msgspec.Struct]

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        return kind_of(self.noun_verb)

    @property
    def file(self) -> str:
        """Where its schema stands, below `topics/`."""
        return f"schemas/{self.noun_verb}.v1.json"


EMITTED = (
    Kind("lead-scores", "lead.score_changed", LeadScore),
    Kind("lead-alerts", "lead.alerted", LeadAlert),
    Kind("lead-alerts", SCORED, CanaryAnswer),
    Kind("lead-actions", "lead.action_requested", LeadAction),
    Kind("lead-stages", "lead.stage_changed", LeadStageChange),
    Kind("lead-stages", "lead.merged", LeadMergeRecord),
    Kind("lead-stages", "lead.erased", LeadErased),
    Kind("lead-conversions", "lead.converted", LeadConversion),
    Kind("lead-assignments", "lead.assigned", LeadAssignment),
    Kind("lead-assignments", "lead.reassigned", LeadAssignment),
    Kind("lead-assignments", "lead.queued", LeadAssignment),
    Kind("lead-assignments", "lead.reminded", LeadAssignment),
    Kind("lead-assignments", "lead.escalated", LeadAssignment),
    Kind("lead-assignments", "lead.released", LeadAssignment),
    Kind("lead-assignments", "lead.call_due", LeadAssignment),
    *(Kind("lead-assignments", f"lead.{said}", LeadFeedbackRecord) for said in get_args(FeedbackKind)),
    Kind("lead-assignments", ROUTED, CanaryAnswer),
    Kind("dead-letters", "event.rejected", DeadLetter),
)

CANARIES = frozenset(kind.noun_verb for kind in EMITTED if kind.data is CanaryAnswer)
"""What is said of canaries, of which nobody is to be told."""
