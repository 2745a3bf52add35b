"""The public door of the examples: a model and JSON lines in, JSON lines out, through `engine.local.simulate`.

Times are told in ms after T0, a Monday's midnight in UTC, so that a test shows the arithmetic and no calendar.
"""

import io
import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest

from engine.configuration import Configuration
from engine.core.cloudevents import kind_of
from engine.core.context import Locate
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.modelfile import load_model
from engine.core.names import Vocabulary
from engine.core.outputs import STAGE_CHANGED
from engine.local.simulate import run
from engine.routing.config import NO_ROUTING
from engine.routing.routingfile import read_routing
from engine.routing.whens import Known
from tests.build import T0, segment

Spec = Mapping[str, Any]
Line = Mapping[str, Any]

near = partial(pytest.approx, rel=1e-9, abs=1e-9)
"""To 1e-9, the accuracy that scores are promised to."""

DESK = {
    "reps": {"andy": {"name": "Andy", "email": "andy@example.com"}},
    "rules": [{"name": "everyone", "to": {"rep": "andy"}}],
}
"""A desk of one rep; `assign_on` is the test's own."""


def chats(points: float = 10, **keys: Any) -> Spec:
    """A rule on chats, decaying by the half-life of 30 days unless `keys` say otherwise."""
    return {"when": {"event": "chat"}, "points": points, **keys}


def scoring(*rules: Spec, **sections: Any) -> Spec:
    """A model with these engagement rules, called r1, r2, …, and other sections; every lead is published."""
    engagement = {f"r{number}": rule for number, rule in enumerate(rules, 1)}
    return {"publish_from": "cold", "engagement": engagement, **sections}


def at(after_ms: int, name: str = "chat", lead: str = "ada", **keys: Any) -> Line:
    """An event at T0 + `after_ms`; `keys` are its other Segment keys."""
    return segment(name, T0 + after_ms, lead, **keys)


def visits(path: str, after_ms: int, lead: str = "ada", **keys: Any) -> Line:
    """A page view; keys that belong to `context.page`, such as `title` and `referrer`, go there."""
    about = {key: keys.pop(key) for key in ("url", "title", "referrer", "search") if key in keys}
    context: Spec = {"page": {"path": path, **about}, **keys.pop("context", {})}
    return at(after_ms, "page_view", lead, context=context, **keys)


def known(after_ms: int, lead: str = "ada", **traits: Any) -> Line:
    """An `identify` of the person `lead`, without a browser."""
    return {"type": "identify", "userId": lead, "timestamp": to_rfc3339(T0 + after_ms), "traits": traits}


def record(event: Line, after_ms: int, **headers: str) -> Line:
    """`event` as a record that came at T0 + `after_ms`."""
    key = event.get("anonymousId") or event.get("userId")
    return {"topic": "visitor-events", "key": key, "value": event, "timestamp": T0 + after_ms, "headers": headers}


def says(after_ms: int, kind: str, lead: str = "ada", rep: str = "andy", **keys: Any) -> Line:
    """What a rep says about a lead: `kind` is `qualified`, `won` and so on."""
    value = {"type": f"lead.{kind}", "rep": rep, "lead": lead, "at": to_rfc3339(T0 + after_ms), **keys}
    return {"topic": "rep-events", "key": "main", "value": value, "timestamp": T0 + after_ms}


def reports(after_ms: int, kind: str, rep: str = "andy", **keys: Any) -> Line:
    """What a rep says of where the rep is: `kind` is `away` or `available`."""
    value = {"type": f"rep.{kind}", "rep": rep, "at": to_rfc3339(T0 + after_ms), **keys}
    return {"topic": "rep-events", "key": "main", "value": value, "timestamp": T0 + after_ms}


class Told:
    """The output lines of a simulation."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.lines = lines

    def on(self, topic: str, lead: str | None = None) -> list[dict[str, Any]]:
        """The data of the records on a topic, of one lead or all, tombstones left out."""
        return [line["value"]["data"] for line in self._on(topic) if line["value"] and lead in (None, line["key"])]

    def score(self, lead: str = "ada") -> dict[str, Any]:
        """The lead's score at the end, as `--final` prints it."""
        last = [line["value"] for line in self._on("lead-scores") if line["key"] == lead][-1]
        assert last is not None, f"{lead} was given up"
        data: dict[str, Any] = last["data"]
        return data

    def total(self, lead: str = "ada") -> float:
        """The total at the end."""
        total: float = self.score(lead)["total"]
        return total

    def alerts(self) -> list[tuple[str, int]]:
        """Which alerts fired, each with the time of its cause after T0."""
        return [(alert["alert"], since(alert["cause"]["time"])) for alert in self.on("lead-alerts")]

    def actions(self) -> list[tuple[str, int]]:
        """Likewise, of actions."""
        return [(action["action"], since(action["cause"]["time"])) for action in self.on("lead-actions")]

    def moves(self) -> list[tuple[str, str, int]]:
        """From which stage to which leads went, and when."""
        changes = [line["value"] for line in self._on("lead-stages") if line["value"]["type"] == kind_of(STAGE_CHANGED)]
        moved = [change["data"] for change in changes]
        return [(move["from"], move["to"], since(move["cause"]["time"])) for move in moved]

    def assignments(self) -> list[tuple[str, str, str | None, int]]:
        """What the desk told: of what kind, of which lead, of whom, and when after T0."""
        told = [line["value"] for line in self._on("lead-assignments")]
        kinds = [one["type"].removeprefix("io.heatline.lead.").removesuffix(".v1") for one in told]
        return [
            (kind, one["subject"], one["data"]["rep"], since(one["time"]))
            for kind, one in zip(kinds, told, strict=True)
        ]

    def owners(self, *leads: str) -> list[str | None]:
        """Who has these leads at the end."""
        return [self.score(lead)["owner"] for lead in leads]

    def rejected(self) -> list[str]:
        """The reasons of the dead letters."""
        return [letter["failure"]["reason"] for letter in self.on("dead-letters")]

    def gone(self) -> list[str]:
        """The leads whose scores were buried by a tombstone."""
        return [line["key"] for line in self._on("lead-scores") if line["value"] is None]

    def _on(self, topic: str) -> Iterator[dict[str, Any]]:
        return (line for line in self.lines if line["topic"] == topic)


def simulate(
    model: Spec | str,
    *lines: Line,
    until: int | None = None,
    desk: Spec | None = None,
    names: Spec | None = None,
    locate: Locate | None = None,
    files: Mapping[str, str] | None = None,
) -> Told:
    """What `lines` come to under `model`: as `heatline simulate --final --until T0+until` prints it.

    `desk` is a routing.yaml, without one there is no rep, and `files` are the texts of those beside it; `names` maps
    other tools' names to canonical ones; `locate` gives the country of an IP address.
    """
    out = io.BytesIO()
    configuration = configured(
        model if isinstance(model, str) else json.dumps(model), desk, names or {}, locate, files or {}
    )
    packed = [json.dumps(line).encode() for line in lines]
    until_time = None if until is None else to_rfc3339(T0 + until)
    run(configuration.model, configuration.jobs(1), packed, out, partitions=1, until=until_time, final=True)
    return Told([json.loads(line) for line in out.getvalue().splitlines()])


def configured(
    text: str, desk: Spec | None, names: Spec, locate: Locate | None, files: Mapping[str, str]
) -> Configuration:
    vocabulary = Vocabulary(names)
    if desk is None:
        return Configuration(load_model(text, "model.yaml", vocabulary, (), locate), NO_ROUTING)
    routing = read_routing(json.dumps(desk), "routing.yaml", files.get)
    model = load_model(text, "model.yaml", vocabulary, routing.finish().fields, locate)
    return Configuration(model, routing.finish(Known.of(model)))


def since(time: str) -> int:
    """An instant of an output, in ms after T0."""
    return from_rfc3339(time) - T0
