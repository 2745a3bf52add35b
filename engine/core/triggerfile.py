"""The alerts and actions of a model file."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from engine.core.comparisons import always
from engine.core.conditions import Condition
from engine.core.instants import DAY_MS, MINUTE_MS
from engine.core.model import COLD, STAGES, Band
from engine.core.modelconditions import Conditions, When
from engine.core.modelkeys import ACTION, ALERT, BESIDE_TRIGGER, PRIORITIES, SCORES, TRIGGERS
from engine.core.modelvalues import label
from engine.core.reader import Reader, listed
from engine.core.source import Node
from engine.core.triggers import (
    Alert,
    Crosses,
    Enters,
    FallsBelow,
    FastTrack,
    Gains,
    Priority,
    Score,
    SilentFor,
    Template,
    Trigger,
)
from engine.core.triggers import When as WhenTrigger

ACTION_STATE = "\x01"
"""Before an action's id, so that it shares no state with an alert of that name."""
COOLDOWN_MS = DAY_MS
WITHIN_MS_MAX = 90 * DAY_MS
SILENT_MS_MAX = 3_650 * DAY_MS
GAINS_MAX = 1e9
DATA_MAX = 20
_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class TriggerFile:
    """Reads alerts and actions; what looks at events is noted in `whens` and `followers`, with its condition."""

    reader: Reader
    conditions: Conditions
    scale: float = 100.0
    bands: tuple[Band, ...] = ()
    whens: list[tuple[Alert, When]] = field(default_factory=list)
    followers: list[tuple[Alert, When]] = field(default_factory=list)

    def alerts(self, node: Node | None) -> list[Alert]:
        """The alerts in the file's order."""
        entries = self.reader.names(node, "alerts").items()
        return [self._alert(name, entry, self.reader.mapping(entry, tuple(ALERT))) for name, entry in entries]

    def actions(self, node: Node | None) -> list[Alert]:
        """The actions in the file's order."""
        found = []
        for name, entry in self.reader.names(node, "actions").items():
            keys = self.reader.mapping(entry, tuple(ACTION))
            found.append(self._alert(name, entry, keys, self._data(keys.get("data"))))
        return found

    def _alert(
        self, name: str, node: Node, keys: Mapping[str, Node], data: Mapping[str, Template] | None = None
    ) -> Alert:
        reader = self.reader
        triggers = [key for key in TRIGGERS if key in keys]
        if len(triggers) != 1 and isinstance(node.value, dict):
            reader.key_problem(node, f"expected exactly one trigger: {listed(TRIGGERS)}")
        kind = triggers[0] if triggers else "fast_track"
        for key, (_, kinds) in BESIDE_TRIGGER.items():
            if key in keys and triggers and not set(triggers) & set(kinds):
                reader.key_problem(keys[key], f"only an alert with {' or '.join(f'`{one}`' for one in kinds)} has this")
        trigger, when, follower = self._trigger(kind, keys)
        holds = self.conditions.lead(keys["if"]) if "if" in keys else None
        of_score = kind in ("crosses", "falls_below")
        alert = Alert(
            id=name,
            trigger=trigger,
            holds=always if holds is None else holds.holds,
            cooldown_ms=reader.duration_ms(keys.get("cooldown"), 0 if of_score else COOLDOWN_MS),
            priority=cast("Priority", reader.one_of(keys.get("priority"), PRIORITIES, "normal")),
            label=label(reader, keys),
            state=name if data is None else ACTION_STATE + name,
            fingerprint=_fingerprint(kind, trigger, when, follower, holds),
            data=data,
        )
        self.whens.extend([(alert, when)] if when else [])
        self.followers.extend([(alert, follower)] if follower else [])
        return alert

    def _trigger(self, kind: str, keys: Mapping[str, Node]) -> tuple[Trigger, When | None, When | None]:
        """The trigger, with its condition on events and that on what must not follow."""
        node = keys.get(kind)
        if node is None:
            return FastTrack(), None, None
        if kind == "when":
            return self._when(node, keys)
        return self._plain(kind, node, keys), None, None

    def _plain(self, kind: str, node: Node, keys: Mapping[str, Node]) -> Trigger:
        reader = self.reader
        if kind == "crosses":
            return self._crosses(node, keys)
        if kind == "falls_below":
            return self._falls_below(node, keys)
        if kind == "gains":
            return self._gains(node, keys)
        if kind == "silent_for":
            silent_ms = reader.duration_ms(node, DAY_MS, at_least=MINUTE_MS)
            if silent_ms > SILENT_MS_MAX:
                reader.problem(node, f"expected a silence of at most {SILENT_MS_MAX // DAY_MS}d")
            return SilentFor(silent_ms)
        if kind == "enters":
            if node.value == STAGES[0]:
                reader.problem(node, f"every lead begins as {STAGES[0]} and never enters it")
            return Enters(STAGES.index(cast("Any", reader.one_of(node, STAGES, STAGES[1]))))
        if not reader.boolean(node, True):
            reader.problem(node, "expected true")
        return FastTrack()

    def _crosses(self, node: Node, keys: Mapping[str, Node]) -> Crosses:
        band, bound = self._bound(node, "nothing crosses into cold")
        # semantics.md 4; half-way to 0 where the tenth of the scale would leave nothing to fall below.
        default = max(bound - self.scale / 10, bound / 2)
        rearm = self.reader.number(keys.get("rearm_below"), default, above=0, at_most=bound)
        return Crosses(bound, rearm, band, self._score(keys))

    def _falls_below(self, node: Node, keys: Mapping[str, Node]) -> FallsBelow:
        band, bound = self._bound(node, "nothing is below cold")
        default = min(bound + self.scale / 10, (bound + self.scale) / 2)
        rearm = self.reader.number(keys.get("rearm_above"), default, at_least=bound, at_most=self.scale)
        return FallsBelow(bound, rearm, band, self._score(keys))

    def _bound(self, node: Node, cold: str) -> tuple[str | None, float]:
        """The band that `node` names, None for a number, and the bound."""
        if not isinstance(node.value, str):
            return None, self.reader.number(node, self.scale, above=0, at_most=self.scale)
        by_name = {band.name: band for band in self.bands}
        name = self.reader.reference(node, by_name, "band")
        if name == COLD:
            self.reader.problem(node, f"{cold}: expected a band above it, or a number")
        bound = by_name[name].bound if name in by_name else self.scale
        return name, bound if bound > 0 else self.scale

    def _score(self, keys: Mapping[str, Node]) -> Score:
        return cast("Score", self.reader.one_of(keys.get("score"), SCORES, SCORES[0]))

    def _gains(self, node: Node, keys: Mapping[str, Node]) -> Gains:
        points = self.reader.number(node, 1.0, above=0, at_most=GAINS_MAX)
        within = keys.get("within")
        if within is None:
            self.reader.key_problem(node, "`within` is missing: in what time, such as within: 10m")
        within_ms = self.reader.duration_ms(within, MINUTE_MS, at_least=MINUTE_MS)
        if within is not None and within_ms % MINUTE_MS:
            self.reader.problem(within, "expected whole minutes, such as 10m")
        return Gains(points, within_ms // MINUTE_MS)

    def _when(self, node: Node, keys: Mapping[str, Node]) -> tuple[Trigger, When, When | None]:
        when = self.conditions.event(node)
        followed, within = keys.get("not_followed_by"), keys.get("within")
        if followed is not None and within is None:
            self.reader.key_problem(followed, "`within` is missing: for how long to wait, such as within: 30m")
        if within is not None and followed is None:
            self.reader.key_problem(within, "`not_followed_by` is missing: what to wait for, such as {event: purchase}")
        if followed is None:
            return WhenTrigger(when.holds), when, None
        follower = self.conditions.event(followed)
        within_ms = self.reader.duration_ms(within, MINUTE_MS, at_least=1_000)
        if within is not None and within_ms > WITHIN_MS_MAX:
            self.reader.problem(within, f"expected a time of at most {WITHIN_MS_MAX // DAY_MS}d")
        return WhenTrigger(when.holds, follower.holds, within_ms), when, follower

    def _data(self, node: Node | None) -> Mapping[str, Template]:
        entries = self.reader.names(node, "names to values, such as product: '{product}'", at_most=DATA_MAX)
        return {name: self._template(entry) for name, entry in entries.items()}

    def _template(self, node: Node) -> Template:
        value = self.reader.scalar(node)
        if not isinstance(value, str):
            return Template((_constant(value),))
        parts: list[str | Callable[[Any], Any]] = []
        for place, piece in enumerate(_FIELD.split(self.reader.text(node))):
            if place % 2:
                found = self.conditions.lead_field(piece)
                if isinstance(found, str):
                    self.reader.problem(node, found)
                else:
                    parts.append(found)
            elif "{" in piece or "}" in piece:
                self.reader.problem(node, "a brace without its other: expected fields such as {traits.firstName}")
            elif piece:
                parts.append(piece)
        return Template(tuple(parts))


def _fingerprint(kind: str, trigger: Trigger, when: When | None, follower: When | None, holds: Condition | None) -> str:
    """A short text that is the same for the same trigger and `if`, however they are written."""
    match trigger:
        case WhenTrigger(within_ms=within_ms):
            stated: Any = (when and when.key, follower and follower.key, within_ms)
        case (
            Crosses(bound=bound, rearm_below=rearm, score=score)
            | FallsBelow(bound=bound, rearm_above=rearm, score=score)
        ):
            stated = (bound, rearm, score)
        case _:
            stated = repr(trigger)
    text = _written((kind, stated, holds and holds.key))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _written(key: Any) -> str:
    """`key` as text that does not depend on the order in which sets come."""
    if isinstance(key, frozenset):
        return "{" + ",".join(sorted(map(_written, key))) + "}"
    if isinstance(key, tuple):
        return "(" + ",".join(map(_written, key)) + ")"
    return repr(float(key)) if isinstance(key, int) and not isinstance(key, bool) else repr(key)


def _constant(value: Any) -> Callable[[Any], Any]:
    return lambda _standing: value
