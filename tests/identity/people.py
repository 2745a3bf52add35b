"""People with several browsers, addresses and ids, and what is seen of them, drawn from a seed.

Everybody's ids are joined by what they do sooner or later; nobody's are ever claimed by another.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from engine.core.identity import above, person_key, public_id
from engine.core.instants import to_rfc3339
from tests.build import T0

SPAN_MS = 90 * 3_600_000
"""All of it ends at T0, within the lateness that is allowed: every event may come at the end."""
_NAMES = ("chat", "enquiry", "email_click", "purchase", "webinar_register")


@dataclass
class Person:
    """One person: `final` is the public id in which everything ends."""

    users: list[str]
    email: str | None
    browsers: list[str]
    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def final(self) -> str:
        """The highest of the ids that are ever said to be a person's."""
        used = {str(line["userId"]) for _, line in self.lines if "userId" in line}
        if not used:
            return f"email:{self.email}"
        best, *others = map(person_key, used)
        for key in others:
            best = key if above(key, best) else best
        return public_id(best)


def people(seed: int, count: int, doings: int = 25) -> list[Person]:
    """So many people with their events, each `(record key, Segment event)`, in the order in which they were sent.

    Nobody does more than `doings` things.
    """
    draw = Random(seed)
    return [_person(draw, f"{seed}-{number}", doings) for number in range(count)]


def sent(seen: Sequence[Person], seed: int) -> Iterator[tuple[str, bytes]]:
    """Keys and values of their records, those of different people in any order."""
    draw = Random(seed)
    queues = [iter(person.lines) for person in seen]
    while queues:
        place = draw.randrange(len(queues))
        line = next(queues[place], None)
        if line is None:
            queues[place] = queues[-1]
            queues.pop()
        else:
            yield line[0], json.dumps(line[1]).encode()


def _person(draw: Random, name: str, doings: int) -> Person:
    users = [f"{draw.choice('mz')}{number}-{name}" for number in range(draw.choice((0, 1, 1, 1, 2, 3)))]
    has_email = not users or draw.random() < 0.5
    browsers = [f"{draw.choice('ax')}b{number}-{name}" for number in range(draw.randint(1, 3))]
    person = Person(users, f"p{name}@example.com" if has_email else None, browsers)
    lines = [_doing(draw, person, name, number) for number in range(draw.randint(min(4, doings), doings))]
    if len(users) > 2:
        # An id that nobody uses joins nobody: for all that is known it may be a browser's that two people share.
        lines += [{"type": "track", "event": "chat", "userId": user} for user in users]
    for stitch in _stitches(draw, person):
        lines.insert(draw.randint(0, len(lines)), stitch)
    times = sorted(draw.randrange(SPAN_MS) for _ in lines)
    for number, (line, at_ms) in enumerate(zip(lines, times, strict=True)):
        line |= {"timestamp": to_rfc3339(T0 - SPAN_MS + at_ms), "messageId": f"{name}/{number}"}
        person.lines.append((line.get("anonymousId") or line["userId"], line))
    return person


def _doing(draw: Random, person: Person, name: str, number: int) -> dict[str, Any]:
    event: dict[str, Any] = {"type": "track", "event": draw.choice(_NAMES), "properties": {"value": draw.randint(1, 9)}}
    if draw.random() < 0.2:
        event = {"type": "page", "context": {"page": {"path": f"/{draw.randint(1, 3)}", "title": name}}}
    if person.users and draw.random() < 0.4:
        event["userId"] = draw.choice(person.users)
        if draw.random() < 0.5:
            event["anonymousId"] = draw.choice(person.browsers)
    else:
        event["anonymousId"] = draw.choice(person.browsers)
    return event


def _stitches(draw: Random, person: Person) -> list[dict[str, Any]]:
    """What joins all ids of a person, and some of it once more."""
    found: list[dict[str, Any]] = []
    for browser in person.browsers:
        ways: list[dict[str, Any]] = []
        if person.users:
            ways.append({"type": "identify", "anonymousId": browser, "userId": draw.choice(person.users)})
            ways.append({"type": "alias", "previousId": browser, "userId": draw.choice(person.users)})
        if person.email is not None:
            ways.append({"type": "identify", "anonymousId": browser, "traits": {"email": person.email}})
        found.append(draw.choice(ways))
    if person.users and person.email is not None:
        traits = {"email": person.email.upper(), "plan": draw.choice("abc")}
        found.append({"type": "identify", "userId": draw.choice(person.users), "traits": traits})
    for one, other in zip(person.users, person.users[1:], strict=False):
        pair = draw.sample((one, other), 2)
        found.append({"type": "alias", "previousId": pair[0], "userId": pair[1]})
    draw.shuffle(found)
    return found + draw.sample(found, draw.randint(0, len(found)))
