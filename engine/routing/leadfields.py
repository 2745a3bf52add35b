"""What conditions of routing may read of a lead: rules, desks and territories alike.

Getters are given a `LeadRequested`. What only the event that caused it has, and the points of single rules, stand in
its `seen`: nothing of an event where time alone asks for a rep.
"""

from collections.abc import Callable

from engine.core.conditions import Fields, Getter
from engine.core.fields import LEAD_FIELDS, POINTS, PROPERTIES, event_fields, is_event_only


def _seen(name: str) -> Getter:
    return lambda request: request.seen.get(name)


def _family(prefix: str) -> Callable[[str], Getter]:
    return lambda rest: _seen(prefix + rest)


FIELDS = Fields(
    known={**LEAD_FIELDS.known, **{name: _seen(name) for name in event_fields().known if is_event_only(name)}},
    families={**LEAD_FIELDS.families, **{prefix: _family(prefix) for prefix in (PROPERTIES, POINTS)}},
)
"""The fields of a lead, and what only events have."""
