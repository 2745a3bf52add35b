"""The commands `heatline doctor` and `heatline status`: what operators ask first."""

from typing import Annotated

import typer

from engine.launch import FAILED, once
from engine.ops.settings import Settings


def doctor(*, as_json: Annotated[bool, typer.Option("--json", help="one object a line, for programs")] = False) -> None:
    """Look at everything that the settings name: what is right, what is wrong and what to do; exit status 1 then."""
    import msgspec

    from engine.doctor import examine
    from engine.ops.findings import Finding, is_well, lines

    found: list[Finding] = []

    async def run(settings: Settings) -> None:
        async for finding in examine(settings):
            found.append(finding)
            typer.echo(msgspec.json.encode(finding) if as_json else "\n".join(lines([finding])))

    once(run, log__level="error")
    if not is_well(found):
        raise typer.Exit(FAILED)


def status(
    at: Annotated[
        list[str] | None,
        typer.Option(help="HOST:PORT where a worker serves /metrics; else worker.ops_port on the hosts of the group"),
    ] = None,
    *,
    single: Annotated[bool, typer.Option("--once", help="two looks, a second apart, and an end")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one object for each look, for programs")] = False,
) -> None:
    """Workers, partitions, lag, recovery and throughput, live.

    Once: exit status 1 if a partition has no worker, one is not ready, or one named with --at does not answer.
    """
    import sys
    from contextlib import aclosing, suppress

    import msgspec
    from rich.console import Console
    from rich.live import Live

    from engine.status import Status, lines, looks, picture

    def tell(found: Status) -> None:
        typer.echo(msgspec.json.encode(found) if as_json else "\n".join(lines(found)))

    async def look_twice(settings: Settings) -> bool:
        async with aclosing(looks(settings, at or (), every_s=1.0)) as found:
            await anext(found)
            last = await anext(found)
        tell(last)
        return last.is_well and not (at and any(worker.state == "silent" for worker in last.workers))

    async def follow(settings: Settings) -> None:
        async with aclosing(looks(settings, at or ())) as found:
            if as_json or not sys.stdout.isatty():
                async for one in found:
                    tell(one)
                return
            with Live(console=Console(), screen=True, auto_refresh=False) as live:
                async for one in found:
                    live.update(picture(one), refresh=True)

    if single:
        if not once(look_twice, log__level="error"):
            raise typer.Exit(FAILED)
        return
    with suppress(KeyboardInterrupt):
        once(follow, log__level="error")
