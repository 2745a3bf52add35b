"""Cards in memory and in order: one page of what somebody wants, and what changed of it since.

Viewers have no queue: each says what it has (a mark), and gets what is newer.
"""

import secrets
from collections import deque
from collections.abc import Callable, Collection
from heapq import nsmallest
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace
from sortedcontainers import SortedKeyList

from engine.web.gate.access import Principal
from engine.web.lists.cards import Card
from engine.web.lists.kinds import (
    IN_VIEW,
    Counts,
    Facets,
    Group,
    Held,
    Kind,
    chosen_of,
    facets_of,
    fitting,
    in_list,
    kind_of,
    tests_of,
)
from engine.web.lists.views import PLACES, Place, View, Wanted, cursor, place_of

IDLE_MAX = 100_000
"""Leads without an open case: the coldest goes. Those with one are kept, whatever their score."""

JOURNAL_MAX = 20_000
"""Changes for which viewers may come late; who has missed more reads its list anew."""

SPARSE = 4
"""A list of fewer than one card in so many is gathered and sorted; a larger one is picked from all, in order."""


class Page(NamedTuple):
    """Some cards in order, the cursor of the next ones (None: these were the last), and how many there are in all."""

    cards: list[Card]
    next: str | None
    total: int


class Row(NamedTuple):
    """A card as it is now and its place in the list; both None: it is no longer there."""

    key: str
    card: Card | None
    place: Place | None


class Changes(NamedTuple):
    """What became of the cards of a list, each once, and the mark up to which that holds."""

    rows: list[Row]
    mark: str


_Order = Callable[[Held], Place]


class Shelf:
    """Cards, found by id, by key and by what somebody wants.

    What a principal may not see, or a filter leaves out, is in none of the answers, the counts included.
    """

    def __init__(self, *, idle_max: int = IDLE_MAX, journal_max: int = JOURNAL_MAX) -> None:
        """An empty shelf."""
        self._idle_max = idle_max
        self._sequence = 0
        # What each change put something in place of, the latest last.
        self._journal: deque[tuple[str, Held | None]] = deque(maxlen=journal_max)
        self.clear()

    def clear(self) -> None:
        """Forget every card; it counts as loading until `loaded`."""
        self.loading = True
        self._held: dict[str, Held] = {}
        self._keys: dict[str, str] = {}
        # Beside each other in memory: a search through the cards would take four times as long.
        self._texts: dict[str, str] = {}
        self._groups: dict[Kind, Group] = {}
        self._counts = Counts()
        self._lists: dict[View, SortedKeyList[Held, Place]] = {view: SortedKeyList(key=_order(view)) for view in PLACES}
        self._idle: SortedKeyList[Held, Place] = SortedKeyList(key=_order("hottest"))
        self._begin()

    def loaded(self) -> None:
        """What is here is all there is: who saw less reads its list anew."""
        self.loading = False
        self._begin()

    @property
    def mark(self) -> str:
        """How far the shelf has come; marks of other processes, and of before all was read anew, mean nothing."""
        return f"{self._epoch}-{self._sequence}"

    def __len__(self) -> int:
        """How many cards there are."""
        return len(self._held)

    def leads(self) -> Collection[str]:
        """The ids of the leads that have a card."""
        return self._keys.keys()

    def find(self, name: str) -> Card | None:
        """The card of a lead, by its id or by its key."""
        held = self._held.get(name) or self._held.get(self._keys.get(name, ""))
        return held.card if held else None

    def may_see(self, who: Principal, lead: str) -> bool:
        """Whether `who` may see what is on record of a lead.

        Whose it is now counts: one that moved on, or is another lead by now, is not for who had it then. One without a
        card is for those who may see every lead.
        """
        card = self.find(lead)
        return who.may_see(None, None) if card is None else who.may_see(card.owner, card.region)

    def put(self, card: Card) -> None:
        """Take a card in, in place of the lead's former one. One that is the same but for its sequence is no change."""
        before = self._held.get(card.key)
        if before is not None and replace(card, sequence=before.card.sequence) == before.card:
            return
        self._note(card.key, before)
        if before is not None:
            self._remove(before)
        self._add(replace(card, sequence=self._sequence))
        if len(self._idle) > self._idle_max:
            self.drop(self._idle[-1].card.lead)

    def drop(self, lead: str) -> None:
        """Forget the card of a lead, if there is one."""
        before = self._held.get(self._keys.get(lead, ""))
        if before is not None:
            self._note(before.card.key, before)
            self._remove(before)

    def page(self, who: Principal, wanted: Wanted, after: str | None = None, limit: int = 100) -> Page:
        """At most `limit` cards behind the cursor `after`. Raises Unwanted for a cursor that is none.

        A cursor states a place: whoever follows them over an unchanged shelf meets each card once, and over a
        changing one no card twice that stayed where it was.
        """
        ordered, place = self._lists[wanted.view], _order(wanted.view)
        behind = None if after is None else place_of(after, wanted.view)
        chosen = self._chosen(who, wanted)
        total, found = self._found(who, wanted, chosen, len(ordered) // SPARSE)
        if found is not None:
            rest = found if behind is None else [held for held in found if place(held) > behind]
            shown = nsmallest(limit + 1, rest, key=place)
        else:
            further = ordered.irange_key(behind, inclusive=(False, True))
            if len(chosen) < len(self._groups):
                further = (held for held in further if held.kind in chosen)
            shown = list(islice(fitting(who, wanted, further), limit + 1))
        end = cursor(wanted.view, place(shown[limit - 1])) if len(shown) > limit else None
        return Page([held.card for held in shown[:limit]], end, total)

    def changes(self, who: Principal, wanted: Wanted, since: str) -> Changes | None:
        """What changed of a list since a mark; None: too much, or the mark is unknown, so it is to be read anew."""
        epoch, _, digits = since.partition("-")
        if epoch != self._epoch or not (digits.isascii() and digits.isdigit() and len(digits) < 16):
            return None
        if self.loading:
            return Changes([], since)
        missed = self._sequence - int(digits)
        if not 0 <= missed <= len(self._journal):
            return None
        # The earliest change since then says what was there at the mark.
        first = dict(islice(reversed(self._journal), missed))
        before = {held.card.key for held in in_list(who, wanted, first.values())}
        now = in_list(who, wanted, map(self._held.get, first))
        place = PLACES[wanted.view]
        rows = [Row(held.card.key, held.card, place(held.card)) for held in now]
        gone = before - {row.key for row in rows}
        return Changes(rows + [Row(key, None, None) for key in sorted(gone)], self.mark)

    def facets(self, who: Principal) -> Facets:
        """What there is to choose from among the cards that `who` may see."""
        return facets_of(self._groups, chosen_of(who, Wanted(), self._groups), self._counts)

    def _begin(self) -> None:
        self._epoch = secrets.token_hex(4)
        self._journal.clear()

    def _note(self, key: str, before: Held | None) -> None:
        self._sequence += 1
        self._journal.append((key, before))

    def _add(self, card: Card) -> None:
        text = f"{card.name}\n{card.email}\n{card.place}\n{card.lead}\n{card.key}".casefold()
        held = Held(card, kind_of(card), text)
        self._held[card.key], self._keys[card.lead], self._texts[card.key] = held, card.key, text
        self._groups.setdefault(held.kind, Group()).add(held)
        self._counts.add(card)
        for one in self._lists_of(held.kind):
            one.add(held)

    def _remove(self, held: Held) -> None:
        key, group = held.card.key, self._groups[held.kind]
        del self._held[key], self._keys[held.card.lead], self._texts[key]
        group.remove(held)
        self._counts.remove(held.card)
        if not group:
            del self._groups[held.kind]
        for one in self._lists_of(held.kind):
            one.remove(held)

    def _lists_of(self, kind: Kind) -> list[SortedKeyList[Held, Place]]:
        """The lists in which the cards of a kind stand."""
        lists = [one for view, one in self._lists.items() if (needed := IN_VIEW[view]) is None or getattr(kind, needed)]
        return lists if kind.has_case else [*lists, self._idle]

    def _chosen(self, who: Principal, wanted: Wanted) -> set[Kind]:
        """The kinds of which cards may be in a list."""
        tests = tests_of(wanted)
        kinds = chosen_of(who, wanted, self._groups)
        return {kind for kind in kinds if all(self._groups[kind].having(*test) for test in tests)}

    def _found(self, who: Principal, wanted: Wanted, chosen: set[Kind], few: int) -> tuple[int, list[Held] | None]:
        """How many cards are wanted, and, where they are fewer than `few`, which, in any order."""
        number, tests = sum(len(self._groups[kind]) for kind in chosen), tests_of(wanted)
        if number < few or (len(tests) > 1 and not wanted.q):
            held = list(fitting(who, wanted, (one for kind in chosen for one in self._groups[kind].held.values())))
        elif wanted.q:
            keys = self._searched(who, wanted.q.casefold())
            if len(keys) >= few and not tests and len(chosen) == len(self._groups):
                return len(keys), None
            hits = (self._held[key] for key in keys)
            held = list(fitting(who, wanted, (one for one in hits if one.kind in chosen)))
        elif tests:
            (test,) = tests
            return sum(self._groups[kind].having(*test) for kind in chosen), None
        else:
            return number, None
        return len(held), held if len(held) < few else None

    def _searched(self, who: Principal, sought: str) -> list[str]:
        """The keys of the cards that have the text, of those of others, too."""
        if not who.personal:
            return [key for key in self._texts if sought in key.casefold()]
        return [key for key, text in self._texts.items() if sought in text]


def _order(view: View) -> _Order:
    place = PLACES[view]
    return lambda held: place(held.card)
