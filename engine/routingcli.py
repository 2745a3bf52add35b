"""The commands `heatline routing …`: whether config/routing.yaml can be used, before it is."""

from pathlib import Path
from typing import Annotated

import typer

from engine.launch import FAILED, plain_errors

routing_app = typer.Typer(help="Check what config/routing.yaml says.", no_args_is_help=True)


@routing_app.callback()
def routing() -> None:
    """Check what config/routing.yaml says."""


@routing_app.command("check")
def routing_check(
    config: Annotated[Path, typer.Option(help="folder of routing.yaml, model.yaml, events.yaml")] = Path("config"),
    *,
    strict: Annotated[bool, typer.Option("--strict", help="fail for warnings, too")] = False,
) -> None:
    """Every mistake in one run, and what is surely not meant; exit status 1 if the file cannot be used."""
    from engine.local.routingcheck import check_routing

    with plain_errors():
        checked = check_routing(config)
        typer.echo("\n".join(checked.lines()))
    if checked.mistakes or (strict and checked.warnings):
        raise typer.Exit(FAILED)
