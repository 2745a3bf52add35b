"""Known crawlers, mail scanners and HTTP libraries, by how they call themselves.

What calls itself like a browser is taken for one. Everything here takes time linear in its text and never raises.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

import re2
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from engine.core.events import WEB, Event

AGENT_CHARS_MAX = 256
"""So much of a user agent is looked at: those of browsers are shorter."""
_AGENTS_CACHED_MAX = 4_096
_MATCHER_BYTES_MAX = 32 * 1024 * 1024
_LIBRARY = "http-library"
_READERS = frozenset({"GoogleImageProxy", "YahooMailProxy", "FastmailUA"})
"""Listed as crawlers, yet they load the pictures of a mail at the moment at which a human reads it."""
_SCANNERS = ("Barracuda", "Mimecast", "Proofpoint", "Trend ?Micro", "MessageLabs", "FireEye", "Forcepoint", "Sophos")
"""Makers of mail gateways; where these open links under a name of their own, it is one of these."""


def _matcher(patterns: Collection[str]) -> Any:
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MATCHER_BYTES_MAX
    # In order, so that what begins alike shares its states: else hostile text costs ten times as much.
    return re2.compile("|".join(sorted(patterns)), options)


_crawler = _matcher(
    {
        one["pattern"]
        for one in CRAWLER_USER_AGENTS_DATA
        if _LIBRARY not in one.get("tags", ()) and one["pattern"] not in _READERS
    }
)
_library = _matcher({one["pattern"] for one in CRAWLER_USER_AGENTS_DATA if _LIBRARY in one.get("tags", ())})
_scanner = _matcher({f"(?i:{name})" for name in _SCANNERS})


def is_crawler(event: Event) -> bool:
    """Whether a known crawler did it, or an HTTP library in the place of a browser.

    A server or an app reports by a library itself, so there its name says nothing.
    """
    agent = _agent(event)
    return agent is not None and _is_crawler(agent, event.source == WEB)


def is_scanner(event: Event) -> bool:
    """Whether it was done by what calls itself a mail gateway."""
    agent = _agent(event)
    return agent is not None and _scanner.search(agent) is not None


def _agent(event: Event) -> str | None:
    agent = None if event.context is None else event.context.userAgent
    return agent[:AGENT_CHARS_MAX] if agent else None


# Bounded, agents and number of them, since visitors choose them.
@lru_cache(_AGENTS_CACHED_MAX)
def _is_crawler(agent: str, is_browser: bool) -> bool:
    return _crawler.search(agent) is not None or (is_browser and _library.search(agent) is not None)
