"""The fit of a lead of whom only traits matter, worked out once for the same traits."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import msgspec

from engine.core.model import FitRule

_CACHED_MAX = 16_384

_decode = msgspec.msgpack.Decoder(dict[str, tuple[int, Any]]).decode


def fit_by_traits(rules: Sequence[FitRule], scale: float) -> Callable[[bytes], float]:
    """What gives the fit, at most `scale`, of packed traits as a row has them: a value behind its time by name.

    The rules may read nothing else.
    """

    @lru_cache(_CACHED_MAX)
    def fit_of(traits: bytes) -> float:
        said = SimpleNamespace(traits={name: value for name, (_, value) in _decode(traits).items()})
        return min(sum((rule.points for rule in rules if rule.holds(said)), 0.0), scale)

    return fit_of
