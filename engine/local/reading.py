"""Reading a log from its first line to its last: what leaves, what does not, and how far the reader is."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rich.progress import Progress

from engine.core.text import clean
from engine.local.lines import Message, parse_line, to_message
from engine.local.logfile import LogFile
from engine.local.parsed import Unparsed

EXAMPLES_MAX = 5
_REASON_CHARS = 200
_EXCERPT_CHARS = 100


class Span(NamedTuple):
    """Times of a log in ms: of its first line that has one, and the latest of all."""

    first_ms: int
    latest_ms: int


class Example(NamedTuple):
    """A line that was not parsed; safe to show."""

    line_number: int
    reason: str
    excerpt: str


@dataclass
class Fed:
    """What became of the lines. When all is done, read = sent + unparsed. `examples`: the first that did not parse."""

    read: int = 0
    sent: int = 0
    unparsed: int = 0
    examples: list[Example] = field(default_factory=list)

    def refuse(self, reason: str, line: bytes) -> None:
        """Count the line that was read last as unparsed."""
        self.unparsed += 1
        if len(self.examples) < EXAMPLES_MAX:
            excerpt = line[: 4 * _EXCERPT_CHARS].decode(errors="replace")
            self.examples.append(Example(self.read, clean(reason, _REASON_CHARS), clean(excerpt, _EXCERPT_CHARS)))


class Reading:
    """The first `limit` lines of `log`, or all of them, read with a bar on `progress`."""

    def __init__(self, log: LogFile, limit: int | None, progress: Progress) -> None:
        self.fed = Fed()
        self._log = log
        self._limit = limit
        self._progress = progress

    def survey(self) -> Span | None:
        """The times of the lines, None where no line has one. Reads the log once."""
        first_ms = latest_ms = None
        for lines in self._blocks("reading times"):
            now_ms = wall_clock_ms()
            for line in lines:
                parsed = parse_line(line, now_ms)
                if isinstance(parsed, Unparsed) or parsed.time_ms is None:
                    continue
                first_ms = parsed.time_ms if first_ms is None else first_ms
                latest_ms = parsed.time_ms if latest_ms is None else max(latest_ms, parsed.time_ms)
        return None if first_ms is None or latest_ms is None else Span(first_ms, latest_ms)

    def messages(self, shift_ms: int) -> Iterator[list[Message]]:
        """What leaves, block by block, times moved by `shift_ms`; what does not is counted. Reads the log once."""
        for lines in self._blocks("sending"):
            now_ms = wall_clock_ms()
            messages = []
            for line in lines:
                self.fed.read += 1
                parsed = parse_line(line, now_ms)
                message = parsed if isinstance(parsed, Unparsed) else to_message(parsed, shift_ms)
                if isinstance(message, Unparsed):
                    self.fed.refuse(message.reason, line)
                else:
                    messages.append(message)
            yield messages

    def _blocks(self, doing: str) -> Iterator[list[bytes]]:
        task = self._progress.add_task(doing, total=self._log.size)
        left = self._limit
        for block in self._log.blocks():
            lines = block[:left]
            yield lines
            if self._log.size is not None:
                self._progress.update(task, completed=self._log.position())
            if left is not None:
                left -= len(lines)
                if left == 0:
                    return


def wall_clock_ms() -> int:
    """Now, in ms since the Unix epoch."""
    return time.time_ns() // 1_000_000
