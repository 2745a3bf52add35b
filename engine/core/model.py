"""The scoring model, compiled: what the configuration means, ready to be applied."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, get_args

from engine.core.channels import Lists
from engine.core.context import Locate
from engine.core.decode import EventDecoder
from engine.core.events import Event
from engine.core.packing import BYTES_MAX, TEXT_BYTES
from engine.core.records import Stage
from engine.core.seen import Seen
from engine.core.triggers import Alert, FallsBelow, Waiting

COLD = "cold"
STAGES: tuple[Stage, ...] = get_args(Stage)
"""In rising order up to evangelist; a lead goes to the last two from anywhere. Rows hold a stage's place in here."""
MQL = STAGES.index("marketingqualifiedlead")
RECYCLED = STAGES.index("recycled")
DISQUALIFIED = STAGES.index("disqualified")
UNOWNED = frozenset({DISQUALIFIED, RECYCLED})
"""Stages in which no rep owns a lead."""

EventTest = Callable[[Event], bool]
LeadTest = Callable[[Any], bool]
"""Of a `Standing`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An engagement rule. `holds` reads the event; `max` bounds the rule's points on both sides.

    Counts decay with `half_life_ms` (infinite: not at all) or, with `window_days`, count for so many whole UTC days.
    `limit` of them count within `limit_ms`, or the earliest one ever where `once`. `times` gives the amount of an
    event, of which `times_max` counts. Only events from `sources` count, if there are any.
    """

    id: str
    holds: EventTest
    points: float
    half_life_ms: float
    label: str | None = None
    group: str | None = None
    max: float | None = None
    fast_track: bool = False
    window_days: int | None = None
    limit: int | None = None
    limit_ms: int = 0
    once: bool = False
    times: Callable[[Event], Any] | None = None
    times_max: float = inf
    sources: frozenset[str] | None = None


Term = tuple[float, float, float | None, str | None, int | None]
"""Of a rule what the sum needs, for the inner loop: points, half-life in ms, max, group, window in days."""


@dataclass(frozen=True, slots=True)
class FitRule:
    """Points for who a lead is; `holds` reads the lead."""

    id: str
    holds: LeadTest
    points: float
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Conversion:
    """What counts as a conversion, and which fields of the event hold its value and currency."""

    id: str
    holds: EventTest
    value: Callable[[Event], Any] | None = None
    currency: Callable[[Event], Any] | None = None


@dataclass(frozen=True, slots=True)
class Cycle:
    """How long a lead may stay qualified before it is recycled, where `holds`."""

    holds: LeadTest
    for_ms: int


@dataclass(frozen=True, slots=True)
class Bots:
    """What a visitor may do who is no robot: `burst` events at once, then `per_second`, none of those in `honeypot`.

    A cold browser that came once is kept for `one_visit_ms`; None: for as long as every other.
    """

    burst: int = 1_000
    per_second: int = 100
    honeypot: frozenset[str] = frozenset({"bot_trap"})
    one_visit_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """Totals at or above `bound`, up to the next band's."""

    name: str
    bound: float


Watched = Band | FallsBelow


def watched_from(watched: Iterable[Watched]) -> float:
    """The lowest total at which there may be a bound to fall below."""
    return min(one.bound if isinstance(one, Band) or one.score == "total" else -inf for one in watched)


@dataclass(frozen=True, slots=True)
class Readers:
    """What looks at an event of one name, each in the model's order.

    `by_path` gives of the rules those that can hold for a page's path, None where there are few of them.
    `whens` are alerts and actions with the test of their trigger, `followers` those with the test of what would have
    had to follow.
    """

    rules: tuple[Rule, ...] = ()
    by_path: Callable[[str | None], tuple[Rule, ...]] | None = None
    conversions: tuple[Conversion, ...] = ()
    whens: tuple[tuple[Alert, EventTest], ...] = ()
    followers: tuple[tuple[Alert, EventTest], ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that scoring needs to know.

    `bands` ascend and begin with cold at minus infinity, `grades` ascend and begin with D at minus infinity.
    `readers_by_event` lists by an event's name what can look at it, `readers_of_any` what looks at every other name;
    likewise for signals. `counted` are the events and signals whose times seen are kept. `signals` are those that
    anything reads: the engine derives no others; `tells_ends`: the end of a session is one of them; a `dwell` shorter
    than `dwell_s_min` is counted, but nothing can hold for it. `stages` are the places in STAGES that the engine moves
    leads to, with their conditions, in rising order; below a total of `stages_from` none holds for a browser that did
    not qualify at once. `alerts` holds alerts and actions, in the model's order, alerts first.
    `trusted_sources` may say who a visitor is, `bots` which are none.
    `watched` are the bounds whose crossing downward must be seen on time, `watched_from` the lowest total at which
    there is one to cross. `fit_of_nobody` is the fit of a lead of whom no trait is known, None where fit or personas
    read more than traits; `fit_by_traits` then that of packed traits. `products` are path patterns by product, in
    order. `reads` are the fields of leads and events that anything reads, routing included, `places` those of them
    that say where a lead is, `seen` those that only a fold can tell routing. `locate` gives the country of an IP
    address, None where there is no database of them.
    """

    version: str
    scale: float
    engagement_weight: float
    fit_weight: float
    bands: tuple[Band, ...]
    grades: tuple[Band, ...]
    publish_from: float
    groups: Mapping[str, float]
    rules: Mapping[str, Rule]
    terms: Mapping[str, Term]
    fit: tuple[FitRule, ...]
    personas: tuple[tuple[str, LeadTest], ...]
    conversions: tuple[Conversion, ...]
    stages: tuple[tuple[int, LeadTest], ...]
    stages_from: float
    stage_names: Mapping[str, str]
    cycle: tuple[Cycle, ...]
    alerts: tuple[Alert, ...]
    actions_limit: tuple[int, int] | None
    suppress: LeadTest | None
    trusted_sources: frozenset[str]
    bots: Bots
    readers_by_event: Mapping[str, Readers]
    readers_of_any: Readers
    readers_by_signal: Mapping[str, Readers]
    signals: frozenset[str]
    dwell_s_min: float
    tells_ends: bool
    counted: frozenset[str]
    waiting: Waiting
    watched: tuple[Watched, ...]
    watched_from: float
    gains_minutes: int
    products: tuple[tuple[str, Callable[[str], bool]], ...]
    lists: Lists
    reads: frozenset[str]
    places: tuple[str, ...]
    seen: Seen
    locate: Locate | None
    decoder: EventDecoder
    fit_of_nobody: float | None
    fit_by_traits: Callable[[bytes], float]
    row_bytes_max: int
    """What the model's own parts of a row can come to, a visitor's text left out."""

    @property
    def row_limit(self) -> int:
        """How many bytes a row may have: 4 KiB, unless the model's own parts alone can come to nearly that."""
        return max(BYTES_MAX, self.row_bytes_max + TEXT_BYTES)

    def readers_of(self, event: str) -> Readers:
        """What can look at an event of this name."""
        return self.readers_by_event.get(event, self.readers_of_any)

    def readers_of_signal(self, signal: str) -> Readers:
        """What can look at a signal of this name."""
        return self.readers_by_signal.get(signal, NOTHING)

    def band(self, total: float) -> Band:
        """The band that `total` is in; exactly a bound is in its band."""
        return band_of(self.bands, total)

    def grade(self, fit: float) -> str:
        """The letter of `fit`."""
        return band_of(self.grades, fit).name


NOTHING = Readers()


def band_of(steps: Sequence[Band], value: float) -> Band:
    """The highest of `steps`, which ascend, that `value` reaches."""
    for step in reversed(steps):
        if value >= step.bound:
            return step
    return steps[0]
