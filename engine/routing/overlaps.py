"""Territories that hold the same leads, though not the same reps have them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from engine.core.comparisons import Key
from engine.core.reader import listed
from engine.routing.territories import TEXTS, Owner, Territory, Zips, range_of

_CODES = ("country", "state")


class Overlap(NamedTuple):
    """Two territories, the later one first, or one twice; what leads they share, and some of the reps of both."""

    territory: str
    other: str
    shared: str
    reps: str


def overlaps(territories: Sequence[Territory]) -> Iterator[Overlap]:
    """Each two territories that surely share leads, once: a zip is in both, or all of one lies within the other."""
    told: set[tuple[int, int]] = set()
    for first, second, shared, reps in chain(_by_zips(territories), _by_texts(territories)):
        pair = min(first, second), max(first, second)
        if pair not in told:
            told.add(pair)
            yield Overlap(territories[pair[1]].name, territories[pair[0]].name, shared, listed(sorted(reps)))


def holders(territory: Territory) -> frozenset[str]:
    """Everybody who holds a territory, or zips of it."""
    return frozenset(territory.reps).union(rep for _, rep in territory.zips or () if rep is not None)


Found = tuple[int, int, str, Collection[str]]


def _by_texts(territories: Sequence[Territory]) -> Iterator[Found]:
    """Where all that one asks for lies within what the other does: all of Iowa, and Des Moines in Iowa."""
    reps = [holders(territory) for territory in territories]
    wider: defaultdict[tuple[tuple[str, ...], Key], defaultdict[str, list[int]]]
    wider = defaultdict(lambda: defaultdict(list))
    known: set[Key] = set()
    for number, territory in enumerate(territories):
        # Of those that are alike for the same reps the first one stands for all.
        alike = frozenset(territory.texts.items()), _when(territory), reps[number]
        if territory.zips is None and territory.reps and alike not in known:
            known.add(alike)
            telling = [name for name in TEXTS if name in territory.texts]
            for text in territory.texts[telling[0]] if telling else ("",):
                wider[tuple(telling), _when(territory)][text].append(number)
    for number, territory in enumerate(territories):
        for (fields, when), by_text in wider.items():
            if when not in (None, _when(territory)) or not territory.texts.keys() >= set(fields):
                continue
            for other in _candidates(territory, by_text):
                if number == other or not _differ(reps[number], reps[other]):
                    continue
                shared = _shared(territory.texts, territories[other].texts)
                if shared is not None:
                    yield number, other, shared or "the same condition", reps[number] | reps[other]


def _candidates(territory: Territory, by_text: Mapping[str, list[int]]) -> Iterator[int]:
    """Those that are found by one of the texts of a territory."""
    for text in ("", *(text for texts in territory.texts.values() for text in texts)):
        yield from by_text.get(text, ())


def _by_zips(territories: Sequence[Territory]) -> Iterator[Found]:
    """Where both list a zip: the ends of ranges and the beginnings of prefixes show every one that two have."""
    names: dict[str, int] = {}
    rows: list[tuple[str, Owner]] = []
    for number, territory in enumerate(territories):
        for written, rep in territory.zips or ():
            rows.append((written, (number, None if rep is None else names.setdefault(rep, len(names)))))
    reps = list(names)
    zips = Zips(rows)
    for sample in _samples(written for written, _ in rows):
        owners = zips.owners(sample)
        if len(owners) < 2:
            continue
        held: dict[int, set[str]] = {}
        for number, who in sorted(owners, key=lambda owner: owner[0]):
            of_all = held.setdefault(number, set(territories[number].reps))
            of_all.update(() if who is None else (reps[who],))
        yield from _at_a_zip(territories, sample, held)


def _at_a_zip(territories: Sequence[Territory], zip_held: str, held: Mapping[int, set[str]]) -> Iterator[Found]:
    numbers = list(held)
    for place, number in enumerate(numbers):
        if len(held[number] - set(territories[number].reps)) > 1:
            yield number, number, f"zip {zip_held}", held[number]
        for other in numbers[place + 1 :]:
            one, two = territories[number], territories[other]
            alike = None in (_when(one), _when(two)) or _when(one) == _when(two)
            if alike and _shared(one.texts, two.texts) is not None and _differ(held[number], held[other]):
                yield number, other, f"zip {zip_held}", held[number] | held[other]


def _samples(written: Iterable[str]) -> Iterator[str]:
    """Zips of which one lies in both wherever two of those written have one in common."""
    exact, prefixes, ends = set[str](), set[str](), set[str]()
    for text in written:
        if text.endswith("*"):
            prefixes.add(text[:-1])
        elif range_of(text):
            ends.update(text.split("-"))
        else:
            exact.add(text)
    lengths = {len(end) for end in ends}
    padded = {prefix.ljust(length, "0") for prefix in prefixes if prefix.isdigit() for length in lengths}
    return iter(sorted(exact | prefixes | ends | padded))


def _shared(texts: Mapping[str, frozenset[str]], others: Mapping[str, frozenset[str]]) -> str | None:
    """What of the fields that both ask for is the same; None where for one of them nothing is."""
    both = {name: texts[name] & others[name] for name in texts if name in others}
    if not all(both.values()):
        return None
    said = (f"{name} {min(same).upper() if name in _CODES else min(same)}" for name, same in both.items())
    return ", ".join(said)


def _differ(reps: Collection[str], others: Collection[str]) -> bool:
    return bool(reps) and bool(others) and set(reps) != set(others)


def _when(territory: Territory) -> Key:
    return None if territory.when is None else territory.when.key
