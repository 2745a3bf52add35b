"""Where a visitor's event belongs, and what it says about who is who.

A browser that a person logs in with becomes a pointer at its home; its row travels to the person's as a message, and
the event right behind it. Two ids of one person are joined likewise, always from the lower to the higher (`above`).
"""

from collections.abc import Callable

from msgspec.structs import replace

from engine.agents.erasing import Erasing
from engine.agents.leads import Lead, Leads, Outcome
from engine.core.events import Event, Rejected
from engine.core.flow import Output, Record
from engine.core.identity import (
    above,
    address_of,
    email_key,
    email_of,
    is_email,
    is_person,
    is_user,
    person_key,
    person_of,
    public_id,
)
from engine.core.instants import DAY_MS, LAST_MS, from_rfc3339
from engine.core.messages import (
    INBOX_TOPIC,
    REQUESTS_TOPIC,
    Arrival,
    Errand,
    LeadJoin,
    LeadMerge,
    LeadMerged,
    LeadMoved,
    encode,
    forward,
)
from engine.core.model import Model
from engine.core.origins import Origin
from engine.core.outputs import DESK, DESK_PARTITION, Profile, tombstone
from engine.core.packing import pack
from engine.core.pointers import AWAITED_MAX, Pointer, used
from engine.core.profile import DEPTH_MAX, Row
from engine.core.records import Cause

_MOVED_EVERY = 16
"""A browser is told where its pointer leads on at one in so many of its events: it listens after a day's silence."""

RowAt = Callable[[Lead, int], Row | None]


class Joins:
    """Places the events of a chunk and joins leads.

    `home` gives the lane of a key, `row_at` a lead's row once everything has fallen due that is to come before a time.
    """

    def __init__(
        self,
        model: Model,
        lane: int,
        home: Callable[[str], int],
        leads: Leads,
        outcome: Outcome,
        row_at: RowAt,
        erasing: Erasing,
    ) -> None:
        self._model = model
        self._lane = lane
        self._home = home
        self._leads = leads
        self._outcome = outcome
        self._row_at = row_at
        self._erasing = erasing

    def place(self, arrival: Arrival, event: Event) -> Lead | None:
        """The lead that `event` is to be folded into, here; None where it was sent on. Raises Rejected."""
        key = arrival.key or self._first_key(event)
        lead = self._leads.get(key.encode())
        if lead is None and arrival.key is None and self._home(key) != self._lane:
            self._forward(arrival, key, arrival.errand)
            return None
        if self._erasing.is_over(key, lead, event.time_ms):
            self._give_back(arrival, event)
            return None
        if lead is None or not lead.is_there:
            lead = self.first_seen(key, Origin(event.name, event.time_ms, arrival.record, event)) or lead
        if (event.type in ("identify", "alias") or arrival.errand != "-") and self._says_who(arrival, event, key, lead):
            return None
        if lead is None or lead.pointer is None:
            if self.has_namesake(key):
                told = f"{key[:80]!r} is the id of a known lead; expected one that the browser has for itself"
                raise Rejected("identity", "anonymousId", told)
            return lead or self._leads.new(key)
        self._follow(arrival, event, lead, lead.pointer)
        return None

    def _give_back(self, arrival: Arrival, event: Event) -> None:
        """Drop what is of somebody who was erased since; another's that came here for them goes back without them."""
        if arrival.errand == "join":
            self._forward(arrival, person_key(event.user_id or ""), "joined")
        elif arrival.errand == "claim" and event.anonymous_id is not None:
            self._forward(arrival, event.anonymous_id, "refused")
        else:
            self._outcome.tally["dropped", "erased"] += 1

    def _first_key(self, event: Event) -> str:
        """Where an event is looked at first: at the browser's where it says who that is, else at the lead's."""
        browser = event.anonymous_id
        if event.type == "alias":
            browser = browser if event.previous_id is None else public_id(person_key(event.previous_id))
            if event.user_id is not None and browser is not None and not self._trusts(event):
                return event.anonymous_id or browser
        elif event.type != "identify" and event.user_id is not None:
            return person_key(event.user_id)
        if browser is not None:
            return browser
        person = person_of(event)
        if person is None:
            raise Rejected("identity", "anonymousId", "neither anonymousId nor userId is there; one of them is needed")
        return person

    def has_namesake(self, key: str) -> bool:
        """Whether a browser is called like a person: others could not tell them apart, so only the person is shown."""
        if is_person(key):
            return False
        person = self._leads.get(person_key(key).encode())
        return person is not None and person.is_there

    def _trusts(self, event: Event) -> bool:
        return event.source in self._model.trusted_sources

    def _says_who(self, arrival: Arrival, event: Event, key: str, lead: Lead | None) -> bool:
        """Take what the event says about who is who; whether it was sent elsewhere for it."""
        match arrival.errand:
            case "refused":
                event.traits = None
                return False
            case "claim":
                return self._claimed(arrival, event, key, lead)
            case "join":
                self._take_along(arrival, event, key, lead)
                return True
            case "joined":
                return False
        if event.type == "alias":
            return not is_person(key) and self._alias(arrival, event, key, lead)
        return (
            self._identify_person(arrival, event, key, lead)
            if is_person(key)
            else self._identify_browser(arrival, event, key, lead)
        )

    def _identify_browser(self, arrival: Arrival, event: Event, key: str, lead: Lead | None) -> bool:
        person = person_of(event)
        if person is None or _leads_to(lead, person):
            return False
        if not self._trusts(event):
            self._outcome.tally["untrusted",] += 1
            self._forward(arrival, person, "claim")
            return True
        onward = self._onward(arrival, person, "-")
        # Whom the browser belonged to before keeps what came before.
        self._join(key, lead, person, Origin(event.name, event.time_ms, arrival.record, event))
        self._send_on(onward)
        return True

    def _identify_person(self, arrival: Arrival, event: Event, key: str, lead: Lead | None) -> bool:
        """At the person's home: an address that is new for the person is asked for who else has it."""
        if lead is not None and lead.pointer is not None:
            return False
        if not self._trusts(event):
            if event.anonymous_id is None and lead is not None and lead.row is not None:
                self._outcome.tally["untrusted",] += 1
                trusted = ", ".join(sorted(self._model.trusted_sources))
                told = f"{event.source} may not say who a known lead is; expected a source from {trusted}"
                raise Rejected("identity", "userId", told)
            return False
        email = email_of(event)
        if email is None or event.user_id is None or is_email(key) or is_email(person_key(event.user_id)):
            return False
        # Once a day is enough: only of an address that two people share the later login turns it, a day late at most.
        if lead is not None and lead.row is not None and lead.row.address == address_of(event):
            return False
        self._forward(arrival, email_key(email), "join")
        return True

    def _claimed(self, arrival: Arrival, event: Event, key: str, lead: Lead | None) -> bool:
        """A browser's claim of a person, from a source that is not trusted: granted of one whom nobody is yet."""
        browser = event.anonymous_id
        if browser is None:
            return False
        if lead is not None and lead.is_there:
            self._forward(arrival, browser, "refused")
            return True
        cause = Origin(event.name, event.time_ms, arrival.record, event).cause(event.name)
        self._send_join(LeadJoin(browser, key, alias=False, cause=cause))
        return False

    def _take_along(self, arrival: Arrival, event: Event, key: str, lead: Lead | None) -> None:
        """At an address's home: it is the person's whom the event names, who came for it."""
        person = person_key(event.user_id or "")
        onward = self._onward(arrival, person, "joined")
        if not _leads_to(lead, person):
            self._join(key, lead, person, Origin(event.name, event.time_ms, arrival.record, event))
        self._send_on(onward)

    def _alias(self, arrival: Arrival, event: Event, key: str, lead: Lead | None) -> bool:
        if event.user_id is None or not self._trusts(event):
            return False
        onward = self._onward(arrival, person_key(event.user_id), "-")
        origin = Origin(event.name, event.time_ms, arrival.record, event)
        person, previous = person_key(event.user_id), person_key(key)
        self._join(key, lead, person, origin, awaited=_with(lead, person))
        known = self._leads.get(previous.encode())
        if previous != person and known is not None and known.is_there:
            self._unite(previous, known, person, origin)
        self._send_on(onward)
        return True

    def _unite(self, key: str, lead: Lead, other: str, origin: Origin) -> None:
        """Join the person who is here with the other, whichever way is up."""
        if lead.pointer is None and above(other, key):
            self._join(key, lead, other, origin)
            return
        one = key if lead.pointer is None else lead.pointer.target
        if one != other:
            low, high = (one, other) if above(other, one) else (other, one)
            self._send_join(LeadJoin(low, high, alias=True, cause=origin.cause(origin.name)))

    def first_seen(self, key: str, origin: Origin) -> Lead | None:
        """The lead of a person of whom nothing was known, but that aliases have said who else that is."""
        browser = self._leads.get(public_id(key).encode()) if is_person(key) else None
        if browser is None or browser.pointer is None:
            return None
        lead = None
        for other in browser.pointer.awaited:
            if other != key:
                lead = self._leads.get(key.encode()) or self._leads.new(key)
                self._unite(key, lead, other, origin)
        return lead

    def take_join(self, message: LeadJoin) -> None:
        """Let everything under a key be for another's row."""
        key, target = message.key, message.target
        lead = self._leads.get(key.encode())
        if key == target or not above(target, key):
            return
        origin = Origin(message.cause.name, _at_ms(message.cause), stated=message.cause, kind="join")
        if self._erasing.is_over(key, lead, origin.time_ms):
            return
        if self._erasing.is_over(target, None, origin.time_ms):
            self._erasing.erase_late(key, lead, target)
            return
        if lead is None or not lead.is_there:
            lead = self.first_seen(key, origin) or lead
        if _leads_to(lead, target):
            return
        if message.alias and is_person(key) and lead is not None and lead.pointer is not None:
            self._unite(key, lead, target, origin)
        else:
            self._join(key, lead, target, origin)

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
        self._outcome.send(Output(INBOX_TOPIC, target.encode(), record.value, self._home(target), headers))
        return True

    def _join(self, key: str, lead: Lead | None, target: str, origin: Origin, awaited: list[str] | None = None) -> None:
        """Let the lead be a pointer to `target`, and what it was go there.

        Unless that leads down, or what was said later has made it another's already.
        """
        if not above(target, key):
            return
        if awaited is None:
            awaited = [] if lead is None or lead.pointer is None else lead.pointer.awaited
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
            self._outcome.send(Output(INBOX_TOPIC, target.encode(), encode(message), self._home(target)))
        elif row.owner is not None:
            # What a robot's row earned is void, and it brings nothing along; but its rep is to know who that is.
            lead_id, home, band = public_id(target), self._home(target), self._model.bands[0].name
            desk = LeadMerged(
                lead_id, public_id(key), target, home, origin.time_ms, 0.0, band, closed=False, cause=cause
            )
            self._outcome.send(Output(REQUESTS_TOPIC, DESK.encode(), encode(desk), DESK_PARTITION))

    def buried(self, profile: Profile) -> list[Output]:
        """What `lead-scores` must be told of a lead whose row goes."""
        return [] if self.has_namesake(profile.key) else tombstone(profile)

    def _day(self, origin: Origin) -> int:
        recorded_ms = origin.time_ms if origin.record is None else origin.record.timestamp
        return self._by_clock(recorded_ms) // DAY_MS

    def _by_clock(self, time_ms: int) -> int:
        """The time, at most now: what says that it is of the future must not hold for ever."""
        return int(min(time_ms, self._leads.agenda.clock_ms, LAST_MS))

    def _send_join(self, message: LeadJoin) -> None:
        self._outcome.send(Output(INBOX_TOPIC, message.key.encode(), encode(message), self._home(message.key)))

    def _follow(self, arrival: Arrival, event: Event, lead: Lead, pointer: Pointer) -> None:
        record = arrival.record
        now = used(pointer, self._by_clock(record.timestamp))
        if now is not pointer:
            self._leads.point(lead, now, Origin(event.name, event.time_ms, record, event))
        first = event.anonymous_id if event.user_id is None else person_key(event.user_id)
        if first is not None and first != lead.key and is_person(lead.key) and record.offset % _MOVED_EVERY == 0:
            moved = LeadMoved(first, lead.key, now.target)
            self._outcome.send(Output(INBOX_TOPIC, first.encode(), encode(moved), self._home(first)))
        self._forward(arrival, now.target, arrival.errand)

    def _forward(self, arrival: Arrival, key: str, errand: Errand) -> None:
        self._send_on(self._onward(arrival, key, errand))

    def _onward(self, arrival: Arrival, key: str, errand: Errand) -> Output:
        """The event for where it goes on to. Raises Rejected where it is too large, so before anything is joined."""
        return forward(arrival, key, self._home(key), errand)

    def _send_on(self, onward: Output) -> None:
        self._outcome.send(onward)
        self._outcome.tally["forwarded",] += 1


def _leads_to(lead: Lead | None, target: str) -> bool:
    return lead is not None and lead.pointer is not None and lead.pointer.target == target


def _with(lead: Lead | None, person: str) -> list[str]:
    """Whom aliases have joined the lead's id to, and now to `person`, who comes last."""
    before = [] if lead is None or lead.pointer is None else lead.pointer.awaited
    return [*(other for other in before if other != person), person][-AWAITED_MAX:]


def _at_ms(cause: Cause) -> int:
    return from_rfc3339(cause.time)
