"""The audit: one JSON object a line, for its owner's eyes, about people and never about who a lead is."""

import json
import logging
import stat
from pathlib import Path

import pytest

from engine.web.gate.access import Principal
from engine.web.gate.audit import Audit
from engine.web.masking import key_of

ANN = Principal("t1", "Ann\n<b>", "operator")
KEY = key_of(b"secret", "ann@example.com")


def lines(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line_says_who_did_what_with_which_lead_from_where(tmp_path: Path) -> None:
    """Whatever is in a name, it is one line; nothing is said of what is not known."""
    file = tmp_path / "audit.jsonl"
    audit = Audit(file, lambda: 0.5)
    audit.write(ANN, "192.0.2.1", "lead.seen", lead=KEY)
    audit.write(None, "192.0.2.1", "login", outcome="refused")
    audit.close()
    assert lines(file) == [
        {"at": "1970-01-01T00:00:00.500Z", "action": "lead.seen", "outcome": "ok", "remote": "192.0.2.1",
         "who": "t1", "name": "Ann\n<b>", "role": "operator", "lead": KEY},
        {"at": "1970-01-01T00:00:00.500Z", "action": "login", "outcome": "refused", "remote": "192.0.2.1"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lead", ["ann@example.com", "email:ann@example.com", "~short", "", KEY + "x", f"{KEY}\n", "user-1"]
)
def test_what_is_no_key_is_not_written(lead: str, tmp_path: Path) -> None:
    """An id could be an address."""
    file = tmp_path / "audit.jsonl"
    audit = Audit(file)
    audit.write(ANN, "192.0.2.1", "lead.seen", lead=lead)
    assert lines(file)[0]["lead"] == "?"


def test_addresses_in_other_texts_are_masked(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    audit = Audit(file)
    audit.write(
        Principal("a@example.com", "b@example.com", "rep", "r"), "192.0.2.1", "c@example.com", outcome="d@example.com"
    )
    assert "example" not in file.read_text()


def test_the_file_is_its_owners_appended_to_and_may_be_moved_away(tmp_path: Path) -> None:
    """Mode 600; another process goes on where one ended; after a rotation there is a new file."""
    file = tmp_path / "audit.jsonl"
    for _ in range(2):
        audit = Audit(file)
        audit.write(ANN, "192.0.2.1", "login")
        audit.close()
    assert len(lines(file)) == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    audit = Audit(file)
    file.rename(tmp_path / "old")
    audit.write(ANN, "192.0.2.1", "logout")
    assert [line["action"] for line in lines(file)] == ["logout"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_file_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """By the logger `heatline.audit`, from info up."""
    with caplog.at_level(logging.INFO, "heatline.audit"):
        Audit().write(ANN, "192.0.2.1", "login")
    assert json.loads(caplog.messages[0])["action"] == "login"


def test_a_file_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Is a directory"):
        Audit(tmp_path)
