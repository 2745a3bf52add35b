"""Typed values out of configuration, collecting every problem instead of stopping at the first.

A wrong or missing value is noted and read as its default, so that reading goes on; `finish` then raises for all of
them at once. What a reader returned must not be used before `finish` came back.
"""

import difflib
import math
import re
from collections.abc import Collection, Mapping, Sequence

from engine.core.instants import parse_duration
from engine.core.source import ConfigError, Node, Problem, parse, shown

NAME_MAX = 64
LISTED_MAX = 12
NUMBER_MAX = 1e300

_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")

Scalar = str | float | bool


def listed(names: Collection[str]) -> str:
    """The first names of `names`, for a message."""
    first = ", ".join(list(names)[:LISTED_MAX])
    return first + ", …" if len(names) > LISTED_MAX else first


def unknown(name: str, known: Collection[str], later: Collection[str] = ()) -> str:
    """Why `name` is refused: not supported yet, or not known, with the nearest known name."""
    if name in later:
        return f"`{name}` is not supported yet: this version knows {listed(known)}"
    near = difflib.get_close_matches(name[:NAME_MAX], [*known, *later], n=1)
    return f"`{name}` is not known; " + (f"did you mean `{near[0]}`?" if near else f"expected one of {listed(known)}")


class Reader:
    """Reads one file. `problems` holds what was found so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def parse(self, text: str) -> Node:
        """The root of `text`. Raises ConfigError where it is no YAML or breaks a limit."""
        return parse(text, self.file, self.problems)

    def finish(self) -> None:
        """Raises ConfigError with every problem, in order of place, if there is any."""
        if self.problems:
            raise ConfigError(self.problems)

    def problem(self, node: Node, message: str) -> None:
        """Notes a problem of the value of `node`."""
        if node.value is None:
            self.key_problem(node, message)
            return
        text = shown(node.value) if isinstance(node.value, str) else node.written or None
        self.problems.append(Problem(self.file, node.line, node.column, node.key, text, message))

    def key_problem(self, node: Node, message: str) -> None:
        """Notes a problem of the key that names `node`."""
        self.problems.append(Problem.of_key(self.file, node, message))

    def expected(self, node: Node, what: str) -> None:
        """Notes that `node` is not `what`."""
        instead = "" if node.written and node.value is not None else f", not {node.kind}"
        self.problem(node, f"expected {what}{instead}")

    def mapping(
        self, node: Node | None, known: Sequence[str], later: Collection[str] = (), required: Collection[str] = ()
    ) -> dict[str, Node]:
        """The entries of a mapping whose keys are fixed.

        `later` are keys of the documented grammar that this version does not know yet; they and unknown keys are
        problems and left out, as is a missing `required` one.
        """
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            self.expected(node, f"a mapping with {listed(known)}")
            return {}
        for name, entry in node.value.items():
            if name not in known:
                self.key_problem(entry, unknown(name, known, later))
        for name in required:
            if name not in node.value:
                self.key_problem(node, f"`{name}` is missing")
        return {name: entry for name, entry in node.value.items() if name in known}

    def names(self, node: Node | None, what: str, at_most: int = 1_000) -> dict[str, Node]:
        """The entries of a mapping whose keys its author chooses: names of 1 to 64 printable characters."""
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            self.expected(node, f"a mapping from {what}")
            return {}
        if len(node.value) > at_most:
            self.problem(node, f"{len(node.value):,} entries; at most {at_most:,} are supported")
        for name, entry in node.value.items():
            self.name(name, entry)
        return dict(node.value)

    def name(self, name: str, node: Node) -> None:
        """Notes a problem at the key of `node` if `name` is no name."""
        if not (0 < len(name) <= NAME_MAX and name.isprintable() and name == name.strip()):
            self.key_problem(node, f"{shown(name)} is no name: expected 1 to {NAME_MAX} printable characters")

    def items(self, node: Node | None, what: str, at_least: int = 0, at_most: int = 1_000) -> tuple[Node, ...]:
        """The elements of a list."""
        if node is None:
            return ()
        if not isinstance(node.value, tuple):
            self.expected(node, f"a list of {what}")
            return ()
        if len(node.value) < at_least:
            self.problem(node, f"{len(node.value)} {what}; expected at least {at_least}")
        if len(node.value) > at_most:
            self.problem(node, f"{len(node.value):,} entries; at most {at_most:,} are supported")
        return node.value

    def scalar(self, node: Node) -> Scalar | None:
        """Text, a number or true/false as written; None, and a problem, for anything else."""
        value = node.value
        if value is None or isinstance(value, dict | tuple):
            self.expected(node, "text, a number, true or false")
            return None
        if isinstance(value, float) and not math.isfinite(value):
            self.problem(node, "expected a finite number")
            return None
        if isinstance(value, int) and _LEADING_ZERO.fullmatch(node.written):
            self.problem(
                node, f"a number with a leading zero: if it is text, such as a zip, quote it: '{node.written}'"
            )
            return None
        return value

    def text(self, node: Node | None, default: str = "", at_most: int = 500) -> str:
        """Text that is not empty."""
        if node is None:
            return default
        value = node.value
        if isinstance(value, bool | int | float):
            self.problem(node, f"expected text: quote it: '{node.written}'")
            return default
        if not isinstance(value, str) or not value.strip():
            self.expected(node, "text")
            return default
        if len(value) > at_most:
            self.problem(node, f"{len(value):,} characters; at most {at_most:,} are supported")
        return value

    def number(
        self,
        node: Node | None,
        default: float = 0.0,
        *,
        at_least: float | None = None,
        above: float | None = None,
        at_most: float | None = None,
    ) -> float:
        """A finite number within the bounds."""
        if node is None:
            return default
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.expected(node, "a number, such as 10")
        elif not abs(value) <= NUMBER_MAX:
            self.problem(node, "expected a finite number, such as 10")
        elif at_least is not None and value < at_least:
            self.problem(node, f"expected a number of at least {at_least:g}")
        elif above is not None and value <= above:
            self.problem(node, f"expected a number above {above:g}")
        elif at_most is not None and value > at_most:
            self.problem(node, f"expected a number of at most {at_most:g}")
        else:
            return float(value)
        return default

    def integer(self, node: Node | None, default: int = 0, *, at_least: int = 0, at_most: int = 1_000_000_000) -> int:
        """A whole number within the bounds."""
        if node is None:
            return default
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= at_most:
            self.expected(node, f"a whole number from {at_least:,} to {at_most:,}")
            return default
        return value

    def boolean(self, node: Node | None, default: bool = False) -> bool:
        """True or false."""
        if node is None:
            return default
        if not isinstance(node.value, bool):
            self.expected(node, "true or false")
            return default
        return node.value

    def duration_ms(self, node: Node | None, default: int = 0, *, at_least: int = 0) -> int:
        """A duration such as `30m`, in ms."""
        if node is None:
            return default
        try:
            duration_ms = parse_duration(node.value if isinstance(node.value, str) else "")
        except ValueError:
            self.expected(node, "a duration, such as 30s, 15m, 2h, 30d or 1h30m")
            return default
        if duration_ms < at_least:
            self.problem(node, f"expected a duration of at least {at_least / 1000:g} seconds")
            return default
        return duration_ms

    def one_of(self, node: Node | None, known: Sequence[str], default: str, later: Collection[str] = ()) -> str:
        """One of the names in `known`; those in `later` are not supported yet."""
        value = self.text(node, default)
        if node is None or value in known:
            return value
        if isinstance(node.value, str):
            self.problem(node, unknown(value, known, later))
        return default

    def reference(self, node: Node | None, targets: Mapping[str, object] | Collection[str], what: str) -> str:
        """The name of one of `targets`, things of the kind `what` that stand elsewhere in the configuration."""
        value = self.text(node)
        if node is not None and value and value not in targets:
            near = difflib.get_close_matches(value, list(targets), n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"expected one of {listed(targets) or 'none'}"
            self.problem(node, f"there is no such {what}; {hint}")
        return value
