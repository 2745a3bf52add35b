"""What `heatline … check` says of files: every mistake in one run, and what is surely not meant."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from engine.core.model import Model
from engine.core.source import ConfigError, Problem
from engine.local.configfile import beside, read_config
from engine.routing.routingfile import RoutingFile, read_routing
from engine.routing.whens import Known

T = TypeVar("T")
ROUTING = "routing.yaml"


@dataclass(frozen=True, slots=True)
class Checked:
    """What is to be said of `file` and of those beside it; with `mistakes` they cannot be used.

    `about` sums up what it states; `model` is the model, where that was asked for and is good.
    """

    file: str
    mistakes: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    about: tuple[str, ...]
    model: Model | None = None

    def lines(self) -> list[str]:
        """All of it for people, a line each; the last sums up, by the files that have the mistakes if there are any."""
        told = [str(problem) for problem in self.mistakes]
        told += [
            str(replace(problem, key=f"warning: {problem.key}" if problem.key else "warning"))
            for problem in self.warnings
        ]
        verdict = f"not usable: {counted(len(self.mistakes), 'mistake')}" if self.mistakes else "usable"
        files = dict.fromkeys(problem.file for problem in self.mistakes) or [self.file]
        summary = f"{', '.join(files)}: {verdict}, {counted(len(self.warnings), 'warning')}"
        return [*told, summary if self.mistakes else "; ".join((summary, *self.about))]


def read_part(file: Path, load: Callable[[str, str], T], mistakes: list[Problem]) -> T | None:
    """What `load` makes of a file; None, with its mistakes noted, where it is missing or cannot be used."""
    try:
        text = read_config(file)
        return None if text is None else load(text, str(file))
    except ConfigError as error:
        mistakes.extend(error.problems)
        return None


def read_folder_routing(folder: Path, mistakes: list[Problem]) -> RoutingFile | None:
    """The routing in a folder, however wrong; None where there is none, or, with its mistakes noted, it is no YAML."""
    return read_part(folder / ROUTING, lambda text, file: read_routing(text, file, beside(folder)), mistakes)


def routing_mistakes(routing: RoutingFile | None, model: Model | None) -> tuple[Problem, ...]:
    """What is wrong with a routing, in order of place; what it names of the model only where that is known."""
    if routing is None:
        return ()
    asked = [] if model is None else routing.asked(Known.of(model))
    return ConfigError([*routing.problems, *asked]).problems


def counted(number: int, what: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
