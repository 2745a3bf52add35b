"""Rules found by the path of a page: a site may have a rule for each of its pages, and a view asks few of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.core.model import Rule

WORTH_IT = 2
"""From so many rules with a path on, looking them up is cheaper than asking each."""
_CACHED_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths, case-folded, one of which an event must have, or one of `prefixes` at the beginning of its path."""

    exact: frozenset[str]
    prefixes: frozenset[str]


def rules_by_path(rules: Sequence[tuple[Rule, Paths | None]]) -> Callable[[str | None], tuple[Rule, ...]] | None:
    """What gives the rules that a path leaves to be asked, in order; None where asking each is as good.

    `rules` come with the paths that they can hold for, None where they look at any.
    """
    if sum(paths is not None for _, paths in rules) < WORTH_IT:
        return None
    found: dict[str, list[int]] = {}
    begun: dict[str, list[int]] = {}
    always = [place for place, (_, paths) in enumerate(rules) if paths is None]
    for place, (_, paths) in enumerate(rules):
        if paths is not None:
            for path in paths.exact:
                found.setdefault(path, []).append(place)
            for prefix in paths.prefixes:
                begun.setdefault(prefix, []).append(place)
    lengths = sorted({len(prefix) for prefix in begun})

    # Bounded, since visitors choose paths.
    @lru_cache(_CACHED_MAX)
    def rules_for(path: str | None) -> tuple[Rule, ...]:
        places = set(always)
        if path is not None:
            folded = path.casefold()
            places.update(found.get(folded, ()))
            for length in lengths:
                places.update(begun.get(folded[:length], ()))
        return tuple(rules[place][0] for place in sorted(places))

    return rules_for
