"""What an examination finds: one line each, with what to do where something is wrong."""

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

Level = Literal["ok", "warning", "wrong"]
"""In order; a warning keeps nothing from working today."""


class Finding(Struct, frozen=True):
    """Of `subject`, such as `kafka`: how it is, in one line, and what mends it."""

    subject: str
    level: Level
    what: str
    remedy: str | None = None


def ok(subject: str, what: str) -> Finding:
    """It is as it should be."""
    return Finding(subject, "ok", what)


def warning(subject: str, what: str, remedy: str | None = None) -> Finding:
    """It works, but is surely not meant or will not last."""
    return Finding(subject, "warning", what, remedy)


def wrong(subject: str, what: str, remedy: str | None = None) -> Finding:
    """Heatline cannot work with it."""
    return Finding(subject, "wrong", what, remedy)


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Each as people read it; a remedy stands below in a line of its own."""
    for one in findings:
        yield f"{one.level:<9}{one.subject:<14}{one.what}"
        if one.remedy is not None:
            yield f"{'':<23}→ {one.remedy}"


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether nothing is wrong."""
    return all(one.level != "wrong" for one in findings)
