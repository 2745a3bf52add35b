"""Territories as `config/routing.yaml` writes them, and the zip files beside it."""

import csv
import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from iso3166 import countries

from engine.core.conditions import Condition, all_of, compile_condition
from engine.core.contacts import country_code, us_state_code
from engine.core.context import zip_of
from engine.core.fields import LEAD_FIELDS
from engine.core.reader import Reader
from engine.core.source import ConfigError, Node, Problem
from engine.routing.leadfields import FIELDS
from engine.routing.territories import TEXTS, Territory, Zips, zip_problem

TERRITORIES_MAX = 5_000
ZIPS_MAX = 10_000
"""Zips that one territory lists itself; a file may have more."""
LINES_MAX = 1_000_000
FILE_CHARS_MAX = 50_000_000
SHOWN_MAX = 20
"""Mistakes of one zip file that are listed."""
_NAME_CHARS_MAX = 100
# `zip_file` is none of a lead's fields, but may be the one that was meant.
_FIELDS = replace(FIELDS, known={**FIELDS.known, "zip_file": lambda _lead: None})

Row = tuple[str, str | None]
"""A zip as written, and the rep who holds it."""


def read_territories(
    reader: Reader,
    node: Node | None,
    reps: Collection[str],
    listed: Mapping[str, tuple[str, ...]],
    read: Callable[[str], str | None],
) -> list[Territory]:
    """The territories that `node` states; what is wrong with them and their files goes to `reader`.

    `reps` are all there are, in the order of the file; `listed` those of them who hold a territory by its name. `read`
    gives the text of a file by its name, None where there is no such file; it may raise ConfigError.
    """
    files = _Files(reader, reps, read)
    named = reader.names(node, "names to territories", TERRITORIES_MAX)
    return [_territory(reader, files, name, entry, listed.get(name, ())) for name, entry in named.items()]


def _territory(reader: Reader, files: "_Files", name: str, node: Node, reps: tuple[str, ...]) -> Territory:
    if not isinstance(node.value, dict):
        reader.expected(node, "a mapping from fields of a lead to values, such as {country: US, zip: '524*'}")
        return Territory(name, reps)
    if not node.value:
        reader.problem(node, "an empty territory: expected at least one entry, such as {country: US}")
    texts: dict[str, frozenset[str]] = {}
    zips: Sequence[Row] | None = None
    whens: list[Condition] = []
    for key, entry in node.value.items():
        if key == "country":
            texts[key] = _countries(reader, entry)
        elif key == "state":
            texts[key] = frozenset((us_state_code(text) or text).casefold() for text, _ in _texts(reader, entry))
        elif key == "zip":
            zips = [(written, None) for written in _zips(reader, entry)]
        elif key != "zip_file":
            condition = _condition(reader, node, key, entry)
            wanted = condition.values_of(key)
            if key in TEXTS and wanted is not None and not isinstance(entry.value, dict):
                texts[key] = wanted
            else:
                whens.append(condition)
    if "zip_file" in node.value:
        whens += [] if zips is None else [_among(zips)]
        zips = files.rows(node.value["zip_file"])
    return Territory(name, reps, texts, zips, all_of(whens) if whens else None)


def _condition(reader: Reader, node: Node, key: str, entry: Node) -> Condition:
    """What `entry`, that of any field of a lead, states."""
    if key in ("any", "all", "not"):
        reader.key_problem(entry, f"`{key}` has no place in a territory, all of whose entries must hold")
        return all_of([])
    return compile_condition(replace(node, value={key: entry}), _FIELDS, reader)


def _texts(reader: Reader, node: Node, at_most: int = 1_000) -> list[tuple[str, Node]]:
    """A text, or the texts of a list."""
    listed = isinstance(node.value, tuple)
    nodes = reader.items(node, "texts", at_least=1, at_most=at_most) if listed else (node,)
    return [(text, one) for one in nodes if (text := reader.text(one))]


def _countries(reader: Reader, node: Node) -> frozenset[str]:
    codes: set[str] = set()
    for text, one in _texts(reader, node):
        code = country_code(text)
        if code is None:
            names = [country.apolitical_name for country in countries]
            near = difflib.get_close_matches(text[:_NAME_CHARS_MAX], names, n=1, cutoff=0.75)
            hint = f"did you mean `{near[0]}`?" if near else "expected a name or a code, such as Germany or DE"
            reader.problem(one, f"there is no such country; {hint}")
        else:
            codes.add(code.casefold())
    return frozenset(codes)


def _zips(reader: Reader, node: Node) -> list[str]:
    zips: list[str] = []
    for text, one in _texts(reader, node, ZIPS_MAX):
        written = zip_of(text)
        if problem := zip_problem(written):
            reader.problem(one, problem)
        else:
            zips.append(written)
    return zips


def _among(rows: Sequence[Row]) -> Condition:
    """The condition that a lead's zip is one of `rows`."""
    zips, get = Zips((written, (0, None)) for written, _ in rows), LEAD_FIELDS.known["zip"]

    def holds(lead: object) -> bool:
        written = get(lead)
        return written is not None and bool(zips.owners(written))

    return Condition(holds, frozenset(("zip",)), {}, ("zip", frozenset(written for written, _ in rows)))


class _Files:
    """The zip files, each read once."""

    def __init__(self, reader: Reader, reps: Collection[str], read: Callable[[str], str | None]) -> None:
        self.reader = reader
        self.reps = reps
        self.read = read
        self.known: dict[str, list[Row]] = {}

    def rows(self, node: Node) -> list[Row]:
        """The rows of the file that `node` names."""
        file = self.reader.text(node)
        if file and file not in self.known:
            self.known[file] = self.opened(node, file)
        return self.known.get(file, [])

    def opened(self, node: Node, file: str) -> list[Row]:
        try:
            text = self.read(file)
        except ConfigError as error:
            self.reader.problems += error.problems
            return []
        if text is None:
            self.reader.problem(node, "there is no such file beside this one")
            return []
        if len(text) > FILE_CHARS_MAX or text.count("\n") > LINES_MAX:
            size = f"{len(text):,} characters in {text.count(chr(10)):,} lines"
            self.reader.problem(node, f"{size}; at most {FILE_CHARS_MAX:,} in {LINES_MAX:,} are read")
            return []
        file_read = _ZipFile(file, text, self.reps)
        rows = file_read.rows()
        self.reader.problems += file_read.problems()
        return rows


class _ZipFile:
    """A zip file: a line that names the columns, then one zip a line."""

    def __init__(self, file: str, text: str, reps: Collection[str]) -> None:
        self.reader = Reader(file)
        self.lines = text.removeprefix("\ufeff").splitlines()
        self.reps = dict.fromkeys(reps)
        self.columns: list[str] = []
        self.zip_at = 0
        self.rep_at: int | None = None
        self.wrong: list[int] = []

    def problems(self) -> list[Problem]:
        """What is wrong with the first of the wrong lines, and how many more there are."""
        more = self.wrong[SHOWN_MAX:]
        said = [Problem(self.reader.file, more[0], 1, "", None, f"… and {len(more):,} more")] if more else []
        return [*self.reader.problems, *said]

    def rows(self) -> list[Row]:
        """What the lines say, as far as they are right."""
        lines = csv.reader(self.lines)
        rows: list[Row] = []
        line = 1
        try:
            self.columns = [column.strip().casefold() for column in next(lines, [])]
            if sorted(self.columns) not in (["zip"], ["rep", "zip"]):
                said = self.lines[0] if self.lines else ""
                self.reader.problem(self.cell(1, "columns", said), "expected zip or zip,rep in the first line")
                return []
            self.zip_at = self.columns.index("zip")
            self.rep_at = self.columns.index("rep") if "rep" in self.columns else None
            line = lines.line_num + 1
            for cells in lines:
                if row := self.row(cells, line):
                    rows.append(row)
                # A quote that is left open makes one row of many lines: it is wrong where it begins.
                line = lines.line_num + 1
        except csv.Error as error:
            self.reader.key_problem(self.cell(line, "", ""), f"not CSV: {error}")
        return rows

    def row(self, cells: list[str], line: int) -> Row | None:
        """What one line says; None where it is empty or wrong."""
        if len(cells) == len(self.columns):
            written, rep = self.said(cells)
            if written and not zip_problem(written) and (rep is None or rep in self.reps):
                return written, rep
        if "".join(cells).strip():
            self.wrong.append(line)
            if len(self.wrong) <= SHOWN_MAX:
                self.explain(cells, line)
        return None

    def explain(self, cells: list[str], line: int) -> None:
        """Notes what is wrong with a line."""
        if len(cells) != len(self.columns):
            expected = f"expected {len(self.columns)}: {','.join(self.columns)}"
            self.reader.problem(self.cell(line, "line", self.lines[line - 1]), f"{len(cells)} values; {expected}")
            return
        written, rep = self.said(cells)
        problem = zip_problem(written) if written else "expected a zip, such as 52402, 524* or 52000-52499"
        if problem:
            self.reader.problem(self.cell(line, "zip", written), problem)
        if rep == "":
            self.reader.problem(self.cell(line, "rep", rep), "expected a rep; leave the line out if it is nobody's zip")
        elif rep is not None:
            self.reader.reference(self.cell(line, "rep", rep), self.reps, "rep")

    def said(self, cells: list[str]) -> Row:
        """The zip and the rep of a line."""
        return zip_of(cells[self.zip_at]), None if self.rep_at is None else cells[self.rep_at].strip()

    def cell(self, line: int, column: str, value: str) -> Node:
        """A value of the file with its place."""
        before = self.columns.index(column) if column in self.columns else 0
        written = self.lines[line - 1] if line <= len(self.lines) else ""
        place = 1 + sum(len(cell) + 1 for cell in written.split(",")[:before])
        return Node(value, column, line, place, line, place, value)
