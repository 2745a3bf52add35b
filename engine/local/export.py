"""`heatline export`: the current score of every lead, as `lead-scores` has it now.

The topic is read committed, from its beginning to its end at the start of the command; of each lead the last record
counts, and a tombstone takes it out. What is held meanwhile lies in a temporary database of this process, on the disk
where it is large, so memory does not grow with the number of leads.
"""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.core.flow import Record
from engine.core.records import LeadScore
from engine.local.scorefile import Format, check, opened, write
from engine.local.scoretable import instant_ms
from engine.readmodel.events import SCORES, decode_score, project
from engine.readmodel.port import LeadErased, LeadGone, LeadScored
from engine.stream.settings import StreamSettings
from engine.stream.whole import every_record, topic_reader


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which leads are meant; what is empty means any. `since_ms`: they did something at or after this instant."""

    bands: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    since_ms: int | None = None

    def takes(self, score: LeadScore) -> bool:
        """Whether a lead with this score is meant."""
        if self.since_ms is not None:
            seen_ms = instant_ms(score.last_seen)
            if seen_ms is None or seen_ms < self.since_ms:
                return False
        return (
            (not self.bands or score.band in self.bands)
            and (not self.stages or score.stage in self.stages)
            and (not self.owners or score.owner in self.owners)
        )


@dataclass(frozen=True, slots=True)
class Exported:
    """How many leads were written, of how many that have a score; `unreadable` records were left out."""

    written: int
    leads: int
    unreadable: int


class Latest:
    """The last score event of each lead."""

    def __init__(self) -> None:
        """None yet."""
        # Without a name SQLite keeps it in memory while it is small, then in a file that goes with the connection.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE scores (lead TEXT PRIMARY KEY, event BLOB NOT NULL) WITHOUT ROWID")
        self._database.execute("BEGIN")
        self.unreadable = 0

    def take(self, record: Record) -> None:
        """Take a record of `lead-scores` that comes behind all that were taken."""
        change = project(record)
        if isinstance(change, LeadScored):
            self._database.execute("INSERT OR REPLACE INTO scores VALUES (?, ?)", (change.lead, change.event))
        elif isinstance(change, LeadGone | LeadErased):
            self._database.execute("DELETE FROM scores WHERE lead = ?", (change.lead,))
        else:
            self.unreadable += 1

    def __len__(self) -> int:
        """How many leads have a score."""
        (count,) = self._database.execute("SELECT count(*) FROM scores").fetchone()
        return int(count)

    def scores(self) -> Iterator[LeadScore]:
        """The scores, ordered by lead."""
        for (event,) in self._database.execute("SELECT event FROM scores ORDER BY lead"):
            yield decode_score(event).data

    def close(self) -> None:
        """Forget everything."""
        self._database.close()


async def export(settings: StreamSettings, wanted: Wanted, form: Format, out: Path | None) -> Exported:
    """Write the scores that are wanted to the file `out`, None: to standard output.

    Raises LocalError where that cannot be done, ClusterError where the topic cannot be read; then `out` is as it was.
    """
    check(form, out)
    with closing(Latest()) as latest:
        async with topic_reader(settings, SCORES) as reader:
            records: AsyncIterator[Record] = every_record(reader)
            async for record in records:
                latest.take(record)
        with opened(out) as file:
            written = write((score for score in latest.scores() if wanted.takes(score)), form, file)
        return Exported(written, len(latest), latest.unreadable)
