"""`heatline import`, `export`, `lead add`, `erase`: exit status, and what is misused."""

import io
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from engine.cli import app
from engine.leadcli import confirm_erasure
from engine.ops.settings import MAKE_ERASURE_KEY

NOWHERE = "HEATLINE_KAFKA_BOOTSTRAP"
KEY = {"HEATLINE_PRIVACY_ERASURE_KEY": "0123456789abcdef" * 2}


def heatline(*arguments: object, **environ: str) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={NOWHERE: "127.0.0.1:1", **environ})


class Terminal(io.StringIO):
    """Somebody who can be asked, and what they answer."""

    def isatty(self) -> bool:
        return True


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


@pytest.mark.parametrize(
    ("arguments", "environ", "status", "said"),
    [
        (("ada", "--yes"), {}, 2, "nobody can be erased without privacy.erasure_key"),
        (("ada", "--yes"), {}, 2, MAKE_ERASURE_KEY),
        (("ada", "--yes"), {next(iter(KEY)): "short"}, 2, "privacy.erasure_key has 5 characters"),
        (("ada",), KEY, 2, "expected --yes where nobody can be asked"),
        (("a\nda", "--yes"), KEY, 1, "'a\\nda' is no id of a lead"),
        (("ada", "--yes", "--wait", "0"), KEY, 2, "--wait"),
        (("ada", "--yes"), KEY, 1, "no Kafka cluster can be reached at 127.0.0.1:1"),
    ],
)
def test_nobody_is_erased_by_accident_or_in_vain(
    arguments: tuple[str, ...], environ: dict[str, str], status: int, said: str
) -> None:
    """Without a key that will hold, without a yes, or without a cluster; the key is never shown."""
    found = heatline("erase", *arguments, **environ)
    assert found.exit_code == status
    assert said in found.stderr
    assert found.stdout == ""
    assert not any(value in found.stderr.split() for value in environ.values())


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_only_yes_is_a_yes(answer: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Who is asked sees the id, without what could command the terminal, and what happened."""
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    with pytest.raises(typer.Exit) as ended:
        confirm_erasure("a\x1bda")
    assert ended.value.exit_code == 1
    told = capsys.readouterr().err
    assert "Erase ada and all that is known of this person, for good? [y/N]" in told
    assert told.endswith("nothing was erased\n")


def test_a_yes_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    confirm_erasure("ada")
