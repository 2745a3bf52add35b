"""What could not be sent, for people and for programs; nothing in it is obeyed by a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.table import Table
from rich.text import Text

from engine.core.instants import to_rfc3339
from engine.core.text import printable
from engine.notify.failing import command_to_enable
from engine.notify.port import Counts, Dead, Queue, Waiting
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


def summary(counts: Counts, waiting: Sequence[Waiting], disabled: Mapping[Queue, str]) -> list[str]:
    """How much waits and failed in all; for which channels, since when and why; which receivers want nothing more.

    `waiting` is in the order of receivers.
    """
    lines = [f"{counts.pending:,} waiting, {counts.dead:,} dead letters", *_by_channel(waiting)]
    for queue, why in disabled.items():
        to = f" to {queue.target}" if queue.target else ""
        lines.append(f"channel {queue.channel}{to} is disabled: {why}; `{command_to_enable(queue.channel)}` enables it")
    return [printable(line) for line in lines]


def _by_channel(waiting: Sequence[Waiting]) -> Iterator[str]:
    for channel, of_it in groupby(waiting, lambda one: one.queue.channel):
        receivers = list(of_it)
        entries = sum(one.entries for one in receivers)
        since_ms, next_ms = min(one.since_ms for one in receivers), min(one.next_ms for one in receivers)
        line = f"channel {channel}: {entries:,} waiting, the oldest since {to_rfc3339(since_ms)}"
        failing = [one for one in receivers if one.why]
        if failing:
            longest = min(failing, key=lambda one: one.since_ms)
            of_all = f" of {len(failing):,} of {len(receivers):,} receivers" if len(receivers) > 1 else ""
            line += f"; the last attempt{of_all} failed: {longest.why}"
        yield f"{line}; the next not before {to_rfc3339(next_ms)}"
