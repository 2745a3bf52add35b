"""The deadlines of `config/routing.yaml`, and how long an owner may be away."""

from engine.core.instants import DAY_MS
from engine.core.reader import NAME_MAX, Reader, unknown
from engine.core.source import Node
from engine.routing import routingkeys as keys
from engine.routing.config import MISSES_MAX, Limits, Sla
from engine.routing.whens import Known, Source

_SECOND_MS = 1_000
_LIMITS_EXPECTED = "expected a limit, such as {accept_within: 15m, contact_within: 1h}"


def read_sla(source: Source, node: Node | None) -> Sla:
    """The limits of each band, and what comes before and after a miss."""
    reader = source.reader
    what = f"bands to limits, such as {{hot: {{accept_within: 15m}}}}, beside {' and '.join(keys.SLA)}"
    entries = reader.names(node, what)
    bands = {name: entry for name, entry in entries.items() if name not in keys.SLA}
    source.checks.append(lambda known: _check_bands(reader, bands, known))
    remind_at = entries.get("remind_at")
    return Sla(
        bands={name: _limits(reader, entry) for name, entry in bands.items()},
        remind_at=None if remind_at is None else reader.number(remind_at, at_least=0, at_most=1),
        misses_max=reader.integer(
            entries.get("misses_before_manager"), MISSES_MAX, at_least=1, at_most=keys.MISSES_MAX
        ),
    )


def _check_bands(reader: Reader, bands: dict[str, Node], known: Known) -> None:
    for name, entry in bands.items():
        if name not in known.bands and 0 < len(name) <= NAME_MAX:
            reader.key_problem(entry, unknown(name, [*known.bands, *keys.SLA]))


def _limits(reader: Reader, node: Node) -> Limits:
    entries = reader.mapping(node, tuple(keys.LIMITS))
    if node.value == {}:
        reader.problem(node, _LIMITS_EXPECTED)
    return Limits(_limit_ms(reader, entries.get("accept_within")), _limit_ms(reader, entries.get("contact_within")))


def _limit_ms(reader: Reader, node: Node | None) -> int | None:
    """A limit in ms. Working time is not counted further ahead than a few years, so a limit is bounded, too."""
    if node is None:
        return None
    limit_ms = reader.duration_ms(node, _SECOND_MS, at_least=_SECOND_MS)
    if limit_ms > keys.LIMIT_DAYS_MAX * DAY_MS:
        reader.problem(node, f"expected a limit of at most {keys.LIMIT_DAYS_MAX}d")
    return limit_ms


def read_away_ms(reader: Reader, node: Node | None) -> int | None:
    """For how long, in ms, an owner may be away and keeps the lead; None: however long."""
    entries = reader.mapping(node, tuple(keys.STICKY))
    return reader.duration_ms(entries["unless_away_for"]) if "unless_away_for" in entries else None
