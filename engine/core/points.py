"""What each rule contributes, before every clamp."""

from engine.core.ledger import Entry, Ledger, days_at, mass_at
from engine.core.model import Model


def read_entry(entry: Entry, half_life_ms: float, days: int | None, at: int, born_ms: int) -> tuple[float, int]:
    """Mass and events of an entry at `at`; nothing where its shape is not its rule's."""
    if (entry[0] is None) is not (days is not None):
        return 0.0, 0
    if days is not None:
        return days_at(entry, days, at, born_ms)
    return mass_at(entry, half_life_ms, at, born_ms), entry[2]


def points_of(model: Model, ledger: Ledger, at: int, born_ms: int) -> dict[str, float]:
    """The decayed points of each rule that contributes at `at`."""
    points: dict[str, float] = {}
    for rule_id, entry in ledger.items():
        term = model.terms.get(rule_id)
        if term is not None:
            contributed = term[0] * read_entry(entry, term[1], term[4], at, born_ms)[0]
            if contributed != 0.0:
                points[rule_id] = contributed
    return points
