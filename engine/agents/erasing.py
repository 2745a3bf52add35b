"""Erasing a person: the row, every pointer to it, and what others keep. Marks of the ids stay, for older events."""

from collections.abc import Callable

from msgspec.structs import replace

from engine.agents.leads import Lead, Leads, Outcome
from engine.core.cloudevents import output
from engine.core.desks import Desks
from engine.core.erasure import Pseudonym, erased_at_ms, erased_header, mark_key, pack_mark
from engine.core.flow import Output
from engine.core.identity import is_person, person_key, public_id
from engine.core.instants import to_rfc3339
from engine.core.messages import INBOX_TOPIC, LeadErase, LeadForget, LeadGone, MessageError, encode
from engine.core.origins import Origin
from engine.core.outputs import SCORES_TOPIC, STAGES_TOPIC
from engine.core.pointers import without
from engine.core.records import LeadErased

ERASED = "lead.erased"
FOUND_LATE = "an older record says that this was an id of somebody who was erased"


class Erasing:
    """Erases leads in a chunk of a lane, and knows who was erased before.

    `home` gives the lane of a key, of which there are `lanes`. Without a `pseudonym` nobody can be erased.
    """

    def __init__(
        self,
        leads: Leads,
        outcome: Outcome,
        home: Callable[[str], int],
        lanes: int,
        pseudonym: Pseudonym | None,
        desks: Desks,
    ) -> None:
        self._leads = leads
        self._outcome = outcome
        self._home = home
        self._lanes = lanes
        self._pseudonym = pseudonym
        self._desks = desks

    def erased_at_ms(self, key: str) -> int | None:
        """When the lead of a key that has no row here was erased, in ms since the epoch; None: never."""
        if self._pseudonym is None:
            return None
        mark = self._leads.mark(mark_key(self._pseudonym(public_id(key))))
        return None if mark is None else erased_at_ms(mark)

    def is_over(self, key: str, lead: Lead | None, time_ms: int) -> bool:
        """Whether what happened at `time_ms` is of somebody who was erased since.

        A pointer tells nothing of it: it may lead from an id of somebody who was erased to another person.
        """
        at_ms = self.erased_at_ms(key) if lead is None or lead.row is None else lead.row.erased
        return at_ms is not None and time_ms <= at_ms

    def erase(self, message: LeadErase) -> None:
        """Erase the person whom an id names, at its home; where that leads elsewhere, there.

        It is done as of when it was asked for, or of the last that the row has seen, if that is later.
        """
        self._check()
        person = person_key(message.lead)
        # The person's comes first: what an alias made of a browser's id of the same name may lead away and back.
        found = [lead for key in (person, message.lead) if (lead := self._leads.get(key.encode())) and lead.is_there]
        if found and (pointer := found[0].pointer) is not None:
            onward = LeadErase(public_id(pointer.target), message.at, message.reason, message.time_kept_until)
            self._send(pointer.target, self._home(pointer.target), onward)
            return
        clock_ms = self._leads.agenda.clock_ms
        seen_ms = [int(min(lead.row.now_ms, clock_ms)) for lead in found if lead.row is not None]
        message = replace(message, at=max([message.at, *seen_ms]))
        for lead in found:
            self._drop(lead, message.at)
        self._bury(message.lead, message)
        self._forget_everywhere(person, message)

    def forget(self, message: LeadForget) -> None:
        """Drop the pointers to somebody who was erased; nothing older can make new ones."""
        self._check()
        self._mark(public_id(message.key), message.at)
        for lead, pointer in self._leads.pointers_naming(message.key):
            if pointer.target != message.key:
                self._leads.point(lead, without(pointer, message.key), Origin("erase", message.at))
                continue
            self._drop(lead, message.at)
            self._bury(public_id(lead.key), message)
            if is_person(lead.key):
                self._forget_everywhere(lead.key, message)

    def erase_late(self, key: str, lead: Lead | None, target: str) -> None:
        """Erase what stands under an id of which only now is said that it was of somebody erased since, `target`."""
        at_ms = self.erased_at_ms(target)
        if at_ms is None or (lead is not None and lead.pointer is not None):
            return
        if lead is None or lead.row is None:
            self._mark(public_id(key), at_ms)
            return
        message = LeadForget(key, at_ms, FOUND_LATE, None)
        self._drop(lead, at_ms)
        self._bury(public_id(key), message)
        if is_person(key):
            self._forget_everywhere(key, message)

    def _check(self) -> None:
        if self._pseudonym is None:
            raise MessageError("nobody can be erased: this worker has no privacy.erasure_key")

    def _drop(self, lead: Lead, at_ms: int) -> None:
        lead.row = lead.pointer = lead.due_ms = None
        lead.origin, lead.told = Origin("erase", at_ms), False

    def _bury(self, lead: str, message: LeadErase | LeadForget) -> None:
        """Leave the mark of an id, and tell those who keep something under it, and the world."""
        hashed = self._mark(lead, message.at)
        grave = Output(SCORES_TOPIC, lead.encode(), None, headers=(erased_header(hashed, message.at),))
        at = to_rfc3339(message.at)
        receipt = LeadErased(lead=hashed, at=at, reason=message.reason, time_kept_until=message.time_kept_until)
        gone = [self._desks.send(LeadGone(lead, message.at), name) for name in self._desks.names]
        self._outcome.send(grave, output(STAGES_TOPIC, ERASED, hashed, message.at, receipt, at), *gone)
        self._outcome.tally["erased",] += 1

    def _mark(self, lead: str, at_ms: int) -> str:
        assert self._pseudonym is not None
        hashed = self._pseudonym(lead)
        before = self._leads.mark(mark_key(hashed))
        if before is None or erased_at_ms(before) < at_ms:
            self._leads.marks[mark_key(hashed)] = pack_mark(at_ms)
        return hashed

    def _forget_everywhere(self, key: str, message: LeadErase | LeadForget) -> None:
        forget = LeadForget(key, message.at, message.reason, message.time_kept_until)
        for lane in range(self._lanes):
            self._send(key, lane, forget)

    def _send(self, key: str, lane: int, message: LeadErase | LeadForget) -> None:
        self._outcome.send(Output(INBOX_TOPIC, key.encode(), encode(message), lane))
