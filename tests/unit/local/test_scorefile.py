import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from engine.core.records import Ids, LeadScore
from engine.local import scorefile
from engine.local.errors import LocalError
from engine.local.scorefile import Format, check, opened, write
from engine.local.scoretable import COLUMNS
from tests.unit.readmodel.samples import AT, NOW_MS, score

GOLDEN = Path(__file__).parents[2] / "golden" / "export"
SCORES = [
    score("ada", 84.125, persona="founder", next_band_at=AT, traits={"email": "ada@example.com", "title": "CEO"}),
    score(
        "=cmd|'/c calc'!A1",
        0.1 + 0.2,
        known=False,
        engagement=-0.0,
        owner="@andy",
        product="+loans",
        contributions=[],
        first_touch=None,
        traits={"name": "\t=1\x1b[31m\u202e", "phone": "+49 30 1", "company": ["-1", "a,b"], "x": {"b": 1, "a": "=2"}},
        ids=Ids(None, ["-b1", 'b"2']),
    ),
    score('Åsa, "x"\n', 1e-9, fast_track=True, owner=None, last_seen="soon", traits={"company": 7, "name": "'=1"}),
]


def written(form: Format, scores: list[LeadScore]) -> bytes:
    out = io.BytesIO()
    assert write(scores, form, out) == len(scores)
    return out.getvalue()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_scores_are_the_golden_file(form: Format) -> None:
    """Columns in their order, numbers in full, hostile cells defused; JSON lines as the records have them."""
    assert written(form, SCORES) == (GOLDEN / f"scores.{form}").read_bytes()


def test_json_lines_hold_all_that_a_record_says() -> None:
    lines = written("jsonl", SCORES).splitlines()
    assert [msgspec.json.decode(line, type=LeadScore) for line in lines] == SCORES


def test_parquet_has_the_same_columns_with_types(tmp_path: Path) -> None:
    """Text as it is, since nothing runs it there; times are times, what is unknown is null."""
    path = tmp_path / "scores.parquet"
    path.write_bytes(written("parquet", SCORES))
    table = pq.read_table(path)
    fields = [f"{field.name} {field.type}" for field in table.schema]
    assert fields == (GOLDEN / "scores.parquet.schema").read_text().splitlines()
    assert table.column_names == [column.name for column in COLUMNS]
    ada, hostile, last = table.to_pylist()
    assert (ada["total"], ada["at"], ada["sessions"]) == (84.125, datetime.fromtimestamp(NOW_MS / 1000, UTC), 2)
    assert (hostile["lead"], hostile["user_id"], hostile["anonymous_ids"]) == (SCORES[1].lead, None, ["-b1", 'b"2'])
    assert json.loads(hostile["traits"]) == SCORES[1].traits
    assert (last["last_seen"], last["company"], last["owner"]) == (None, "7", None)


def test_parquet_is_written_some_rows_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last ones included, and none at all is a table, too."""
    monkeypatch.setattr(scorefile, "ROWS_AT_ONCE", 2)
    path = tmp_path / "scores.parquet"
    for scores in (SCORES, SCORES[:2], []):
        path.write_bytes(written("parquet", scores))
        assert pq.read_table(path).column("lead").to_pylist() == [one.lead for one in scores]
    path.write_bytes(written("parquet", SCORES))
    assert pq.ParquetFile(path).num_row_groups == 2


def test_parquet_without_pyarrow_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is read; as it says where it needs a file."""
    with pytest.raises(LocalError, match="name one with --out"):
        check("parquet", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(LocalError, match=r"`make parquet` or `pip install '\.\[parquet\]'`"):
        check("parquet", Path("x"))
    check("csv", None)


def test_a_file_is_there_as_a_whole_or_as_it_was(tmp_path: Path) -> None:
    """A failure on the way leaves the old one, and nothing beside it."""
    out = tmp_path / "scores.csv"
    out.write_text("old")

    def fail_half_way() -> None:
        with opened(out) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("scores.csv", "old")]
    with opened(out) as file:
        file.write(b"new")
        assert out.read_text() == "old"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("scores.csv", "new")]
    assert out.stat().st_mode & 0o077 == 0
    with pytest.raises(LocalError, match=r"x\.csv cannot be written: No such file"), opened(tmp_path / "no" / "x.csv"):
        pass
