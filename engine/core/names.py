"""Event names: what other tools call a thing, and what Heatline calls it.

Canonical names are GA4's and what lead scoring needs (`page_view`, `form_submit`, `demo_request` …); a name that
nobody maps keeps its own in snake case.
"""

import fnmatch
import re
from collections.abc import Mapping
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W_A-Z]+|[^\W_]+")
_NAME_CHARS_MAX = 100
_NAMES_CACHED_MAX = 4096

NAMED_BY_TYPE = {
    "page": "page_view",
    "screen": "screen_view",
    "identify": "identify",
    "group": "group",
    "alias": "alias",
}


def snake_case(name: str) -> str:
    """`Form Submitted`, `formSubmitted` and `form-submitted` are `form_submitted`; at most 100 characters."""
    return "_".join(_WORD.findall(name[:_NAME_CHARS_MAX])).casefold()[:_NAME_CHARS_MAX]


class Names:
    """Canonical names by the names that other tools use; compared without case, `*` in a name stands for any text."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._exact = {name.casefold(): canonical for name, canonical in mapping.items() if "*" not in name}
        self._patterns = [(_pattern(name.casefold()), canonical) for name, canonical in mapping.items() if "*" in name]
        # Bounded, names and number of them, since visitors choose them.
        self._cached = lru_cache(_NAMES_CACHED_MAX)(self._canonical)

    def canonical(self, name: str) -> str:
        """What Heatline calls the event that other tools call `name`, of which 100 characters count."""
        return self._cached(name[:_NAME_CHARS_MAX])

    def _canonical(self, name: str) -> str:
        folded = name.strip().casefold()
        exact = self._exact.get(folded)
        if exact is not None:
            return exact
        for pattern, canonical in self._patterns:
            if pattern.fullmatch(folded):
                return canonical
        return snake_case(name)


def _pattern(name: str) -> re.Pattern[str]:
    # fnmatch makes each star atomic, so that matching is linear; `?` and brackets stand for themselves here.
    return re.compile(fnmatch.translate(re.sub(r"[?\[]", r"[\g<0>]", name)))
