"""The fields that conditions read: of an event (`when`), and of a lead (`if`).

A condition on a lead also reads what only events have, of the event that caused the fold; on a wake-up that is missing.
Getters of leads are given a `Standing`, or a request for a rep, which has attributes of the same names.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta, tzinfo
from functools import partial
from operator import attrgetter
from typing import Any

from msgspec import UNSET

from engine.core import contacts, context
from engine.core.channels import host_of
from engine.core.conditions import Fields, Getter
from engine.core.decode import TEXT_CHARS_MAX, URL_CHARS_MAX
from engine.core.events import Event, attribute
from engine.core.instants import EPOCH
from engine.core.reader import unknown
from engine.core.text import clean

TITLE_CHARS_MAX = 300
REFERRER_CHARS_MAX = 420
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVENT_ONLY = ("event", "signal", "page.", "campaign.", "channel", "properties.", "device", "hour", "weekday")
"""Fields, and beginnings of fields, that a lead has of the event that caused the fold."""
_PAGE_CHARS_MAX = {
    "url": URL_CHARS_MAX,
    "title": TITLE_CHARS_MAX,
    "referrer": REFERRER_CHARS_MAX,
    "search": TEXT_CHARS_MAX,
}
PROPERTIES, POINTS = "properties.", "points."
_TRAITS, _COUNTS = "traits.", "counts."
_TOUCH = ("at", "channel", "source", "medium", "campaign")
_ADDRESS = {"zip": ("postalCode", "postal_code", "zip"), "state": ("state", "region")}
_NONE: Mapping[str, Any] = {}


def read_keys(fields: Iterable[str], family: str) -> set[str]:
    """The keys of `properties` or `traits` that `fields` read: `properties.plan.name` reads `plan`."""
    return {name.removeprefix(family).partition(".")[0] for name in fields if name.startswith(family)}


def properties_read(fields: Iterable[str], paths: Mapping[str, tuple[str, ...]] = _NONE) -> set[str]:
    """The keys of `properties` that `fields` read; `paths` as in `event_fields`."""
    read = read_keys(fields, PROPERTIES)
    return read | {key for name in read for key in read_keys(paths.get(name, ()), PROPERTIES)}


def traits_read(fields: Iterable[str]) -> set[str]:
    """The keys of `traits` that `fields` read."""
    return read_keys(fields, _TRAITS)


def is_event_only(name: str) -> bool:
    """Whether a lead has field `name` of an event only."""
    return any(name == one or (one.endswith(".") and name.startswith(one)) for one in EVENT_ONLY)


def within(value: Any, path: Iterable[str]) -> Any:
    """What stands at `path` inside nested objects, None where nothing does."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def event_fields(
    zone: tzinfo | None = None,
    paths: Mapping[str, tuple[str, ...]] = _NONE,
    locate: context.Locate | None = None,
) -> Fields:
    """The fields of an event; `hour` and `weekday` in `zone` (None: UTC).

    `paths` maps a canonical property to the paths that may hold it: the first that is there counts. `locate` gives the
    country of an IP address.
    """

    def property_getter(name: str) -> Getter:
        key, dot, rest = name.partition(".")
        held = [path.removeprefix(PROPERTIES) + dot + rest for path in paths.get(key, (key,))]
        getters = [_decoded("properties", path) for path in held]
        return getters[0] if len(getters) == 1 else _first_of(getters)

    return Fields(
        known={
            "event": lambda event: None if event.signal else event.name,
            "signal": lambda event: event.name if event.signal else None,
            "source": attrgetter("source"),
            "channel": attrgetter("channel"),
            "product": attrgetter("product"),
            "page.path": attrgetter("page.path"),
            **{f"page.{key}": _page(key, chars_max) for key, chars_max in _PAGE_CHARS_MAX.items()},
            "page.host": lambda event: host_of(event.page.url),
            **{f"campaign.{key}": _campaign(key) for key in ("source", "medium", "name", "term", "content")},
            "country": partial(context.place, name="country", locate=locate),
            "language": context.language,
            "device": context.device,
            "hour": _hour(zone),
            "weekday": _weekday(zone),
        },
        families={PROPERTIES: property_getter, _TRAITS: partial(_decoded, "traits")},
    )


def _decoded(container: str, name: str) -> Getter:
    key, *path = name.split(".")
    held, of_event = attribute(key), attrgetter(container)

    def get(event: Event) -> Any:
        value = getattr(of_event(event), held, None)
        if path:
            value = within(value, path)
        if type(value) is str:
            return clean(value, TEXT_CHARS_MAX)
        return None if value is UNSET else value

    return get


def _first_of(getters: list[Getter]) -> Getter:
    def get(event: Event) -> Any:
        for one in getters:
            value = one(event)
            if value is not None:
                return value
        return None

    return get


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


def _hour(zone: tzinfo | None) -> Getter:
    def get(event: Event) -> int:
        return _local_s(event.time_ms, zone) // 3_600 % 24

    return get


def _weekday(zone: tzinfo | None) -> Getter:
    def get(event: Event) -> str:
        # The first of January 1970 was a Thursday.
        return WEEKDAYS[(_local_s(event.time_ms, zone) // 86_400 + 3) % 7]

    return get


def _local_s(time_ms: int, zone: tzinfo | None) -> int:
    """Seconds since 1970 as a clock in `zone` shows them."""
    time_s = time_ms // 1_000
    if zone is None:
        return time_s
    try:
        offset = (EPOCH + timedelta(seconds=time_s)).astimezone(zone).utcoffset() or timedelta()
    except OverflowError:  # within a day of the years 1 and 9999
        return time_s
    return time_s + int(offset.total_seconds())


def _trait(name: str) -> Getter:
    key, *path = name.split(".")
    if name in contacts.DERIVED:
        return lambda lead: contacts.derived(name, lead.traits)
    return lambda lead: within(lead.traits.get(key), path)


def _place(name: str) -> Getter:
    """A place of the lead: what a trait says, else its address, else where its last event came from."""
    inside = _ADDRESS.get(name, (name,))

    def get(lead: Any) -> str | None:
        said = lead.traits.get(name)
        address = lead.traits.get("address")
        if said is None and isinstance(address, dict):
            said = next((address[key] for key in inside if address.get(key) is not None), None)
        if name == "country" and (code := contacts.derived(name, lead.traits)):
            return str(code)
        return context.placed(name, said) or lead.place.get(name)

    return get


def _zip(lead: Any) -> str | None:
    written = _ZIP_AS_WRITTEN(lead)
    return None if written is None else context.cut_zip(written, lambda: _COUNTRY(lead))


def _language(lead: Any) -> str | None:
    return context.language_of(lead.traits.get("language")) or lead.place.get("language")


def _touched(which: str, key: str) -> Getter:
    def get(lead: Any) -> Any:
        return getattr(getattr(lead, which), key, None)

    return get


def _count(name: str) -> Getter:
    return lambda lead: lead.counts.get(name, 0)


_COUNTRY, _ZIP_AS_WRITTEN = _place("country"), _place("zip")
LEAD_FIELDS = Fields(
    known={
        **{name: attrgetter(name) for name in ("engagement", "fit", "total")},
        "score": attrgetter("total"),
        **{name: attrgetter(name) for name in ("band", "grade", "stage", "known", "fast_track", "owner", "persona")},
        **{name: attrgetter(name) for name in ("revenue", "sessions", "product")},
        "source": _touched("last_touch", "source"),
        "language": _language,
        **{name: _place(name) for name in ("country", "state", "county", "city")},
        "zip": _zip,
        **{f"{which}.{key}": _touched(which, key) for which in ("first_touch", "last_touch") for key in _TOUCH},
    },
    families={_TRAITS: _trait, _COUNTS: _count},
)
"""What is known of a lead wherever it stands; routing reads these."""


def lead_fields(
    events: Fields, rules: Collection[str], canonical: Callable[[str], str]
) -> Callable[[str], Getter | str]:
    """The fields of a lead in its model: also `points.<rule>`, and what only `events` have.

    `canonical` gives the name under which events of a name are counted.
    """

    def points(name: str) -> Getter:
        return lambda lead: lead.points.get(name, 0.0)

    fields = Fields(
        known={
            **LEAD_FIELDS.known,
            **{name: _of_event(get) for name, get in events.known.items() if is_event_only(name)},
        },
        families={
            **LEAD_FIELDS.families,
            POINTS: points,
            PROPERTIES: lambda name: _of_event(events.families[PROPERTIES](name)),
        },
    )

    def find(name: str) -> Getter | str:
        if name.startswith(POINTS) and name.removeprefix(POINTS) not in rules:
            return unknown(name, [POINTS + rule for rule in rules])
        counted = name.removeprefix(_COUNTS)
        if name.startswith(_COUNTS) and counted and canonical(counted) != counted:
            return f"`{counted}` is counted under its canonical name: `{_COUNTS}{canonical(counted)}`"
        return fields(name)

    return find


def _of_event(get: Getter) -> Getter:
    def of_lead(lead: Any) -> Any:
        return None if lead.event is None else get(lead.event)

    return of_lead
