"""`config/model.yaml` and `config/events.yaml`: parsed, checked and compiled into a `Model`.

Keys of the documented grammar that this version does not know yet are refused by name.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import inf

from engine.core.conditions import Condition, compile_condition
from engine.core.decode import EventDecoder
from engine.core.fields import EVENT_FIELDS, LEAD_FIELDS, properties_read, traits_read
from engine.core.model import COLD, Alert, Band, Crosses, FastTrack, Model, Priority, Rule
from engine.core.names import Names
from engine.core.reader import Reader
from engine.core.source import Node

_KEYS = ("scale", "lateness", "bands", "publish_from", "defaults", "groups", "engagement", "alerts")
_LATER_KEYS = (
    "time_zone",
    "total",
    "grades",
    "products",
    "fit",
    "personas",
    "conversions",
    "stages",
    "stage_names",
    "cycle",
    "actions",
    "actions_limit",
    "suppress",
    "identity",
    "bots",
)
_RULE_KEYS = ("when", "points", "half_life", "max", "group", "label", "fast_track")
_LATER_RULE_KEYS = ("times", "times_max", "limit", "window", "decay", "sources")
_ALERT_KEYS = ("crosses", "fast_track", "rearm_below", "cooldown", "if", "priority", "label")
_LATER_ALERT_KEYS = (
    "falls_below",
    "rearm_above",
    "score",
    "when",
    "not_followed_by",
    "within",
    "gains",
    "silent_for",
    "enters",
)
_PRIORITIES: tuple[Priority, ...] = ("low", "normal", "high")
_DEFAULT_BANDS = {"warm": 30.0, "hot": 80.0}
_PUBLISH_FROM = "warm"
_POINTS_MAX = 1e9
_DEFAULT_LATENESS_MS = 96 * 3_600_000
_DEFAULT_HALF_LIFE_MS = 30 * 86_400_000
_DEFAULT_COOLDOWN_MS = 24 * 3_600_000
_HALF_LIFE_MS_MIN = 1_000
_VIEWS = frozenset({"page_view", "screen_view"})
STANDARD_TRAITS = (
    "email",
    "name",
    "firstName",
    "lastName",
    "phone",
    "title",
    "company",
    "industry",
    "employees",
    "website",
    "age",
    "country",
    "state",
    "city",
    "zip",
    "address",
    "language",
)
"""The traits of Segment's `identify` that are kept besides those that the configuration names."""


def load_names(text: str, file: str) -> Mapping[str, str]:
    """What `config/events.yaml` says: other tools' names → canonical names. Raises ConfigError with every problem."""
    reader = Reader(file)
    entries = reader.names(reader.parse(text), "other tools' event names to canonical ones", at_most=10_000)
    names = {}
    for name, entry in entries.items():
        if isinstance(entry.value, tuple):
            reader.problem(entry, "property paths are not supported yet: expected a canonical name, such as purchase")
        else:
            names[name] = reader.text(entry, at_most=100).casefold()
    reader.finish()
    return names


def load_model(
    text: str, file: str, names: Mapping[str, str] | None = None, routing_traits: Iterable[str] = ()
) -> Model:
    """The model that `text`, the content of `file`, states. Raises ConfigError with every problem.

    `names` maps other tools' event names to canonical ones; `routing_traits` are the traits that routing reads.
    """
    return _ModelReader(Reader(file)).model(text, names or {}, frozenset(routing_traits))


class _ModelReader:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.scale = 100.0
        self.half_life_ms = _DEFAULT_HALF_LIFE_MS
        self.bands: tuple[Band, ...] = ()
        self.groups: dict[str, float] = {}
        self.fields: set[str] = set()
        self.lead_fields: set[str] = set()

    def model(self, text: str, names: Mapping[str, str], routing_traits: frozenset[str]) -> Model:
        reader = self.reader
        root = reader.mapping(reader.parse(text), _KEYS, _LATER_KEYS)
        self.scale = reader.number(root.get("scale"), 100.0, above=0)
        lateness_ms = reader.duration_ms(root.get("lateness"), _DEFAULT_LATENESS_MS)
        self.bands = self._bands(root.get("bands"))
        publish_from = self._band(root.get("publish_from"), _PUBLISH_FROM)
        defaults = reader.mapping(root.get("defaults"), ("half_life",))
        self.half_life_ms = reader.duration_ms(
            defaults.get("half_life"), _DEFAULT_HALF_LIFE_MS, at_least=_HALF_LIFE_MS_MIN
        )
        self.groups = self._groups(root.get("groups"))
        rules = self._rules(root.get("engagement"))
        alerts = self._alerts(root.get("alerts"))
        reader.finish()
        named = frozenset(name for _, events in rules if events is not None for name in events)
        traits = {*STANDARD_TRAITS, *routing_traits, *traits_read(self.fields), *traits_read(self.lead_fields)}
        return Model(
            version=hashlib.sha256(repr((text, sorted(names.items()))).encode()).hexdigest()[:12],
            scale=self.scale,
            bands=self.bands,
            publish_from=publish_from.bound,
            groups=self.groups,
            rules={rule.id: rule for rule, _ in rules},
            terms={rule.id: (rule.points, rule.half_life_ms, rule.max, rule.group) for rule, _ in rules},
            rules_by_event={
                name: tuple(rule for rule, events in rules if events is None or name in events)
                for name in named | _VIEWS
            },
            rules_for_any=tuple(rule for rule, events in rules if events is None),
            alerts=alerts,
            crosses_from=min(
                (alert.trigger.bound for alert in alerts if isinstance(alert.trigger, Crosses)), default=inf
            ),
            counted=named,
            decoder=EventDecoder(Names(names), lateness_ms, properties_read(self.fields), traits),
        )

    def _bands(self, node: Node | None) -> tuple[Band, ...]:
        reader = self.reader
        bounds = dict(_DEFAULT_BANDS)
        if node is not None:
            entries = reader.names(node, "bands to the totals they begin at", at_most=20)
            bounds = {name: reader.number(entry, above=0, at_most=self.scale) for name, entry in entries.items()}
            for name, entry in entries.items():
                if name == COLD:
                    reader.key_problem(entry, "cold is what is below the lowest band: leave it out")
            if not bounds:
                reader.problem(node, "expected at least one band, such as hot: 80")
            if len(set(bounds.values())) < len(bounds):
                reader.problem(node, "two bands begin at the same total")
        rising = sorted(((name, bound) for name, bound in bounds.items() if name != COLD), key=lambda item: item[1])
        return (Band(COLD, float("-inf")), *(Band(name, bound) for name, bound in rising))

    def _band(self, node: Node | None, default: str) -> Band:
        """The band that `node` names, `default` without one, the lowest above cold where there is none of that name."""
        by_name = {band.name: band for band in self.bands}
        name = default if node is None else self.reader.reference(node, by_name, "band")
        return by_name.get(name, self.bands[min(1, len(self.bands) - 1)])

    def _groups(self, node: Node | None) -> dict[str, float]:
        groups = {}
        for name, entry in self.reader.names(node, "groups to their bounds").items():
            bound = self.reader.mapping(entry, ("max",), required=("max",))
            groups[name] = self.reader.number(bound.get("max"), above=0)
        return groups

    def _rules(self, node: Node | None) -> list[tuple[Rule, frozenset[str] | None]]:
        """Each rule with the names of the events it can hold for, None where it looks at all."""
        rules = []
        for name, entry in self.reader.names(node, "rules").items():
            keys = self.reader.mapping(entry, _RULE_KEYS, _LATER_RULE_KEYS, required=("when", "points"))
            if "when" not in keys:
                continue
            condition = compile_condition(keys["when"], EVENT_FIELDS, self.reader)
            self.fields |= condition.fields
            events = condition.values_of("event") if "event" in condition.fields else _VIEWS
            rules.append((self._rule(name, keys, self._beside_event(keys["when"], condition)), events))
        return rules

    def _rule(self, name: str, keys: Mapping[str, Node], condition: Condition) -> Rule:
        reader = self.reader
        group = reader.reference(keys["group"], self.groups, "group") if "group" in keys else None
        return Rule(
            id=name,
            holds=condition.holds,
            points=reader.number(keys.get("points"), at_least=-_POINTS_MAX, at_most=_POINTS_MAX),
            half_life_ms=reader.duration_ms(keys.get("half_life"), self.half_life_ms, at_least=_HALF_LIFE_MS_MIN),
            label=reader.text(keys["label"], at_most=100) if "label" in keys else None,
            group=group,
            max=reader.number(keys["max"], 1.0, above=0) if "max" in keys else None,
            fast_track=reader.boolean(keys.get("fast_track")),
        )

    def _beside_event(self, when: Node, condition: Condition) -> Condition:
        """`condition` without its `event` where finding the rule by the event's name already made sure of that."""
        if not isinstance(when.value, dict) or "event" not in when.value:
            return condition
        unread = Reader(self.reader.file)
        event = {"event": when.value["event"]}
        if compile_condition(replace(when, value=event), EVENT_FIELDS, unread).values_of("event") is None:
            return condition
        rest = {name: entry for name, entry in when.value.items() if name != "event"}
        if not rest:
            return Condition(_always, frozenset(), {})
        return compile_condition(replace(when, value=rest), EVENT_FIELDS, unread)

    def _alerts(self, node: Node | None) -> tuple[Alert, ...]:
        return tuple(self._alert(name, entry) for name, entry in self.reader.names(node, "alerts").items())

    def _alert(self, name: str, node: Node) -> Alert:
        reader = self.reader
        keys = reader.mapping(node, _ALERT_KEYS, _LATER_ALERT_KEYS)
        triggers = [key for key in ("crosses", "fast_track") if key in keys]
        if len(triggers) != 1 and isinstance(node.value, dict):
            reader.key_problem(node, "expected exactly one trigger: crosses or fast_track")
        condition = Condition(_always, frozenset(), {})
        if "if" in keys:
            condition = compile_condition(keys["if"], LEAD_FIELDS, reader)
            self.lead_fields |= condition.fields
        crosses = "crosses" in keys
        if not crosses and "rearm_below" in keys:
            reader.key_problem(keys["rearm_below"], "only an alert that `crosses` re-arms")
        if not crosses and "fast_track" in keys and not reader.boolean(keys["fast_track"], True):
            reader.problem(keys["fast_track"], "expected true")
        return Alert(
            id=name,
            trigger=self._crosses(keys) if crosses else FastTrack(),
            holds=condition.holds,
            cooldown_ms=reader.duration_ms(keys.get("cooldown"), 0 if crosses else _DEFAULT_COOLDOWN_MS),
            priority=_priority(reader.one_of(keys.get("priority"), _PRIORITIES, "normal")),
            label=reader.text(keys["label"], at_most=100) if "label" in keys else None,
        )

    def _crosses(self, keys: Mapping[str, Node]) -> Crosses:
        reader = self.reader
        node = keys["crosses"]
        if isinstance(node.value, str):
            band = self._band(node, COLD)
            name, bound = band.name, band.bound
            if name == COLD:
                reader.problem(node, "nothing crosses into cold: expected a band above it, or a number")
        else:
            name, bound = None, reader.number(node, self.scale, above=0, at_most=self.scale)
        # semantics.md 4; half-way to 0 where the tenth of the scale would leave nothing to fall below.
        default = max(bound - self.scale / 10, bound / 2)
        rearm_below = reader.number(keys.get("rearm_below"), default, above=0, at_most=max(bound, 0))
        return Crosses(bound, rearm_below, name)


def _priority(name: str) -> Priority:
    return next(priority for priority in _PRIORITIES if priority == name)


def _always(_subject: object) -> bool:
    return True
