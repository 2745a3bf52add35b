"""`heatline token`: the token is shown once, and every mistake says what would be right."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli import app
from engine.launch import FLAGS
from engine.local.accessfiles import read_access
from engine.web.gate.access import Access, Principal

ROUTING = "assign_on: []\nreps: {andy: {}, bea: {}}\nregions: {east: {reps: [andy]}}\nrules: []\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEATLINE_ACCESS_FILE", str(tmp_path / "access.yaml"))
    monkeypatch.setenv("HEATLINE_ACCESS_AUDIT_FILE", str(tmp_path / "audit.jsonl"))
    monkeypatch.setenv("HEATLINE_PATHS_ROUTING", str(tmp_path / "routing.yaml"))
    monkeypatch.chdir(tmp_path)
    FLAGS.take([])
    return tmp_path


def token(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["token", *arguments])
    return found.exit_code, found.stdout, found.stderr


def access(folder: Path) -> Access:
    held = read_access(folder / "access.yaml")
    return Access(held.key, held.tokens)


def test_a_token_is_printed_alone_so_that_scripts_can_take_it(folder: Path) -> None:
    """What is said of it goes to standard error."""
    status, out, said = token(
        "add", "Carla", "--role", "manager", "--region", "*", "--rep", "carla", "--expires", "90d"
    )
    assert status == 0
    found = access(folder).authenticate(out.removesuffix("\n"))
    assert found is not None
    assert found == Principal(found.id, "Carla", "manager", "carla", frozenset({"*"}))
    assert said.startswith(f"{found.id} in {folder}/access.yaml: Carla, manager, good until 2")
    assert out.strip() not in said


def test_the_list_has_everybody_and_no_secret(folder: Path) -> None:
    """JSON lines where no terminal reads."""
    _, andys, _ = token("add", "Andy", "--role", "rep", "--rep", "andy")
    _, oles, _ = token("add", "Ole", "--role", "operator", "--personal")
    status, out, _ = token("list")
    assert status == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["name"], row["role"], row["rep"], row["personal"]) for row in rows] == [
        ("Andy", "rep", "andy", True),
        ("Ole", "operator", None, True),
    ]
    held = read_access(folder / "access.yaml")
    for secret in (andys.strip(), oles.strip(), held.session_key, *(entry.sha256 for entry in held.entries.values())):
        assert secret not in out


def test_a_revoked_token_lets_nobody_in(folder: Path) -> None:
    """Its id is taken back once."""
    _, out, _ = token("add", "Ole", "--role", "operator")
    found = access(folder).authenticate(out.strip())
    assert found is not None
    assert token("revoke", found.id) == (0, "", f"{found.id} of Ole is revoked\n")
    assert access(folder).authenticate(out.strip()) is None
    assert token("revoke", found.id) == (3, "", f"ID = '{found.id}': there are no tokens\n")


def test_the_audit_file_is_told(folder: Path) -> None:
    """Which token came and went, and by whom; not the token."""
    _, out, _ = token("add", "Ole", "--role", "operator")
    (number,) = read_access(folder / "access.yaml").entries
    token("revoke", number)
    text = (folder / "audit.jsonl").read_text()
    told = [json.loads(line) for line in text.splitlines()]
    assert [(line["action"], line["outcome"]) for line in told] == [("token.add", number), ("token.revoke", number)]
    assert out.strip() not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Ann", "--role", "boss"], '--role = "boss": `boss` is not known; expected one of rep, manager, operator'),
        (["Ann", "--role", "rep"], "--rep: a rep needs the id that routing.yaml has for it"),
        (["Ann", "--role", "rep", "--rep", "andi"], "--rep: `andi` is not known; did you mean `andy`?"),
        (["Ann", "--role", "manager"], "--region: a manager needs regions of routing.yaml, or * for all"),
        (["Ann", "--role", "manager", "--region", "est"], "--region: `est` is not known; did you mean `east`?"),
        (["Ann", "--role", "operator", "--region", "east"], "--region: regions are a manager's; the role is operator"),
        (["Ann", "--role", "rep", "--rep", "andy", "--personal"], "--personal: is an operator's"),
        (["Ann", "--role", "operator", "--expires", "soon"], '--expires = "soon": expected a duration such as 90d'),
        (["Ann", "--role", "operator", "--expires", "9999999d"], '--expires = "9999999d": expected a duration'),
        (["", "--role", "operator"], "NAME = '': expected 1 to 64 printable characters"),
        (["x" * 65, "--role", "operator"], "expected 1 to 64 printable characters"),
        (["a\nb", "--role", "operator"], "NAME = 'a\\nb': expected 1 to 64 printable characters"),
    ],
)
def test_a_mistake_makes_no_token(arguments: list[str], said: str, folder: Path) -> None:
    """Exit status 2, and no file."""
    (folder / "routing.yaml").write_text(ROUTING)
    status, out, told = token("add", *arguments)
    assert (status, out) == (2, "")
    assert said in told
    assert not (folder / "access.yaml").exists()


def test_a_broken_file_is_not_overwritten(folder: Path) -> None:
    (folder / "access.yaml").write_text("tokens: [\n")
    status, out, said = token("add", "Ole", "--role", "operator")
    assert (status, out) == (2, "")
    assert f"{folder}/access.yaml:2:1: not YAML" in said
    assert (folder / "access.yaml").read_text() == "tokens: [\n"


def test_a_file_for_everybody_is_warned_of(folder: Path) -> None:
    token("add", "Ole", "--role", "operator")
    (folder / "access.yaml").chmod(0o644)
    assert f"chmod 600 {folder}/access.yaml" in token("list")[2]
