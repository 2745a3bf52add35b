"""What `heatline model check` says: every mistake of a folder's files in one run, and what is surely not meant."""

from pathlib import Path

from engine.core.lints import lints
from engine.core.model import Model
from engine.core.modelfile import ModelFile, read_model
from engine.core.names import Vocabulary, load_names
from engine.core.rowsize import MODEL_BYTES
from engine.core.source import Problem
from engine.local.checked import Checked, counted, read_folder_routing, read_part, routing_mistakes
from engine.local.configfile import MISSING
from engine.routing.routingfile import RoutingFile


def check_folder(folder: Path) -> Checked:
    """What is to be said of `model.yaml`, `events.yaml` and `routing.yaml` in `folder`."""
    mistakes: list[Problem] = []
    vocabulary = read_part(folder / "events.yaml", load_names, mistakes)
    routing = read_folder_routing(folder, mistakes)
    in_model: list[Problem] = []
    read = read_folder_model(folder, vocabulary, routing, in_model)
    model = None if read is None else read.model
    return Checked(
        file=str(folder / "model.yaml"),
        mistakes=(*mistakes, *routing_mistakes(routing, model), *in_model),
        warnings=() if read is None else lints(read, str(folder / "model.yaml")),
        about=() if model is None else _about(model),
        model=model,
    )


def read_folder_model(
    folder: Path, vocabulary: Vocabulary | None, routing: RoutingFile | None, mistakes: list[Problem]
) -> ModelFile | None:
    """The model in a folder; None, with its mistakes noted, where it is missing or cannot be used."""
    file = folder / "model.yaml"
    fields = frozenset[str]() if routing is None or routing.problems else routing.routing.fields
    if not file.exists():
        mistakes.append(Problem(str(file), 1, 1, "", None, MISSING))
    return read_part(file, lambda text, name: read_model(text, name, vocabulary, fields), mistakes)


def _about(model: Model) -> tuple[str, str]:
    actions = sum(alert.is_action for alert in model.alerts)
    parts = [
        counted(len(model.rules), "engagement rule"),
        counted(len(model.fit), "fit rule"),
        counted(len(model.alerts) - actions, "alert"),
        counted(actions, "action"),
    ]
    row = f"a row takes up to {model.row_bytes_max:,} bytes of {MODEL_BYTES:,} before what a visitor writes"
    return ", ".join(parts), row
