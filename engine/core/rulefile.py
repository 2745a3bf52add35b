"""The rules of a model file: engagement, fit and conversions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from engine.core.comparisons import Key
from engine.core.decode import SOURCES
from engine.core.instants import DAY_MS
from engine.core.model import Conversion, FitRule, Rule
from engine.core.modelconditions import Conditions, When
from engine.core.modelkeys import CONVERSION, DECAY_KEYS, DECAYS, FIT_RULE, RULE
from engine.core.modelvalues import label, per
from engine.core.reader import Reader
from engine.core.source import Node

POINTS_MAX = 1e9
HALF_LIFE_MS_MIN = 1_000
WINDOW_DAYS_MAX = 90
LIMIT_MS_MAX = 90 * DAY_MS
WON = "won"


@dataclass(frozen=True, slots=True)
class RuleFile:
    """Reads rules with what stands elsewhere in the file: groups, and the half-life where none is stated."""

    reader: Reader
    conditions: Conditions
    groups: Mapping[str, float] = field(default_factory=dict)
    half_life_ms: int = 0

    def engagement(self, node: Node | None) -> list[tuple[Rule, When]]:
        """The engagement rules in the file's order."""
        rules = []
        for name, entry in self.reader.names(node, "rules").items():
            keys = self.reader.mapping(entry, tuple(RULE), required=("when", "points"))
            if "when" in keys:
                when = self.conditions.event(keys["when"])
                rules.append((self._rule(name, keys, when), when))
        return rules

    def _rule(self, name: str, keys: Mapping[str, Node], when: When) -> Rule:
        reader = self.reader
        stated = [key for key in DECAY_KEYS if key in keys]
        if len(stated) > 1:
            reader.key_problem(keys[stated[1]], f"beside `{stated[0]}`: a rule decays in one way only")
        window_days = self._window_days(keys["window"]) if "window" in keys else None
        lasting = window_days is not None or reader.one_of(keys.get("decay"), DECAYS, "") != ""
        limit, limit_ms = self._limit(keys, window_days)
        if "times_max" in keys and "times" not in keys:
            reader.key_problem(keys["times_max"], "only a rule with `times` has this")
        half_life_ms = reader.duration_ms(keys.get("half_life"), self.half_life_ms, at_least=HALF_LIFE_MS_MIN)
        return Rule(
            id=name,
            holds=when.beside,
            points=self._points(keys),
            half_life_ms=inf if lasting else half_life_ms,
            label=label(reader, keys),
            group=reader.reference(keys["group"], self.groups, "group") if "group" in keys else None,
            max=reader.number(keys["max"], 1.0, above=0) if "max" in keys else None,
            fast_track=reader.boolean(keys.get("fast_track")),
            window_days=window_days,
            limit=limit,
            limit_ms=limit_ms,
            once="limit" in keys and keys["limit"].value == "once",
            times=self.conditions.amount(keys["times"]) if "times" in keys else None,
            times_max=reader.number(keys.get("times_max"), inf, above=0),
            sources=self._sources(keys["sources"]) if "sources" in keys else None,
        )

    def _points(self, keys: Mapping[str, Node]) -> float:
        return self.reader.number(keys.get("points"), at_least=-POINTS_MAX, at_most=POINTS_MAX)

    def _window_days(self, node: Node) -> int:
        window_ms = self.reader.duration_ms(node, DAY_MS)
        if window_ms % DAY_MS or not DAY_MS <= window_ms <= WINDOW_DAYS_MAX * DAY_MS:
            self.reader.problem(node, f"expected whole days, from 1d to {WINDOW_DAYS_MAX}d")
            return 1
        return window_ms // DAY_MS

    def _limit(self, keys: Mapping[str, Node], window_days: int | None) -> tuple[int | None, int]:
        """How many count within how many ms; (None, 0) of a rule without such a limit."""
        node = keys.get("limit")
        if node is None:
            return None, 0
        if "times" in keys:
            self.reader.key_problem(node, "beside `times`: a rule counts amounts or is limited, not both")
        if node.value == "once":
            return None, 0
        limit, limit_ms = per(self.reader, node, "`once` or a number of events per duration, such as 3 per 1d")
        if limit_ms > LIMIT_MS_MAX:
            self.reader.problem(node, f"expected a limit per {LIMIT_MS_MAX // DAY_MS}d at most")
        elif window_days is not None and DAY_MS % limit_ms:
            self.reader.problem(
                node, "beside `window`, expected a limit per part of a day, such as 3 per 1d or 1 per 6h"
            )
        return limit, limit_ms

    def _sources(self, node: Node) -> frozenset[str]:
        nodes = node.value if isinstance(node.value, tuple) else (node,)
        if not nodes:
            self.reader.problem(node, "expected at least one source, such as web")
        return frozenset(self.reader.one_of(one, sorted(SOURCES), "") for one in nodes)

    def fit(self, node: Node | None) -> list[tuple[FitRule, Key]]:
        """The rules of fit in the file's order, each with the key of its condition."""
        rules = []
        for name, entry in self.reader.names(node, "rules").items():
            keys = self.reader.mapping(entry, tuple(FIT_RULE), required=("when", "points"))
            if "when" in keys:
                condition = self.conditions.person(keys["when"])
                rule = FitRule(name, condition.holds, self._points(keys), label(self.reader, keys))
                rules.append((rule, condition.key))
        return rules

    def conversions(self, node: Node | None) -> list[tuple[Conversion, When]]:
        """What counts as a conversion, in the file's order."""
        found = []
        for name, entry in self.reader.names(node, "conversions", at_most=100).items():
            if name == WON:
                self.reader.key_problem(
                    entry, f"`{WON}` is what deals are called that sales report as won: expected another name"
                )
            keys = self.reader.mapping(entry, tuple(CONVERSION), required=("when",))
            if "when" in keys:
                when = self.conditions.event(keys["when"])
                value, currency = (
                    self.conditions.amount(keys[key]) if key in keys else None for key in ("value", "currency")
                )
                found.append((Conversion(name, when.beside, value, currency), when))
        return found
