"""The rules of `config/routing.yaml`: which leads go to whom."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.core.reader import NAME_MAX, listed
from engine.core.source import Node
from engine.routing import routingkeys as keys
from engine.routing.config import Region, Rep, Rule, Team
from engine.routing.leadfields import FIELDS
from engine.routing.repfile import read_nobody, read_pick
from engine.routing.whens import Source

_TERRITORY = keys.TERRITORY
_TARGETS = f"`{_TERRITORY}`, {{team: NAME}}, {{region: NAME}} or {{rep: NAME}}"


@dataclass(frozen=True, slots=True)
class RuleFile:
    """Reads rules with what stands elsewhere in the file."""

    source: Source
    reps: Mapping[str, Rep]
    teams: Mapping[str, Team]
    regions: Mapping[str, Region]

    def rules(self, node: Node | None) -> tuple[Rule, ...]:
        """The rules in the order in which they are tried."""
        reader = self.source.reader
        nodes = reader.items(node, "rules", at_most=keys.RULES_MAX)
        rules = [self._rule(entry, is_last=entry is nodes[-1]) for entry in nodes]
        names: set[str] = set()
        for rule, entry in zip(rules, nodes, strict=True):
            if rule.name and rule.name in names and isinstance(entry.value, dict):
                reader.problem(entry.value["name"], "another rule has this name; it tells in the trace which decided")
            names.add(rule.name)
        return tuple(rules)

    def _rule(self, node: Node, *, is_last: bool) -> Rule:
        reader = self.source.reader
        entries = reader.mapping(node, tuple(keys.RULE), required=("name", "to"))
        to = self._target(entries.get("to"))
        usual = to.nobody if isinstance(to, Team) else "wait" if is_last else "next_rule"
        return Rule(
            name=reader.text(entries.get("name"), at_most=NAME_MAX),
            when=self.source.when(entries["when"]) if "when" in entries else None,
            to=to,
            override=reader.boolean(entries.get("override")),
            needs=self._needs(entries.get("needs")),
            pick=read_pick(reader, entries.get("pick")),
            nobody=read_nobody(reader, entries.get("nobody")) or usual,
        )

    def _needs(self, node: Node | None) -> tuple[str, ...]:
        reader = self.source.reader
        skills = {skill: None for rep in self.reps.values() for skill in rep.skills}
        needs = []
        for entry in reader.items(node, "skills", at_least=1, at_most=keys.SKILLS_MAX):
            name = reader.text(entry)
            getter = FIELDS(name) if name else None
            if isinstance(getter, str):
                reader.problem(entry, getter)
            elif name and name not in skills:
                known = f"skills are there for {listed(skills)}" if skills else "state `skills` of reps"
                reader.problem(entry, f"no rep has such a skill; {known}")
            needs.append(name)
        return tuple(dict.fromkeys(needs))

    def _target(self, node: Node | None) -> Team | Region | Rep | None:
        if node is None:
            return None
        reader = self.source.reader
        if not isinstance(node.value, dict):
            if node.value != _TERRITORY:
                reader.expected(node, _TARGETS)
            return None
        entries = reader.mapping(node, tuple(keys.TARGETS))
        if len(node.value) != 1:
            reader.key_problem(node, f"expected one target: {_TARGETS}")
        pools: Mapping[str, Mapping[str, Team | Region | Rep]]
        pools = {"team": self.teams, "region": self.regions, "rep": self.reps}
        found = [pools[kind].get(reader.reference(entry, pools[kind], kind)) for kind, entry in entries.items()]
        return found[0] if found else None
