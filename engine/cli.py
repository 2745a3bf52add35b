"""The command `heatline`: every role of the program, each a few lines that call what does the work."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Real-time lead scoring: visitor events in, a live and explained score, an alert and a rep out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
FAILED = 1
MISUSED = 2


@app.callback()
def heatline() -> None:
    """Heatline, one program for every role."""


def main() -> None:
    """Run the command that the arguments name."""
    app()


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors that a user can mend end in their message, not in a traceback."""
    from engine.core.source import ConfigError
    from engine.local.simulate import SimulateError

    try:
        yield
    except (ConfigError, SimulateError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(MISUSED) from None


@app.command()
def simulate(
    files: Annotated[list[Path] | None, typer.Argument(help="JSON lines; standard input if none")] = None,
    config: Annotated[Path, typer.Option(help="folder of model.yaml, routing.yaml, events.yaml")] = Path("config"),
    until: Annotated[str | None, typer.Option(help="RFC 3339; run the clock on to here")] = None,
    partitions: Annotated[int, typer.Option(min=1, max=10_000, help="of visitor-events and lead-inbox")] = 1,
    *,
    final: Annotated[bool, typer.Option("--final", help="end with every lead's score")] = False,
    internal: Annotated[bool, typer.Option("--internal", help="print internal messages, too")] = False,
) -> None:
    """The whole product as a function: events in, scores, alerts and assignments out."""
    from engine.configuration import load_folder
    from engine.local import simulate as simulation

    with plain_errors():
        configuration = load_folder(config)
        simulation.run(
            configuration.model,
            configuration.jobs(partitions),
            simulation.read_lines(files or []),
            sys.stdout.buffer,
            partitions=partitions,
            until=until,
            final=final,
            internal=internal,
        )
