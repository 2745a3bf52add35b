"""The files that users edit, read once at start: what to score and whom to give it to."""

from dataclasses import dataclass
from pathlib import Path

from engine.agents.route import RouteJob
from engine.agents.score import ScoreJob
from engine.core.flow import Job
from engine.core.model import Model
from engine.core.modelfile import load_model, load_names
from engine.core.partitioner import PARTITIONERS
from engine.core.source import ConfigError, Problem
from engine.routing.config import Routing, load_routing

MODEL_FILE = "model.yaml"
EVENTS_FILE = "events.yaml"
ROUTING_FILE = "routing.yaml"
NO_ROUTING = Routing(assign_on=frozenset(), reps={}, teams={}, rules=())


@dataclass(frozen=True, slots=True)
class Configuration:
    """What to score and whom to give it to."""

    model: Model
    routing: Routing

    def jobs(self, partitions: int, partitioner: str = "murmur2") -> tuple[Job, ...]:
        """The jobs of a worker whose profiles have so many partitions."""
        place = PARTITIONERS[partitioner]
        return (
            ScoreJob(self.model, lambda key: place(key, partitions), self.routing.assign_on),
            RouteJob(self.routing),
        )


def load_configuration(folder: Path) -> Configuration:
    """What the files in `folder` say; only the model must be there. Raises ConfigError with what is wrong in them."""
    names = _read(folder / EVENTS_FILE)
    routing = _read(folder / ROUTING_FILE)
    model = _read(folder / MODEL_FILE)
    if model is None:
        message = "there is no such file: it states how to score; the shipped one is config/model.yaml"
        raise ConfigError([Problem(str(folder / MODEL_FILE), 1, 1, "", None, message)])
    mapping = {} if names is None else load_names(names, str(folder / EVENTS_FILE))
    if routing is None:
        return Configuration(load_model(model, str(folder / MODEL_FILE), mapping), NO_ROUTING)
    traits = load_routing(routing, str(folder / ROUTING_FILE)).traits
    loaded = load_model(model, str(folder / MODEL_FILE), mapping, traits)
    alerts = [alert.id for alert in loaded.alerts]
    return Configuration(loaded, load_routing(routing, str(folder / ROUTING_FILE), alerts))


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(str(file), 1, 1, "", None, f"cannot be read: {error}")]) from None
