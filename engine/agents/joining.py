"""Joining ids of one person: pointers, and what goes by them.

A browser that a person logs in with becomes a pointer at its home; its row travels to the person's as a message, and
the event right behind it. Two ids of one person are joined likewise, always from the lower to the higher (`above`).
"""

from collections.abc import Callable

from msgspec.structs import replace

from engine.agents.erasing import Erasing
from engine.agents.leads import Lead, Leads, Outcome
from engine.core.desks import Desks
from engine.core.events import Event
from engine.core.flow import Output, Record
from engine.core.identity import (
    above,
    is_person,
    is_user,
    person_key,
    public_id,
)
from engine.core.instants import DAY_MS, LAST_MS
from engine.core.messages import (
    INBOX_TOPIC,
    Arrival,
    Errand,
    LeadJoin,
    LeadMerge,
    LeadMerged,
    LeadMoved,
    encode,
    forwarded,
)
from engine.core.model import Model
from engine.core.origins import Origin, origin_of, stated_origin
from engine.core.outputs import Profile, told_desks, tombstone
from engine.core.packing import pack
from engine.core.pointers import AWAITED_MAX, Pointer, used
from engine.core.profile import DEPTH_MAX, Row

_MOVED_EVERY = 16
"""A browser is told where its pointer leads on at one in so many of its events: it listens after a day's silence."""

RowAt = Callable[[Lead, int], Row | None]


class Joins:
    """Joins the leads of a chunk, and sends on what is for others.

    `home` gives the lane of a key, `row_at` a lead's row once everything has fallen due that is to come before a time.
    """

    def __init__(
        self,
        model: Model,
        home: Callable[[str], int],
        leads: Leads,
        outcome: Outcome,
        row_at: RowAt,
        erasing: Erasing,
        desks: Desks,
    ) -> None:
        self._model = model
        self.home = home
        self._leads = leads
        self._outcome = outcome
        self._row_at = row_at
        self._erasing = erasing
        self._desks = desks

    def has_namesake(self, key: str) -> bool:
        """Whether a browser is called like a person: others could not tell them apart, so only the person is shown."""
        if is_person(key):
            return False
        person = self._leads.get(person_key(key).encode())
        return person is not None and person.is_there

    def unite(self, key: str, lead: Lead, other: str, origin: Origin) -> None:
        """Join the person who is here with the other, whichever way is up."""
        if lead.pointer is None and above(other, key):
            self.join(key, lead, other, origin)
            return
        one = key if lead.pointer is None else lead.pointer.target
        if one != other:
            low, high = (one, other) if above(other, one) else (other, one)
            self.send_join(LeadJoin(low, high, alias=True, cause=origin.cause(origin.name)))

    def first_seen(self, key: str, origin: Origin) -> Lead | None:
        """The lead of a person of whom nothing was known, but that aliases have said who else that is."""
        browser = self._leads.get(public_id(key).encode()) if is_person(key) else None
        if browser is None or browser.pointer is None:
            return None
        lead = None
        for other in browser.pointer.awaited:
            if other != key:
                lead = self._leads.get(key.encode()) or self._leads.new(key)
                self.unite(key, lead, other, origin)
        return lead

    def take_join(self, message: LeadJoin) -> None:
        """Let everything under a key be for another's row."""
        key, target = message.key, message.target
        lead = self._leads.get(key.encode())
        if not above(target, key):
            return
        origin = stated_origin(message.cause, "join")
        if self._erasing.is_over(key, lead, origin.time_ms):
            return
        if self._erasing.is_over(target, None, origin.time_ms):
            self._erasing.erase_late(key, lead, target)
            return
        if lead is None or not lead.is_there:
            lead = self.first_seen(key, origin) or lead
        if leads_to(lead, target):
            return
        if message.alias and is_person(key) and lead is not None and lead.pointer is not None:
            self.unite(key, lead, target, origin)
        else:
            self.join(key, lead, target, origin)

    def take_moved(self, message: LeadMoved) -> None:
        """Note where a pointer leads on."""
        lead = self._leads.get(message.key.encode())
        if lead is None or lead.pointer is None:
            return
        pointer = lead.pointer
        # A user id's pointer only ever leads up, so whatever lies behind it stays there; others may turn elsewhere.
        goes_by = pointer.target == message.was or is_user(message.key)
        if goes_by and above(message.target, pointer.next or pointer.target):
            self._leads.point(lead, replace(pointer, next=message.target), Origin("moved", 0))

    def pass_on(self, lead: Lead, record: Record) -> bool:
        """Send a message for a lead to where its pointer leads; False where it has none."""
        if lead.pointer is None:
            return False
        target = lead.pointer.target
        headers = tuple(record.headers)
        self._outcome.send(Output(INBOX_TOPIC, target.encode(), record.value, self.home(target), headers))
        return True

    def join(self, key: str, lead: Lead | None, target: str, origin: Origin, *, alias: bool = False) -> None:
        """Let the lead be a pointer to `target`, and what it was go there.

        Unless that leads down, or what was said later has made it another's already.
        """
        if not above(target, key):
            return
        awaited = [] if lead is None or lead.pointer is None else lead.pointer.awaited
        if alias:
            awaited = [*(other for other in awaited if other != target), target][-AWAITED_MAX:]
        if self._erasing.is_over(target, None, origin.time_ms):
            self._erasing.erase_late(key, lead, target)
            return
        if lead is not None and lead.pointer is not None and origin.time_ms < lead.pointer.since_ms:
            self._leads.point(lead, replace(lead.pointer, awaited=awaited), origin)
            return
        row = None if lead is None else self._row_at(lead, origin.time_ms)
        if row is not None and row.depth >= DEPTH_MAX:
            # Every event of the first would hop over all the others: nobody has so many ids.
            self._outcome.tally["dropped", "aliases"] += 1
            return
        lead = lead or self._leads.new(key)
        pointer = Pointer(target, self._day(origin), None, awaited, self._by_clock(origin.time_ms))
        self._leads.point(lead, pointer, origin)
        if row is None:
            return
        self._outcome.send(*self.buried(Profile(key, row)))
        cause = origin.cause(origin.name)
        if not row.is_robot:
            message = LeadMerge(key, pack(row, None, self._model.row_limit), cause)
            self._outcome.send(Output(INBOX_TOPIC, target.encode(), encode(message), self.home(target)))
        elif row.owner is not None:
            # What a robot's row earned is void, and it brings nothing along; but its rep is to know who that is.
            lead_id, home, band = public_id(target), self.home(target), self._model.bands[0].name
            one = LeadMerged(
                lead_id, public_id(key), target, home, origin.time_ms, 0.0, band, closed=False, cause=cause
            )
            self._outcome.send(*told_desks(self._desks, one, row))

    def buried(self, profile: Profile) -> list[Output]:
        """What `lead-scores` must be told of a lead whose row goes."""
        return [] if self.has_namesake(profile.key) else tombstone(profile)

    def _day(self, origin: Origin) -> int:
        recorded_ms = origin.time_ms if origin.record is None else origin.record.timestamp
        return self._by_clock(recorded_ms) // DAY_MS

    def _by_clock(self, time_ms: int) -> int:
        """The time, at most now: what says that it is of the future must not hold for ever."""
        return int(min(time_ms, self._leads.agenda.clock_ms, LAST_MS))

    def send_join(self, message: LeadJoin) -> None:
        self._outcome.send(Output(INBOX_TOPIC, message.key.encode(), encode(message), self.home(message.key)))

    def follow(self, arrival: Arrival, event: Event, lead: Lead, pointer: Pointer) -> None:
        record = arrival.record
        now = used(pointer, self._by_clock(record.timestamp))
        if now is not pointer:
            self._leads.point(lead, now, origin_of(event, record))
        first = event.anonymous_id if event.user_id is None else person_key(event.user_id)
        if first is not None and first != lead.key and is_person(lead.key) and record.offset % _MOVED_EVERY == 0:
            moved = LeadMoved(first, lead.key, now.target)
            self._outcome.send(Output(INBOX_TOPIC, first.encode(), encode(moved), self.home(first)))
        self.forward(arrival, now.target, arrival.errand)

    def forward(self, arrival: Arrival, key: str, errand: Errand) -> None:
        self.send_on(self.onward(arrival, key, errand))

    def onward(self, arrival: Arrival, key: str, errand: Errand) -> Output:
        """The event for where it goes on to. Raises Rejected where it is too large, so before anything is joined."""
        return forwarded(arrival, key, self.home(key), errand)

    def send_on(self, onward: Output) -> None:
        self._outcome.send(onward)
        self._outcome.tally["forwarded",] += 1


def leads_to(lead: Lead | None, target: str) -> bool:
    return lead is not None and lead.pointer is not None and lead.pointer.target == target
