"""What a run came to, and what it should have come to: every lead's row, and every alert and assignment."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose
from typing import Any

import msgspec

from engine.configuration import Configuration
from engine.core.events import SIGNALS
from engine.core.flow import InputRecord, Output, Record
from engine.core.identity import public_id
from engine.core.packing import unpack
from engine.core.pointers import is_pointer
from engine.core.profile import Row
from engine.local.simulate import PROFILES, Simulation

OF_CHUNKS = frozenset({"published", "changed"})
"""What a row keeps of its last record on `lead-scores`, which is written once a chunk, however a chunk is cut."""
OF_THE_DESK = frozenset({"owner"})
"""Who of a team is next depends on the order in which lanes ask; `Books.owners` holds it against the assignments."""
MASS_TOLERANCE = 1e-9

_decode = msgspec.json.Decoder().decode


@dataclass
class Books:
    """Rows by key, ids with their leads, as often as they were read, and who each lead was given to.

    `of_order` names the rules that read signals.
    """

    rows: dict[bytes, Row] = field(default_factory=dict)
    alerts: Counter[tuple[str, str]] = field(default_factory=Counter)
    assignments: Counter[tuple[str, str]] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    reps: dict[str, set[str]] = field(default_factory=dict)
    of_order: frozenset[str] = frozenset()

    def enter(self, topic: str, value: bytes | None) -> None:
        """Enter a record of an output topic."""
        if value is None:
            return
        if topic == "lead-alerts":
            event = _decode(value)
            self.alerts[event["id"], event["subject"]] += 1
        elif topic == "lead-assignments":
            event = _decode(value)
            self.assignments[event["id"], event["subject"]] += 1
            self.reps.setdefault(event["subject"], set()).add(event["data"]["rep"])
        elif topic == "dead-letters":
            self.dead[_decode(value)["subject"]] += 1


OUTPUTS = ("lead-alerts", "lead-assignments", "dead-letters")


def expected(configuration: Configuration, partitions: int, log: Sequence[Record]) -> Books:
    """What the core makes of a log, partition by partition."""
    by_signal = configuration.model.readers_by_signal.values()
    books = Books(of_order=frozenset(rule.id for readers in by_signal for rule in readers.rules))
    simulation = Simulation(configuration.jobs(partitions), partitions)
    for record in log:
        outputs: Iterator[Output] = simulation.record(_plain(record))
        for output in outputs:
            books.enter(output.topic, output.value)
    for rows in simulation.rows[PROFILES].values():
        books.rows.update(at_end(configuration, rows, log))
    return books


def at_end(configuration: Configuration, rows: Mapping[bytes, bytes], log: Sequence[Record]) -> dict[bytes, Row]:
    """Rows at the end of a log: a lane without a clock has come to its own last record only."""
    simulation = Simulation(configuration.jobs(1), 1)
    simulation.rows[PROFILES][0] = dict(rows)
    simulation.restart()
    list(simulation.advance(max(record.timestamp for record in log)))
    return {key: unpack(row) for key, row in simulation.rows[PROFILES][0].items() if not is_pointer(row)}


def differences(right: Books, found: Books, unordered: Callable[[bytes], bool]) -> list[str]:
    """What is wrong with `found`, a sentence each that names the lead; empty where nothing is.

    Of leads that are `unordered` only what no order changes is compared.
    """
    wrong = []
    for key in sorted(right.rows.keys() | found.rows.keys()):
        mine, theirs, lead = right.rows.get(key), found.rows.get(key), public_id(key.decode())
        if mine is None or theirs is None:
            wrong.append(f"lead {lead}: it has {'a row' if mine is None else 'no row'}")
            continue
        compared = _unordered(mine, theirs, right.of_order) if unordered(key) else _ordered(mine, theirs)
        wrong += [f"lead {lead}: {what}" for what in compared]
        reps = {rep for id_ in (lead, *theirs.browsers) for rep in found.reps.get(id_, ())}
        if (theirs.owner in reps) != bool(reps):
            wrong.append(f"lead {lead}: its owner is {theirs.owner}, it was given to {sorted(reps)}")
    wrong += _counted("alert", right.alerts, found.alerts)
    wrong += _counted("assignment", right.assignments, found.assignments)
    wrong += [f"dead letter of {place}: {n} times" for place, n in (found.dead - right.dead).items()]
    return wrong


def _plain(record: Record) -> InputRecord:
    return InputRecord(
        record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers
    )


def _ordered(right: Row, found: Row) -> Iterator[str]:
    for name in Row.__struct_fields__:
        mine, theirs = getattr(right, name), getattr(found, name)
        if name not in OF_CHUNKS | OF_THE_DESK and mine != theirs:
            yield f"{name} is {_short(theirs)}, {_short(mine)} is right"


def _unordered(right: Row, found: Row, of_order: frozenset[str]) -> Iterator[str]:
    """Signals, and rules that read them, are derived in order of arrival: they are left out."""
    for name, mine, theirs in (
        ("now", right.now_ms, found.now_ms),
        ("first", right.born_ms + right.first, found.born_ms + found.first),
        ("last", right.born_ms + right.last, found.born_ms + found.last),
        ("counts", _without(right.counts, SIGNALS), _without(found.counts, SIGNALS)),
        ("rules", right.ledger.keys() - of_order, found.ledger.keys() - of_order),
    ):
        if mine != theirs:
            yield f"{name} is {_short(theirs)}, {_short(mine)} is right"
    for rule in (right.ledger.keys() & found.ledger.keys()) - of_order:
        entry, other = _absolute(right, rule), _absolute(found, rule)
        if not _alike(entry, other):
            yield f"rule {rule} counted {other}, {entry} is right"


def _absolute(row: Row, rule: str) -> tuple[Any, ...]:
    """An entry of the ledger with its time since the epoch: which event made the row depends on their order.

    So does which of the events within a limit came last.
    """
    mass, time, *rest = row.ledger[rule]
    return (mass, 0 if len(rest) > 1 else row.born_ms + time, *rest)


def _without(counts: Mapping[str, int], names: frozenset[str]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if name not in names}


def _alike(mine: Any, theirs: Any) -> bool:
    """Whether two entries of a ledger are the same but for the last digits of sums."""
    if isinstance(mine, list | tuple) and isinstance(theirs, list | tuple):
        return len(mine) == len(theirs) and all(map(_alike, mine, theirs))
    if isinstance(mine, float) or isinstance(theirs, float):
        return isclose(mine, theirs, rel_tol=MASS_TOLERANCE)
    return bool(mine == theirs)


def _counted(what: str, right: Counter[tuple[str, str]], found: Counter[tuple[str, str]]) -> Iterator[str]:
    for (id_, lead), times in sorted(found.items()):
        if (id_, lead) not in right:
            yield f"lead {lead}: {what} {id_} should not be there"
        elif times != 1:
            yield f"lead {lead}: {what} {id_} is there {times} times"
    for id_, lead in sorted(right.keys() - found.keys()):
        yield f"lead {lead}: {what} {id_} is missing"


def _short(value: Any) -> str:
    if isinstance(value, list):
        value = [bytes(item) if isinstance(item, msgspec.Raw) else item for item in value]
    return repr(value)[:200]
