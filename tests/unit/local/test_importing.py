import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from engine.core.cells import FORMULA
from engine.core.text import printable
from engine.local.errors import LocalError
from engine.local.importing import Imported, Target, import_leads
from engine.local.reading import EXAMPLES_MAX

GOLDEN = Path(__file__).parents[2] / "golden" / "leads"
NOWHERE = Target("127.0.0.1:1")


async def check(path: Path | str, refused: Path | None = None) -> tuple[Imported, str]:
    """What a dry run says of a file."""
    console = Console(file=io.StringIO(), width=200)
    imported = await import_leads(str(path), NOWHERE, console, refused=refused, dry_run=True)
    assert isinstance(console.file, io.StringIO)
    return imported, console.file.getvalue()


async def test_a_dry_run_checks_everything_and_needs_no_broker() -> None:
    """Every row is good or refused, and the first that are refused are shown with their place."""
    imported, said = await check(GOLDEN / "leads.csv")
    assert (imported.read, imported.refused, imported.acknowledged) == (13, 8, 0)
    assert "13 rows read = 5 good + 8 refused; nothing was sent" in said
    assert f"{GOLDEN}/leads.csv:9: Email = 'emil': expected an address such as ada@example.com" in said
    assert said.count("leads.csv:") == EXAMPLES_MAX
    assert "and 3 more; with --refused FILE all are written down" in said


async def test_the_report_is_the_golden_file(tmp_path: Path) -> None:
    """Every refused row with place, value, reason and text; no cell of it runs in a spreadsheet or on a terminal."""
    refused = tmp_path / "refused.csv"
    _, said = await check(GOLDEN / "leads.csv", refused)
    assert f"all are in {refused}" in said
    text = refused.read_text().replace(f"{GOLDEN}/", "")
    assert text == (GOLDEN / "refused.csv").read_text()


async def test_hostile_rows_are_written_down_harmlessly(tmp_path: Path) -> None:
    path, refused = tmp_path / "=leads.csv", tmp_path / "refused.csv"
    path.write_text("email,\x1b[31m=a\n=cmd|'/c calc'!A1,\t=1\n\x1b]0;x\x07,\u202e@x\n")
    imported, said = await check(path, refused)
    assert imported.refused == 2
    cells = [cell for row in csv.reader(io.StringIO(refused.read_text())) for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple(FORMULA)) or cell != printable(cell)]
    assert "\x1b" not in said


async def test_a_zipped_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv.gz"
    path.write_bytes(gzip.compress((GOLDEN / "leads.csv").read_bytes()))
    imported, _ = await check(path)
    assert (imported.read, imported.refused) == (13, 8)


async def test_a_report_never_takes_the_place_of_what_is_imported(tmp_path: Path) -> None:
    """Also by another name; nor is one begun where it cannot be written."""
    path = tmp_path / "leads.csv"
    path.write_text("email\nbob\n")
    (tmp_path / "link.csv").symlink_to(path)
    with pytest.raises(LocalError, match=r"link\.csv is the file that is imported; name another"):
        await check(path, tmp_path / "link.csv")
    assert path.read_text() == "email\nbob\n"
    with pytest.raises(LocalError, match=r"refused\.csv cannot be written: No such file"):
        await check(path, tmp_path / "none" / "refused.csv")


async def test_of_many_refused_rows_only_the_first_are_kept(tmp_path: Path) -> None:
    """A file of nothing but mistakes takes no more memory than a good one."""
    path = tmp_path / "leads.jsonl"
    path.write_text("".join(json.dumps({"email": f"{number}"}) + "\n" for number in range(3_000)))
    imported, _ = await check(path)
    assert (imported.read, imported.refused, len(imported.examples)) == (3_000, 3_000, EXAMPLES_MAX)
