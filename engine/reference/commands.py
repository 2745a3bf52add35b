"""The page of commands: the command line's own tree."""

from collections.abc import Iterator
from typing import Any

import typer

from engine.reference.markdown import code, flat, page, table


def commands_page(app: typer.Typer, epilog: str) -> str:
    """Every command with its arguments and options."""
    parts: list[str] = []
    for name, command in _leaves("heatline", typer.main.get_command(app)):
        rows = [(_spelled(one), flat(getattr(one, "help", "")), _default(one)) for one in _parameters(command)]
        usage = " ".join([name, *(_usage(one) for one in _parameters(command) if one.param_type_name == "argument")])
        parts += [f"## {name}", flat(command.help), code(usage), table(("", "what it is", "default"), rows)]
    return page("Commands", f"{epilog} `--help` behind any command says what stands here.", *parts)


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for own, one in inner.items():
        yield from _leaves(f"{name} {own}", one)


def _parameters(command: Any) -> list[Any]:
    return [one for one in command.params if one.name != "help"]


def _usage(argument: Any) -> str:
    shown = argument.name.upper() + ("…" if argument.nargs == -1 else "")
    return shown if argument.required else f"[{shown}]"


def _spelled(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return code(parameter.name.upper())
    return ", ".join(code(one) for one in parameter.opts)


def _default(parameter: Any) -> str:
    value = parameter.default
    return "" if value in (None, False, ()) or callable(value) else code(str(value))
