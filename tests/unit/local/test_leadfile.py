import csv
import io
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.local.errors import LocalError
from engine.local.leadfile import ROW_LINES_MAX, Line, read_leads
from engine.local.leadrow import Refused
from engine.local.lines import Message
from engine.local.logfile import LINE_BYTES_MAX

GOLDEN = Path(__file__).parents[2] / "golden" / "leads"


def read(text: str | bytes) -> list[Line]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(read_leads((line.removesuffix(b"\r") for line in data.split(b"\n")), "leads.csv"))


def traits(line: Line) -> dict[str, str]:
    assert isinstance(line.made, Message), line
    found: dict[str, str] = json.loads(line.made.value).get("traits", {})
    return found


def reason(line: Line) -> str:
    assert isinstance(line.made, Refused), line
    return line.made.reason


def shown(line: Line) -> dict[str, object]:
    """A line of the golden file."""
    if isinstance(line.made, Refused):
        return {"line": line.number, "refused": line.made._asdict()}
    return {"line": line.number, "key": (line.made.key or b"").decode(), "event": json.loads(line.made.value)}


@pytest.mark.parametrize("name", ["leads.csv", "past.jsonl"])
def test_a_file_comes_to_its_golden_events_and_refusals(name: str) -> None:
    """Hostile cells, quotes, line breaks, other encodings, empty rows; each with the number of its first line."""
    lines = [json.dumps(shown(line), ensure_ascii=False) for line in read((GOLDEN / name).read_bytes())]
    assert lines == (GOLDEN / f"{name}.golden").read_text().splitlines()


_CELLS = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(_CELLS, _CELLS), max_size=8), st.sampled_from(",;\t"), st.booleans())
def test_a_table_says_what_was_written(table: list[tuple[str, str]], delimiter: str, marked: bool) -> None:
    """Whatever separates its cells, with or without a byte order mark; line breaks stay, blanks around a cell go."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([("userId", "one", "two"), *((f"u{n}", *row) for n, row in enumerate(table))])
    lines = read((b"\xef\xbb\xbf" if marked else b"") + text.getvalue().encode())
    assert len(lines) == len(table)
    for line, cells in zip(lines, table, strict=True):
        said = zip(("one", "two"), (cell.strip() for cell in cells), strict=True)
        assert {name: value.lstrip("'") for name, value in traits(line).items()} == {
            name: cell.lstrip("'") for name, cell in said if cell
        }


@given(st.binary(max_size=200), st.sampled_from([b"", b"email,a\n", b"id;b\n", b"{}\n"]))
def test_nothing_but_a_file_that_cannot_be_read_at_all_raises(data: bytes, before: bytes) -> None:
    """Every line that is not blank is in exactly one row, refused or not."""
    try:
        lines = read(before + data)
    except LocalError:
        return
    numbers = [line.number for line in lines]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "leads.csv holds nothing; expected CSV"),
        ("\ufeff\n \n", "leads.csv holds nothing"),
        ("name,company\nx,y", "leads.csv:1: nothing says who the lead is; expected a column userId, email or"),
        ("email,,x\n", "leads.csv:1: column 2 has no name"),
        ("email,x,x\n", "leads.csv:1: two columns are called x"),
        ("email,First Name,firstName\n", "leads.csv:1: firstName: it says the same as First Name"),
        ("email,address,address.city\n", "leads.csv:1: address.city: it says the same as address"),
        ('email,"x"y\n', "leads.csv:1: the header cannot be read"),
        ("email".encode("utf-16"), "leads.csv is not UTF-8 (UTF-16, it seems); save it as CSV UTF-8"),
        ("email".encode("utf-16-le"), "leads.csv is not UTF-8"),
        ("email,Straße".encode("latin-1"), "leads.csv:1: the byte 0xdf is not UTF-8"),
        ('[{"email": "a@b.de"}]', "leads.csv begins a JSON array; expected JSON lines"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_why(text: str | bytes, said: str) -> None:
    with pytest.raises(LocalError) as caught:
        read(text)
    assert str(caught.value).startswith(said)


def test_a_quote_that_is_never_closed_costs_a_few_rows_and_not_the_file() -> None:
    """So many lines are refused as one row; those behind are read as they are."""
    rows = [f"u{number},x" for number in range(ROW_LINES_MAX + 5)]
    rows[1] = 'u1,"x'
    lines = read("\n".join(["userId,a", *rows]))
    assert [line.number for line in lines if isinstance(line.made, Refused)] == [3]
    assert "a quote is not closed within 100 lines" in reason(lines[1])
    assert [line.number for line in lines] == [2, 3, *range(3 + ROW_LINES_MAX, len(rows) + 2)]


def test_a_row_that_is_too_long_is_refused_and_the_next_is_read() -> None:
    lines = read(b"userId,a\nu,%s\nv,x" % (b"x," * LINE_BYTES_MAX))
    assert reason(lines[0]).startswith("longer than 1,000,000 bytes")
    assert traits(lines[1]) == {"a": "x"}


@pytest.mark.parametrize(
    "row", ['u,"x', '"u,x', 'x","y', "u,x", '"', "a" * 50, '{"a":1,"id":"x"}', ",,,,", "é,\udce9,x"]
)
def test_hostile_files_take_linear_time(row: str) -> None:
    """Twice as much takes no more than a few times as long."""

    def seconds(count: int) -> float:
        data = b"userId,a\n" + f"{row}\n".encode("utf-8", "surrogateescape") * count
        begins = time.process_time()
        read(data)
        return time.process_time() - begins

    seconds(100)
    assert min(seconds(800) for _ in range(2)) < 8 * max(seconds(400), 0.005)
