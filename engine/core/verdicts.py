"""What can be said of a condition of which not everything is known yet, so that nobody need ask it in vain."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from math import inf
from typing import Any

from engine.core.comparisons import Getter
from engine.core.conditions import compile_condition
from engine.core.reader import Reader
from engine.core.source import Node

Fields = Callable[[str], Getter | str]


def verdict(node: Node, fields: Fields, subject: Any, known: Collection[str]) -> bool | None:
    """Whether the condition holds for a subject of which only the fields in `known` are known; None: it depends."""
    if not isinstance(node.value, dict):
        return None
    verdicts: list[bool | None] = []
    for name, entry in node.value.items():
        if name in known:
            alone = compile_condition(replace(node, value={name: entry}), fields, Reader(""))
            verdicts.append(alone.holds(subject))
        elif name == "not":
            inner = verdict(entry, fields, subject, known)
            verdicts.append(None if inner is None else not inner)
        elif name in ("any", "all") and isinstance(entry.value, tuple):
            inners = [verdict(part, fields, subject, known) for part in entry.value]
            verdicts.append(_either(inners) if name == "any" else _every(inners))
        else:
            verdicts.append(None)
    return _every(verdicts)


def can_hold_from(
    node: Node,
    fields: Fields,
    subject_at: Callable[[float], Any],
    numbers: Collection[str],
    known: Collection[str],
    bounds: Iterable[float] = (),
) -> float:
    """The lowest number, from 0 on, at which the condition can hold for what `subject_at` gives; infinite: at none.

    `numbers` are the fields that show the number, `known` those that follow from it; these change at `bounds` only. A
    comparison with a number changes only at what it is compared with, so a look at and between all of these will do.
    """
    stated = {bound for bound in (*bounds, *_compared(node, numbers)) if 0 < bound < inf}
    steps = sorted({0.0, *stated})
    for step, after in zip(steps, [*steps[1:], steps[-1] + 2], strict=True):
        for number in (step, (step + after) / 2):
            if verdict(node, fields, subject_at(number), (*numbers, *known)) is not False:
                return step
    return inf


def _compared(node: Node, names: Collection[str], *, inside: bool = False) -> Iterator[float]:
    """Every number that stands under one of these fields."""
    value = node.value
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from _compared(entry, names, inside=inside or name in names)
    elif isinstance(value, tuple):
        for entry in value:
            yield from _compared(entry, names, inside=inside)
    elif inside and isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _every(verdicts: Collection[bool | None]) -> bool | None:
    return False if False in verdicts else None if None in verdicts else True


def _either(verdicts: Collection[bool | None]) -> bool | None:
    return True if True in verdicts else None if None in verdicts else False
