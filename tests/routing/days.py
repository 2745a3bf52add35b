"""Random days of a sales organisation, each lived at a desk, where every moment of it can be looked at.

Leads ask, reps speak, come and go, leads are merged, recycled and erased, the organisation changes, and time passes.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from engine.core.flow import InputRecord, Output
from engine.core.instants import from_rfc3339, to_rfc3339
from engine.core.messages import (
    LeadGone,
    LeadMerged,
    LeadRequested,
    OwnerChanged,
    Request,
    StageChanged,
    decode_inbox,
    encode,
)
from engine.core.records import Cause
from engine.routing.rows import Held, Load, Queue, Row, Wait, unpack
from tests.build import DAY, HOUR, MINUTE, T0
from tests.routing.lane import Lane
from tests.routing.organisations import BANDS, NAMES, PRODUCTS, STATES, TOTALS, Draw, Organisation
from tests.unit.routing.examples import request

BEGIN_MS = T0 + 8 * HOUR
LEADS = ("ada", "bea", "cem", "dot", "eve")
_WAITS = (0, 0, MINUTE, 5 * MINUTE, 15 * MINUTE, 15 * MINUTE + 1, HOUR, HOUR, 7 * HOUR, DAY, 2 * DAY)
_LEFT = (
    "accepted accepted accepted contacted contacted declined declined snoozed won lost recycled disqualified".split()
)
_OTHER = "qualified opportunity noted".split()


class Ask(NamedTuple):
    """A lead asks, whose profile has not heard the last `behind` words about its owner; `again`: by its last alert."""

    request: LeadRequested
    behind: int = 0
    again: bool = False


class Say(NamedTuple):
    """Somebody says something of a lead; None: whoever has it, or the next one that anybody has."""

    kind: str
    lead: str
    rep: str | None = None
    for_ms: int | None = None


class Go(NamedTuple):
    """A rep is away, or is back."""

    kind: str
    rep: str
    for_ms: int | None = None


class Merge(NamedTuple):
    """`other` is `lead` from now on."""

    lead: str
    other: str
    closed: bool


class Recycle(NamedTuple):
    """A lead starts over by itself."""

    lead: str


class Erase(NamedTuple):
    """A lead is forgotten."""

    lead: str


class Reload(NamedTuple):
    """The organisation is another one."""

    to: Organisation


class Rest(NamedTuple):
    """Nothing happens."""


Act = Ask | Say | Go | Merge | Recycle | Erase | Reload | Rest


@dataclass(frozen=True)
class Day:
    """An organisation, and what happens, each after so many ms."""

    begin: Organisation
    acts: tuple[tuple[int, Act], ...]


class Read(NamedTuple):
    """A record stands on one of the desk's inputs."""

    record: InputRecord


class Tick(NamedTuple):
    """All that was written before is read, and so late it is."""

    at_ms: int


class Changed(NamedTuple):
    """The desk goes on under another organisation."""

    to: Organisation
    at_ms: int


Happening = Read | Tick | Changed


class Told(NamedTuple):
    """A record for downstream, its type without `lead.`."""

    kind: str
    lead: str
    rep: str | None
    previous: str | None
    at_ms: int
    id: str
    data: dict[str, Any]


class Moment(NamedTuple):
    """What a record, a due row or a reload came to; `act` is None where time alone did it."""

    at_ms: int
    act: Act | None
    told: list[Told]
    owners: list[OwnerChanged]


def day(draw: Draw, acts: int, organisations: Sequence[Organisation]) -> Day:
    """Any day of so many acts, of these organisations."""
    begin = draw(organisations)
    return Day(begin, tuple((draw(_WAITS), _act(draw, organisations)) for _ in range(acts)))


def _act(draw: Draw, organisations: Sequence[Organisation]) -> Act:
    lead = draw(LEADS)
    match draw("ask ask ask ask say say say say say go go rest merge recycle erase other".split()):
        case "ask":
            return Ask(_asked(draw, lead), draw((0, 0, 0, 1, 2)), draw((False, False, False, True)))
        case "say":
            return Say(draw(_LEFT), lead, None, draw((HOUR, DAY)))
        case "go":
            return Go(draw(("away", "away", "available")), draw(NAMES), draw((None, HOUR, 5 * HOUR, 3 * DAY)))
        case "merge":
            other = draw([one for one in LEADS if one != lead])
            return Merge(lead, other, draw((False, False, False, True)))
        case "recycle":
            return Recycle(lead)
        case "erase":
            return Erase(lead)
        case "other" if draw((True, False)):
            return Reload(draw((draw(organisations), draw(organisations).narrowed())))
        case "other":
            return Say(draw(_OTHER), lead, draw((None, *NAMES)), HOUR)
    return Rest()


def _asked(draw: Draw, lead: str) -> LeadRequested:
    state = draw((*STATES.values(), None))
    place = {} if state is None else {"country": "US", "state": state}
    return request(
        lead,
        total=draw(TOTALS),
        band=draw(BANDS),
        fast_track=draw((False, False, True)),
        product=draw((None, *PRODUCTS)),
        place=place,
        traits={},
    )


@dataclass
class Life:
    """A day as it is lived at a desk; `happened` is all of it, to be lived again."""

    day: Day
    organisation: Organisation = field(init=False)
    lane: Lane = field(init=False)
    at_ms: int = BEGIN_MS
    now_ms: int = BEGIN_MS
    happened: list[Happening] = field(default_factory=list)
    owners: dict[str, list[str | None]] = field(default_factory=dict)
    """Whom a lead's profile took for the owner, from first to last."""
    moved: dict[str, str] = field(default_factory=dict)
    alerts: dict[str, LeadRequested] = field(default_factory=dict)
    """The last request under each id."""

    def __post_init__(self) -> None:
        self.organisation = self.day.begin
        self.lane = Lane(self.organisation.routing)
        self._offsets = {"routing-requests": 0, "rep-events": 0}

    def moments(self) -> Iterator[Moment]:
        """One after the other; what falls due does so at its time."""
        for wait_ms, act in self.day.acts:
            self.at_ms += wait_ms
            yield from self.due(self.at_ms)
            self._do(act)
            yield self._moment(self.at_ms, act)

    def due(self, until_ms: int) -> Iterator[Moment]:
        """What time alone does until then."""
        self.happened.append(Tick(until_ms))
        while (due_ms := self.lane.first_due(until_ms)) is not None:
            # What another organisation makes due earlier is due now.
            self.now_ms = max(self.now_ms, due_ms)
            self.lane.wake(self.now_ms, 1)
            yield self._moment(self.now_ms, None)
        self.now_ms = until_ms

    def held(self) -> dict[str, Held]:
        """The rows of leads."""
        return {name: row for name, row in self._rows(b"main/lead/") if isinstance(row, Held)}

    def loads(self) -> dict[str, Load]:
        """The rows of reps."""
        return {name: row for name, row in self._rows(b"main/rep/") if isinstance(row, Load)}

    def waits(self) -> dict[str, Wait]:
        """The rows of leads that wait."""
        return {name: row for name, row in self._rows(b"main/wait/") if isinstance(row, Wait)}

    def queue(self) -> Queue:
        """How many wait."""
        return next((row for _, row in self._rows(b"main/queue") if isinstance(row, Queue)), Queue())

    def owner(self, lead: str) -> str | None:
        """Whom a lead's profile takes for the owner."""
        return self.owners.get(lead, [None])[-1]

    def current(self, lead: str) -> str:
        """The lead that it is now."""
        while lead in self.moved:
            lead = self.moved[lead]
        return lead

    def _rows(self, prefix: bytes) -> Iterator[tuple[str, Row | None]]:
        rows = self.lane.rows
        return ((key.removeprefix(prefix).decode(), unpack(key, rows)) for key in rows if key.startswith(prefix))

    def _do(self, act: Act) -> None:
        cause = Cause("visitor-events", 0, len(self.happened), None, "demo_request", to_rfc3339(self.at_ms))
        match act:
            case Ask():
                self._send(self._request(act, cause))
            case Merge() if act.lead not in self.moved and act.other not in self.moved:
                self._send(self._merged(act, cause))
            case Recycle() if act.lead not in self.moved:
                self.owners.setdefault(act.lead, []).append(None)
                self._send(StageChanged(act.lead, "recycled", self.at_ms, cause))
            case Erase():
                person = self.current(act.lead)
                self._send(LeadGone(person, self.at_ms))
                for lead in [person, *(one for one in self.moved if self.current(one) == person)]:
                    self.owners.pop(lead, None)
                    self.moved.pop(lead, None)
                    self.alerts.pop(lead, None)
            case Say() | Go():
                self._read("rep-events", json.dumps(self._said(act)).encode())
            case Reload():
                self.organisation = act.to
                self.happened.append(Changed(act.to, self.at_ms))
                self.lane.job = Lane(act.to.routing).job
                self.lane.restate(list(self.lane.rows), self.at_ms)

    def _request(self, act: Ask, cause: Cause) -> LeadRequested:
        known = self.alerts.get(act.request.lead)
        if act.again and known is not None:
            return known
        # The desk knows what a lead is called now, if that lead ever asked it for a rep.
        lead = act.request.lead if act.request.lead in self.held() else self.current(act.request.lead)
        owners = [None, *self.owners.get(self.current(lead), [])]
        owner = owners[max(0, len(owners) - 1 - act.behind)]
        alert = f"alert-{len(self.happened)}"
        asked = msgspec.structs.replace(act.request, lead=lead, alert=alert, at=self.at_ms, owner=owner, cause=cause)
        self.alerts[act.request.lead] = asked
        return asked

    def _merged(self, act: Merge, cause: Cause) -> LeadMerged:
        mine, theirs = self.owner(act.lead), self.owner(act.other)
        closed = act.closed and mine is None
        self.owners.setdefault(act.lead, []).append(mine or (None if closed else theirs))
        self.owners.pop(act.other, None)
        self.moved[act.other] = act.lead
        home = f"browser-of-{act.lead}"
        return LeadMerged(act.lead, act.other, home, 3, self.at_ms, 50.0, "hot", closed=closed, cause=cause)

    def _said(self, act: Say | Go) -> dict[str, Any]:
        until = {} if act.for_ms is None else {"until": to_rfc3339(self.at_ms + act.for_ms)}
        if isinstance(act, Go):
            return {"type": f"rep.{act.kind}", "rep": act.rep, **until}
        held, first = self.held(), LEADS.index(act.lead)
        lead, rep = act.lead, act.rep
        if rep is None:
            had = [(one, row.rep) for one in LEADS[first:] + LEADS[:first] if (row := held.get(self.current(one)))]
            lead, rep = next(((one, rep) for one, rep in had if rep is not None), (lead, NAMES[0]))
        return {"type": f"lead.{act.kind}", "lead": lead, "rep": rep, **until}

    def _send(self, message: Request) -> None:
        self._read("routing-requests", encode(message))

    def _read(self, topic: str, value: bytes) -> None:
        record = InputRecord(topic, 0, self._offsets[topic], self.at_ms, b"main", value)
        self._offsets[topic] += 1
        self.happened.append(Read(record))
        self.lane.fold([record], self.at_ms)

    def _moment(self, at_ms: int, act: Act | None) -> Moment:
        outputs = self.lane.commit()
        messages = [decode_inbox(output.value) for output in outputs if output.topic == "lead-inbox"]
        owners = [message for message in messages if isinstance(message, OwnerChanged)]
        for message in owners:
            lead = self.current(message.lead)
            # As the lead's profile does: word about who it was counts only where nobody has the person.
            if lead == message.lead or self.owner(lead) is None:
                self.owners.setdefault(lead, []).append(message.owner)
        return Moment(at_ms, act, told(outputs), owners)


def told(outputs: list[Output]) -> list[Told]:
    """What stands on `lead-assignments`."""
    events = [json.loads(output.value or b"") for output in outputs if output.topic == "lead-assignments"]
    return [
        Told(
            event["type"].removeprefix("io.heatline.lead.").removesuffix(".v1"),
            event["subject"],
            event["data"]["rep"],
            event["data"].get("previous"),
            from_rfc3339(event["time"]),
            event["id"],
            event["data"],
        )
        for event in events
    ]
