"""Values that several parts of a model file have: labels, `3 per 1d`, steps such as bands."""

import re
from collections.abc import Mapping
from math import inf

from engine.core.instants import DAY_MS, parse_duration
from engine.core.model import Band
from engine.core.modelkeys import LABEL_MAX
from engine.core.reader import Reader
from engine.core.source import Node

_PER = re.compile(r"([0-9]{1,7}) +per +([0-9dhms]+)")


def label(reader: Reader, keys: Mapping[str, Node]) -> str | None:
    """What people are told instead of an id."""
    return reader.text(keys["label"], at_most=LABEL_MAX) if "label" in keys else None


def per(reader: Reader, node: Node, what: str) -> tuple[int, int]:
    """The number and the duration in ms of `3 per 1d`; (1, a day) where it is not `what`."""
    found = _PER.fullmatch(node.value) if isinstance(node.value, str) else None
    try:
        count, duration_ms = (int(found[1]), parse_duration(found[2])) if found else (0, 0)
    except ValueError:
        count = duration_ms = 0
    if count < 1 or duration_ms < 1:
        reader.expected(node, what)
        return 1, DAY_MS
    return count, duration_ms


def steps(
    reader: Reader, node: Node | None, what: str, lowest: str, defaults: Mapping[str, float], scale: float
) -> tuple[Band, ...]:
    """Names with the bounds that they begin at, rising; first is `lowest`, which is what lies below all bounds."""
    bounds = dict(defaults)
    if node is not None:
        entries = reader.names(node, f"{what}s to the scores they begin at", at_most=20)
        bounds = {name: reader.number(entry, above=0, at_most=scale) for name, entry in entries.items()}
        if lowest in entries:
            reader.key_problem(entries[lowest], f"{lowest} is what is below the lowest {what}: leave it out")
        if isinstance(node.value, dict) and not bounds:
            example, bound = max(defaults.items(), key=lambda item: item[1])
            reader.problem(node, f"expected at least one {what}, such as {example}: {bound:g}")
        if len(set(bounds.values())) < len(bounds):
            reader.problem(node, f"two {what}s begin at the same score")
    rising = sorted(((name, bound) for name, bound in bounds.items() if name != lowest), key=lambda item: item[1])
    return (Band(lowest, -inf), *(Band(name, bound) for name, bound in rising))
