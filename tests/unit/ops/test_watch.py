"""Files that change while a process runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.ops.watch import Contents, contents, watch

LOOK_S = 0.02


class Reader:
    """Watches two files that hold numbers; keeps what it used and why it refused."""

    def __init__(self, folder: Path) -> None:
        """Both are there."""
        self.files = (folder / "a", folder / "b")
        self.used: list[int] = []
        self.refused: list[str] = []
        for file in self.files:
            file.write_text("1")

    def load(self, seen: Contents) -> int:
        """The sum of their numbers; `=c` stands for the number in the file c beside them."""
        return sum(self.number(file, seen) for file in self.files)

    def number(self, file: Path, seen: Contents) -> int:
        seen |= contents([file])
        text = file.read_text()
        return self.number(file.with_name(text[1:]), seen) if text.startswith("=") else int(text)

    def use(self, value: int) -> None:
        if value == 666:
            raise RuntimeError("not that one")
        self.used.append(value)

    def refuse(self, error: Exception) -> None:
        self.refused.append(f"{type(error).__name__}: {error}")

    async def looks(self, count: int) -> None:
        await asyncio.sleep(count * LOOK_S)

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        used = contents(self.files)
        task = asyncio.create_task(watch(used, self.load, self, LOOK_S))
        yield
        assert not task.done()
        task.cancel()


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


async def test_a_changed_file_is_read_once_and_one_that_only_looks_new_is_not(reader: Reader) -> None:
    """Contents count, not dates."""
    async with reader.watching():
        reader.files[0].write_text("1")
        await reader.looks(6)
        assert reader.used == []
        reader.files[0].write_text("2")
        await reader.looks(8)
    assert (reader.used, reader.refused) == ([3], [])


async def test_a_file_that_is_still_being_written_is_waited_for(reader: Reader) -> None:
    """What is there for one look only was half of something."""
    async with reader.watching():
        for digits in range(1, 30):
            reader.files[1].write_text("5" * digits)
            await reader.looks(1)
        await reader.looks(6)
    assert reader.used[-1] == 1 + int("5" * 29)
    assert len(reader.used) < 15


async def test_what_cannot_be_used_is_refused_once_and_the_next_change_is_read(reader: Reader) -> None:
    """Broken, gone, or good to read and still of no use: the watching goes on."""
    async with reader.watching():
        reader.files[0].write_text("two")
        await reader.looks(8)
        assert reader.refused == ["ValueError: invalid literal for int() with base 10: 'two'"]
        reader.files[0].unlink()
        await reader.looks(8)
        assert reader.refused[-1].startswith("FileNotFoundError")
        reader.files[0].write_text("665")
        await reader.looks(8)
        assert reader.refused[-1] == "RuntimeError: not that one"
        reader.files[0].write_text("1")
        await reader.looks(8)
    assert (reader.used, len(reader.refused)) == ([2], 3)


async def test_a_file_that_another_names_is_watched_as_long_as_it_is_named(reader: Reader) -> None:
    """Also one that was not there when it was first looked for; what it said is not read twice."""
    beside = reader.files[0].with_name("c")
    async with reader.watching():
        reader.files[0].write_text("=c")
        await reader.looks(8)
        assert (reader.used, len(reader.refused)) == ([], 1)
        beside.write_text("5")
        await reader.looks(8)
        beside.write_text("6")
        await reader.looks(8)
        assert reader.used == [6, 7]
        reader.files[0].write_text("2")
        await reader.looks(8)
        beside.write_text("7")
        await reader.looks(8)
    assert (reader.used, len(reader.refused)) == ([6, 7, 3], 1)
