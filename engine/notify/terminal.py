"""What could not be sent, for people and for programs; nothing in it is obeyed by a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from engine.core.instants import to_rfc3339
from engine.core.text import printable
from engine.notify.port import Counts, Dead, Queue
from engine.ops.logs import lead_hash

COLUMNS = ("since", "channel", "to", "record", "lead", "attempts", "why", "key")


def described(letter: Dead) -> dict[str, Any]:
    """A dead letter without what is in it: of the lead only a hash."""
    entry = letter.entry
    return {
        "since": to_rfc3339(letter.at_ms),
        "channel": printable(entry.queue.channel),
        "to": printable(entry.queue.target),
        "record": entry.kind,
        "lead": lead_hash(entry.pseudonym),
        "attempts": letter.attempts,
        "why": printable(letter.why),
        "key": entry.key,
        "id": printable(entry.id),
    }


def table(letters: Sequence[Dead]) -> Table:
    """Dead letters, a row each."""
    made = Table(*COLUMNS, box=None, header_style="bold")
    for letter in letters:
        values = described(letter)
        made.add_row(*(Text(str(values[column])) for column in COLUMNS))
    return made


def summary(counts: Counts, disabled: Mapping[Queue, str]) -> list[str]:
    """How much waits and failed, and which receivers want nothing more."""
    lines = [f"{counts.pending:,} waiting, {counts.dead:,} dead letters"]
    for queue, why in disabled.items():
        to = f" to {queue.target}" if queue.target else ""
        lines.append(printable(f"channel {queue.channel}{to} is disabled: {why}; a retry enables it"))
    return lines
