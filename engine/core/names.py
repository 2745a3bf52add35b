"""`config/events.yaml`: what other tools call a thing, and what Heatline calls it.

Canonical names are GA4's and what lead scoring needs (`page_view`, `form_submit`, `demo_request` …); an event name
that nobody maps keeps its own in snake case.
"""

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from engine.core.channels import Lists
from engine.core.reader import Reader
from engine.core.source import Node

_WORD = re.compile(r"[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W_A-Z]+|[^\W_]+")
_NAME_CHARS_MAX = 100
_NAMES_CACHED_MAX = 4096
ENTRIES_MAX = 10_000
PATHS_MAX = 20
PROPERTIES = "properties."
SEARCH_ENGINES, SOCIAL_NETWORKS = "search_engines", "social_networks"
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.IGNORECASE)

NAMED_BY_TYPE = {
    "page": "page_view",
    "screen": "screen_view",
    "identify": "identify",
    "group": "group",
    "alias": "alias",
}

CANONICAL = frozenset(
    "page_view screen_view identify group alias scroll click form_start form_submit file_download video_progress "
    "search exit_intent page_leave heartbeat generate_lead sign_up login trial_start demo_request demo_cancel "
    "quote_request app_install add_to_cart begin_checkout purchase refund email_delivered email_open email_click "
    "email_reply email_bounce subscribe unsubscribe webinar_register webinar_attend webinar_cancel event_attend call "
    "chat enquiry".split()
)
"""The names that mean something to Heatline, or that lead scoring needs; every other name is as good."""


def snake_case(name: str) -> str:
    """`Form Submitted`, `formSubmitted` and `form-submitted` are `form_submitted`; at most 100 characters."""
    return "_".join(_WORD.findall(name[:_NAME_CHARS_MAX])).casefold()[:_NAME_CHARS_MAX]


class Names:
    """Canonical names by the names that other tools use; compared without case, `*` in a name stands for any text."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._exact = {name.casefold(): canonical for name, canonical in mapping.items() if "*" not in name}
        self._patterns = [(_pattern(name.casefold()), canonical) for name, canonical in mapping.items() if "*" in name]
        self._targets = frozenset(mapping.values())
        # Bounded, names and number of them, since visitors choose them.
        self._cached = lru_cache(_NAMES_CACHED_MAX)(self._canonical)

    @property
    def targets(self) -> frozenset[str]:
        """The names that something is mapped to."""
        return self._targets

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


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What `events.yaml` says: names to canonical ones, canonical properties to the paths that may hold them, domains.

    Of the `paths` of a property, each beginning with `properties.`, the first that is there counts.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lists: Lists = field(default_factory=Lists)

    @property
    def stated(self) -> str:
        """The same text for the same content, for the model's version."""
        domains = [sorted(self.lists.search_engines), sorted(self.lists.social_networks)]
        return repr((sorted(self.names.items()), sorted(self.paths.items()), domains))


def load_names(text: str, file: str) -> Vocabulary:
    """What `text`, the content of `file`, says. Raises ConfigError with every problem."""
    reader = Reader(file)
    names: dict[str, str] = {}
    paths: dict[str, tuple[str, ...]] = {}
    domains: dict[str, frozenset[str]] = {SEARCH_ENGINES: frozenset(), SOCIAL_NETWORKS: frozenset()}
    for name, entry in reader.names(reader.parse(text), "other tools' names to canonical ones", ENTRIES_MAX).items():
        if name in domains:
            listed = reader.items(entry, "domains", at_least=1)
            domains[name] = frozenset(_domain(reader, node) for node in listed)
        elif isinstance(entry.value, tuple):
            listed = reader.items(entry, "property paths", at_least=1, at_most=PATHS_MAX)
            paths[name] = tuple(_path(reader, node) for node in listed)
        else:
            names[name] = reader.text(entry, at_most=_NAME_CHARS_MAX).casefold()
    reader.finish()
    shipped = Lists()
    lists = Lists(shipped.search_engines | domains[SEARCH_ENGINES], shipped.social_networks | domains[SOCIAL_NETWORKS])
    return Vocabulary(names, paths, lists)


def _domain(reader: Reader, node: Node) -> str:
    text = reader.text(node)
    if text and not _DOMAIN.fullmatch(text):
        reader.problem(node, "expected a domain, such as duckduckgo.com")
    return text.lower()


def _path(reader: Reader, node: Node) -> str:
    text = reader.text(node)
    if text and not (text.startswith(PROPERTIES) and all(text.split("."))):
        reader.problem(node, "expected the path of a property, such as properties.total")
    return text


def _pattern(name: str) -> re.Pattern[str]:
    # fnmatch makes each star atomic, so that matching is linear; `?` and brackets stand for themselves here.
    return re.compile(fnmatch.translate(re.sub(r"[?\[]", r"[\g<0>]", name)))
