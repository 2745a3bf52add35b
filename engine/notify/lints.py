"""What in a notify.yaml that can be used is surely not meant."""

from collections.abc import Iterator, Mapping
from typing import cast

from engine.core.reader import listed
from engine.core.source import Node, Problem
from engine.notify.config import REP_EMAIL, Mail, Notify, Webhook
from engine.notify.notifyfile import NotifyFile
from engine.notify.records import REP, has
from engine.routing.config import Routing


def lints(found: NotifyFile, routing: Routing | None) -> tuple[Problem, ...]:
    """What to look at, in order of place; `routing` where it is known."""
    notify, root = found.notify, found.root
    told = [*_channels(notify, root), *_rules(notify, root), *_reps(notify, root, routing)]
    problems = [Problem.of_key(found.reader.file, node, why) for node, why in told]
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))


def _channels(notify: Notify, root: Node) -> Iterator[tuple[Node, str]]:
    used = {name for rule in notify.rules for name in rule.to}
    for name, way in notify.channels.items():
        node = _at(root, "channels", name)
        if name not in used:
            yield node, "no rule uses this channel"
        if isinstance(way, Webhook) and way.url.startswith("http:"):
            yield node, "everybody on the way can read what is sent by http: use https"


def _rules(notify: Notify, root: Node) -> Iterator[tuple[Node, str]]:
    for place, rule in enumerate(notify.rules):
        without = sorted(kind for kind in rule.records if not has(kind, REP))
        for name in rule.to:
            way = notify.channels[name]
            if without and isinstance(way, Mail) and way.to == (REP_EMAIL,):
                yield (
                    _at(root, "rules", place),
                    f"{listed(without)} has no rep, so that `{name}` tells nobody of it: name another channel",
                )


def _reps(notify: Notify, root: Node, routing: Routing | None) -> Iterator[tuple[Node, str]]:
    silent = [name for name, rep in (routing.reps if routing else {}).items() if not rep.email]
    for name, way in notify.channels.items():
        if silent and isinstance(way, Mail) and REP_EMAIL in way.to:
            yield _at(root, "channels", name), f"routing.yaml has no e-mail address of {listed(silent)}"


def _at(root: Node, section: str, key: str | int) -> Node:
    """An entry of a section of a file that can be used."""
    inside = cast("dict[str, Node]", root.value)[section].value
    return cast("Mapping[str | int, Node]", inside)[key]
