"""The command `heatline`: every role of the program, each a few lines that call what does the work.

A setting is a flag wherever it stands: `heatline worker --kafka.bootstrap=kafka-1:9092`.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.launch import FAILED, FLAGS, MISUSED, NOT_FOUND, IpDatabase, end, locator, once, plain_errors, serve
from engine.leadcli import erase, export_scores, import_leads, lead_app
from engine.modelcli import model_app
from engine.notifycli import notifier, notify_app
from engine.ops.settings import Settings, describe
from engine.opscli import doctor, status
from engine.routingcli import route, routing_app
from engine.tokencli import token_app

if TYPE_CHECKING:
    from engine.stream.letters import Wanted

EPILOG = (
    "Settings stand in config/heatline.toml (--settings FILE names another), in the environment "
    "(HEATLINE_KAFKA_BOOTSTRAP) and in flags (--kafka.bootstrap=HOST:PORT), the later wins; see `heatline settings`."
)

app = typer.Typer(
    help="Real-time lead scoring: visitor events in, a live and explained score, an alert and a rep out.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
topics_app = typer.Typer(help="The topics of topics/catalog.yaml.", no_args_is_help=True)
letters_app = typer.Typer(help="Records that could not be processed.", no_args_is_help=True)
app.add_typer(model_app, name="model")
app.add_typer(routing_app, name="routing")
app.add_typer(notify_app, name="notify")
app.add_typer(lead_app, name="lead")
app.add_typer(token_app, name="token")
app.add_typer(topics_app, name="topics")
app.add_typer(letters_app, name="dead-letters")


def main() -> None:
    """Run the command that the arguments name."""
    app(args=FLAGS.take(sys.argv[1:]), prog_name="heatline")


@app.command()
def demo(
    duration: Annotated[str | None, typer.Option("--for", help="end after this long, such as 30s")] = None,
    rate: Annotated[float, typer.Option(min=0.1, max=1_000, help="simulated events a second")] = 20.0,
    seed: Annotated[int, typer.Option(help="of the simulated visitors")] = 1,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="of the board; 0: any free one")] = None,
) -> None:
    """Everything on this machine: a broker in memory, a worker, the board and a simulated site."""
    from engine.core.instants import parse_duration
    from engine.demo import Demo, run_demo

    try:
        seconds = None if duration is None else parse_duration(duration) / 1000
    except ValueError as error:
        end(f"--for: {error}", MISUSED)
    shown = Demo(seconds=seconds, rate=rate, seed=seed, port=port)
    serve("demo", lambda settings, stop: run_demo(settings, stop, shown))


@app.command()
def worker(
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="start although records were lost before they were read")
    ] = False,
    *,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="go on with what workers of another app id wrote; none may run any more")
    ] = False,
    alert_on_change: Annotated[
        bool, typer.Option("--alert-on-change", help="a changed model fires the alerts that the change itself sets off")
    ] = False,
) -> None:
    """Score visitors' events and route hot leads, until SIGTERM."""
    from engine.app.worker import run_worker

    serve(
        "worker",
        run_worker,
        kafka__accept_loss="true" if accept_loss else None,
        kafka__take_over="true" if take_over else None,
        worker__alert_on_change="true" if alert_on_change else None,
    )


@app.command()
def projector() -> None:
    """Follow scores, alerts and assignments into Redis."""
    from engine.app.projector import run_projection

    serve("projector", run_projection)


@app.command()
def board() -> None:
    """Show the hottest leads and the latest alerts and assignments, live."""
    from engine.app.board import run_board

    serve("board", lambda settings, stop: run_board(settings, stop, lambda address: typer.echo(f"board: {address}")))


@app.command()
def leads(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="one CloudEvent a line")] = False,
) -> None:
    """The hottest leads."""
    from engine.connecting import read_model
    from engine.readmodel.terminal import print_leads

    async def show(settings: Settings) -> None:
        async with read_model(settings) as model:
            await print_leads(model, limit, as_json=as_json)

    once(show)


@app.command()
def explain(
    lead: Annotated[str, typer.Argument(help="its id")],
    as_json: Annotated[bool, typer.Option("--json", help="the score event itself")] = False,
) -> None:
    """The arithmetic of one lead's score."""
    from engine.connecting import erasure_pseudonym, read_model
    from engine.readmodel.terminal import print_explanation

    async def show(settings: Settings) -> bool:
        async with read_model(settings) as model:
            pseudonym = erasure_pseudonym(settings)
            return await print_explanation(model, lead, pseudonym=pseudonym, as_json=as_json)

    if not once(show):
        raise typer.Exit(NOT_FOUND)


@app.command()
def feed(
    file: Annotated[str, typer.Argument(help="an access log or JSON lines, plain or gzip; - is standard input")],
    topic: Annotated[str, typer.Option()] = "visitor-events",
    rate: Annotated[float | None, typer.Option(min=0.001, help="so many events a second")] = None,
    speed: Annotated[float | None, typer.Option(min=0.001, help="so many times the log's own pace")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="so many lines at most")] = None,
    *,
    keep_times: Annotated[bool, typer.Option("--keep-times", help="do not shift times to end now")] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="print the events, for simulate")] = False,
) -> None:
    """Send an access log or JSON lines into visitor-events; as fast as it goes unless a pace is named.

    Lines that do not parse are counted and shown on standard error, and are no failure.
    """
    from rich.console import Console

    from engine.connecting import stream_settings
    from engine.local.feed import Pace, print_events
    from engine.local.feed import feed as send

    if rate is not None and speed is not None:
        end("--rate and --speed: expected one of them", MISUSED)
    console = Console(stderr=True)
    if stdout:
        with plain_errors():
            print_events(file, console, keep_times=keep_times, limit=limit)
        return

    async def run(settings: Settings) -> None:
        stream = stream_settings(settings)
        pace = Pace(rate, speed)
        await send(
            file, stream.bootstrap, console, topic=topic, pace=pace, keep_times=keep_times, limit=limit,
            security=stream.security,
        )  # fmt: skip

    once(run)


app.command("import")(import_leads)
app.command("export")(export_scores)
app.command()(erase)
app.command()(doctor)
app.command()(status)
app.command()(route)
app.command()(notifier)


@app.command()
def simulate(
    files: Annotated[list[Path] | None, typer.Argument(help="JSON lines; standard input if none")] = None,
    config: Annotated[Path, typer.Option(help="folder of model.yaml, routing.yaml, events.yaml")] = Path("config"),
    until: Annotated[str | None, typer.Option(help="RFC 3339; run the clock on to here")] = None,
    partitions: Annotated[int, typer.Option(min=1, max=10_000, help="of visitor-events and lead-inbox")] = 1,
    ip_database: IpDatabase = None,
    *,
    final: Annotated[bool, typer.Option("--final", help="end with every lead's score")] = False,
    internal: Annotated[bool, typer.Option("--internal", help="print internal messages, too")] = False,
) -> None:
    """The whole product as a function: events in, scores, alerts and assignments out."""
    from engine.configuration import load_folder
    from engine.local import simulate as simulation

    with plain_errors():
        configuration = load_folder(config, locator(ip_database))
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


@topics_app.command("apply")
def topics_apply() -> None:
    """Create missing topics and set retention and size; never delete, never shrink."""
    from engine.connecting import read_catalog, stream_settings
    from engine.stream.admin import Report, apply

    async def run(settings: Settings) -> Report:
        stream = stream_settings(settings)
        return await apply(read_catalog(settings), stream.bootstrap, stream.security)

    report = once(run)
    for kind, lines in (("created", report.created), ("altered", report.altered), ("not checked", report.unchecked)):
        for line in lines:
            typer.echo(f"{kind}: {line}")
    if report.problems:
        end("\n".join(report.problems), FAILED)
    if not (report.created or report.altered):
        typer.echo("nothing to do: the topics are those of the catalog")


@topics_app.command("check")
def topics_check() -> None:
    """Say where the cluster differs from the catalog; exit status 1 if it does."""
    from engine.connecting import read_catalog, stream_settings
    from engine.stream.admin import Findings, check

    async def run(settings: Settings) -> Findings:
        stream = stream_settings(settings)
        return await check(read_catalog(settings), stream.bootstrap, stream.security)

    findings = once(run)
    for line in findings.unchecked:
        typer.echo(f"not checked: {line}")
    if findings.disagreements:
        end("\n".join(map(str, findings.disagreements)), FAILED)
    typer.echo("the topics are those of the catalog")


Reason = Annotated[str | None, typer.Option(help="only this reason, such as json")]
Topic = Annotated[str | None, typer.Option(help="only records of this topic")]
Since = Annotated[str | None, typer.Option(help="only from this time on, RFC 3339")]


def _wanted(reason: str | None, topic: str | None, since: str | None, place: str | None = None) -> "Wanted":
    from engine.core.instants import from_rfc3339
    from engine.stream.letters import Wanted

    try:
        since_ms = None if since is None else from_rfc3339(since)
    except ValueError:
        end(f"--since = {since!r}: expected a time such as 2026-11-23T04:30:00Z", MISUSED)
    return Wanted(reason=reason, topic=topic, since_ms=since_ms, place=place)


@letters_app.command("list")
def letters_list(
    reason: Reason = None,
    topic: Topic = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="the newest so many")] = 100,
) -> None:
    """The newest dead letters: a table on a terminal, JSON lines elsewhere."""
    from rich.console import Console

    from engine.connecting import stream_settings
    from engine.stream.deadletters import listing
    from engine.stream.letters import json_line, table

    wanted = _wanted(reason, topic, since)
    found = once(lambda settings: listing(stream_settings(settings), wanted, limit))
    if sys.stdout.isatty():
        Console().print(table(found.rows))
    else:
        for row in found.rows:
            typer.echo(json_line(row))
    typer.echo(f"{len(found.rows)} of {found.matched} shown; {found.foreign} foreign records", err=True)


@letters_app.command("show")
def letters_show(
    place: Annotated[str, typer.Argument(help="TOPIC/PARTITION/OFFSET of the dead letter or of its original")],
    as_json: Annotated[bool, typer.Option("--json", help="everything, one object a line")] = False,
) -> None:
    """One dead letter with what it holds."""
    from engine.connecting import stream_settings
    from engine.stream.deadletters import find
    from engine.stream.letters import described, json_line, page

    letters = once(lambda settings: find(stream_settings(settings), place))
    for found in letters:
        letter, retried = found.letter, found.retried
        typer.echo(json_line(described(letter, retried)) if as_json else page(letter, retried))
    if not letters:
        end(f"no dead letter at {place}; `heatline dead-letters list` shows what is there", NOT_FOUND)


@letters_app.command("retry")
def letters_retry(
    place: Annotated[str | None, typer.Argument(help="one dead letter; else all that the options name")] = None,
    reason: Reason = None,
    topic: Topic = None,
    since: Since = None,
    limit: Annotated[int | None, typer.Option(min=1, help="at most so many")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="all of them")] = False,
    again: Annotated[bool, typer.Option("--again", help="also those sent again before")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be sent")] = False,
) -> None:
    """Send rejected records to their topics again, as they were."""
    from engine.connecting import stream_settings
    from engine.stream.deadletters import retry

    if not (place or reason or topic or since or everything):
        end("which ones? expected a dead letter, --reason, --topic, --since or --all", MISUSED)
    wanted = _wanted(reason, topic, since, place)
    done = once(lambda settings: retry(stream_settings(settings), wanted, again=again, dry_run=dry_run, limit=limit))
    for letter, why in done.kept:
        typer.echo(f"kept {letter}: {why}")
    for letter in done.sent:
        typer.echo(f"{'would send' if dry_run else 'sent'} {letter}")
    typer.echo(f"{len(done.sent)} {'would be sent' if dry_run else 'sent'}, {len(done.kept)} kept", err=True)
    if place and not (done.sent or done.kept):
        end(f"no dead letter at {place}; `heatline dead-letters list` shows what is there", NOT_FOUND)


@app.command("settings")
def show_settings() -> None:
    """The settings in force and where each comes from; secrets are masked."""
    with plain_errors():
        for one in describe(FLAGS.settings()):
            typer.echo(f"{one.key} = {one.value}    # {one.origin}")
