"""What looks at an event is found by its name: the index of a model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from engine.core.events import VIEWS
from engine.core.model import Conversion, Readers, Rule
from engine.core.modelconditions import When
from engine.core.pathindex import rules_by_path
from engine.core.triggers import Alert


@dataclass(frozen=True, slots=True)
class Lookers:
    """Everything in a model that looks at events, in its order, each with the condition that says at which."""

    rules: Sequence[tuple[Rule, When]] = ()
    conversions: Sequence[tuple[Conversion, When]] = ()
    whens: Sequence[tuple[Alert, When]] = ()
    followers: Sequence[tuple[Alert, When]] = ()

    def by_event(self) -> dict[str, Readers]:
        """What can look at an input event, for each name that somebody looks for."""
        names = VIEWS.union(*(when.events for when in self._conditions() if when.events is not None))
        return {name: self._that(_of_event(name)) for name in sorted(names)}

    def of_any(self) -> Readers:
        """What can look at an input event of a name that nobody looks for."""
        return self._that(lambda when: when.events is None)

    def by_signal(self) -> dict[str, Readers]:
        """What can look at a signal, for each that somebody looks for."""
        names = frozenset[str]().union(*(when.signals for when in self._conditions()))
        return {name: self._that(_of_signal(name)) for name in sorted(names)}

    def dwell_s_min(self) -> float:
        """The shortest `dwell` for which anything can hold."""
        return min((when.dwell_s_min for when in self._conditions()), default=inf)

    def _conditions(self) -> list[When]:
        return [when for part in (self.rules, self.conversions, self.whens, self.followers) for _, when in part]

    def _that(self, looks: Callable[[When], bool]) -> Readers:
        return Readers(
            rules=tuple(rule for rule, when in self.rules if looks(when)),
            by_path=rules_by_path([(rule, when.paths) for rule, when in self.rules if looks(when)]),
            conversions=tuple(conversion for conversion, when in self.conversions if looks(when)),
            whens=tuple((alert, when.beside) for alert, when in self.whens if looks(when)),
            followers=tuple((alert, when.beside) for alert, when in self.followers if looks(when)),
        )


def _of_event(name: str) -> Callable[[When], bool]:
    return lambda when: when.events is None or name in when.events


def _of_signal(name: str) -> Callable[[When], bool]:
    return lambda when: name in when.signals
