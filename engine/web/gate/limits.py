"""How often somebody may try something, and how many may be somewhere at once."""

import contextlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator


class Room:
    """How many may be there at once: in all, and of each who comes, so that nobody keeps the others out."""

    def __init__(self, of_all: int, of_one: int) -> None:
        self._of_all = of_all
        self._of_one = of_one
        self._there: Counter[str] = Counter()

    @contextlib.contextmanager
    def place(self, who: str) -> Iterator[bool]:
        """Whether there is one for `who`, for as long as the block lasts."""
        if self._there.total() >= self._of_all or self._there[who] >= self._of_one:
            yield False
            return
        self._there[who] += 1
        try:
            yield True
        finally:
            self._there[who] -= 1
            if not self._there[who]:
                del self._there[who]


class Limit:
    """Leaky buckets, one for each key: so many at once, then one each `every_s`.

    At most `keys_max` keys are remembered; the one that tried longest ago is forgotten first.
    """

    def __init__(
        self, burst: int, every_s: float, keys_max: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` in seconds, from any beginning."""
        self._patience_s = (burst - 1) * every_s
        self._every_s = every_s
        self._keys_max = keys_max
        self._clock = clock
        self._empty_at_s: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """How long until this key may try once more; 0: now."""
        return max(0.0, self._empty_at_s.get(key, 0.0) - self._patience_s - self._clock())

    def take(self, key: str) -> None:
        """This key has tried once."""
        now_s = self._clock()
        self._empty_at_s[key] = max(self._empty_at_s.pop(key, now_s), now_s) + self._every_s
        if len(self._empty_at_s) > self._keys_max:
            self._empty_at_s.popitem(last=False)
