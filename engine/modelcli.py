"""The commands `heatline model …`: what a model is worth, before it runs."""

from pathlib import Path
from typing import Annotated

import typer

from engine.launch import FAILED, MISUSED, IpDatabase, end, locator, plain_errors, tell_checked

DIFFERS = 1
model_app = typer.Typer(help="Check, test and compare what config/ says.", no_args_is_help=True)

Config = Annotated[Path, typer.Option(help="folder of model.yaml, routing.yaml, events.yaml")]


@model_app.command("check")
def model_check(
    config: Config = Path("config"),
    *,
    strict: Annotated[bool, typer.Option("--strict", help="fail for warnings, too")] = False,
) -> None:
    """Every mistake of the files in one run, and what is surely not meant; exit status 1 if they cannot be used."""
    from engine.local.modelcheck import check_folder

    tell_checked(lambda: check_folder(config), strict=strict)


@model_app.command("test")
def model_test(
    files: Annotated[list[Path] | None, typer.Argument(help="of tests; tests/*.yaml of the folder if none")] = None,
    config: Config = Path("config"),
    ip_database: IpDatabase = None,
) -> None:
    """Replay each test's events and compare; exit status 1 if one fails."""
    from engine.configuration import load_folder
    from engine.local.modeltest import read_tests, run_test

    with plain_errors():
        configuration = load_folder(config, locator(ip_database))
        chosen = files or sorted((config / "tests").glob("*.yaml"))
        jobs = configuration.jobs(1)
        tests = read_tests(chosen, configuration.model, configuration.routing, jobs)
    if not tests:
        end(f"no test in {config / 'tests'}/*.yaml: config/README.md says how to write one", FAILED)
    failed = 0
    for test in tests:
        told = run_test(configuration.model, jobs, test)
        failed += bool(told)
        if told:
            typer.echo(f"{test.place}: {test.name}: failed")
            typer.echo("\n".join(f"  {line}".rstrip() for line in told))
    typer.echo(f"{len(tests) - failed} passed, {failed} failed")
    if failed:
        raise typer.Exit(FAILED)


@model_app.command("diff")
def model_diff(
    old: Annotated[Path, typer.Argument(help="a folder, or a model.yaml")],
    new: Annotated[Path, typer.Argument(help="likewise")],
    events: Annotated[Path | None, typer.Argument(help="JSON lines to replay with both")] = None,
    until: Annotated[str | None, typer.Option(help="RFC 3339; run the clock of the replay on to here")] = None,
    ip_database: IpDatabase = None,
) -> None:
    """What NEW states otherwise than OLD, and what it makes of EVENTS; exit status 0: nothing, 1: something."""
    from engine.configuration import load_configuration
    from engine.core.instants import from_rfc3339
    from engine.local.configfile import read_root
    from engine.local.modeldiff import Replay, changes, compare
    from engine.local.simulate import read_lines

    try:
        until_ms = None if until is None else from_rfc3339(until)
    except ValueError:
        end(f"--until = {until!r}: expected a time such as 2026-11-23T04:30:00Z", MISUSED)
    with plain_errors():
        files = _files(old, new), _files(new, old)
        locate = locator(ip_database)
        loaded = [load_configuration(*one, locate) for one in files]
        roots = [[read_root(file) for file in one[:2]] for one in files]
        told = [str(change) for change in changes(roots[0][0], roots[1][0])]
        told += [f"{change} (events.yaml)" for change in changes(roots[0][1], roots[1][1])]
        if events is not None:
            replays = [Replay(one.model, one.jobs(1)) for one in loaded]
            for replay in replays:
                replay.feed(read_lines([events]))
            told += compare(replays[0], replays[1], until_ms)
    for line in told:
        typer.echo(line)
    if told:
        raise typer.Exit(DIFFERS)


def _files(path: Path, other: Path) -> tuple[Path, Path, Path]:
    """Those of a folder. A model alone goes with what stands beside it, else with the events.yaml of the `other`."""
    if path.is_dir():
        return path / "model.yaml", path / "events.yaml", path / "routing.yaml"
    folder = path.parent
    beside = folder if (folder / "events.yaml").exists() else other if other.is_dir() else other.parent
    return path, beside / "events.yaml", folder / "routing.yaml"
