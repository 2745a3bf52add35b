"""The commands `heatline token …`: who may open the board."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from engine.launch import MISUSED, NOT_FOUND, end, once
from engine.ops.settings import Settings

token_app = typer.Typer(help="Who may open the board and use its API.", no_args_is_help=True)


@token_app.command("add")
def token_add(
    name: Annotated[str, typer.Argument(help="whose it is, for people: Ann Lee")],
    role: Annotated[str, typer.Option(help="rep: its own leads; manager: those of its regions; operator: sees all")],
    rep: Annotated[str | None, typer.Option(help="the rep of routing.yaml who that is")] = None,
    region: Annotated[list[str] | None, typer.Option(help="a manager's region; * for all; repeatable")] = None,
    expires: Annotated[str | None, typer.Option(help="good for this long only, such as 90d")] = None,
    *,
    personal: Annotated[bool, typer.Option("--personal", help="an operator may know who the leads are")] = False,
) -> None:
    """Let somebody in: prints the token, this once. The board knows it within two seconds."""
    from engine.core.instants import parse_duration, to_rfc3339
    from engine.core.reader import unknown
    from engine.local.accessfiles import change_access
    from engine.local.reading import wall_clock_ms
    from engine.web.gate.access import ROLES
    from engine.web.gate.accessfile import Entry, mistakes

    known = next((one for one in ROLES if one == role), None)
    if known is None:
        end(f'--role = "{role}": {unknown(role, ROLES)}', MISUSED)
    regions = tuple(dict.fromkeys(region or ()))
    _check_texts([("NAME", name), ("--rep", rep), *(("--region", one) for one in regions)])
    for key, message in mistakes(known, rep, regions, personal=personal):
        end(f"--{'region' if key == 'regions' else key}: {message}", MISUSED)
    now_ms = wall_clock_ms()
    try:
        expires_ms = None if expires is None else now_ms + parse_duration(expires)
        until = "" if expires_ms is None else f", good until {to_rfc3339(expires_ms)}"
    except (ValueError, OverflowError):
        end(f'--expires = "{expires}": expected a duration such as 90d or 12h', MISUSED)
    entry = Entry(name, known, "", rep, regions, personal, now_ms, expires_ms)

    async def add(settings: Settings) -> str:
        _check_routing(settings, rep, regions)
        number, token = change_access(settings.access.file, lambda held: held.adding(entry))
        _audit(settings, "token.add", number)
        typer.echo(f"{number} in {settings.access.file}: {name}, {known}{until}; shown this once:", err=True)
        return token

    typer.echo(once(add))


@token_app.command("list")
def token_list() -> None:
    """Who may come in: a table on a terminal, JSON lines elsewhere; no token, which nobody knows any more."""
    import msgspec
    from rich.console import Console

    from engine.local.accessfiles import exposed, listed_tokens, read_access, table

    async def read(settings: Settings) -> list[dict[str, object]]:
        warning = exposed(settings.access.file)
        if warning is not None:
            typer.echo(warning, err=True)
        return listed_tokens(read_access(settings.access.file))

    rows = once(read, log__level="error")
    if sys.stdout.isatty():
        Console().print(table(rows))
    else:
        for row in rows:
            typer.echo(msgspec.json.encode(row))


@token_app.command("revoke")
def token_revoke(
    number: Annotated[str, typer.Argument(metavar="ID", help="as `heatline token list` shows it")],
) -> None:
    """Let somebody in no more, nor go on with a session: the board knows within two seconds."""
    from engine.core.reader import unknown
    from engine.local.accessfiles import change_access
    from engine.web.gate.accessfile import AccessFile

    def remove(held: AccessFile) -> tuple[AccessFile, str]:
        if number not in held.entries:
            end(
                f"ID = {number!r}: {unknown(number, held.entries) if held.entries else 'there are no tokens'}",
                NOT_FOUND,
            )
        return held.without(number), held.entries[number].name

    async def revoke(settings: Settings) -> str:
        name = change_access(settings.access.file, remove)
        _audit(settings, "token.revoke", number)
        return name

    name = once(revoke)
    typer.echo(f"{number} of {name} is revoked", err=True)


def _check_texts(texts: Sequence[tuple[str, str | None]]) -> None:
    from engine.core.reader import NAME_MAX

    for flag, text in texts:
        if text is not None and not (0 < len(text) <= NAME_MAX and text.isprintable() and text == text.strip()):
            end(f"{flag} = {text[:NAME_MAX]!r}: expected 1 to {NAME_MAX} printable characters", MISUSED)


def _check_routing(settings: Settings, rep: str | None, regions: Sequence[str]) -> None:
    """Ends the command for a rep or region that routing.yaml, where it can be read, does not have."""
    from engine.local.accessfiles import unknown_names
    from engine.web.gate.access import ALL_REGIONS

    for flag, message in unknown_names(settings.paths.routing, rep, [one for one in regions if one != ALL_REGIONS]):
        end(f"{flag}: {message} in {settings.paths.routing}", MISUSED)


def _audit(settings: Settings, action: str, number: str) -> None:
    """Tells the audit file, where there is one, that whoever runs this command changed who may come in."""
    import os
    from pathlib import Path

    from engine.web.gate.audit import Audit

    if settings.access.audit_file:
        audit = Audit(Path(settings.access.audit_file))
        audit.write(None, f"command of user {os.getuid()}", action, outcome=number)
        audit.close()
