"""What an event's `context` tells besides page and campaign: the device, the language, the place.

Only what the model reads is decoded. Everything here takes time linear in its text and never raises.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from engine.core.contacts import country_code, us_state_code
from engine.core.events import Campaign, Event, Page
from engine.core.text import clean

PLACES = ("country", "state", "county", "city", "zip", "language")
"""What is remembered of where a lead's last event came from."""
DEVICES = ("desktop", "mobile", "tablet", "other")

Locate = Callable[[str], str | None]
"""The code of the country that an IP address is in, None where it is not known or the text is no address."""

_LOCATED: Mapping[str, tuple[str, ...]] = {
    "country": ("country",),
    "state": ("region", "state"),
    "county": ("county",),
    "city": ("city",),
    "zip": ("postalCode", "postal_code", "zip"),
}
_TEXT_CHARS_MAX = 500
_AGENTS_CACHED_MAX = 4_096
_LANGUAGE = re.compile(r"([a-z]{2})(?![a-z0-9])", re.IGNORECASE)
_ZIP_PLUS_4 = re.compile(r"([0-9]{5})(-?)[0-9]{4}")
_US_POST = frozenset(("US", "AS", "GU", "MP", "PR", "VI"))
_NO_READER = re.compile(r"bot\b|crawl|spider|smart-?tv|appletv|hbbtv|playstation|xbox")
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook")
_MOBILE = re.compile(r"mobi|iphone|ipod|windows phone|blackberry|opera mini|\bj2me\b")
_DESKTOP = re.compile(r"windows|macintosh|mac os x|x11|cros |linux")


def context_of(reads: Collection[str], *, located: bool = False) -> Any:
    """The struct that decodes of `context` what the fields in `reads` need, and what every event is read for.

    `located`: IP addresses are looked up.
    """
    fields: list[tuple[str, Any, Any]] = [
        ("page", Page | None, None),
        ("campaign", Campaign | None, None),
        ("channel", str | None, None),
        ("userAgent", str | None, None),
    ]
    if "language" in reads:
        fields.append(("locale", str | None, None))
    # The country decides how a zip is written.
    wanted = {*reads, "country"} if "zip" in reads else reads
    if located and "country" in wanted:
        fields.append(("ip", Any, None))
    places = [name for place in _LOCATED if place in wanted for name in _LOCATED[place]]
    if places:
        location = msgspec.defstruct("Location", [(name, Any, None) for name in places], gc=False)
        fields.append(("location", location | None, None))
    return msgspec.defstruct("Context", fields, gc=False)


def device(event: Event) -> str | None:
    """What the event's browser runs on, one of `DEVICES`; None where no browser is named."""
    agent = getattr(event.context, "userAgent", None)
    return _device(agent[:_TEXT_CHARS_MAX]) if agent else None


@lru_cache(_AGENTS_CACHED_MAX)
def _device(agent: str) -> str:
    agent = agent.lower()
    if _NO_READER.search(agent):
        return "other"
    if _TABLET.search(agent) or ("android" in agent and "mobi" not in agent):
        return "tablet"
    if _MOBILE.search(agent):
        return "mobile"
    return "desktop" if _DESKTOP.search(agent) else "other"


def language(event: Event) -> str | None:
    """The two letters of the event's locale."""
    return language_of(getattr(event.context, "locale", None))


def language_of(said: Any) -> str | None:
    """`en` of `en-US`, `en_GB` or `EN`; None of what names no language by two letters."""
    found = _LANGUAGE.match(said) if isinstance(said, str) else None
    return found[1].lower() if found else None


def place(event: Event, name: str, locate: Locate | None = None) -> str | None:
    """Country, state, county, city or zip of the event's location, as `placed` and `cut_zip` write it.

    A country that is not said there is the one that `locate` gives for the event's IP address.
    """
    location = getattr(event.context, "location", None)
    if location is not None:
        said = (getattr(location, key, None) for key in _LOCATED[name])
        told = placed(name, next((value for value in said if value is not None), None))
        if told is not None:
            return cut_zip(told, lambda: place(event, "country", locate)) if name == "zip" else told
    if locate is None or name != "country":
        return None
    ip = getattr(event.context, "ip", None)
    return placed(name, locate(ip)) if isinstance(ip, str) else None


def placed(name: str, said: Any) -> str | None:
    """A place as fields show it: codes for countries and US states, a zip in upper case without spaces.

    What is no text, or number of a zip, is None.
    """
    if isinstance(said, int) and not isinstance(said, bool) and name == "zip" and 0 <= said < 10**12:
        said = str(said)
    if not isinstance(said, str):
        return None
    text = clean(said, _TEXT_CHARS_MAX).strip()
    if name == "country":
        return country_code(text) or text or None
    if name == "state":
        return us_state_code(text) or text or None
    if name == "zip":
        return zip_of(text) or None
    return text or None


def zip_of(said: str) -> str:
    """A zip as leads and territories write it: upper case, without spaces."""
    return "".join(said.split()).upper()


def cut_zip(written: str, country: Callable[[], str | None]) -> str:
    """A zip as `placed` writes it, a ZIP+4 cut to five digits where `country` has them: in the US and its territories.

    Where the country is not known, only what is written like `12345-6789` is one: nine digits may be another's.
    """
    plus_4 = _ZIP_PLUS_4.fullmatch(written)
    if plus_4 is None:
        return written
    code = country_code(country() or "")
    return plus_4[1] if code in _US_POST or (code is None and plus_4[2]) else written


def places(event: Event, names: Iterable[str], locate: Locate | None = None) -> dict[str, str]:
    """Of `names`, each one of `PLACES`, what the event tells."""
    told = ((name, language(event) if name == "language" else place(event, name, locate)) for name in names)
    return {name: said for name, said in told if said is not None}
