"""`heatline import`, `export`, `lead add`: exit status, and what is misused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli import app

NOWHERE = "HEATLINE_KAFKA_BOOTSTRAP"


def heatline(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={NOWHERE: "127.0.0.1:1"})


def test_an_import_fails_if_a_row_is_refused(tmp_path: Path) -> None:
    """In a dry run, too, so that a script can check a file before it sends it."""
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("email\nada@example.com\n")
    bad.write_text("email\nada@example.com\nbob\n")
    report = tmp_path / "report.csv"
    assert heatline("import", good, "--dry-run", "--refused", report).exit_code == 0
    assert len(report.read_text().splitlines()) == 1
    found = heatline("import", bad, "--dry-run", "--refused", report)
    assert found.exit_code == 1
    assert "bad.csv:3: email = 'bob'" in found.stderr
    assert len(report.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("import", "none.csv"), 1, "none.csv cannot be opened"),
        (("lead", "add", "--trait", "x"), 2, "--trait = 'x': expected NAME=VALUE"),
        (("lead", "add", "--trait", "=x"), 2, "--trait = '=x': expected NAME=VALUE"),
        (("lead", "add", "--email", "a@b.de", "--trait", "email=x"), 2, "each name once"),
        (("lead", "add", "--source", "fax"), 2, "--source = 'fax': expected one of chat, email, event"),
        (("lead", "add", "--email", "bob"), 1, "email = 'bob': expected an address such as ada@example.com"),
        (("lead", "add", "--user", "ada"), 1, "no Kafka broker answers at 127.0.0.1:1"),
        (("export", "--format", "xls"), 2, "--format = 'xls': expected one of csv, jsonl, parquet"),
        (("export", "--stage", "hot"), 2, "--stage = 'hot': expected one of subscriber, lead"),
        (("export", "--since", "noon"), 2, "--since = 'noon': expected a time such as"),
        (("export", "--format", "parquet"), 1, "name one with --out"),
        (("export",), 1, "no Kafka cluster can be reached at 127.0.0.1:1"),
    ],
)
def test_what_cannot_be_done_says_why_and_nothing_else(arguments: tuple[str, ...], status: int, said: str) -> None:
    found = heatline(*arguments)
    assert found.exit_code == status
    assert said in found.stderr
    assert found.stdout == ""
