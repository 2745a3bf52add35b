"""The commands `heatline routing …` and `heatline route`: what config/routing.yaml is worth, before it is used."""

from pathlib import Path
from typing import Annotated

import typer

from engine.launch import MISUSED, end, plain_errors, tell_checked

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

    tell_checked(lambda: check_routing(config), strict=strict)


def route(
    lead: Annotated[Path | None, typer.Option(help="JSON: a record of lead-scores, or fields of a lead")] = None,
    zip_: Annotated[str | None, typer.Option("--zip", help="of the lead, as the options that follow")] = None,
    country: Annotated[str | None, typer.Option()] = None,
    state: Annotated[str | None, typer.Option()] = None,
    county: Annotated[str | None, typer.Option()] = None,
    city: Annotated[str | None, typer.Option()] = None,
    language: Annotated[str | None, typer.Option()] = None,
    product: Annotated[str | None, typer.Option()] = None,
    owner: Annotated[str | None, typer.Option(help="the rep who has it")] = None,
    total: Annotated[float | None, typer.Option(help="its score")] = None,
    at: Annotated[str | None, typer.Option(help="RFC 3339; when it asks, now if not given")] = None,
    config: Annotated[Path, typer.Option(help="folder of routing.yaml, model.yaml, events.yaml")] = Path("config"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="the record, for programs")] = False,
) -> None:
    """Who would get such a lead while nobody has one, by which rule, and why not everybody else; nothing is changed."""
    import json
    import time

    import msgspec

    from engine.configuration import load_folder
    from engine.core.instants import from_rfc3339
    from engine.local.dryrun import decide, lead_of, lines, request_of

    try:
        at_ms = int(time.time() * 1000) if at is None else from_rfc3339(at)
    except ValueError:
        end(f"--at = {at!r}: expected a time such as 2026-11-23T04:30:00Z", MISUSED)
    said = {
        "zip": zip_,
        "country": country,
        "state": state,
        "county": county,
        "city": city,
        "language": language,
        "product": product,
        "owner": owner,
        "total": total,
    }
    with plain_errors():
        configuration = load_folder(config)
        asked = request_of(lead_of(lead, said), configuration.model, at_ms)
        assignment = decide(configuration.routing, asked, at_ms)
    # In ASCII: nothing in a lead's text may steer the terminal.
    typer.echo(json.dumps(msgspec.to_builtins(assignment)) if as_json else "\n".join(lines(assignment)))
