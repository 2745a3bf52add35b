"""What conditions of routing may read of a lead: rules, desks and territories alike."""

from engine.core.conditions import Fields
from engine.core.fields import EVENT_ONLY, LEAD_FIELDS

FIELDS = Fields(
    known=LEAD_FIELDS.known,
    families=LEAD_FIELDS.families,
    later=(*EVENT_ONLY, "points."),
)
"""The fields of a lead; not yet what only the event that caused the request has."""
