"""The small sections of a model file: each a function of its node, what is wrong with it goes to the reader."""

import difflib
from collections.abc import Sequence
from math import inf
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from engine.core.comparisons import Test, always, glob
from engine.core.conditions import PATTERN_MAX
from engine.core.decode import SOURCES, ProductPaths
from engine.core.instants import DAY_MS
from engine.core.model import STAGES, Band, Bots, Cycle, LeadTest
from engine.core.modelconditions import Conditions
from engine.core.modelkeys import CYCLE_STEP, LABEL_MAX, MOVED_BY_ENGINE, keys_of
from engine.core.modelvalues import per
from engine.core.names import Names
from engine.core.reader import Reader, unknown
from engine.core.source import Node
from engine.core.visits import SESSION_GAP_MS

CYCLE_MS_MAX = 3_650 * DAY_MS
WEIGHT_MAX = 1e6
PRODUCTS_MAX = 200
PERSONAS_MAX = 100
_UTC = "UTC"
_PUBLISH_FROM = "warm"

TRUSTED_SOURCES = frozenset({"server", "import", "web"})
"""Where nothing is said of it; every other source can be anybody's."""


def read_zone(reader: Reader, node: Node | None) -> ZoneInfo | None:
    """The time zone that `node` names; None for UTC."""
    name = reader.text(node, _UTC)
    if name == _UTC:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if node is not None:
            near = difflib.get_close_matches(name, sorted(available_timezones()), n=1)
            hint = f"did you mean `{near[0]}`?" if near else "expected one such as Europe/Berlin"
            reader.problem(node, f"there is no such time zone; {hint}")
        return None


def read_weights(reader: Reader, node: Node | None) -> tuple[float, float]:
    """What engagement and fit weigh in the total."""
    entries = reader.mapping(node, keys_of("total"))
    engagement, fit = (
        reader.number(entries.get(part), 1.0, at_least=0, at_most=WEIGHT_MAX) for part in ("engagement", "fit")
    )
    if node is not None and not engagement and not fit:
        reader.problem(node, "neither counts: expected one of engagement and fit above 0")
    return engagement, fit


def read_publish_from(reader: Reader, node: Node | None, bands: Sequence[Band]) -> float:
    """The total from which leads are published: of the band named, by default warm, else the lowest above cold."""
    by_name = {band.name: band for band in bands}
    name = _PUBLISH_FROM if node is None else reader.reference(node, by_name, "band")
    return by_name.get(name, bands[min(1, len(bands) - 1)]).bound


def read_groups(reader: Reader, node: Node | None) -> dict[str, float]:
    """What the rules of each group may come to."""
    groups = {}
    for name, entry in reader.names(node, "groups to their bounds").items():
        bound = reader.mapping(entry, ("max",), required=("max",))
        groups[name] = reader.number(bound.get("max"), 1.0, above=0)
    return groups


def read_products(reader: Reader, node: Node | None) -> ProductPaths:
    """Products with the tests of the paths that are about them."""
    products = []
    for name, entry in reader.names(node, "products to paths, such as /loans*", PRODUCTS_MAX).items():
        listed = reader.items(entry, "paths", at_least=1) if isinstance(entry.value, tuple) else (entry,)
        products += [(name, _path_test(reader, one)) for one in listed]
    return tuple(products)


def _path_test(reader: Reader, node: Node) -> Test:
    path = reader.text(node, at_most=PATTERN_MAX)
    if path and path[0] not in "/*":
        reader.problem(node, "expected the path of a page, such as /products/loans*")
    return glob(path).test


def read_personas(conditions: Conditions, node: Node | None) -> tuple[tuple[str, LeadTest], ...]:
    """Who a lead may be, in the file's order."""
    entries = conditions.reader.names(node, "personas to conditions", PERSONAS_MAX)
    return tuple((name, conditions.person(entry).holds) for name, entry in entries.items())


def read_stages(
    conditions: Conditions, node: Node | None, bands: Sequence[Band]
) -> tuple[tuple[tuple[int, LeadTest], ...], float]:
    """The places of the stages that the engine moves leads to, with their conditions.

    Then the lowest total at which one of them can hold for a browser that did not qualify at once.
    """
    reader = conditions.reader
    if node is None:
        return (), inf
    if not isinstance(node.value, dict):
        reader.expected(node, f"a mapping with {', '.join(MOVED_BY_ENGINE)}")
        return (), inf
    found: list[tuple[int, LeadTest]] = []
    from_total = inf
    for name, entry in node.value.items():
        if name in MOVED_BY_ENGINE:
            found.append((list[str](STAGES).index(name), conditions.lead(entry).holds))
            from_total = min(from_total, conditions.reached_from(entry, bands))
        elif name == STAGES[0]:
            reader.key_problem(entry, f"every lead begins as {name}: expected {' or '.join(MOVED_BY_ENGINE)}")
        elif name == "recycled":
            reader.key_problem(entry, "a lead is recycled at the end of its `cycle`, or by sales: leave it out")
        elif name in STAGES:
            reader.key_problem(entry, f"sales move leads to {name}: expected {' or '.join(MOVED_BY_ENGINE)}")
        else:
            reader.key_problem(entry, unknown(name, MOVED_BY_ENGINE))
    return tuple(sorted(found, key=lambda stage: stage[0])), from_total


def read_stage_names(reader: Reader, node: Node | None) -> dict[str, str]:
    """What a company calls the stages."""
    entries = reader.mapping(node, STAGES)
    return {stage: reader.text(entry, stage, at_most=LABEL_MAX) for stage, entry in entries.items()}


def read_cycle(conditions: Conditions, node: Node | None) -> tuple[Cycle, ...]:
    """How long leads may stay qualified: the first that holds counts."""
    reader = conditions.reader
    if node is None:
        return ()
    if not isinstance(node.value, tuple):
        return (Cycle(always, _cycle_ms(reader, node)),)
    found: list[Cycle] = []
    taken = False
    for entry in reader.items(node, "durations with conditions, such as {for: 30d}", at_least=1, at_most=100):
        keys = reader.mapping(entry, tuple(CYCLE_STEP), required=("for",))
        if taken:
            reader.key_problem(entry, "never reached: the one before it has no `if` and takes every lead")
        taken = taken or (isinstance(entry.value, dict) and "if" not in entry.value)
        holds = conditions.lead(keys["if"]).holds if "if" in keys else always
        if "for" in keys:
            found.append(Cycle(holds, _cycle_ms(reader, keys["for"])))
    return tuple(found)


def _cycle_ms(reader: Reader, node: Node) -> int:
    cycle_ms = reader.duration_ms(node, DAY_MS, at_least=1_000)
    if cycle_ms > CYCLE_MS_MAX:
        reader.problem(node, f"expected a duration of at most {CYCLE_MS_MAX // DAY_MS}d")
    return cycle_ms


def read_actions_limit(reader: Reader, node: Node | None) -> tuple[int, int] | None:
    """How many actions a lead may get within how many ms."""
    return None if node is None else per(reader, node, "a number of actions per duration, such as 3 per 1d")


def read_trusted_sources(reader: Reader, identity: Node | None) -> frozenset[str]:
    """The sources of events that may say who a visitor is."""
    sources = reader.mapping(identity, keys_of("identity")).get("trusted_sources")
    named = [reader.one_of(one, sorted(SOURCES), "") for one in reader.items(sources, "sources", at_least=1)]
    return TRUSTED_SOURCES if sources is None else frozenset(named)


def read_bots(reader: Reader, node: Node | None, names: Names) -> Bots:
    """What robots are told by; `names` say what Heatline calls the events of a honeypot."""
    entries = reader.mapping(node, keys_of("bots"))
    default = Bots()
    burst, per_second = (
        reader.integer(entries.get(key), stated, at_least=1)
        for key, stated in (("burst", default.burst), ("per_second", default.per_second))
    )
    honeypot = default.honeypot
    if "honeypot" in entries:
        listed = reader.items(entries["honeypot"], "names of events", at_least=1, at_most=100)
        honeypot = frozenset(names.canonical(reader.text(one)) for one in listed)
    one_visit_ms = None
    if "keep_one_visit" in entries:
        one_visit_ms = reader.duration_ms(entries["keep_one_visit"], at_least=SESSION_GAP_MS)
    return Bots(burst, per_second, honeypot, one_visit_ms)
