"""Where a visitor's event belongs, and what it says about who is who."""

from engine.agents.erasing import Erasing
from engine.agents.joining import Joins, leads_to
from engine.agents.leads import Lead, Leads, Outcome
from engine.core.events import Event, Rejected
from engine.core.identity import (
    address_of,
    email_key,
    email_of,
    is_email,
    is_person,
    person_key,
    person_of,
    public_id,
)
from engine.core.messages import Arrival, LeadJoin
from engine.core.model import Model
from engine.core.origins import origin_of


class Places:
    """Finds the lead that an event is to be folded into, or sends it to where that is."""

    def __init__(self, model: Model, lane: int, leads: Leads, outcome: Outcome, joins: Joins, erasing: Erasing) -> None:
        self._model = model
        self._lane = lane
        self._leads = leads
        self._outcome = outcome
        self._joins = joins
        self._erasing = erasing

    def place(self, arrival: Arrival, event: Event) -> Lead | None:
        """The lead that `event` is to be folded into, here; None where it was sent on. Raises Rejected."""
        key = arrival.key or self._first_key(event)
        lead = self._leads.get(key.encode())
        if lead is None and arrival.key is None and self._joins.home(key) != self._lane:
            self._joins.forward(arrival, key, arrival.errand)
            return None
        if self._erasing.is_over(key, lead, event.time_ms):
            self._give_back(arrival, event)
            return None
        if is_person(key) and (lead is None or not lead.is_there):
            lead = self._joins.first_seen(key, origin_of(event, arrival.record)) or lead
        if (event.type in ("identify", "alias") or arrival.errand != "-") and self._says_who(arrival, event, key, lead):
            return None
        if lead is None or lead.pointer is None:
            if self._joins.has_namesake(key):
                told = f"{key[:80]!r} is the id of a known lead; expected one that the browser has for itself"
                raise Rejected("identity", "anonymousId", told)
            return lead or self._leads.new(key)
        self._joins.follow(arrival, event, lead, lead.pointer)
        return None

    def _give_back(self, arrival: Arrival, event: Event) -> None:
        """Drop what is of somebody who was erased since; another's that came here for them goes back without them."""
        if arrival.errand == "join":
            self._joins.forward(arrival, person_key(event.user_id or ""), "joined")
        elif arrival.errand == "claim" and event.anonymous_id is not None:
            self._joins.forward(arrival, event.anonymous_id, "refused")
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
        assert person is not None, "decoded without an id"
        return person

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
        if person is None or leads_to(lead, person):
            return False
        if not self._trusts(event):
            self._outcome.tally["untrusted",] += 1
            self._joins.forward(arrival, person, "claim")
            return True
        onward = self._joins.onward(arrival, person, "-")
        # Whom the browser belonged to before keeps what came before.
        self._joins.join(key, lead, person, origin_of(event, arrival.record))
        self._joins.send_on(onward)
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
        self._joins.forward(arrival, email_key(email), "join")
        return True

    def _claimed(self, arrival: Arrival, event: Event, key: str, lead: Lead | None) -> bool:
        """A browser's claim of a person, from a source that is not trusted: granted of one whom nobody is yet."""
        browser = event.anonymous_id
        if browser is None:
            return False
        if lead is not None and lead.is_there:
            self._joins.forward(arrival, browser, "refused")
            return True
        cause = origin_of(event, arrival.record).cause(event.name)
        self._joins.send_join(LeadJoin(browser, key, alias=False, cause=cause))
        return False

    def _take_along(self, arrival: Arrival, event: Event, key: str, lead: Lead | None) -> None:
        """At an address's home: it is the person's whom the event names, who came for it."""
        person = person_key(event.user_id or "")
        onward = self._joins.onward(arrival, person, "joined")
        if not leads_to(lead, person):
            self._joins.join(key, lead, person, origin_of(event, arrival.record))
        self._joins.send_on(onward)

    def _alias(self, arrival: Arrival, event: Event, key: str, lead: Lead | None) -> bool:
        if event.user_id is None or not self._trusts(event):
            return False
        onward = self._joins.onward(arrival, person_key(event.user_id), "-")
        origin = origin_of(event, arrival.record)
        person, previous = person_key(event.user_id), person_key(key)
        self._joins.join(key, lead, person, origin, alias=True)
        known = self._leads.get(previous.encode())
        if previous != person and known is not None and known.is_there:
            self._joins.unite(previous, known, person, origin)
        self._joins.send_on(onward)
        return True
