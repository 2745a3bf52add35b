"""The leads that wait for a rep or to be contacted, of the desks that this worker has."""

from collections.abc import Mapping

from engine.routing.uncontacted import Uncontacted, uncontacted

DESK = "desk"
"""The table whose rows say so."""


class Backlog:
    """Follows the rows of desks as they change; what it tells may be asked for in another thread."""

    def __init__(self) -> None:
        """No rows seen yet."""
        self._waiting: dict[bytes, Uncontacted] = {}

    def change(self, table: str, rows: Mapping[bytes, bytes | None]) -> None:
        """These rows are so from now on, None: gone."""
        if table != DESK:
            return
        for key, row in rows.items():
            one = None if row is None else uncontacted(key, row)
            if one is not None:
                self._waiting[key] = one
            else:
                self._waiting.pop(key, None)

    def clear(self) -> None:
        """Desks may have gone to other workers."""
        self._waiting.clear()

    def unowned(self) -> int:
        """How many leads wait for a rep."""
        return sum(not one.owned for one in self._waiting.copy().values())

    def uncontacted(self) -> int:
        """How many leads nobody has been in touch with."""
        return len(self._waiting)

    def oldest_s(self, now_s: float) -> float:
        """How long the oldest of these has waited; 0 where there is none."""
        since_ms = min((one.since_ms for one in self._waiting.copy().values()), default=None)
        return 0.0 if since_ms is None else max(0.0, now_s - since_ms / 1000)
