"""The leads of a lane as one chunk of work leaves them, and what else it comes to."""

from collections import Counter
from collections.abc import Mapping

from engine.core.agenda import Agenda
from engine.core.erasure import is_mark
from engine.core.flow import Output, Rows
from engine.core.origins import Origin
from engine.core.packing import due_of, unpack
from engine.core.pointers import Pointer, due_ms, is_pointer, names_of, unpack_pointer
from engine.core.profile import Row


class Lead:
    """What stands under a key: a row, a pointer, or neither, where it was given up or never was.

    `due_ms` is when it is due, `origin` what changed it last, if anything did, `total` what it stands at where that is
    known, `told` whether anybody is to be told of the change.
    """

    __slots__ = ("due_ms", "key", "origin", "pointer", "row", "told", "total")

    def __init__(self, key: str, row: Row | None = None, pointer: Pointer | None = None) -> None:
        self.key = key
        self.row = row
        self.pointer = pointer
        self.due_ms: int | None = None
        self.total: float | None = None
        self.origin: Origin | None = None
        self.told = False

    @property
    def is_there(self) -> bool:
        """Whether there is a row or a pointer."""
        return self.row is not None or self.pointer is not None


class Leads:
    """The leads of a lane: those of `touched` as they are now, all others as `rows` holds them.

    `marks` are those that this chunk has left of who was erased.
    """

    def __init__(self, rows: Rows, agenda: Agenda) -> None:
        self.rows = rows
        self.agenda = agenda
        self.touched: dict[bytes, Lead] = {}
        self.marks: dict[bytes, bytes] = {}
        self._naming: Mapping[str, list[bytes]] | None = None

    def get(self, row_key: bytes) -> Lead | None:
        """The lead of a key; None where there never was one."""
        lead = self.touched.get(row_key)
        if lead is None:
            packed = self.rows.get(row_key)
            if packed is None or is_mark(packed):
                return None
            if is_pointer(packed):
                lead = Lead(row_key.decode(), pointer=unpack_pointer(packed))
            else:
                lead = Lead(row_key.decode(), unpack(packed))
            lead.due_ms = due_of(packed)
            self.touched[row_key] = lead
        return lead

    def new(self, key: str) -> Lead:
        """A lead under a key that has none; it is kept once something changes it."""
        lead = self.touched[key.encode()] = Lead(key)
        return lead

    def mark(self, key: bytes) -> bytes | None:
        """The mark under a key; None where there is none."""
        return self.marks.get(key) or self.rows.get(key)

    def pointers_naming(self, key: str) -> list[tuple[Lead, Pointer]]:
        """All pointers in which a key stands, in order.

        The first time it looks at every row: only an erasure is worth that, and of many in a chunk each finds it done.
        """
        if self._naming is None:
            self._naming = _naming(self.rows)
        found = map(self.get, sorted({*self._naming.get(key, ()), *self.touched}))
        pointers = [(lead, lead.pointer) for lead in found if lead is not None and lead.pointer is not None]
        return [(lead, pointer) for lead, pointer in pointers if key in names_of(pointer)]

    def due_of(self, row_key: bytes) -> int | None:
        """When a key is due."""
        lead = self.touched.get(row_key)
        if lead is not None:
            return lead.due_ms
        packed = self.rows.get(row_key)
        return None if packed is None else due_of(packed)

    def schedule(self, lead: Lead, at_ms: int | None) -> None:
        """Have the lane look at the lead then: there is an entry for its due time before."""
        if at_ms is not None and (lead.due_ms is None or at_ms < lead.due_ms):
            self.agenda.put(at_ms, lead.key.encode())
        lead.due_ms = at_ms

    def point(self, lead: Lead, pointer: Pointer, origin: Origin) -> None:
        """Let the lead be a pointer from now on."""
        lead.row, lead.pointer, lead.total = None, pointer, None
        lead.origin, lead.told = origin, False
        self.schedule(lead, due_ms(lead.key, pointer))


def _naming(rows: Rows) -> Mapping[str, list[bytes]]:
    """The keys of stored pointers by every key that stands in them."""
    naming: dict[str, list[bytes]] = {}
    for row_key, packed in rows.items():
        if is_pointer(packed):
            pointer = unpack_pointer(packed)
            # Most name nothing but their target.
            names = names_of(pointer) if pointer.next or pointer.awaited else (pointer.target,)
            for name in names:
                naming.setdefault(name, []).append(row_key)
    return naming


class Outcome:
    """What a chunk comes to besides changed rows. `urgent`: somebody waits for an output."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.tally: Counter[tuple[str, ...]] = Counter()
        self.urgent = False

    def send(self, *outputs: Output) -> None:
        """Outputs that somebody waits for."""
        self.outputs += outputs
        self.urgent = True
