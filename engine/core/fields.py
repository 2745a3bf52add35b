"""The fields that conditions read: of an event (`when`), and of a lead (`if`)."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from engine.core.conditions import Fields, Getter
from engine.core.decode import TEXT_CHARS_MAX
from engine.core.events import Event, attribute
from engine.core.text import clean

TITLE_CHARS_MAX = 300
REFERRER_CHARS_MAX = 420
URL_CHARS_MAX = 1_000
_PAGE_CHARS_MAX = {
    "url": URL_CHARS_MAX,
    "title": TITLE_CHARS_MAX,
    "referrer": REFERRER_CHARS_MAX,
    "search": TEXT_CHARS_MAX,
}
_PROPERTIES = "properties."
_TRAITS = "traits."


def read_keys(fields: Iterable[str], family: str) -> set[str]:
    """The keys of `properties` or `traits` that `fields` read: `properties.plan.name` reads `plan`."""
    return {name.removeprefix(family).partition(".")[0] for name in fields if name.startswith(family)}


def properties_read(fields: Iterable[str]) -> set[str]:
    """The keys of `properties` that `fields` read."""
    return read_keys(fields, _PROPERTIES)


def traits_read(fields: Iterable[str]) -> set[str]:
    """The keys of `traits` that `fields` read."""
    return read_keys(fields, _TRAITS)


def within(value: Any, path: list[str]) -> Any:
    """What stands at `path` inside nested objects, None where nothing does."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _decoded(container: str) -> Callable[[str], Getter]:
    def getter(name: str) -> Getter:
        key, *path = name.split(".")
        held = attribute(key)

        def get(event: Event) -> Any:
            value = getattr(getattr(event, container), held, None)
            if path:
                value = within(value, path)
            return clean(value, TEXT_CHARS_MAX) if type(value) is str else value

        return get

    return getter


def _page(key: str, chars_max: int) -> Getter:
    of_page = attrgetter(f"page.{key}")

    def get(event: Event) -> str | None:
        value = of_page(event)
        return None if value is None else clean(value, chars_max)

    return get


def _campaign(key: str) -> Getter:
    def get(event: Event) -> str | None:
        value = None if event.campaign is None else getattr(event.campaign, key)
        return None if value is None else clean(value, TEXT_CHARS_MAX)

    return get


EVENT_FIELDS = Fields(
    known={
        "event": attrgetter("name"),
        "source": attrgetter("source"),
        "page.path": attrgetter("page.path"),
        **{f"page.{key}": _page(key, chars_max) for key, chars_max in _PAGE_CHARS_MAX.items()},
        **{f"campaign.{key}": _campaign(key) for key in ("source", "medium", "name", "term", "content")},
    },
    families={_PROPERTIES: _decoded("properties"), _TRAITS: _decoded("traits")},
    later=("signal", "page.host", "channel", "product", "country", "language", "device", "hour", "weekday"),
)


def _trait(name: str) -> Getter:
    key, *path = name.split(".")

    def get(lead: Any) -> Any:
        return within(lead.traits.get(key), path)

    return get


LEAD_FIELDS = Fields(
    known={
        name: attrgetter(attribute_name)
        for name, attribute_name in {
            "engagement": "engagement",
            "fit": "fit",
            "total": "total",
            "score": "total",
            "band": "band",
            "grade": "grade",
            "stage": "stage",
            "known": "known",
            "fast_track": "fast_track",
            "owner": "owner",
        }.items()
    },
    families={_TRAITS: _trait},
    later=(
        "persona",
        "revenue",
        "sessions",
        "source",
        "product",
        "language",
        "country",
        "state",
        "county",
        "city",
        "zip",
        "counts.",
        "points.",
        "first_touch.",
        "last_touch.",
    ),
)
