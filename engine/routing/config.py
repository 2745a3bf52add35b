"""What routing is: who can get a lead, and which rule gives it to whom. `routingfile` reads it.

Reps, teams, regions, territories and rules keep the order of the file everywhere: where several come into question,
the first one stated comes first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.core.conditions import Condition
from engine.core.messages import MAIN_DESK
from engine.routing.calendars import ALWAYS, Calendar
from engine.routing.shortlist import Shortlist
from engine.routing.territories import NO_TERRITORIES, Territories

Pick = Literal["round_robin", "weighted", "least_loaded"]
"""How one of several who can take a lead is chosen."""
Nobody = Literal["wait", "assign_anyway", "next_rule"]
"""What becomes of a lead where nobody of a pool can take it now."""
Absence = Literal["parity", "catch_up"]
"""Whether who was not there catches up on what the others got meanwhile."""

MISSES_MAX = 3


@dataclass(frozen=True, slots=True)
class Rep:
    """Somebody who gets leads.

    `weight` is the share beside the others of a pool; `open_max` leads at once and `day_max` a local date are as many
    as the rep takes, None: any number. `skills` by the field of a lead that must fit, such as `product`: the values
    that do, case-folded. `territories` are those that the rep lists, not those of a region or of a zip file.
    """

    id: str
    name: str
    email: str | None = None
    calendar: Calendar = ALWAYS
    weight: float = 1.0
    open_max: int | None = None
    day_max: int | None = None
    skills: Mapping[str, frozenset[str]] = field(default_factory=dict)
    territories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Team:
    """Reps, by id, who share what comes in."""

    id: str
    reps: tuple[str, ...]
    pick: Pick = "round_robin"
    nobody: Nobody = "wait"
    after_absence: Absence = "parity"


@dataclass(frozen=True, slots=True)
class Region:
    """Reps, by id, whose leads go to `manager` after too many misses. Each of them holds the `territories`."""

    id: str
    reps: tuple[str, ...]
    manager: str | None = None
    territories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """Leads for which `when` holds (None: all) go to the team, the region or the one rep.

    Where `to` is None they go to the reps whose territory holds the lead. With `override` also a lead that another rep
    has. `needs` are fields of a lead that a rep must have the skill for. `pick` is None where it is the team's or the
    default; `nobody` is what holds, be it the rule's own, its team's or the default.
    """

    name: str
    when: Condition | None
    to: Team | Region | Rep | None
    override: bool = False
    needs: tuple[str, ...] = ()
    pick: Pick | None = None
    nobody: Nobody = "next_rule"


@dataclass(frozen=True, slots=True)
class Limits:
    """Working time, in ms, within which a lead is to be accepted, and then contacted; None: no deadline."""

    accept_ms: int | None = None
    contact_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Sla:
    """The limits by band.

    A reminder comes at the share `remind_at` (0 to 1) of a limit, None: never. After so many misses a lead goes to the
    region's manager.
    """

    bands: Mapping[str, Limits] = field(default_factory=dict)
    remind_at: float | None = None
    misses_max: int = MISSES_MAX


@dataclass(frozen=True, slots=True)
class OtherDesk:
    """A sales organisation of its own, for leads for which `when` holds."""

    name: str
    when: Condition
    routing: "Routing"


@dataclass(frozen=True, slots=True)
class Routing:
    """The rules of assignment of a desk: the first that holds decides.

    `assign_on` names the alerts that ask for a rep. A lead stays with its owner unless away for more than `away_ms`;
    None: however long. Leads of a rep who is no longer in the file go to another unless `keep_removed`. `desks` are
    asked before this one, and the first whose `when` holds has the lead; theirs have none. `version` changes with
    whatever was read, `files` names what was read beside the file.
    """

    assign_on: frozenset[str]
    reps: Mapping[str, Rep]
    teams: Mapping[str, Team]
    rules: tuple[Rule, ...]
    regions: Mapping[str, Region] = field(default_factory=dict)
    territories: Territories = NO_TERRITORIES
    sla: Sla = field(default_factory=Sla)
    away_ms: int | None = None
    keep_removed: bool = False
    desks: tuple[OtherDesk, ...] = ()
    version: str = ""
    files: tuple[str, ...] = ()
    shortlist: Shortlist = field(init=False, repr=False, compare=False)
    """Which of the rules may be for a lead."""
    region_of: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """The region of each rep who is in one, the first."""

    def __post_init__(self) -> None:
        """Look once for what no decision has to look for then."""
        object.__setattr__(self, "shortlist", Shortlist([(rule.name, rule.when) for rule in self.rules]))
        last_first = reversed([*self.regions.values()])
        object.__setattr__(self, "region_of", {rep: region.id for region in last_first for rep in region.reps})

    @property
    def by_desk(self) -> "dict[str, Routing]":
        """What each desk goes by, this one as `main`; a rep is of one desk."""
        return {MAIN_DESK: self, **{desk.name: desk.routing for desk in self.desks}}

    @property
    def fields(self) -> frozenset[str]:
        """The fields of leads that rules, skills, territories and desks read."""
        read = set(self.territories.fields)
        for rule in self.rules:
            read.update(rule.needs)
            read.update(rule.when.fields if rule.when else ())
        for desk in self.desks:
            read |= desk.when.fields | desk.routing.fields
        return frozenset(read)


NO_ROUTING = Routing(frozenset(), {}, {}, ())
"""What holds where there is no file: nobody asks, and nobody is there."""
