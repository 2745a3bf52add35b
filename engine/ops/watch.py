"""Files that change while a process runs: read anew when they have settled, kept as they were where they are broken."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Contents = tuple[bytes | None, ...]
LOOK_EVERY_S = 1.0
"""A change counts once it is the same at two looks: a file half written must not be taken for what was meant."""


async def watch(
    files: Sequence[Path],
    used: Contents,
    load: Callable[[], T],
    use: Callable[[T], None],
    refuse: Callable[[Exception], None],
    every_s: float = LOOK_EVERY_S,
) -> None:
    """Give `use` what `load` makes of `files` each time their contents have changed from `used`, until cancelled.

    `refuse` is told why `load` or `use` raised; what was used last is then still in force.
    """
    before = used
    while True:
        await asyncio.sleep(every_s)
        seen = await asyncio.to_thread(contents, files)
        if seen != used and seen == before:
            used = seen
            try:
                use(await asyncio.to_thread(load))
            except Exception as error:  # noqa: BLE001  whatever is wrong with the files, the process goes on
                refuse(error)
        before = seen


def contents(files: Sequence[Path]) -> Contents:
    """What is in each file; None where it cannot be read."""
    return tuple(_content(file) for file in files)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
