"""The files that users edit, read at start and when they change: what to score and whom to give it to."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.agents.route import RouteJob
from engine.agents.score import ScoreJob
from engine.core.context import Locate
from engine.core.desks import Desk, Desks
from engine.core.erasure import Pseudonym
from engine.core.flow import Job
from engine.core.messages import MAIN_DESK
from engine.core.model import Model
from engine.core.modelfile import load_model
from engine.core.names import Vocabulary, load_names
from engine.core.partitioner import PARTITIONERS
from engine.core.source import ConfigError, Problem
from engine.local.configfile import MISSING, beside, read_config
from engine.ops.settings import Settings
from engine.ops.watch import Contents
from engine.routing.config import NO_ROUTING, Routing
from engine.routing.routingfile import read_routing
from engine.routing.whens import Known


@dataclass(frozen=True, slots=True)
class Configuration:
    """What to score and whom to give it to."""

    model: Model
    routing: Routing

    def jobs(
        self,
        partitions: int,
        partitioner: str = "murmur2",
        *,
        desk_partitions: int = 1,
        alert_on_change: bool = False,
        pseudonym: Pseudonym | None = None,
    ) -> tuple[Job, ...]:
        """The jobs of a worker whose profiles, and whose desks, have so many partitions.

        `alert_on_change`: rows that were scored by another model fire the alerts that the change itself sets off.
        `pseudonym` hashes the ids of who is erased; without it nobody can be.
        """
        place = PARTITIONERS[partitioner]

        def desk_lane(desk: str) -> int:
            return place(desk.encode(), desk_partitions)

        others = [
            Desk(desk.name, desk_lane(desk.name), desk.routing.assign_on, desk.when.holds)
            for desk in self.routing.desks
        ]
        main = Desk(MAIN_DESK, desk_lane(MAIN_DESK), self.routing.assign_on)
        return (
            ScoreJob(
                self.model,
                lambda key: place(key, partitions),
                Desks([*others, main]),
                alert_on_change=alert_on_change,
                lanes=partitions,
                pseudonym=pseudonym,
            ),
            RouteJob(self.routing, desk_lane),
        )


def load_configuration(
    model: Path, events: Path, routing: Path, locate: Locate | None = None, seen: Contents | None = None
) -> Configuration:
    """What the files say; only the model must be there. Raises ConfigError with what is wrong in them.

    `locate` gives the country of an IP address. `seen` is told what was in each file, those beside `routing` included.
    """
    read = partial(read_config, seen=seen)
    model_text, events_text, routing_text = read(model), read(events), read(routing)
    if model_text is None:
        raise ConfigError([Problem(str(model), 1, 1, "", None, MISSING)])
    vocabulary = Vocabulary() if events_text is None else load_names(events_text, str(events))
    if routing_text is None:
        return Configuration(load_model(model_text, str(model), vocabulary, (), locate), NO_ROUTING)
    found = read_routing(routing_text, str(routing), beside(routing.parent, seen))
    loaded = load_model(model_text, str(model), vocabulary, found.finish().fields, locate)
    return Configuration(loaded, found.finish(Known.of(loaded)))


def load_folder(folder: Path, locate: Locate | None = None, seen: Contents | None = None) -> Configuration:
    """What `model.yaml`, `events.yaml` and `routing.yaml` in `folder` say. Raises ConfigError."""
    return load_configuration(folder / "model.yaml", folder / "events.yaml", folder / "routing.yaml", locate, seen)


def read_configuration(settings: Settings, locate: Locate | None, seen: Contents | None = None) -> Configuration:
    """What to score and whom to give it to. Raises ConfigError.

    `locate` gives the country of an IP address; `seen` is told what was in each file.
    """
    paths = settings.paths
    return load_configuration(paths.model, paths.events, paths.routing, locate, seen)
