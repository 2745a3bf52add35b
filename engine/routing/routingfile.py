"""`config/routing.yaml`, with the files beside it: read into a `Routing`, every mistake with its place and remedy."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.core.conditions import Condition
from engine.core.messages import MAIN_DESK
from engine.core.reader import Reader
from engine.core.source import ConfigError, Node, Problem
from engine.routing import routingkeys as keys
from engine.routing.calendarfile import read_holidays
from engine.routing.config import OtherDesk, Region, Rep, Routing
from engine.routing.repfile import read_regions, read_reps, read_teams
from engine.routing.rulefile import RuleFile
from engine.routing.slafile import read_away_ms, read_sla
from engine.routing.territories import Territories, Territory
from engine.routing.territoryfile import read_territories
from engine.routing.whens import Known, Source

Read = Callable[[str], str | None]
"""Gives the text of a file beside `routing.yaml` by its name, None where there is none; may raise ConfigError."""


def nothing(_name: str) -> str | None:
    """There is no file beside it."""
    return None


def load_routing(text: str, file: str, model: Known | None = None, read: Read = nothing) -> Routing:
    """The routing that `text`, the content of `file`, states. Raises ConfigError with every problem.

    `model` are the names that the model knows; None: not known yet, not checked. `read` gives the files beside it.
    """
    return read_routing(text, file, read).finish(model)


@dataclass(frozen=True, slots=True)
class RoutingFile:
    """A routing with the node that states it, its territories one by one, and the files of other desks by name.

    `routing` must not be used before `finish` came back, where there are `problems`.
    """

    file: str
    routing: Routing
    root: Node
    source: Source
    territories: Sequence[Territory]
    desks: Mapping[str, "RoutingFile"] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong in this file and those beside it, as far as it can be told without the model."""
        return (*self.source.reader.problems, *(problem for desk in self.desks.values() for problem in desk.problems))

    def finish(self, model: Known | None = None) -> Routing:
        """The routing. Raises ConfigError with every problem, those with the names of the model among them."""
        found = [*self.problems, *(self.asked(model) if model else ())]
        if found:
            raise ConfigError(found)
        return self.routing

    def asked(self, model: Known) -> list[Problem]:
        """What is wrong with the names of the model that this file and those beside it use."""
        reader = self.source.reader
        before = len(reader.problems)
        for check in self.source.checks:
            check(model)
        found = reader.problems[before:]
        del reader.problems[before:]
        return [*found, *(problem for desk in self.desks.values() for problem in desk.asked(model))]


def read_routing(text: str, file: str, read: Read = nothing) -> RoutingFile:
    """`load_routing`, for who also asks where things stand. Raises ConfigError where the text is no YAML."""
    beside = _Beside(file, text, read)
    found = _read(text, file, beside, tuple(keys.ROUTING))
    desks, whens = _read_desks(found, beside)
    version = beside.version()
    others = tuple(
        OtherDesk(name, whens[name], replace(desk.routing, version=version))
        for name, desk in desks.items()
        if name in whens
    )
    routing = replace(found.routing, desks=others, version=version, files=tuple(beside.texts))
    return replace(found, routing=routing, desks=desks)


class _Beside:
    """The files beside one, each read once."""

    def __init__(self, file: str, text: str, read: Read) -> None:
        self.folder = file[: file.rfind("/") + 1]
        self.texts: dict[str, str | None] = {}
        self._text = text
        self._read = read

    def read(self, name: str) -> str | None:
        """The text of the file called so, None where there is none. May raise ConfigError."""
        if name not in self.texts:
            self.texts[name] = None
            self.texts[name] = self._read(name)
        return self.texts[name]

    def placed(self, problem: Problem) -> Problem:
        """The problem with its file as it is called from where the folder is."""
        return replace(problem, file=self.folder + problem.file) if problem.file in self.texts else problem

    def version(self) -> str:
        """Another wherever a text is."""
        stated = repr((self._text, list(self.texts.items())))
        return hashlib.sha256(stated.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _read(text: str, file: str, beside: _Beside, known: tuple[str, ...]) -> RoutingFile:
    """What a file states, but for other desks."""
    reader = Reader(file)
    source = Source(reader)
    root = reader.parse(text)
    entries = reader.mapping(root, known, required=keys.REQUIRED)
    named = nodes_under(root, "territories")
    reps = read_reps(source, entries.get("reps"), named, read_holidays(reader, entries.get("holidays_from")))
    teams = read_teams(reader, entries.get("teams"), reps)
    regions = read_regions(reader, entries.get("regions"), reps, named)
    territories = _territories(reader, entries.get("territories"), reps, regions, beside)
    routing = Routing(
        assign_on=_asking(source, entries.get("assign_on")),
        reps=reps,
        teams=teams,
        rules=RuleFile(source, reps, teams, regions).rules(entries.get("rules")),
        regions=regions,
        territories=Territories(territories, reps),
        sla=read_sla(source, entries.get("sla")),
        away_ms=read_away_ms(reader, entries.get("sticky")),
        keep_removed=reader.one_of(entries.get("removed_reps"), keys.REMOVED, "reassign") == "keep",
    )
    if routing.assign_on and "rules" in entries and entries["rules"].value == ():
        reader.problem(entries["rules"], "no rules: expected at least one, such as {name: everyone, to: {team: us}}")
    return RoutingFile(file, routing, root, source, territories)


def _asking(source: Source, node: Node | None) -> frozenset[str]:
    """The alerts that ask for a rep."""
    reader = source.reader
    nodes = reader.items(node, "alerts", at_most=keys.ASSIGN_ON_MAX)
    alerts = [(entry, name) for entry in nodes if (name := reader.text(entry))]

    def check(known: Known) -> None:
        for entry, _ in alerts:
            reader.reference(entry, known.alerts, "alert in the model")

    source.checks.append(check)
    return frozenset(name for _, name in alerts)


def _territories(
    reader: Reader, node: Node | None, reps: Mapping[str, Rep], regions: Mapping[str, Region], beside: _Beside
) -> list[Territory]:
    """The territories, held by the reps who list them and by all reps of the regions that do."""
    held = {rep.id: set(rep.territories) for rep in reps.values()}
    for region in regions.values():
        for rep in region.reps:
            held.get(rep, set()).update(region.territories)
    listed: dict[str, list[str]] = {}
    for rep, names in held.items():
        for name in names:
            listed.setdefault(name, []).append(rep)
    territories = read_territories(
        reader, node, list(reps), {name: tuple(holding) for name, holding in listed.items()}, beside.read
    )
    reader.problems[:] = map(beside.placed, reader.problems)
    return territories


def _read_desks(main: RoutingFile, beside: _Beside) -> tuple[dict[str, RoutingFile], dict[str, Condition]]:
    """The files of the other desks, and for which leads they are, by name."""
    reader = main.source.reader
    stated = main.root.value.get("desks") if isinstance(main.root.value, dict) else None
    files: dict[str, RoutingFile] = {}
    whens: dict[str, Condition] = {}
    whose = dict.fromkeys(main.routing.reps, MAIN_DESK)
    for name, node in reader.names(stated, "names to desks", keys.DESKS_MAX).items():
        if name == MAIN_DESK:
            reader.key_problem(node, f"`{MAIN_DESK}` is the desk of this file: expected another name")
        entries = reader.mapping(node, tuple(keys.DESK), required=("when", "file"))
        if "when" in entries:
            whens[name] = main.source.when(entries["when"])
        desk = _read_desk(reader, entries.get("file"), beside)
        if desk is None:
            continue
        files[name] = desk
        for rep, entry in nodes_under(desk.root, "reps").items():
            if rep in whose:
                desk.source.reader.key_problem(entry, f"is a rep of desk `{whose[rep]}` already: a rep is of one desk")
            whose.setdefault(rep, name)
    return files, whens


def _read_desk(reader: Reader, node: Node | None, beside: _Beside) -> RoutingFile | None:
    """What the file that `node` names states; None, and a problem, where it is not there or cannot be read."""
    name = reader.text(node, at_most=keys.FILE_MAX)
    if node is None or not name:
        return None
    if name in beside.texts:
        reader.problem(node, "this file is read for something else already: expected one of its own")
        return None
    try:
        text = beside.read(name)
        if text is not None:
            return _read(text, beside.folder + name, beside, tuple(key for key in keys.ROUTING if key != "desks"))
        reader.problem(node, "there is no such file beside this one")
    except ConfigError as error:
        reader.problems += error.problems
    return None


def nodes_under(root: Node, key: str) -> dict[str, Node]:
    """The entries of the mapping under `key`; none where there is no such mapping."""
    held = root.value.get(key) if isinstance(root.value, dict) else None
    return held.value if held is not None and isinstance(held.value, dict) else {}
