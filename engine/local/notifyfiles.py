"""Reading who is told of what: notify.yaml, the secret files that it names, and the reps of routing.yaml."""

from dataclasses import dataclass
from pathlib import Path

from engine.core.source import ConfigError, Problem
from engine.local.checked import Checked, counted, read_folder_routing, read_part
from engine.local.configfile import beside, read_config
from engine.local.routingfiles import read_routing
from engine.notify.config import Notify
from engine.notify.lints import lints
from engine.notify.notifyfile import load_notify, read_notify
from engine.ops.watch import Contents
from engine.routing.config import NO_ROUTING, Routing

NOTIFY = "notify.yaml"
MISSING = "there is no such file: it states who is told of what; the shipped one is config/notify.yaml"
UNCHECKED = "cannot be used: whether it knows the addresses of reps is not checked: heatline routing check"


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of what, and the routing that knows the reps."""

    notify: Notify
    routing: Routing


def load_told(notify: Path, routing: Path, seen: Contents | None = None) -> Told:
    """What the files say; without the second there are no reps. Raises ConfigError with what is wrong in them.

    Secret files are beside `notify` unless their names say where. `seen` is told what was in each file.
    """
    text = read_config(notify, seen)
    if text is None:
        raise ConfigError([Problem(str(notify), 1, 1, "", None, MISSING)])
    loaded = load_notify(text, str(notify), beside(notify.parent, seen))
    return Told(loaded, read_routing(routing, seen) or NO_ROUTING)


def check_notify(folder: Path) -> Checked:
    """What is to be said of `notify.yaml` in `folder`, of the secret files that it names, and of the reps it tells."""
    file = folder / NOTIFY
    mistakes: list[Problem] = []
    if not file.exists():
        mistakes.append(Problem(str(file), 1, 1, "", None, MISSING))
    found = read_part(file, lambda text, name: read_notify(text, name, beside(folder)), mistakes)
    mistakes += () if found is None else ConfigError(found.problems).problems
    good = found if found is not None and not mistakes else None
    elsewhere: list[Problem] = []
    routing = read_folder_routing(folder, elsewhere)
    wrong = bool(elsewhere) or (routing is not None and bool(routing.problems))
    unread = [Problem(str(folder / "routing.yaml"), 1, 1, "", None, UNCHECKED)] if wrong else []
    reps = None if routing is None or wrong else routing.routing
    return Checked(
        file=str(file),
        mistakes=tuple(mistakes),
        warnings=(*unread, *(lints(good, reps) if good else ())),
        about=() if good is None else (_about(good.notify),),
    )


def _about(notify: Notify) -> str:
    return f"{counted(len(notify.channels), 'channel')}, {counted(len(notify.rules), 'rule')}"
