"""Whose cards there are, and which of them somebody wants: what a list is chosen by, but for its order."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice, product
from operator import attrgetter
from typing import NamedTuple

import msgspec

from engine.web.gate.access import Principal
from engine.web.lists.cards import Card
from engine.web.lists.views import View, Wanted, has_case, is_open

FACET_VALUES_MAX = 500
"""Of sources, which visitors' links name, and of territories, of which a firm may have thousands."""


class Facets(NamedTuple):
    """The values of each filter and how many cards have each, the most frequent first.

    Of sources and territories at most `FACET_VALUES_MAX`.
    """

    owner: dict[str, int]
    team: dict[str, int]
    band: dict[str, int]
    grade: dict[str, int]
    stage: dict[str, int]
    source: dict[str, int]
    region: dict[str, int]
    territory: dict[str, int]


class Kind(NamedTuple):
    """Whose cards, and in which views they stand: few enough to look through them for each question.

    Not in which territories: where many overlap, nearly every card would be of a kind of its own.
    """

    owner: str | None
    team: str | None
    region: str | None
    has_case: bool
    is_open: bool


_OF_KIND = tuple(name for name in Facets._fields if name in Kind._fields)
_COUNTED = tuple(name for name in Facets._fields if name not in Kind._fields)
_OFFERED_MAX = dict.fromkeys(("source", "territory"), FACET_VALUES_MAX)


class Held(msgspec.Struct, frozen=True, gc=False):
    """A card, its kind, and what a search looks through."""

    card: Card
    kind: Kind
    text: str


class Counts:
    """How many cards have each value of what one can filter by, but for what a kind says."""

    def __init__(self) -> None:
        """No cards."""
        self.by_name: dict[str, Counter[str]] = {name: Counter() for name in _COUNTED}

    def add(self, card: Card) -> None:
        """One more."""
        for name, counter in self.by_name.items():
            for value in _values(card, name):
                counter[value] += 1

    def remove(self, card: Card) -> None:
        """One less."""
        for name, counter in self.by_name.items():
            for value in _values(card, name):
                if counter[value] > 1:
                    counter[value] -= 1
                else:
                    del counter[value]


class Group:
    """The cards of a kind, and how many of them have each value of what else one can filter by."""

    def __init__(self) -> None:
        """No cards."""
        self.held: dict[str, Held] = {}
        self.counts = Counts()

    def __len__(self) -> int:
        """How many."""
        return len(self.held)

    def add(self, held: Held) -> None:
        """One more."""
        self.held[held.card.key] = held
        self.counts.add(held.card)

    def remove(self, held: Held) -> None:
        """One less."""
        del self.held[held.card.key]
        self.counts.remove(held.card)

    def having(self, name: str, value: str) -> int:
        """How many have that value."""
        return self.counts.by_name[name][value]


IN_VIEW: Mapping[View, str | None] = {"hottest": None, "day": "has_case", "open": "is_open"}
"""What a kind must be for its cards to stand in a view."""


def kind_of(card: Card) -> Kind:
    """The kind of a card."""
    return Kind(card.owner, card.team, card.region, has_case=has_case(card), is_open=is_open(card))


def _owner(who: Principal, wanted: Wanted) -> str | None:
    """Whose leads alone are wanted: nobody's (empty text) where a rep's own are wanted of who is none."""
    if wanted.mine:
        return who.rep or ""
    return wanted.owner or (who.rep if wanted.view == "day" else None)


def chosen_of(who: Principal, wanted: Wanted, kinds: Iterable[Kind]) -> set[Kind]:
    """The kinds of which `who` may see cards, as far as what is wanted depends on the kind."""
    conditions: list[tuple[str, object]] = [one for one in wanted.filters() if one[0] in Kind._fields]
    if (needed := IN_VIEW[wanted.view]) is not None:
        conditions.append((needed, True))
    if (owner := _owner(who, wanted)) is not None:
        conditions.append(("owner", owner))
    for name, value in conditions:
        get = attrgetter(name)
        kinds = [kind for kind in kinds if get(kind) == value]
    seen: dict[tuple[str | None, str | None], bool] = {}
    for kind in kinds:
        pair = (kind.owner, kind.region)
        if pair not in seen:
            seen[pair] = who.may_see(*pair)
    return {kind for kind in kinds if seen[kind.owner, kind.region]}


def in_list(who: Principal, wanted: Wanted, several: Iterable[Held | None]) -> list[Held]:
    """Those that stand in a list, in any order."""
    held = [one for one in several if one is not None]
    chosen = chosen_of(who, wanted, {one.kind for one in held})
    return list(fitting(who, wanted, (one for one in held if one.kind in chosen)))


def tests_of(wanted: Wanted) -> list[tuple[str, str]]:
    """The filters by what is not of the kind."""
    return [one for one in wanted.filters() if one[0] in _COUNTED]


def fitting(who: Principal, wanted: Wanted, several: Iterable[Held]) -> Iterator[Held]:
    """Those that the filters by what is not of the kind let through, and that have the search text."""
    for name, value in tests_of(wanted):
        several = _having(several, name, value)
    if not wanted.q:
        return iter(several)
    # Who may not see a name must not find out by asking for it.
    sought, of = wanted.q.casefold(), attrgetter("text" if who.personal else "card.key")
    return (held for held in several if sought in of(held).casefold())


def _having(several: Iterable[Held], name: str, value: str) -> Iterator[Held]:
    if name == "territory":
        return (held for held in several if value in held.card.territories)
    of = attrgetter(f"card.{name}")
    return (held for held in several if of(held) == value)


def _values(card: Card, name: str) -> tuple[str, ...]:
    """What a card has of what one can filter by: of territories several, or none."""
    return card.territories if name == "territory" else (getattr(card, name),)


def _by_number(counter: Counter[str], at_most: int | None) -> dict[str, int]:
    """The values that there are, the most frequent first."""
    there = ((value, number) for value, number in counter.items() if value)
    return dict(islice(sorted(there, key=lambda one: (-one[1], one[0])), at_most))


def facets_of(groups: Mapping[Kind, Group], chosen: Collection[Kind], of_all: Counts) -> Facets:
    """The values that the cards of the chosen kinds have; `of_all` are those of all kinds."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in Facets._fields}
    for kind in chosen:
        for name in _OF_KIND:
            counts[name][getattr(kind, name) or ""] += len(groups[kind])
    if len(chosen) == len(groups):
        counts |= of_all.by_name
    else:
        # What each group adds is much where leads lie in many territories: a second, for all of 100,000.
        for kind, name in product(chosen, _COUNTED):
            counts[name].update(groups[kind].counts.by_name[name])
    return Facets(**{name: _by_number(counter, _OFFERED_MAX.get(name)) for name, counter in counts.items()})
