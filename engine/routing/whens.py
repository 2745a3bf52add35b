"""Conditions on leads as `config/routing.yaml` states them, and what of the file only the model can judge."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from engine.core.comparisons import is_glob
from engine.core.conditions import Condition, compile_condition
from engine.core.context import placed
from engine.core.fields import POINTS
from engine.core.model import STAGES, Model
from engine.core.places import country_code
from engine.core.reader import Reader, unknown
from engine.core.source import Node
from engine.routing.leadfields import FIELDS

_WRITTEN_ANEW = ("country", "state", "zip")
_LISTS = ("in", "not_in")


@dataclass(frozen=True, slots=True)
class Known:
    """The names in a model that routing may use: of alerts, of bands, and of engagement rules."""

    alerts: Collection[str]
    bands: Collection[str]
    rules: Collection[str]

    @classmethod
    def of(cls, model: Model) -> "Known":
        """Those of `model`."""
        alerts = [alert.id for alert in model.alerts if not alert.is_action]
        return cls(alerts, [band.name for band in model.bands], list(model.rules))


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is read: what is wrong goes to `reader`; `checks` are what can be asked once the model is known."""

    reader: Reader
    checks: list[Callable[[Known], None]] = field(default_factory=list)

    def when(self, node: Node) -> Condition:
        """A condition on leads. Countries and US states may stand there by name: they are compared by their codes."""
        return compile_condition(self._rewritten(node), FIELDS, self.reader)

    def value(self, name: str, node: Node) -> Node:
        """What the field `name` is compared with, as fields of a lead show it; what none can be is a problem."""
        said = node.value
        if name == "zip" and isinstance(said, int | float) and not isinstance(said, bool) and node.written[:1] != "0":
            self.reader.problem(node, f"a zip is text: quote it: '{node.written}'")
        if not isinstance(said, str) or is_glob(said) or not said.strip():
            return node
        if name == "country" and country_code(said) is None:
            self.reader.problem(node, "there is no such country; expected a code or a name, such as DE or Germany")
        elif name in _WRITTEN_ANEW:
            return replace(node, value=placed(name, said) or said)
        elif name == "stage":
            self._among(node, said, STAGES)
        elif name == "band":
            self.checks.append(lambda known: self._among(node, said, known.bands))
        return node

    def _rewritten(self, node: Node) -> Node:
        """The condition at `node` with every value as it is compared."""
        if not isinstance(node.value, dict):
            return node
        return replace(node, value={name: self._entry(name, entry) for name, entry in node.value.items()})

    def _entry(self, name: str, node: Node) -> Node:
        value = node.value
        if name.startswith(POINTS):
            self.checks.append(lambda known: self._counted(name, node, known.rules))
        if name == "not":
            return self._rewritten(node)
        if isinstance(value, tuple) and name in ("any", "all"):
            return replace(node, value=tuple(self._rewritten(part) for part in value))
        if isinstance(value, dict):
            compared = {word: self._listed(name, entry) if word in _LISTS else entry for word, entry in value.items()}
            return replace(node, value=compared)
        return self._listed(name, node)

    def _listed(self, name: str, node: Node) -> Node:
        if isinstance(node.value, tuple):
            return replace(node, value=tuple(self.value(name, one) for one in node.value))
        return self.value(name, node)

    def _counted(self, name: str, node: Node, rules: Collection[str]) -> None:
        if name.removeprefix(POINTS) not in rules:
            self.reader.key_problem(node, unknown(name, [POINTS + rule for rule in rules]))

    def _among(self, node: Node, said: str, known: Collection[str]) -> None:
        if said.casefold() not in {name.casefold() for name in known}:
            self.reader.problem(node, unknown(said, known))
