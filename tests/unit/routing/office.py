"""A desk with nothing around it: leads ask, reps speak, time passes; what it tells comes back."""

import json
from typing import Any, NamedTuple

import msgspec

from engine.agents.route import RouteJob
from engine.core.agenda import Agenda
from engine.core.flow import InputRecord, Output
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.messages import LeadRequested, Message, Request, decode_inbox, encode
from engine.core.records import Cause
from engine.local.simulate import Simulation
from engine.routing.config import Routing
from engine.routing.rows import Held, Load, unpack
from tests.unit.routing.examples import request, routing


class Seen(NamedTuple):
    """A record of `lead-assignments`: its type without `lead.`, the lead, who has it, the event time, and all of it."""

    kind: str
    lead: str
    rep: str | None
    time: str
    data: dict[str, Any]
    id: str

    @property
    def short(self) -> tuple[str, str, str | None]:
        """What happened to whom."""
        return self.kind, self.lead, self.rep


class Office:
    """A desk under `config`, which is YAML; times are RFC 3339 without seconds and zone, such as `2026-11-23T09:00`."""

    def __init__(self, config: str | Routing, at: str = "2026-11-23T09:00") -> None:
        self.job = RouteJob(routing(config) if isinstance(config, str) else config)
        self.simulation = Simulation([self.job], 1)
        self.at_ms = ms(at)
        self.outputs: list[Output] = []
        self.told: list[Seen] = []
        self._offsets = {"routing-requests": 0, "rep-events": 0}
        self._alerts = 0

    def ask(self, lead: str, at: str | None = None, **changes: Any) -> list[Seen]:
        """A lead asks for a rep, by an alert of its own unless one is named."""
        self._at(at)
        self._alerts += 1
        cause = Cause("visitor-events", 0, self._alerts, None, "demo_request", to_rfc3339(self.at_ms))
        usual = {"alert": f"alert-{self._alerts}", "at": self.at_ms, "cause": cause, "traits": {}}
        asked: LeadRequested = msgspec.structs.replace(request(lead), **{**usual, **changes})
        return self.send(asked)

    def send(self, message: Request, at: str | None = None) -> list[Seen]:
        """A message on `routing-requests`."""
        return self.read("routing-requests", encode(message), at)

    def say(self, kind: str, rep: str, lead: str | None = None, at: str | None = None, **more: Any) -> list[Seen]:
        """A rep says something, of a lead (`accepted`, …) or without one (`away`, `available`)."""
        self._at(at)
        about = {"type": f"rep.{kind}"} if lead is None else {"type": f"lead.{kind}", "lead": lead}
        said = {**about, "rep": rep, "at": to_rfc3339(self.at_ms), **more}
        return self.read("rep-events", json.dumps(said).encode())

    def read(self, topic: str, value: bytes, at: str | None = None) -> list[Seen]:
        """A record of an input."""
        self._at(at)
        offset = self._offsets[topic]
        self._offsets[topic] += 1
        record = InputRecord(topic, 0, offset, self.at_ms, b"main", value)
        return self._take(list(self.simulation.record(record)))

    def until(self, at: str) -> list[Seen]:
        """What time alone does up to then."""
        self._at(at)
        return self._take(list(self.simulation.advance(self.at_ms)))

    def restart(self) -> None:
        """Nothing stays but the rows."""
        self.simulation.restart()

    def reload(self, config: str | Routing, at: str | None = None) -> list[Seen]:
        """The routing is another from now on, and every row is brought up to it; what a desk asks another is asked."""
        self._at(at)
        told = self._take(list(self.simulation.advance(self.at_ms)))
        stamp, rows = self.job.stamp, self.rows
        self.job = RouteJob(routing(config) if isinstance(config, str) else config)
        self.simulation = Simulation([self.job], 1)
        self.simulation.rows["desk"][0] = rows
        fold = self.job.restate(0, list(rows), rows, Agenda(), stamp, self.at_ms)
        assert not fold.errors
        rows.update({key: row for key, row in fold.rows.items() if row is not None})
        for key in [key for key, row in fold.rows.items() if row is None]:
            rows.pop(key, None)
        self.simulation.restart()
        told += self._take(fold.outputs)
        for output in fold.outputs:
            if output.topic == "routing-requests":
                told += self.read(output.topic, output.value or b"")
        return told

    @property
    def rows(self) -> dict[bytes, bytes]:
        """The rows of the desk's lane."""
        return self.simulation.rows["desk"].setdefault(0, {})

    def held(self, lead: str) -> Held | None:
        """A lead's row."""
        row = unpack(b"main/lead/" + lead.encode(), self.rows)
        assert row is None or isinstance(row, Held)
        return row

    def load(self, rep: str) -> Load:
        """What a rep has."""
        row = unpack(b"main/rep/" + rep.encode(), self.rows)
        assert row is None or isinstance(row, Load)
        return row or Load()

    @property
    def inbox(self) -> list[Message]:
        """The messages to profiles so far."""
        return [decode_inbox(output.value) for output in self.outputs if output.topic == "lead-inbox"]

    @property
    def rejected(self) -> list[dict[str, Any]]:
        """The failures in dead letters so far."""
        letters = [json.loads(output.value or b"") for output in self.outputs if output.topic == "dead-letters"]
        return [letter["data"]["failure"] for letter in letters]

    def _at(self, at: str | None) -> None:
        self.at_ms = self.at_ms if at is None else ms(at)

    def _take(self, outputs: list[Output]) -> list[Seen]:
        self.outputs += outputs
        events = [json.loads(output.value or b"") for output in outputs if output.topic == "lead-assignments"]
        seen = [
            Seen(
                event["type"].removeprefix("io.heatline.lead.").removesuffix(".v1"),
                event["subject"],
                event["data"]["rep"],
                event["time"].removesuffix(":00.000Z"),
                event["data"],
                event["id"],
            )
            for event in events
        ]
        self.told += seen
        return seen


def ms(at: str) -> int:
    """The instant that `at` names, UTC unless it says otherwise."""
    return from_rfc3339(at if at.endswith("Z") or "+" in at else f"{at}:00Z")
