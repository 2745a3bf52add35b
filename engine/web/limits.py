"""How often somebody may try something."""

import time
from collections import OrderedDict
from collections.abc import Callable


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
