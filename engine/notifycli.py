"""The commands `heatline notifier` and `heatline notify …`: who is told of what, and what could not be sent."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.launch import MISUSED, NOT_FOUND, end, once, serve, tell_checked
from engine.ops.settings import Settings

notify_app = typer.Typer(help="Check who is told of what; see and repeat what could not be sent.", no_args_is_help=True)

Channel = Annotated[str | None, typer.Option(help="only of this channel")]


def notifier() -> None:
    """Tell webhooks, Slack, mail and others of alerts, assignments and more, as config/notify.yaml says."""
    from engine.app.notifier import run_notifier

    serve("notifier", run_notifier)


@notify_app.command("check")
def notify_check(
    config: Annotated[Path, typer.Option(help="folder of notify.yaml and routing.yaml")] = Path("config"),
    *,
    strict: Annotated[bool, typer.Option("--strict", help="fail for warnings, too")] = False,
) -> None:
    """Every mistake in one run, and what is surely not meant; exit status 1 if the file cannot be used."""
    from engine.local.notifyfiles import check_notify

    tell_checked(lambda: check_notify(config), strict=strict)


@notify_app.command("list")
def notify_list(
    channel: Channel = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="the newest so many")] = 100,
) -> None:
    """The newest that could not be sent, and why: a table on a terminal, JSON lines elsewhere.

    Standard error says what waits, since when, and which receivers fail or are disabled.
    """
    import msgspec
    from rich.console import Console

    from engine.connecting import notify_store
    from engine.notify.port import Dead
    from engine.notify.terminal import described, summary, table

    async def ask(settings: Settings) -> tuple[list[Dead], list[str]]:
        async with notify_store(settings) as store:
            told = summary(await store.counts(), await store.waiting(), await store.disabled())
            return await store.dead(limit, channel), told

    letters, told = once(ask)
    if sys.stdout.isatty():
        Console().print(table(letters))
    else:
        for letter in letters:
            typer.echo(msgspec.json.encode(described(letter)))
    typer.echo("\n".join(told), err=True)


@notify_app.command("retry")
def notify_retry(
    keys: Annotated[list[str] | None, typer.Argument(help="as `heatline notify list` shows them")] = None,
    channel: Channel = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="all of them")] = False,
) -> None:
    """Send again what could not be sent; receivers that wanted nothing more are tried again."""
    import time

    from engine.connecting import notify_store
    from engine.notify.port import DEAD_MAX

    if not (keys or channel or everything):
        end("which ones? expected keys, --channel or --all", MISUSED)

    async def retry(settings: Settings) -> int:
        async with notify_store(settings) as store:
            found = keys or [letter.entry.key for letter in await store.dead(DEAD_MAX, channel)]
            return await store.retry(found, int(time.time() * 1000))

    retried = once(retry)
    typer.echo(f"{retried} to be sent again", err=True)
    if keys and retried < len(keys):
        end(f"{len(keys) - retried} not there; `heatline notify list` shows what is", NOT_FOUND)
