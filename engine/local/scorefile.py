"""Files of scores: CSV for spreadsheets, JSON lines with the whole explanation, Parquet for analysis.

A file is there as a whole or not at all: it is written beside its place and moved there in the end.
"""

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import msgspec

from engine.core.records import LeadScore
from engine.local.errors import LocalError
from engine.local.replacing import replacing
from engine.local.scoretable import COLUMNS, Kind, csv_row, plain_value

Format = Literal["csv", "jsonl", "parquet"]
ROWS_AT_ONCE = 10_000
FORMATS: Mapping[str, Format] = {form: form for form in get_args(Format)}
_NO_PYARROW = (
    "parquet needs pyarrow, which is not installed: in the checkout `make parquet` or `pip install '.[parquet]'` adds "
    "it; or take --format csv or jsonl"
)
_encode = msgspec.json.Encoder().encode


def check(form: Format, out: Path | None) -> None:
    """Raise LocalError where nothing could be written in this format, before anything is read."""
    if form == "parquet":
        _pyarrow()
        if out is None:
            raise LocalError("parquet is written to a file: name one with --out")


def write(scores: Iterable[LeadScore], form: Format, out: BinaryIO) -> int:
    """Write `scores` to `out`, some at a time, and give their number."""
    if form == "parquet":
        return _write_parquet(scores, out)
    return _write_csv(scores, out) if form == "csv" else _write_json_lines(scores, out)


@contextmanager
def opened(out: Path | None) -> Iterator[BinaryIO]:
    """Where to write: standard output, or a file that takes the place of `out` once all is written.

    Others cannot read it, since it holds what is known of people. Raises LocalError where it cannot be made.
    """
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(replacing(out))
        except OSError as error:
            raise LocalError(f"{out} cannot be written: {error.strerror}") from error
        yield file


def _write_csv(scores: Iterable[LeadScore], out: BinaryIO) -> int:
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.name for column in COLUMNS])
        written = 0
        for score in scores:
            writer.writerow(csv_row(score))
            written += 1
    finally:
        text.detach()
    return written


def _write_json_lines(scores: Iterable[LeadScore], out: BinaryIO) -> int:
    written = 0
    for score in scores:
        out.write(_encode(score) + b"\n")
        written += 1
    return written


def _write_parquet(scores: Iterable[LeadScore], out: BinaryIO) -> int:
    arrow, parquet = _pyarrow()
    types: dict[Kind, Any] = {
        "text": arrow.string(),
        "json": arrow.string(),
        "texts": arrow.list_(arrow.string()),
        "number": arrow.float64(),
        "whole": arrow.int64(),
        "flag": arrow.bool_(),
        "time": arrow.timestamp("ms", tz="UTC"),
    }
    schema = arrow.schema([(column.name, types[column.kind]) for column in COLUMNS])
    written = 0
    rows: list[list[Any]] = []
    with parquet.ParquetWriter(out, schema) as writer:
        for score in scores:
            written += 1
            rows.append([plain_value(column.kind, column.of(score)) for column in COLUMNS])
            if len(rows) == ROWS_AT_ONCE:
                writer.write_table(_table(arrow, schema, rows))
                rows = []
        if rows:
            writer.write_table(_table(arrow, schema, rows))
    return written


def _table(arrow: Any, schema: Any, rows: list[list[Any]]) -> Any:
    values = zip(*rows, strict=True)
    return arrow.table([arrow.array(column, field.type) for column, field in zip(values, schema, strict=True)], schema)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra, and slow to load
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise LocalError(_NO_PYARROW) from None
    return pa, parquet
