"""What falls due in a lane, and when: rows that time alone will change.

It knows no row: whoever changes one puts its due time here, and looks at the row itself when the time has come. An
entry costs a pointer in a list, since every anonymous row waits for its eviction here.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from math import inf

_SPAN_MS = 60_000


class Agenda:
    """Keys by the instant (ms since the epoch) at which to look at their rows.

    For a row that is due there is an entry at its due time or before; one that comes too early is put back, and one
    whose row is gone leads nowhere. So a due time that moves back, as with each event of a visitor, costs nothing.
    `next_ms` is never after the first entry. `clock_ms` is how far time can have come whatever a record says: one with
    a time in the future, which anybody can write, must not let everything fall due.
    """

    def __init__(self, due: Iterable[tuple[int, bytes]] = ()) -> None:
        """With these entries: (due time, key)."""
        self._spans: dict[int, list[bytes]] = {}
        self._order: list[int] = []
        self._near: list[tuple[int, bytes]] = []
        self._near_end_ms: float = -inf
        self.next_ms: float = inf
        self.clock_ms: float = inf
        for due_ms, key in due:
            self.put(due_ms, key)

    def put(self, due_ms: int, key: bytes) -> None:
        """Look at the row of `key` at `due_ms`."""
        if due_ms < self._near_end_ms:
            heappush(self._near, (due_ms, key))
            self.next_ms = min(self.next_ms, due_ms)
            return
        span = due_ms // _SPAN_MS
        waiting = self._spans.get(span)
        if waiting is None:
            self._spans[span] = [key]
            heappush(self._order, span)
            self.next_ms = min(self.next_ms, span * _SPAN_MS)
        else:
            waiting.append(key)

    def pop(self, until_ms: float, due_of: Callable[[bytes], int | None]) -> tuple[int, bytes] | None:
        """As `first`; its entry is gone then."""
        first = self.first(until_ms, due_of)
        if first is not None:
            heappop(self._near)
            self._look()
        return first

    def first(self, until_ms: float, due_of: Callable[[bytes], int | None]) -> tuple[int, bytes] | None:
        """The first row, by due time and key, that is due at or before `until_ms`.

        `due_of` gives when the row of a key is due, None where it is not or there is no such row.
        """
        while self.next_ms <= until_ms:
            self._open(until_ms, due_of)
            if not self._near or self._near[0][0] > until_ms:
                break
            entry_ms, key = self._near[0]
            due_ms = due_of(key)
            if due_ms is not None and due_ms <= entry_ms:
                return due_ms, key
            heappop(self._near)
            self._look()
            if due_ms is not None:
                self.put(due_ms, key)
        self._look()
        return None

    def _open(self, until_ms: float, due_of: Callable[[bytes], int | None]) -> None:
        """Order what waits in spans that begin at or before `until_ms` and before anything that is ordered."""
        near = self._near
        while self._order and self._order[0] * _SPAN_MS <= (min(until_ms, near[0][0]) if near else until_ms):
            span = heappop(self._order)
            self._near_end_ms = max(self._near_end_ms, (span + 1) * _SPAN_MS)
            for key in set(self._spans.pop(span)):
                due_ms = due_of(key)
                if due_ms is not None:
                    self.put(due_ms, key)

    def _look(self) -> None:
        near_ms = self._near[0][0] if self._near else inf
        self.next_ms = min(near_ms, self._order[0] * _SPAN_MS) if self._order else near_ms
