"""`heatline import`: known leads, and what they did before, from a file into `visitor-events`.

What is sent has the source `import`: it fires nothing, however old it is. A row that cannot be imported is told with
its place and what would be right, and the others go on.
"""

import asyncio
import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from engine.core.cells import defused
from engine.core.text import clean
from engine.local.errors import LocalError
from engine.local.feed import progress_bar
from engine.local.leadfile import Line, read_leads
from engine.local.leadrow import Refused
from engine.local.lines import Message
from engine.local.logfile import LogFile, open_log
from engine.local.producer import Sender, connected_producer
from engine.local.reading import EXAMPLES_MAX
from engine.local.topic import retention_ms

BATCH = 500
COLUMNS = ("file", "line", "column", "value", "reason", "row")
_CELL_CHARS_MAX = 32_000
"""A spreadsheet's cell takes a little more."""
_EXAMPLE_CHARS_MAX = 400


class Target(NamedTuple):
    """Where leads go: the topic at a broker; `security` is aiokafka's."""

    bootstrap: str
    security: Mapping[str, Any] | None = None
    topic: str = "visitor-events"


@dataclass
class Imported:
    """What became of the rows. When all is done, read = acknowledged + refused; `examples`: the first refused."""

    read: int = 0
    acknowledged: int = 0
    refused: int = 0
    examples: list[str] = field(default_factory=list)


class Refusals:
    """Counts what is refused, and writes it down where there is a `report`."""

    def __init__(self, name: str, imported: Imported, report: Any) -> None:
        self._name = name
        self.imported = imported
        self._report = report

    def add(self, line: Line, refused: Refused) -> None:
        """Take a row that is not imported."""
        self.imported.refused += 1
        if len(self.imported.examples) < EXAMPLES_MAX:
            told = f"{self._name}:{line.number}: {refused}"
            self.imported.examples.append(clean(told, _EXAMPLE_CHARS_MAX))
        if self._report is not None:
            # What a cell cannot hold is shown as it is written in programs.
            row = line.text.replace("\t", "\\t").replace("\n", "\\n")
            said = (refused.column, refused.value, refused.reason, row)
            cells = [defused(text[:_CELL_CHARS_MAX]) for text in (self._name, *said)]
            self._report.writerow([cells[0], line.number, *cells[1:]])


async def import_leads(
    path: str, target: Target, console: Console, *, refused: Path | None = None, dry_run: bool = False
) -> Imported:
    """Send what the file at `path` (`-`: standard input) says of leads; say on `console` what became of it.

    Rows that are not imported are written to the CSV file `refused`. `dry_run`: all is checked, nothing sent. Raises
    LocalError where the file or the broker fails; what was sent before that is said, and sending it again counts once.
    """
    imported = Imported()
    with open_log(path, twice=False) as log, _report(refused, path) as report, progress_bar(console) as progress:
        batches = _batches(log, progress, Refusals(log.name, imported, report))
        try:
            if dry_run:
                for _ in batches:
                    pass
            else:
                await _send(batches, target, imported)
        finally:
            progress.stop()
            _say(imported, None if dry_run else target.topic, console, refused)
    return imported


def _batches(log: LogFile, progress: Progress, refusals: Refusals) -> Iterator[list[Message]]:
    """What is to be sent, in the order of the file; what is refused goes to `refusals`."""
    task = progress.add_task("importing", total=log.size)
    leads = read_leads(chain.from_iterable(log.blocks()), log.name)
    while lines := list(islice(leads, BATCH)):
        messages = []
        for line in lines:
            refusals.imported.read += 1
            if isinstance(line.made, Refused):
                refusals.add(line, line.made)
            else:
                messages.append(line.made)
        yield messages
        if log.size is not None:
            progress.update(task, completed=log.position())


async def _send(batches: Iterator[list[Message]], target: Target, imported: Imported) -> None:
    # Asked so that a missing topic is said before the first row is read.
    await retention_ms(target.bootstrap, target.topic, target.security)
    sender: Sender | None = None
    try:
        async with connected_producer(target.bootstrap, target.security) as producer:
            sender = Sender(producer, target.topic)
            # In a thread, since a pipe may be slow and what is already on its way must not wait for it.
            while (messages := await asyncio.to_thread(next, batches, None)) is not None:
                for message in messages:
                    await sender.send(message)
            await sender.drain()
    finally:
        imported.acknowledged = 0 if sender is None else sender.acknowledged


@contextmanager
def _report(path: Path | None, read: str) -> Iterator[Any]:
    """A CSV writer of what is refused, None where nobody wants it. Raises LocalError where it cannot be written."""
    if path is None:
        yield None
        return
    try:
        if path.exists() and read != "-" and path.samefile(read):
            raise LocalError(f"{path} is the file that is imported; name another one for what is refused")
        opened = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise LocalError(f"{path} cannot be written: {error.strerror}") from error
    with opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(COLUMNS)
        yield writer


def _say(imported: Imported, topic: str | None, console: Console, report: Path | None) -> None:
    good = imported.read - imported.refused
    done = f"{good:,} good" if topic is None else f"{imported.acknowledged:,} acknowledged by {topic}"
    left = 0 if topic is None else good - imported.acknowledged
    not_sent = f" + {left:,} not acknowledged" if left else ""
    nothing = "; nothing was sent" if topic is None else ""
    total = f"{imported.read:,} rows read = {done} + {imported.refused:,} refused{not_sent}{nothing}"
    console.print(Text(total), soft_wrap=True)
    for example in imported.examples:
        console.print(Text(f"  {example}"), soft_wrap=True)
    if imported.refused > len(imported.examples):
        where = "with --refused FILE all are written down" if report is None else f"all are in {report}"
        console.print(Text(f"  and {imported.refused - len(imported.examples):,} more; {where}"), soft_wrap=True)
    if left:
        console.print(Text("  import the file again within a day: what arrived counts once"), soft_wrap=True)
