"""A desk without a broker: its lane reads two logs, and folds, wakes and reloads in transactions that may fail.

What is to happen is drawn from a seed and written down; then it happens once as it should, and once with workers that
crash before a commit, or after one, at any point. Both must come to the same, record by record.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from random import Random

from engine.core.flow import Output
from tests.build import DAY
from tests.routing.days import Changed, Happening, Life, Read, Tick, day
from tests.routing.lane import Lane
from tests.routing.organisations import organisation

ACTS = 60
AT_ONCE_MAX = 6
"""How many records or rows are folded at once at most."""


def happened(seed: int, acts: int = ACTS) -> tuple[Life, list[Happening]]:
    """A day that was lived, with what falls due on the next one, and what its desk is told of it, in order."""
    draw = Random(seed).choice
    life = Life(day(draw, acts, [organisation(draw) for _ in range(3)]))
    list(life.moments())
    list(life.due(life.at_ms + DAY))
    return life, life.happened


class Cluster:
    """A desk to which `happenings` happen; `crash` is the share of transactions that come to nothing.

    A fold takes at most `at_once` records or rows. `outputs` are all that was committed, in order.
    """

    def __init__(
        self,
        life: Life,
        happenings: Sequence[Happening],
        seed: int = 0,
        crash: float = 0.0,
        at_once: int = AT_ONCE_MAX,
    ) -> None:
        self._draw = Random(seed)
        self._crash = crash
        self._at_once = at_once
        self._happenings = happenings
        self.lane = Lane(life.day.begin.routing)
        self.outputs: list[Output] = []
        self.crashes = 0

    def run(self) -> None:
        """Everything happens: records in chunks of any size, what is due some rows at a time."""
        at_ms = 0
        for kind, some in groupby(self._happenings, type):
            if kind is Read:
                self._read([one for one in some if isinstance(one, Read)], at_ms)
                continue
            for one in some:
                if isinstance(one, Tick):
                    at_ms = one.at_ms
                    self._wake(at_ms)
                elif isinstance(one, Changed):
                    self._reload(one)

    def _read(self, reads: Sequence[Read], clock_ms: int) -> None:
        begin = 0
        while begin < len(reads):
            end = begin
            while end < len(reads) and (end == begin or self._draw.random() < 0.5):
                size = self._draw.randint(1, self._at_once)
                self.lane.fold([one.record for one in reads[end : end + size]], clock_ms)
                end = min(end + size, len(reads))
            if self._commit():
                begin = end

    def _wake(self, until_ms: int) -> None:
        is_more = True
        while is_more:
            is_more = self.lane.wake(until_ms, self._draw.randint(1, self._at_once))
            if not self._commit():
                is_more = True

    def _reload(self, changed: Changed) -> None:
        """The stamp is written with the last rows: a walk over them that is cut short begins anew."""
        self.lane.job = Lane(changed.to.routing).job
        is_done = False
        while not is_done:
            keys = list(self.lane.rows)
            is_done = all(self._restated(some, changed.at_ms) for some in self._slices(keys))

    def _restated(self, keys: Sequence[bytes], at_ms: int) -> bool:
        self.lane.restate(keys, at_ms)
        return self._commit()

    def _commit(self) -> bool:
        """Whether the transaction is there; another worker may have the lane from then on."""
        if self._draw.random() < self._crash:
            self.lane.crash()
            self.crashes += 1
            return False
        self.outputs += self.lane.commit()
        if self._draw.random() < self._crash / 2:
            self.lane.crash()
            self.crashes += 1
        return True

    def _slices(self, keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
        begin = 0
        while begin < len(keys):
            end = begin + self._draw.randint(1, self._at_once)
            yield keys[begin:end]
            begin = end


def differences(seed: int, crash: float = 0.3) -> Iterator[str]:
    """What comes otherwise where workers crash, a sentence each; nothing where all is as it should be."""
    life, happenings = happened(seed)
    right, found = Cluster(life, happenings, at_once=1), Cluster(life, happenings, seed, crash)
    right.run()
    found.run()
    if len(right.outputs) != len(found.outputs):
        yield f"seed {seed}: {len(found.outputs)} records, expected {len(right.outputs)}"
    for place, (mine, theirs) in enumerate(zip(right.outputs, found.outputs, strict=False)):
        if mine != theirs:
            yield f"seed {seed}: record {place} is {theirs}, expected {mine}"
            break
    for key in sorted({*right.lane.rows, *found.lane.rows}):
        mine_row, theirs_row = right.lane.rows.get(key), found.lane.rows.get(key)
        if mine_row != theirs_row:
            yield f"seed {seed}: row {key!r} is {theirs_row!r}, expected {mine_row!r}"
    if crash and not found.crashes:
        yield f"seed {seed}: nothing crashed"
