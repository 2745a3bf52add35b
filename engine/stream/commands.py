"""What `heatline topics` and `heatline dead-letters` print. Each returns whether all is well: the exit status."""

import sys
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console

from engine.core.instants import from_rfc3339, parse_duration
from engine.stream import admin, deadletters
from engine.stream.catalog import Catalog
from engine.stream.letters import Wanted, described, json_line, page, table
from engine.stream.settings import StreamSettings


async def apply_topics(catalog: Catalog, settings: StreamSettings, to: TextIO | None = None) -> bool:
    """Create and mend topics, a line for each change and each problem. Raises ClusterError."""
    report = await admin.apply(catalog, settings.bootstrap, settings.security)
    counts = catalog.partitions
    lines = [
        *(f"topic {name}: created with {counts[name]} partitions" for name in report.created),
        *(f"set {change}" for change in report.altered),
        *(f"not checked: {one}" for one in report.unchecked),
        *(f"problem: {one}" for one in report.problems),
    ]
    changed = len(report.created) + len(report.altered)
    lines.append(f"{len(counts)} topics at {settings.bootstrap}: {changed} changed, {len(report.problems)} problems")
    _say(to, lines)
    return not report.problems


async def check_topics(catalog: Catalog, settings: StreamSettings, to: TextIO | None = None) -> bool:
    """Compare the cluster with the catalog, a line for each difference. Raises ClusterError."""
    findings = await admin.check(catalog, settings.bootstrap, settings.security)
    differences = len(findings.disagreements)
    lines = [*map(str, findings.disagreements), *(f"not checked: {one}" for one in findings.unchecked)]
    lines.append(f"{len(catalog.topics)} topics at {settings.bootstrap}: {differences} differences from the catalog")
    _say(to, lines)
    return not findings.disagreements


async def list_letters(
    settings: StreamSettings, wanted: Wanted, limit: int = deadletters.LISTED_MAX, to: TextIO | None = None
) -> bool:
    """The newest dead letters: a table on a terminal, JSON lines elsewhere. Raises ClusterError."""
    out = to or sys.stdout
    found = await deadletters.listing(settings, wanted, limit)
    if not out.isatty():
        _say(to, map(json_line, found.rows))
        return True
    if found.rows:
        Console(file=out).print(table(found.rows))
    foreign = f"; {found.foreign} records there are not Heatline's" if found.foreign else ""
    _say(to, [f"{len(found.rows)} of {found.matched} dead letters{foreign}"])
    return True


async def show_letter(settings: StreamSettings, place: str, to: TextIO | None = None) -> bool:
    """All about the dead letters at a place: a page each on a terminal, JSON lines elsewhere. Raises ClusterError."""
    out = to or sys.stdout
    found = await deadletters.find(settings, place)
    if out.isatty():
        _say(to, ["\n\n".join(page(one.letter, one.retried) for one in found) or _none(place)])
    else:
        _say(to, [json_line(described(one.letter, one.retried)) for one in found])
    return bool(found)


async def retry_letters(
    settings: StreamSettings,
    wanted: Wanted,
    *,
    again: bool = False,
    dry_run: bool = False,
    limit: int | None = None,
    to: TextIO | None = None,
) -> bool:
    """Send dead letters again, a line for each; well if none had to be kept back. Raises ClusterError."""
    done = await deadletters.retry(settings, wanted, again=again, dry_run=dry_run, limit=limit)
    sent = "would be sent" if dry_run else "sent"
    _say(
        to,
        [
            *(f"{place}: {sent}" for place in done.sent),
            *(f"{place}: not sent: {' '.join(why.split())}" for place, why in done.kept),
            f"{len(done.sent)} {sent}, {len(done.kept)} not" if done.sent or done.kept else _none(wanted.place),
        ],
    )
    return not done.kept and (bool(done.sent) or wanted.place is None)


def since_ms(text: str, now_ms: int) -> int:
    """The instant that `--since` names: RFC 3339, or a duration before now. Raises ValueError."""
    try:
        return now_ms - parse_duration(text)
    except ValueError:
        pass
    try:
        return from_rfc3339(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: expected 2h, 7d or 2026-11-23T04:30:00Z") from None


def _none(place: str | None) -> str:
    return f"there is no dead letter at {place!r}" if place else "there are no such dead letters"


def _say(to: TextIO | None, lines: Iterable[str]) -> None:
    (to or sys.stdout).writelines(f"{line}\n" for line in lines)
