"""The reps, teams and regions of `config/routing.yaml`."""

from collections.abc import Collection, Mapping
from typing import cast

from engine.core.reader import Reader
from engine.core.source import Node
from engine.routing import routingkeys as keys
from engine.routing.calendarfile import read_calendar
from engine.routing.calendars import Holidays
from engine.routing.config import Absence, Nobody, Pick, Region, Rep, Team
from engine.routing.leadfields import FIELDS
from engine.routing.whens import Source


def read_reps(
    source: Source, node: Node | None, territories: Collection[str], holidays: Holidays | None
) -> dict[str, Rep]:
    """Everybody who can get a lead; `holidays` are those of who names none."""
    names = source.reader.names(node, "names to reps", keys.REPS_MAX)
    return {name: _rep(source, name, entry, territories, holidays) for name, entry in names.items()}


def _rep(source: Source, name: str, node: Node, territories: Collection[str], holidays: Holidays | None) -> Rep:
    reader = source.reader
    entries = reader.mapping(node, tuple(keys.REP))
    email = reader.text(entries["email"], at_most=keys.EMAIL_MAX) if "email" in entries else None
    if email and "@" not in email:
        reader.problem(entries["email"], f"expected an address, such as {name}@example.com")
    capacity = reader.mapping(entries.get("capacity"), tuple(keys.CAPACITY))
    return Rep(
        id=name,
        name=reader.text(entries.get("name"), default=name, at_most=keys.NAME_SHOWN_MAX),
        email=email,
        calendar=read_calendar(reader, entries, holidays),
        weight=reader.number(entries.get("weight"), 1.0, at_least=keys.WEIGHT_MIN, at_most=keys.WEIGHT_MAX),
        open_max=_at_most(reader, capacity.get("open")),
        day_max=_at_most(reader, capacity.get("per_day")),
        skills=_skills(source, entries.get("skills")),
        territories=territories_at(reader, entries.get("territories"), territories),
    )


def _at_most(reader: Reader, node: Node | None) -> int | None:
    return None if node is None else reader.integer(node, 1, at_least=1, at_most=keys.CAPACITY_MAX)


def _skills(source: Source, node: Node | None) -> dict[str, frozenset[str]]:
    reader = source.reader
    what = "fields of a lead to values, such as {product: [loans], language: en}"
    skills: dict[str, frozenset[str]] = {}
    for name, entry in reader.names(node, what, keys.SKILLS_MAX).items():
        getter = FIELDS(name)
        if isinstance(getter, str):
            reader.key_problem(entry, getter)
        listed: tuple[Node, ...] = (entry,)
        if isinstance(entry.value, tuple):
            listed = reader.items(entry, "values", at_least=1, at_most=keys.SKILL_VALUES_MAX)
        texts = (reader.text(source.value(name, one)) for one in listed)
        skills[name] = frozenset(text.casefold() for text in texts if text)
    return skills


def territories_at(reader: Reader, node: Node | None, territories: Collection[str]) -> tuple[str, ...]:
    """The territories that a rep or a region lists, each once."""
    listed = reader.items(node, "territories", at_most=keys.REP_TERRITORIES_MAX)
    return tuple(dict.fromkeys(reader.reference(one, territories, "territory") for one in listed))


def read_teams(reader: Reader, node: Node | None, reps: Mapping[str, Rep]) -> dict[str, Team]:
    """The teams, in the order of the file."""
    names = reader.names(node, "names to teams", keys.TEAMS_MAX)
    return {name: _team(reader, name, entry, reps) for name, entry in names.items()}


def _team(reader: Reader, name: str, node: Node, reps: Mapping[str, Rep]) -> Team:
    entries = reader.mapping(node, tuple(keys.TEAM), required=("reps",))
    absence = reader.one_of(entries.get("after_absence"), keys.ABSENCE, "parity")
    return Team(
        id=name,
        reps=_members(reader, entries.get("reps"), reps, "team"),
        pick=read_pick(reader, entries.get("pick")) or "round_robin",
        nobody=read_nobody(reader, entries.get("nobody")) or "wait",
        after_absence=cast("Absence", absence),
    )


def read_pick(reader: Reader, node: Node | None) -> Pick | None:
    """How one of several is picked, None where nothing is said."""
    return None if node is None else cast("Pick", reader.one_of(node, keys.PICKS, "round_robin"))


def read_nobody(reader: Reader, node: Node | None) -> Nobody | None:
    """What happens where nobody is there, None where nothing is said."""
    return None if node is None else cast("Nobody", reader.one_of(node, keys.NOBODY, "wait"))


def read_regions(
    reader: Reader, node: Node | None, reps: Mapping[str, Rep], territories: Collection[str]
) -> dict[str, Region]:
    """The regions, in the order of the file."""
    regions: dict[str, Region] = {}
    for name, entry in reader.names(node, "names to regions", keys.REGIONS_MAX).items():
        entries = reader.mapping(entry, tuple(keys.REGION), required=("reps",))
        regions[name] = Region(
            id=name,
            reps=_members(reader, entries.get("reps"), reps, "region"),
            manager=reader.reference(entries["manager"], reps, "rep") if "manager" in entries else None,
            territories=territories_at(reader, entries.get("territories"), territories),
        )
    return regions


def _members(reader: Reader, node: Node | None, reps: Mapping[str, Rep], pool: str) -> tuple[str, ...]:
    members: dict[str, None] = {}
    for member in reader.items(node, "reps", at_least=1, at_most=keys.TEAM_REPS_MAX):
        rep = reader.reference(member, reps, "rep")
        if rep in members:
            reader.problem(member, f"is in this {pool} already; a rep takes one turn in it")
        members[rep] = None
    return tuple(members)
