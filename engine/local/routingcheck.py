"""What `heatline routing check` says: every mistake of routing.yaml and the files beside it, and what is not meant."""

from pathlib import Path

from engine.core.names import load_names
from engine.core.source import Problem
from engine.local.checked import ROUTING, Checked, counted, read_folder_routing, read_part, routing_mistakes
from engine.local.modelcheck import read_folder_model
from engine.routing.config import Routing
from engine.routing.lints import lints

MISSING = "there is no such file: it states who gets a lead; the shipped one is config/routing.yaml"
UNCHECKED = "cannot be used: whether it knows the alerts, bands and rules that routing names is not checked"


def check_routing(folder: Path) -> Checked:
    """What is to be said of `routing.yaml` in `folder` and of the files that it names."""
    file = folder / ROUTING
    mistakes: list[Problem] = []
    if not file.exists():
        mistakes.append(Problem(str(file), 1, 1, "", None, MISSING))
    routing = read_folder_routing(folder, mistakes)
    elsewhere: list[Problem] = []
    vocabulary = read_part(folder / "events.yaml", load_names, elsewhere)
    read = read_folder_model(folder, vocabulary, routing, elsewhere)
    mistakes += routing_mistakes(routing, read.model if read else None)
    good = routing if routing is not None and not mistakes else None
    warnings = (
        [] if read else [Problem(str(folder / "model.yaml"), 1, 1, "", None, f"{UNCHECKED}: heatline model check")]
    )
    return Checked(
        file=str(file),
        mistakes=tuple(mistakes),
        warnings=(*warnings, *(lints(good) if good else ())),
        about=() if good is None else (_about(good.routing),),
    )


def _about(routing: Routing) -> str:
    parts = {
        "rep": len(routing.reps),
        "team": len(routing.teams),
        "region": len(routing.regions),
        "rule": len(routing.rules),
        "other desk": len(routing.desks),
    }
    told = [counted(number, what) for what, number in parts.items() if number or what in ("rep", "rule")]
    territories = len(routing.territories.names)
    if territories:
        told.insert(-1, "1 territory" if territories == 1 else f"{territories:,} territories")
    return ", ".join(told)
