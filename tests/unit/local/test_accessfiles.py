"""The access file on disk: its owner's, changed whole or not at all, followed while the board runs."""

import asyncio
import logging
import stat
import threading
from pathlib import Path

import pytest

from engine.core.source import ConfigError
from engine.local import entrance as wired
from engine.local.accessfiles import change_access, exposed, read_access
from engine.local.entrance import board_front, entrance
from engine.ops.loading import SettingsError
from engine.ops.settings import AccessSettings, BoardSettings, Settings
from engine.web.gate.accessfile import Entry
from engine.web.gate.sessions import begin, holder

OLE = Entry("Ole", "operator", "")


def add(file: Path, name: str = "Ole") -> tuple[str, str]:
    return change_access(file, lambda held: held.adding(Entry(name, "operator", "")))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change counts at the second look; and the looks of a real board are that close."""
    assert wired.LOOK_EVERY_S * 3 <= 2
    monkeypatch.setattr(wired, "LOOK_EVERY_S", 0.02)


def settings_of(file: Path, audit: str = "") -> Settings:
    return Settings(access=AccessSettings(file=file, audit_file=audit))


async def passes(what: str, holds: object) -> None:
    """Wait until `holds()` is true, 5 s at most."""
    assert callable(holds)
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(what)


def test_the_first_token_makes_the_file_and_its_key_and_the_second_keeps_both(tmp_path: Path) -> None:
    """Mode 600, and nothing beside it is left."""
    file = tmp_path / "access.yaml"
    add(file)
    first = read_access(file)
    add(file)
    second = read_access(file)
    assert second.session_key == first.session_key
    assert second.entries.keys() > first.entries.keys()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_change_that_comes_to_nothing_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Whether the file is broken, or the change fails."""
    file = tmp_path / "access.yaml"
    file.write_text("tokens: [")
    with pytest.raises(ConfigError):
        add(file)
    assert file.read_text() == "tokens: ["
    file.unlink()
    add(file)
    before = file.read_text()
    with pytest.raises(ConfigError, match=r"tokens\.\w+\.name = \"\": expected text"):
        add(file, "")
    assert file.read_text() == before
    assert list(tmp_path.iterdir()) == [file]


def test_commands_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    """Each waits for the one before it."""
    file = tmp_path / "access.yaml"
    threads = [threading.Thread(target=add, args=(file, f"name {number}")) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry.name for entry in read_access(file).entries.values()} == {f"name {number}" for number in range(8)}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file may stand elsewhere, such as on a volume."""
    target, link = tmp_path / "kept.yaml", tmp_path / "access.yaml"
    link.symlink_to(target)
    add(link)
    assert link.is_symlink()
    assert len(read_access(target).entries) == 1


@pytest.mark.parametrize(
    ("mode", "told"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o620, True)]
)
def test_a_file_that_others_can_open_is_warned_of(
    mode: int, told: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With what mends it; it is used all the same."""
    file = tmp_path / "access.yaml"
    add(file)
    file.chmod(mode)
    assert (exposed(file) is not None) is told
    with caplog.at_level(logging.WARNING, "engine"):
        assert len(read_access(file).entries) == 1
    assert [f"chmod 600 {file}" in message for message in caplog.messages] == ([True] if told else [])


def test_a_file_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nobody can log in.*heatline token add"):
        read_access(tmp_path / "access.yaml")


async def test_a_change_holds_within_two_seconds_and_ends_sessions(tmp_path: Path) -> None:
    """A board that began without the file lets in who is added, and out who is revoked."""
    file = tmp_path / "access.yaml"
    async with entrance(settings_of(file)) as way:
        _, token = add(file)
        await passes("added", lambda: way.access.authenticate(token) is not None)
        found = way.access.authenticate(token)
        assert found is not None
        cookie = begin(way.access, found)
        change_access(file, lambda held: (held.without(found.id), None))
        await passes("revoked", lambda: holder(way.access, cookie) is None)


async def test_a_file_that_breaks_or_goes_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And it is said why, without what stands in it."""
    file = tmp_path / "access.yaml"
    _, token = add(file)
    good = file.read_text()
    async with entrance(settings_of(file)) as way:
        file.write_text(good + "colour: red\n")
        await passes("told", lambda: "`colour` is not known" in caplog.text)
        assert way.access.authenticate(token) is not None
        file.unlink()
        await passes("told", lambda: "there is no such file" in caplog.text)
        assert way.access.authenticate(token) is not None
    assert read_key(good) not in caplog.text


def read_key(text: str) -> str:
    return text.partition('session_key: "')[2][:64]


async def test_a_file_that_is_broken_at_the_start_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "access.yaml"
    file.write_text("session_key: 1")
    with pytest.raises(ConfigError, match="session_key"):
        async with entrance(settings_of(file)):
            pass


async def test_an_audit_file_that_cannot_be_written_is_a_mistake_of_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"access.audit_file = .* cannot be written: Is a directory"):
        async with entrance(settings_of(tmp_path / "access.yaml", str(tmp_path))):
            pass


@pytest.mark.parametrize("board", [BoardSettings(host="0.0.0.0"), BoardSettings(host="")])
def test_an_open_host_without_encryption_is_a_mistake_of_its_setting(board: BoardSettings) -> None:
    with pytest.raises(SettingsError, match=r"^board.host = .*board.tls_cert and board.tls_key.*board.proxy"):
        board_front(board)
