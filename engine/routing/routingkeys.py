"""The keys of `routing.yaml`, each with what its value looks like: readers take the names, editors the schema."""

from typing import get_args

from engine.core.modelkeys import (
    BOOLEAN,
    CONDITION,
    DURATION,
    LABEL,
    LABEL_MAX,
    TEXT,
    Keys,
    Shape,
    list_of,
    mapping,
    named,
    one_of,
)
from engine.routing.config import Absence, Nobody, Pick

ASSIGN_ON_MAX = 1_000
REPS_MAX = 10_000
TEAMS_MAX = 500
TEAM_REPS_MAX = 1_000
REGIONS_MAX = 500
REP_TERRITORIES_MAX = 1_000
RULES_MAX = 500
DESKS_MAX = 50
SKILLS_MAX = 50
SKILL_VALUES_MAX = 500
EMAIL_MAX = 254
FILE_MAX = 200
NAME_SHOWN_MAX = LABEL_MAX
WEIGHT_MIN, WEIGHT_MAX = 0.001, 1_000.0
CAPACITY_MAX = 1_000_000
MISSES_MAX = 100
LIMIT_DAYS_MAX = 365

PICKS = get_args(Pick)
NOBODY = get_args(Nobody)
ABSENCE = get_args(Absence)
REMOVED = ("reassign", "keep")
TERRITORY = "territory"

NAMES: Shape = {"type": "array", "items": TEXT}
TEXTS: Shape = {"anyOf": [TEXT, list_of(TEXT)]}
SHARE: Shape = {"type": "number", "minimum": 0, "maximum": 1}


def _count(at_most: int) -> Shape:
    return {"type": "integer", "minimum": 1, "maximum": at_most}


_INTERVAL: Shape = {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"}
_DAY = "(mon|tue|wed|thu|fri|sat|sun)"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

CAPACITY: Keys = {"open": _count(CAPACITY_MAX), "per_day": _count(CAPACITY_MAX)}
REP: Keys = {
    "name": LABEL,
    "email": {"type": "string", "pattern": "@", "maxLength": EMAIL_MAX},
    "territories": NAMES,
    "time_zone": TEXT,
    "hours": {
        "type": "object",
        "minProperties": 1,
        "patternProperties": {f"^{_DAY}(-{_DAY})?$": {"anyOf": [_INTERVAL, list_of(_INTERVAL)]}},
        "additionalProperties": False,
    },
    "vacations": {"type": "array", "items": {"type": "string", "pattern": f"^{_DATE}(/{_DATE})?$"}},
    "holidays": TEXT,
    "weight": {"type": "number", "minimum": WEIGHT_MIN, "maximum": WEIGHT_MAX},
    "capacity": mapping(CAPACITY),
    "skills": named(TEXTS),
}
TEAM: Keys = {
    "reps": list_of(TEXT),
    "pick": one_of(PICKS),
    "nobody": one_of(NOBODY),
    "after_absence": one_of(ABSENCE),
}
REGION: Keys = {"reps": list_of(TEXT), "manager": TEXT, "territories": NAMES}
TARGETS: Keys = {"team": TEXT, "region": TEXT, "rep": TEXT}
RULE: Keys = {
    "name": {"type": "string", "minLength": 1, "maxLength": 64},
    "when": CONDITION,
    "to": {"anyOf": [{"const": TERRITORY}, mapping(TARGETS, minProperties=1, maxProperties=1)]},
    "override": BOOLEAN,
    "needs": list_of(TEXT),
    "pick": one_of(PICKS),
    "nobody": one_of(NOBODY),
}
LIMITS: Keys = {"accept_within": DURATION, "contact_within": DURATION}
SLA: Keys = {"remind_at": SHARE, "misses_before_manager": _count(MISSES_MAX)}
STICKY: Keys = {"unless_away_for": DURATION}
DESK: Keys = {"when": CONDITION, "file": {"type": "string", "minLength": 1, "maxLength": FILE_MAX}}

ROUTING: Keys = {
    "assign_on": NAMES,
    "holidays_from": TEXT,
    "territories": named({"$ref": "#/$defs/territory"}),
    "regions": named(mapping(REGION, required=("reps",))),
    "reps": named(mapping(REP)),
    "teams": named(mapping(TEAM, required=("reps",))),
    "rules": {"type": "array", "items": mapping(RULE, required=("name", "to"))},
    "sla": {
        "type": "object",
        "properties": SLA,
        "additionalProperties": mapping(LIMITS, minProperties=1),
    },
    "sticky": mapping(STICKY),
    "removed_reps": one_of(REMOVED),
    "desks": named(mapping(DESK, required=("when", "file"))),
}
REQUIRED = ("assign_on", "reps", "rules")
