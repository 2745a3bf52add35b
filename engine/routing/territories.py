"""Who holds a lead: territories by place, by zip and by whatever else is known of a lead, with their reps.

A territory is looked for by the most telling of its entries: its zips, else its cities, and so on down to its
countries; one that has none of these is always asked. What was found so is asked for its other entries. So a lead is
held by the same territories as if each were asked for each of its entries, in a time that hardly grows with how many
there are.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.core.conditions import Condition
from engine.core.fields import LEAD_FIELDS

ZIP_CHARS_MAX = 32
TERRITORIES_TOLD_MAX = 20
"""How many of the territories that hold a lead an assignment names."""
TEXTS = ("city", "county", "state", "product", "country", "language", "source")
"""Fields of a lead that are one text, or None, and by which a territory is found: from the most telling."""

_RANGE = re.compile(r"([0-9]+)-([0-9]+)")
_ZIP = LEAD_FIELDS.known["zip"]

Owner = tuple[int, int | None]
"""Whose a zip is: the number of a territory, and of the rep to whom a row of a zip file gives it."""


def zip_problem(written: str) -> str | None:
    """Why `written`, as `zip_of` gives it, is no zip, prefix or range; None where it is one."""
    if written.isalnum() and len(written) <= ZIP_CHARS_MAX:
        return None
    if len(written) > ZIP_CHARS_MAX:
        return f"{len(written):,} characters; a zip has at most {ZIP_CHARS_MAX}"
    if "?" in written or "*" in written[:-1]:
        return "a star stands at the end only: expected a zip, a prefix such as 524* or a range such as 52000-52499"
    ends = range_of(written)
    if ends and ends[0] > ends[1]:
        return f"nothing is between {written.replace('-', ' and ')}: the smaller comes first"
    return None


def range_of(written: str) -> tuple[int, int] | None:
    """First and last zip of a range, which has as many digits on both sides; None of what is none."""
    found = _RANGE.fullmatch(written)
    return (int(found[1]), int(found[2])) if found and len(found[1]) == len(found[2]) else None


class Zips:
    """Zips as written (one, `524*` all that begin so, `52000-52499` all of as many digits between), with owners."""

    def __init__(self, rows: Iterable[tuple[str, Owner]]) -> None:
        """Of zips for which there is no `zip_problem`."""
        self._exact: dict[str, tuple[Owner, ...]] = {}
        self._prefixes: dict[str, tuple[Owner, ...]] = {}
        ranges: defaultdict[int, list[tuple[int, int, Owner]]] = defaultdict(list)
        alone: dict[Owner, tuple[Owner]] = {}
        for written, owner in rows:
            held, key = self._exact, written
            if not written.isalnum():
                if ends := range_of(written):
                    ranges[len(written) // 2].append((*ends, owner))
                    continue
                if written.endswith("*"):
                    held, key = self._prefixes, written[:-1]
            # The zips of an owner share one tuple: most have one owner, and there may be a million of them.
            one = alone.setdefault(owner, (owner,))
            owners = held.setdefault(key, one)
            if owner not in owners:
                held[key] = owners + one
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})
        self._ranges = {digits: _Ranges(held) for digits, held in ranges.items()}

    def owners(self, written: str) -> set[Owner]:
        """Whose the zip of a lead is."""
        found = set(self._exact.get(written, ()))
        for length in self._lengths:
            if length > len(written):
                break
            found.update(self._prefixes.get(written[:length], ()))
        ranges = self._ranges.get(len(written))
        if ranges and written.isascii() and written.isdigit():
            ranges.add_owners(int(written), found)
        return found


class _Ranges:
    """Ranges of numbers as a segment tree over their ends: time and memory stay small however they overlap."""

    def __init__(self, ranges: Sequence[tuple[int, int, Owner]]) -> None:
        """Of first, last (inclusive) and owner."""
        self.starts = sorted({end for first, last, _ in ranges for end in (first, last + 1)})
        self.nodes: defaultdict[int, set[Owner]] = defaultdict(set)
        leaves = {start: leaf for leaf, start in enumerate(self.starts, len(self.starts))}
        for first, last, owner in ranges:
            left, right = leaves[first], leaves[last + 1]
            while left < right:
                if left % 2:
                    self.nodes[left].add(owner)
                if right % 2:
                    self.nodes[right - 1].add(owner)
                left, right = (left + 1) // 2, right // 2

    def add_owners(self, number: int, found: set[Owner]) -> None:
        place = bisect_right(self.starts, number)
        node = place - 1 + len(self.starts) if place else 0
        while node:
            if node in self.nodes:
                found |= self.nodes[node]
            node //= 2


@dataclass(frozen=True, slots=True)
class Territory:
    """Leads for which all of its entries hold; `reps` list it and hold all of it.

    `texts` are those, case-folded, of which a field in `TEXTS` must be one. `zips` are the zips of which a lead's must
    be one, each as `zip_of` writes it and with the rep who holds it beside `reps`; None: any zip or none. `when` is
    what else must hold.
    """

    name: str
    reps: tuple[str, ...] = ()
    texts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    zips: Collection[tuple[str, str | None]] | None = None
    when: Condition | None = None


class Territories:
    """The territories of a file, in its order. `fields` are the fields of leads that they read.

    `reps` are all there are, and `listed` the numbers of those who hold all of each territory.
    """

    def __init__(self, territories: Sequence[Territory], reps: Iterable[str]) -> None:
        """`reps` are all there are, in the order of the file."""
        self.names = tuple(territory.name for territory in territories)
        self.fields = frozenset[str]().union(*map(_fields, territories))
        self.reps = tuple(reps)
        rank: dict[str | None, int | None] = {rep: number for number, rep in enumerate(self.reps)}
        self.listed = [[number for rep in one.reps if (number := rank.get(rep)) is not None] for one in territories]
        self._whens = [territory.when.holds if territory.when else None for territory in territories]
        self._zipped = any(territory.zips for territory in territories)
        self._zips = Zips(
            (written, (number, rank.get(rep)))
            for number, territory in enumerate(territories)
            for written, rep in territory.zips or ()
        )
        read = [name for name in TEXTS if any(name in territory.texts for territory in territories)]
        self._getters = [(name, LEAD_FIELDS.known[name]) for name in read]
        self._always: list[int] = []
        self._by_text: dict[str, dict[str, list[int]]] = {name: {} for name in read}
        self._rest = [self._indexed(number, territory) for number, territory in enumerate(territories)]

    def _indexed(self, number: int, territory: Territory) -> tuple[tuple[str, frozenset[str]], ...]:
        """Makes sure that the territory is found; the fields in `TEXTS` that are left to ask, with the texts wanted."""
        asked = [(name, territory.texts[name]) for name in TEXTS if name in territory.texts]
        if territory.zips is None and asked:
            name, wanted = asked.pop(0)
            for text in wanted:
                self._by_text[name].setdefault(text, []).append(number)
        elif territory.zips is None:
            self._always.append(number)
        return tuple(asked)

    def holding(self, lead: Any) -> "Holding":
        """The territories that hold the lead."""
        texts = {name: said.casefold() for name, get in self._getters if (said := get(lead)) is not None}
        found: dict[int, list[int]] = {number: [] for number in self._always}
        for name, said in texts.items():
            for number in self._by_text[name].get(said, ()):
                found[number] = []
        if self._zipped and (written := _ZIP(lead)) is not None:
            for number, rep in self._zips.owners(written):
                found.setdefault(number, []).extend(() if rep is None else (rep,))
        return Holding(self, {number: reps for number, reps in found.items() if self._holds(number, texts, lead)})

    def _holds(self, number: int, texts: Mapping[str, str], lead: Any) -> bool:
        """Whether what is left to ask of a territory that was found holds; the lead's fields in `TEXTS` say `texts`."""
        for name, wanted in self._rest[number]:
            if texts.get(name) not in wanted:
                return False
        when = self._whens[number]
        return when is None or when(lead)


class Holding(NamedTuple):
    """The territories that hold a lead, by number, each with the reps to whom a zip file gives the lead's zip."""

    of: Territories
    found: Mapping[int, Sequence[int]]

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called, in the order of the file."""
        return tuple(self.of.names[number] for number in sorted(self.found))

    @property
    def reps(self) -> tuple[str, ...]:
        """The ids of the reps who hold the lead, each once, in the order of the file."""
        reps: set[int] = set()
        for number, by_zip in self.found.items():
            reps.update(self.of.listed[number], by_zip)
        return tuple(self.of.reps[rep] for rep in sorted(reps))


def _fields(territory: Territory) -> frozenset[str]:
    # A lead's country decides how its zip is written.
    of_zip = ("zip", "country") if territory.zips is not None else ()
    return frozenset((*territory.texts, *of_zip, *(territory.when.fields if territory.when else ())))


NO_TERRITORIES = Territories((), ())
