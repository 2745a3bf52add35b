"""`config/routing.yaml`: read into a `Routing`, every mistake with its place and what would be right."""

from collections.abc import Collection, Mapping

from engine.core.conditions import compile_condition
from engine.core.reader import NAME_MAX, Reader
from engine.core.source import Node
from engine.routing.config import Rep, Routing, Rule, Team
from engine.routing.leadfields import FIELDS

_KEYS = ("assign_on", "reps", "teams", "rules")
_LATER_KEYS = ("holidays_from", "territories", "regions", "sla", "sticky", "removed_reps", "desks")
_REP_KEYS = ("name", "email")
_LATER_REP_KEYS = ("territories", "time_zone", "hours", "vacations", "holidays", "weight", "capacity", "skills")
_TEAM_KEYS = ("reps", "pick")
_LATER_TEAM_KEYS = ("nobody", "after_absence")
_PICKS = ("round_robin",)
_LATER_PICKS = ("weighted", "least_loaded")
_RULE_KEYS = ("name", "when", "to")
_LATER_RULE_KEYS = ("override", "needs", "pick", "nobody")
_TARGETS = ("team", "rep")
_LATER_TARGETS = ("region", "territory")
RULES_MAX = 500
REPS_MAX = 10_000
TEAM_REPS_MAX = 1_000

_NOBODY = Team("", ())
"""Stands for a target that is wrong until the reader raises for it."""


def load_routing(text: str, file: str, alerts: Collection[str] | None = None) -> Routing:
    """The routing that `text`, the content of `file`, states. Raises ConfigError with every problem.

    `alerts` are the alerts that the model knows: `assign_on` may name no other. None: not known yet, not checked.
    """
    reader = Reader(file)
    entries = reader.mapping(reader.parse(text), _KEYS, _LATER_KEYS, required=("assign_on", "reps", "rules"))
    asking = reader.items(entries.get("assign_on"), "alerts")
    reps = {name: _rep(reader, name, node) for name, node in _named(reader, entries, "reps", REPS_MAX)}
    teams = {name: _team(reader, name, node, reps) for name, node in _named(reader, entries, "teams", RULES_MAX)}
    routing = Routing(
        assign_on=frozenset(_alert(reader, node, alerts) for node in asking),
        reps=reps,
        teams=teams,
        rules=_rules(reader, entries.get("rules"), teams, reps),
    )
    if asking and "rules" in entries and entries["rules"].value == ():
        reader.problem(entries["rules"], "no rules: expected at least one, such as {name: everyone, to: {team: us}}")
    reader.finish()
    return routing


def _alert(reader: Reader, node: Node, alerts: Collection[str] | None) -> str:
    return reader.text(node) if alerts is None else reader.reference(node, alerts, "alert in the model")


def _named(reader: Reader, entries: Mapping[str, Node], what: str, at_most: int) -> list[tuple[str, Node]]:
    return list(reader.names(entries.get(what), f"names to {what}", at_most).items())


def _rep(reader: Reader, name: str, node: Node) -> Rep:
    entries = reader.mapping(node, _REP_KEYS, _LATER_REP_KEYS)
    email = reader.text(entries["email"], at_most=254) if "email" in entries else None
    if email and "@" not in email:
        reader.problem(entries["email"], f"expected an address, such as {name}@example.com")
    return Rep(name, reader.text(entries.get("name"), default=name, at_most=100), email)


def _team(reader: Reader, name: str, node: Node, reps: Mapping[str, Rep]) -> Team:
    entries = reader.mapping(node, _TEAM_KEYS, _LATER_TEAM_KEYS, required=("reps",))
    reader.one_of(entries.get("pick"), _PICKS, "round_robin", _LATER_PICKS)
    members: list[str] = []
    for member in reader.items(entries.get("reps"), "reps", at_least=1, at_most=TEAM_REPS_MAX):
        rep = reader.reference(member, reps, "rep")
        if rep in members:
            reader.problem(member, "is in this team already; a rep takes one turn in it")
        members.append(rep)
    return Team(name, tuple(members))


def _rules(reader: Reader, node: Node | None, teams: Mapping[str, Team], reps: Mapping[str, Rep]) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    names: set[str] = set()
    takes_all: str | None = None
    for entry in reader.items(node, "rules", at_most=RULES_MAX):
        keys = reader.mapping(entry, _RULE_KEYS, _LATER_RULE_KEYS, required=("name", "to"))
        when = compile_condition(keys["when"], FIELDS, reader) if "when" in keys else None
        name = reader.text(keys.get("name"), at_most=NAME_MAX)
        rules.append(Rule(name, when, _target(reader, keys.get("to"), teams, reps)))
        if name in names:
            reader.problem(keys["name"], "another rule has this name; a name tells in the trace which rule decided")
        names.update([name] if name else [])
        if takes_all is not None:
            reader.key_problem(entry, f"never matches: rule `{takes_all}` before it has no `when` and takes every lead")
        elif when is None:
            takes_all = name
    return tuple(rules)


def _target(reader: Reader, node: Node | None, teams: Mapping[str, Team], reps: Mapping[str, Rep]) -> Team | Rep:
    if node is not None and isinstance(node.value, str):
        known = "{team: NAME} and {rep: NAME}"
        later = f"`territory` is not supported yet: this version knows {known}"
        reader.problem(node, later if node.value == "territory" else f"expected {known.replace('and', 'or')}")
        return _NOBODY
    entries = reader.mapping(node, _TARGETS, _LATER_TARGETS)
    if node is not None and isinstance(node.value, dict) and len(node.value) != 1:
        reader.key_problem(node, "expected exactly one of team and rep, such as {team: us}")
    if "rep" in entries:
        return reps.get(reader.reference(entries["rep"], reps, "rep"), _NOBODY)
    return teams.get(reader.reference(entries.get("team"), teams, "team"), _NOBODY)
