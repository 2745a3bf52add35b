"""The commands that put known leads in, take scores out and erase: `heatline import`, `export`, `lead add`, `erase`."""

import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.core.text import printable
from engine.launch import FAILED, MISUSED, end, once
from engine.ops.settings import Settings

lead_app = typer.Typer(help="Single leads.", no_args_is_help=True)

Topic = Annotated[str, typer.Option(help="where events go")]
_PAIR = re.compile(r"([^=]*[^=\s][^=]*)=(.*)", re.DOTALL)


def import_leads(
    file: Annotated[str, typer.Argument(help="CSV with a header or JSON lines, plain or gzip; - is standard input")],
    refused: Annotated[Path | None, typer.Option(help="write the rows that are refused to this CSV file")] = None,
    topic: Topic = "visitor-events",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check everything, send nothing")] = False,
) -> None:
    """Send known leads and their past into visitor-events; exit status 1 if a row is refused."""
    from rich.console import Console

    from engine.connecting import stream_settings
    from engine.local.importing import Imported, Target
    from engine.local.importing import import_leads as send

    async def run(settings: Settings) -> Imported:
        stream = stream_settings(settings)
        target = Target(stream.bootstrap, stream.security, topic)
        return await send(file, target, Console(stderr=True), refused=refused, dry_run=dry_run)

    if once(run).refused:
        raise typer.Exit(FAILED)


@lead_app.command("add")
def lead_add(
    user: Annotated[str | None, typer.Option(help="its userId; a fresh one if neither this nor --email")] = None,
    email: Annotated[str | None, typer.Option(help="its address")] = None,
    phone: Annotated[str | None, typer.Option()] = None,
    first_name: Annotated[str | None, typer.Option()] = None,
    last_name: Annotated[str | None, typer.Option()] = None,
    trait: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, also address.city=Paris; repeatable")] = None,
    event: Annotated[str, typer.Option(help="what it did: call, enquiry, chat …")] = "call",
    note: Annotated[str | None, typer.Option(help="about this: properties.note of the event")] = None,
    source: Annotated[str, typer.Option(help="of the event: phone, chat, event …")] = "phone",
    topic: Topic = "visitor-events",
) -> None:
    """Add a lead of whom you heard, such as one who phones; prints its id."""
    from engine.connecting import stream_settings
    from engine.core.decode import SOURCES
    from engine.local.importing import Target
    from engine.local.newlead import Contact, add_lead

    if source not in SOURCES:
        end(f"--source = {source!r}: expected one of {', '.join(sorted(SOURCES))}", MISUSED)
    given = {"userId": user, "email": email, "phone": phone, "firstName": first_name, "lastName": last_name}
    values = {name: value for name, value in given.items() if value is not None}
    for pair in trait or []:
        found = _PAIR.fullmatch(pair)
        if found is None or found[1] in values:
            end(f"--trait = {pair!r}: expected NAME=VALUE, each name once, such as company=Example", MISUSED)
        values[found[1]] = found[2]
    contact = Contact(values, event, source, note)

    async def run(settings: Settings) -> str:
        stream = stream_settings(settings)
        return await add_lead(contact, Target(stream.bootstrap, stream.security, topic))

    lead = once(run)
    typer.echo(lead)
    typer.echo(
        f"{topic} has its identify and {event}; `heatline explain {shlex.quote(lead)}` shows its score", err=True
    )


def export_scores(
    form: Annotated[str, typer.Option("--format", help="csv, jsonl or parquet")] = "csv",
    out: Annotated[Path | None, typer.Option(help="write this file, at once when all is there")] = None,
    band: Annotated[list[str] | None, typer.Option(help="only leads in this band; repeatable")] = None,
    stage: Annotated[list[str] | None, typer.Option(help="only leads in this stage; repeatable")] = None,
    owner: Annotated[list[str] | None, typer.Option(help="only leads of this rep; repeatable")] = None,
    since: Annotated[str | None, typer.Option(help="only leads seen from this time on, RFC 3339")] = None,
) -> None:
    """Write the current scores, one lead a row, ordered by lead."""
    from engine.connecting import stream_settings
    from engine.core.instants import from_rfc3339
    from engine.core.model import STAGES
    from engine.local.export import Wanted, export
    from engine.local.scorefile import FORMATS

    if form not in FORMATS:
        end(f"--format = {form!r}: expected one of {', '.join(FORMATS)}", MISUSED)
    for name in stage or []:
        if name not in STAGES:
            end(f"--stage = {name!r}: expected one of {', '.join(STAGES)}", MISUSED)
    try:
        since_ms = None if since is None else from_rfc3339(since)
    except ValueError:
        end(f"--since = {since!r}: expected a time such as 2026-11-23T04:30:00Z", MISUSED)
    wanted = Wanted(tuple(band or ()), tuple(stage or ()), tuple(owner or ()), since_ms)

    async def run(settings: Settings) -> None:
        done = await export(stream_settings(settings), wanted, FORMATS[form], out)
        skipped = f"; {done.unreadable:,} records of lead-scores cannot be read" if done.unreadable else ""
        typer.echo(f"{done.written:,} of {done.leads:,} leads written{skipped}", err=True)

    once(run)


def erase(
    lead: Annotated[str, typer.Argument(help="any id of it: a userId, an anonymousId, email:ADDRESS")],
    reason: Annotated[str, typer.Option(help="for the receipt, without anything personal")] = "asked for",
    wait: Annotated[float, typer.Option(min=1, max=3_600, help="seconds to wait for the receipt")] = 60.0,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Erase a person under all their ids, for good; prints the receipt, exit status 1 if none came."""
    from engine.connecting import erasure_pseudonym, read_catalog, stream_settings
    from engine.local.erase import asked, kept_by_time, lead_id
    from engine.local.erase import erase as ask_for
    from engine.local.reading import wall_clock_ms
    from engine.ops.settings import MAKE_ERASURE_KEY

    async def run(settings: Settings) -> None:
        pseudonym = erasure_pseudonym(settings)
        if pseudonym is None:
            told = f"make one with {MAKE_ERASURE_KEY}, keep it for good, and give it to every worker and projector, too"
            end(f"nobody can be erased without privacy.erasure_key (or erasure_key_file): {told}", MISUSED)
        catalog, known_as = read_catalog(settings), lead_id(lead)
        if not yes:
            confirm_erasure(known_as)
        message, hashed = asked(known_as, reason, catalog, wall_clock_ms()), pseudonym(known_as)
        found = await ask_for(message, hashed, stream_settings(settings), wait)
        if found is None:
            end(
                f"no receipt came within {wait:g} s, so it is not certain that the lead was erased; a worker that runs"
                " with the same privacy.erasure_key will do it. Ask again until a receipt comes; a refusal stands in"
                " `heatline dead-letters list`",
                FAILED,
            )
        typer.echo(found.event)
        typer.echo(f"erased as of {found.data.at}; its id is known by the hash {hashed} only", err=True)
        typer.echo("What was written before stays in these topics until their time is over:", err=True)
        for line in kept_by_time(catalog, message.at):
            typer.echo(f"  {line}", err=True)
        typer.echo("Backups are yours to clean; a copy of the key is needed for what comes back from them.", err=True)

    once(run)


def confirm_erasure(lead: str) -> None:
    """Ask whoever sits at the terminal; ends the command unless that is a yes."""
    if not sys.stdin.isatty():
        end("erasing cannot be undone: expected --yes where nobody can be asked", MISUSED)
    if not typer.confirm(f"Erase {printable(lead)} and all that is known of this person, for good?", err=True):
        end("nothing was erased", FAILED)
