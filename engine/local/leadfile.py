"""Files of known leads, however large: CSV with a header, or JSON lines; which of them it is, its first line says.

CSV is UTF-8 with or without a byte order mark, its cells separated by `,`, `;` or tabs. A row or line that cannot be
imported is given with the reason, in its place among the others.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import orjson

from engine.core.cells import restored
from engine.local.errors import LocalError
from engine.local.leadrow import Meaning, Refused, lead_event, meaning_of, object_event, to_message
from engine.local.lines import Message
from engine.local.logfile import LINE_BYTES_MAX
from engine.local.reading import wall_clock_ms

DELIMITERS = ",;\t"
ROW_LINES_MAX = 100
"""Of a row with line breaks in quotes. A quote that is never closed costs so many lines, not the rest of the file."""
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ROW_ERROR = "expected quotes only around whole cells, and doubled within them"
_QUOTED = re.compile(rb'"[^"]*+"?')
_LONE = re.compile("[\udc80-\udcff]")


class Line(NamedTuple):
    """A row or line: the number of its first line, its text, and the record or the reason why not."""

    number: int
    text: str
    made: Message | Refused


def read_leads(lines: Iterable[bytes], name: str) -> Iterator[Line]:
    """What each line comes to, those with nothing in them left out. Raises LocalError for no such file.

    `name` is the file's, for people.
    """
    waiting = iter(lines)
    begins, first = next(((n, line) for n, line in enumerate(waiting, 1) if line.strip(_BOM).strip()), (0, b""))
    if not first:
        raise LocalError(f"{name} holds nothing; expected CSV with a header, or JSON lines")
    if first.startswith(_UTF16) or b"\0" in first:
        raise LocalError(f"{name} is not UTF-8 (UTF-16, it seems); save it as CSV UTF-8")
    first = first.removeprefix(_BOM)
    if first.lstrip()[:1] == b"[":
        raise LocalError(f"{name} begins a JSON array; expected JSON lines, one object a line")
    yield from (
        _objects(chain([first], waiting), begins) if first.lstrip()[:1] == b"{" else _rows(first, waiting, begins, name)
    )


def _objects(lines: Iterable[bytes], begins: int) -> Iterator[Line]:
    for number, line in enumerate(lines, begins):
        if line.strip():
            yield Line(number, line.decode(errors="replace"), _of_json(line))


def _of_json(line: bytes) -> Message | Refused:
    if len(line) > LINE_BYTES_MAX:
        return Refused("", "", f"longer than {LINE_BYTES_MAX:,} bytes")
    try:
        parsed = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Refused("", "", f"not JSON: {error}; expected one object a line")
    if not isinstance(parsed, dict):
        return Refused("", "", "expected a JSON object: an event, or traits of a lead")
    now_ms = wall_clock_ms()
    event = object_event(parsed, now_ms)
    return event if isinstance(event, Refused) else to_message(event, now_ms)


class _Unreadable(Exception):
    """A row is longer than one can be."""


class _Texts:
    """Lines as text for a CSV reader; `taken` are those of the row at hand, `number` that of the last one."""

    def __init__(self, lines: Iterator[bytes], number: int) -> None:
        self._lines = lines
        self.number = number
        self.taken: list[str] = []

    def __iter__(self) -> "_Texts":
        return self

    def __next__(self) -> str:
        if len(self.taken) == ROW_LINES_MAX:
            raise _Unreadable(f"a quote is not closed within {ROW_LINES_MAX} lines")
        line = next(self._lines)
        self.number += 1
        self.taken.append(line.decode("utf-8", "surrogateescape"))
        if len(line) > LINE_BYTES_MAX:
            raise _Unreadable(f"longer than {LINE_BYTES_MAX:,} bytes")
        return f"{self.taken[-1]}\n"


def _rows(header: bytes, lines: Iterator[bytes], begins: int, name: str) -> Iterator[Line]:
    """Every row of a table behind its header. Raises LocalError for a header that does not say what rows are."""
    bare = _QUOTED.sub(b"", header).decode(errors="replace")
    texts = _Texts(chain([header], lines), begins - 1)
    # `strict`: a quote in the wrong place is an error, not a cell that swallows those behind it.
    reader = csv.reader(texts, delimiter=max(DELIMITERS, key=bare.count), strict=True)
    try:
        names = [cell.strip() for cell in next(reader)]
    except (csv.Error, _Unreadable) as error:
        raise LocalError(f"{name}:{begins}: the header cannot be read: {error}: {_ROW_ERROR}") from None
    meaning = _meaning(names, f"{name}:{begins}")
    while True:
        texts.taken = []
        begins = texts.number + 1
        made: Message | Refused
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _Unreadable) as error:
            made = Refused("", "", f"{error}: {_ROW_ERROR}")
        else:
            if not any(cells):
                continue
            made = _of_cells(names, meaning, cells)
        yield Line(begins, _shown("\n".join(texts.taken)), made)


def _meaning(names: list[str], place: str) -> Meaning:
    """What the columns mean. Raises LocalError where that is not clear."""
    if (wrong := _not_utf8(names, names)) is not None:
        raise LocalError(f"{place}: {wrong.reason}")
    for number, name in enumerate(names, 1):
        if not name:
            raise LocalError(f"{place}: column {number} has no name; expected one such as email or company")
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise LocalError(f"{place}: two columns are called {twice}; expected each with a name of its own")
    meaning = meaning_of(names)
    if isinstance(meaning, Refused):
        raise LocalError(f"{place}: {meaning.column + ': ' if meaning.column else ''}{meaning.reason}")
    return meaning


def _of_cells(names: list[str], meaning: Meaning, cells: list[str]) -> Message | Refused:
    if (wrong := _not_utf8(names, cells)) is not None:
        return wrong
    if len(cells) != len(names):
        return Refused("", "", f"it has {len(cells)} cells; expected {len(names)}, as the header has")
    now_ms = wall_clock_ms()
    values = {name: restored(cell.strip()) for name, cell in zip(names, cells, strict=True)}
    event = lead_event(meaning, values, now_ms)
    return event if isinstance(event, Refused) else to_message(event, now_ms)


def _not_utf8(names: list[str], cells: list[str]) -> Refused | None:
    """The first cell with bytes that are no UTF-8: each has become a lone surrogate."""
    for place, cell in enumerate(cells):
        found = None if cell.isascii() else _LONE.search(cell)
        if found is not None:
            told = f"the byte 0x{ord(found[0]) - 0xDC00:02x} is not UTF-8; expected a file saved as UTF-8"
            return Refused(names[place] if place < len(names) else "", _shown(cell), told)
    return None


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode(errors="replace")
