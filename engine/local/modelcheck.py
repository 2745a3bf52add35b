"""What `heatline model check` says: every mistake of a folder's files in one run, and what is surely not meant."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from engine.core.lints import lints
from engine.core.model import Model
from engine.core.modelfile import read_model
from engine.core.names import Vocabulary, load_names
from engine.core.rowsize import MODEL_BYTES
from engine.core.source import ConfigError, Problem
from engine.local.configfile import MISSING, beside, read_config
from engine.routing.routingfile import read_routing
from engine.routing.whens import Known

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checked:
    """With `mistakes` the files cannot be used; `model` is there unless some of them are in `model.yaml`."""

    file: str
    mistakes: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    model: Model | None

    def lines(self) -> list[str]:
        """All of it for people, a line each; the last sums up."""
        told = [str(problem) for problem in self.mistakes]
        told += [str(replace(problem, key=f"warning: {problem.key}")) for problem in self.warnings]
        return [*told, self._summary()]

    def _summary(self) -> str:
        verdict = f"not usable: {_count(len(self.mistakes), 'mistake')}" if self.mistakes else "usable"
        found = [f"{self.file}: {verdict}, {_count(len(self.warnings), 'warning')}"]
        if self.model is not None:
            model = self.model
            actions = sum(alert.is_action for alert in model.alerts)
            parts = [
                _count(len(model.rules), "engagement rule"),
                _count(len(model.fit), "fit rule"),
                _count(len(model.alerts) - actions, "alert"),
                _count(actions, "action"),
            ]
            found.append(", ".join(parts))
            found.append(
                f"a row takes up to {model.row_bytes_max:,} bytes of {MODEL_BYTES:,} before what a visitor writes"
            )
        return "; ".join(found)


def check_folder(folder: Path) -> Checked:
    """What is to be said of `model.yaml`, `events.yaml` and `routing.yaml` in `folder`."""
    mistakes: list[Problem] = []

    def read(name: str, load: Callable[[str, str], T]) -> T | None:
        """What `load` makes of a file; None, with its mistakes noted, where it is missing or cannot be used."""
        file = folder / name
        try:
            text = read_config(file)
            return None if text is None else load(text, str(file))
        except ConfigError as error:
            mistakes.extend(error.problems)
            return None

    vocabulary = read("events.yaml", load_names) or Vocabulary()
    routing = read("routing.yaml", lambda text, name: read_routing(text, name, beside(folder)))
    fields = frozenset[str]() if routing is None or routing.problems else routing.routing.fields
    file = folder / "model.yaml"
    model = read("model.yaml", lambda text, name: read_model(text, name, vocabulary, fields))
    if not file.exists():
        mistakes.append(Problem(str(file), 1, 1, "", None, MISSING))
    if routing is not None:
        mistakes += [*routing.problems, *(routing.asked(Known.of(model.model)) if model else ())]
    if model is None:
        return Checked(str(file), tuple(mistakes), (), None)
    return Checked(
        file=str(file),
        mistakes=tuple(mistakes),
        warnings=lints(model, str(file)),
        model=model.model,
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
