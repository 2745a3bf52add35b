"""What `heatline model diff` says: what another model states otherwise, and what that makes of given events."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from engine.core.flow import Job, Output
from engine.core.model import COLD, Model
from engine.core.outputs import ACTIONS_TOPIC, ALERTS_TOPIC
from engine.core.source import Node, shown
from engine.local.simulate import PROFILES, Simulation, final_scores
from engine.readmodel.events import decode_score
from engine.readmodel.explain import plain

SHOWN_MAX = 200
IN_ORDER = ("products", "personas")
"""Where the first that holds decides."""
_PLAIN = re.compile(r"[\w./*-]+(?:[ :][\w./*-]+)*")
_NO_TEXT = re.compile(r"[-+]?\.?[0-9][0-9.eE+-]*|true|false|null", re.IGNORECASE)
"""What YAML would read as something else than text."""
_NAMES = {ALERTS_TOPIC: "alert", ACTIONS_TOPIC: "action"}
_EMPTY = Node({}, "", 1, 1, 1, 1)
_decode = msgspec.json.Decoder().decode


class Change(NamedTuple):
    """One value that is other, by its path; `old` None: it is new, `new` None: it is gone."""

    key: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        """One line: `changed engagement.page-view.points: 1 → 2`."""
        if self.old is None:
            return f"added {self.key}: {self.new}"
        return f"removed {self.key}: {self.old}" if self.new is None else f"changed {self.key}: {self.old} → {self.new}"


def changes(old: Node, new: Node) -> list[Change]:
    """What `new`, the root of a model file, states otherwise than `old`: in its order, what is gone behind the rest."""
    return list(_changes(old, new, top=True))


def _changes(old: Node, new: Node, *, top: bool = False) -> Iterator[Change]:
    if not (isinstance(old.value, dict) and isinstance(new.value, dict)):
        if not _same(old, new):
            yield Change(_path(new), flow(old), flow(new))
        return
    for name in [*new.value, *(name for name in old.value if name not in new.value)]:
        before, after = old.value.get(name), new.value.get(name)
        if top and before is None and after is not None and isinstance(after.value, dict):
            before = _EMPTY
        elif top and after is None and before is not None and isinstance(before.value, dict):
            after = _EMPTY
        if before is not None and after is not None:
            yield from _changes(before, after)
            if top and name in IN_ORDER:
                yield from _order(name, before, after)
        elif after is not None:
            yield Change(_path(after), None, flow(after))
        elif before is not None:
            yield Change(_path(before), flow(before), None)


def _order(name: str, old: Node, new: Node) -> Iterator[Change]:
    """That what both have stands in another order."""
    names = [list(node.value) if isinstance(node.value, dict) else [] for node in (old, new)]
    before, after = ([one for one in names[at] if one in names[1 - at]] for at in (0, 1))
    if before != after:
        yield Change(f"{name}, their order", ", ".join(map(_text, before)), ", ".join(map(_text, after)))


def _same(old: Node, new: Node) -> bool:
    """Whether both say the same, however it is written."""
    first, second = old.value, new.value
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(one, second[name]) for name, one in first.items())
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    return isinstance(first, bool) == isinstance(second, bool) and first == second


def flow(node: Node) -> str:
    """A value on one line as YAML would have it, at most 200 characters."""
    text = _flow(node)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"


def _flow(node: Node) -> str:
    value = node.value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(name)}: {_flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _text(value) if isinstance(value, str) else node.written or "null"


def _text(value: str) -> str:
    return value if _PLAIN.fullmatch(value) and not _NO_TEXT.fullmatch(value) else shown(value)


def _path(node: Node) -> str:
    return plain(node.key)


@dataclass(slots=True)
class Replay:
    """Events replayed with one model; `fired` counts alerts and actions by topic and name."""

    model: Model
    jobs: Sequence[Job]
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)
    simulation: Simulation = field(init=False)

    def __post_init__(self) -> None:
        self.simulation = Simulation(self.jobs, 1)

    def feed(self, lines: Iterable[bytes]) -> None:
        """Take JSON lines as `simulate` does. Raises SimulateError."""
        for number, line in enumerate(lines, 1):
            stripped = line.strip(b"\r\n")
            if stripped:
                self._count(self.simulation.line(stripped, number))

    def end(self, until_ms: int) -> dict[str, tuple[float, str]]:
        """Let time pass up to `until_ms`: total and band of each lead there."""
        self._count(self.simulation.advance(until_ms))
        rows = [item for lane in self.simulation.rows[PROFILES].values() for item in lane.items()]
        finals = final_scores(self.model, rows, until_ms)
        scores = [decode_score(output.value).data for output in finals if output.value is not None]
        return {score.lead: (score.total, score.band) for score in scores}

    def _count(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            name = _NAMES.get(output.topic)
            if name is not None and output.value is not None:
                data = _decode(output.value)["data"]
                # A recorded log has canaries, too, and what answers them has no name.
                if name in data:
                    self.fired[output.topic, data[name]] += 1


def compare(old: Replay, new: Replay, until_ms: int | None) -> list[str]:
    """Whose band is other with `new`, and of which alerts and actions there are more or fewer, a line each.

    Both replays are stated for the same instant: `until_ms`, else the record time of the last event.
    """
    end_ms = max(old.simulation.clock_ms, new.simulation.clock_ms, until_ms or 0)
    before, after = old.end(end_ms), new.end(end_ms)
    told = []
    nothing = (0.0, COLD)
    moves: Counter[tuple[str, str]] = Counter()
    for lead in sorted({*before, *after}):
        (total, band), (total_new, band_new) = before.get(lead, nothing), after.get(lead, nothing)
        if band != band_new:
            moves[band, band_new] += 1
            told.append(f"band of {plain(lead)}: {band} → {band_new}, total {total:.2f} → {total_new:.2f}")
    told += [f"from {band} to {other}: {_leads(count)}" for (band, other), count in moves.most_common()]
    for topic, kind in _NAMES.items():
        for name in dict.fromkeys(alert.id for replay in (new, old) for alert in replay.model.alerts):
            count, count_new = old.fired[topic, name], new.fired[topic, name]
            if count != count_new:
                told.append(f"{kind} {plain(name)}: {count} → {count_new} ({count_new - count:+})")
    return told


def _leads(count: int) -> str:
    return f"{count} lead" if count == 1 else f"{count} leads"
