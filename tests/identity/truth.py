"""What people's rows should be: as if every event had come under the final person's id from the start."""

import json
from collections.abc import Iterator, Sequence
from math import isclose
from typing import Any

from engine.core.identity import person_key, public_id
from engine.core.model import Model
from engine.core.points import points_of
from engine.core.profile import ID_BYTES, Row
from tests.build import T0, model
from tests.identity.cluster import Cluster
from tests.identity.people import Person

SPEC: dict[str, Any] = {
    "publish_from": "warm",
    "groups": {"web": {"max": 40}},
    "engagement": {
        "plain": {"when": {"event": "chat"}, "points": 7, "half_life": "3d"},
        "limited": {"when": {"event": "enquiry"}, "points": 5, "half_life": "5d", "limit": "2 per 1d"},
        "once": {"when": {"event": "email_click"}, "points": 11, "limit": "once"},
        "by_days": {"when": {"event": "webinar_register"}, "points": 3, "window": "30d"},
        "times": {"when": {"event": "purchase"}, "points": 2, "times": "properties.value", "times_max": 5},
        "kept": {"when": {"event": "chat"}, "points": -1, "decay": "none", "max": 20},
        "page": {"when": {"event": "page_view", "page.path": "/1"}, "points": 4, "group": "web"},
    },
}
MODEL: Model = model(SPEC)
RELATIVE = 1e-9


def events_of(person: Person) -> list[dict[str, Any]]:
    """A person's events by time, each under the final id alone."""
    lines = []
    for _, line in person.lines:
        rest = {key: value for key, value in line.items() if key not in ("anonymousId", "previousId")}
        lines.append({**rest, "type": "identify" if line["type"] == "alias" else line["type"], "userId": person.final})
    return lines


def truth(people: Sequence[Person]) -> dict[str, Row]:
    """The rows of people who never had another id, by key."""
    cluster = Cluster(MODEL, 1, 0)
    for person in people:
        for line in events_of(person):
            cluster.send(person.final, json.dumps(line).encode(), T0)
    cluster.run(crash=0, move=0)
    return cluster.rows()


def differences(right: dict[str, Row], found: dict[str, Row]) -> Iterator[str]:
    """What of `found` is not as it should be, a sentence each; nothing where it is."""
    for key in sorted(right.keys() | found.keys()):
        if key not in right or key not in found:
            yield f"{public_id(key)} has {'a row' if key in found else 'no row'}"
            continue
        for what, (mine, theirs) in _parts(right[key], found[key]).items():
            if mine != theirs:
                yield f"{public_id(key)}: {what} = {theirs}, expected {mine}"


def _parts(right: Row, found: Row) -> dict[str, tuple[object, object]]:
    end = T0
    mine, theirs = (points_of(MODEL, row.ledger, end - row.born_ms, row.born_ms) for row in (right, found))
    parts: dict[str, tuple[object, object]] = {
        "times of first and last": (_times(right), _times(found)),
        "counts": (_counts(right), _counts(found)),
        "traits": (_traits(right), _traits(found)),
        "pages": (_pages(right), _pages(found)),
        "recent ids": (_ids(right), _ids(found)),
        "rules": (sorted(mine), sorted(theirs)),
    }
    bound = RELATIVE * max(1.0, sum(map(abs, mine.values())))
    for rule in mine.keys() & theirs.keys():
        if not isclose(mine[rule], theirs[rule], rel_tol=0, abs_tol=bound):
            parts[f"points of {rule}"] = (mine[rule], theirs[rule])
    for rule in mine.keys() & theirs.keys():
        parts[f"events of {rule}"] = (_events(right, rule), _events(found, rule))
    return parts


def _events(row: Row, rule: str) -> tuple[int, int | None]:
    """How many counted and when the last did; of those within a limit that depends on which came first."""
    _, last, count, *_ = row.ledger[rule]
    limited = MODEL.rules[rule].limit is not None
    return count, None if limited else row.born_ms + last


def _times(row: Row) -> tuple[int, int]:
    return row.born_ms + row.first, row.born_ms + row.last


def _counts(row: Row) -> dict[str, int]:
    return {name: count for name, count in row.counts.items() if name not in ("identify", "alias")}


def _traits(row: Row) -> dict[str, Any]:
    return {name: (row.born_ms + at, value) for name, (at, value) in row.traits.items()}


def _pages(row: Row) -> list[tuple[int, str]]:
    return [(row.born_ms + page.at, page.path) for page in row.pages]


def _ids(row: Row) -> set[bytes]:
    return {row.recent_ids[place : place + ID_BYTES] for place in range(0, len(row.recent_ids), ID_BYTES)}


def keys_of(people: Sequence[Person]) -> set[str]:
    """The keys under which people's rows should stand."""
    return {person_key(person.final) for person in people}
