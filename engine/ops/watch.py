"""Files that change while a process runs: read anew when they have settled, kept as they were where they are broken."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
Contents = dict[Path, bytes | None]
"""What is in each file; None where it cannot be read."""
LOOK_EVERY_S = 1.0
"""A change counts once it is the same at two looks: a file half written must not be taken for what was meant."""


class User(Protocol[T_contra]):
    """Whoever the files are for."""

    def use(self, loaded: T_contra, /) -> None:
        """They have changed, and this is what they say."""
        ...

    def refuse(self, error: Exception, /) -> None:
        """They have changed and cannot be used, because of `error`."""
        ...


async def watch(
    used: Contents,
    load: Callable[[Contents], T],
    user: User[T],
    every_s: float = LOOK_EVERY_S,
) -> None:
    """Give `user` what `load` makes of files each time their contents have changed from `used`, until cancelled.

    `load` tells which files it read, and what was in them, by filling what it is given: these are watched from then
    on. Where it or the user raises, what was used last is still in force.
    """
    before = used
    while True:
        await asyncio.sleep(every_s)
        seen = await asyncio.to_thread(contents, used)
        if seen != used and seen == before:
            read: Contents = {}
            try:
                user.use(await asyncio.to_thread(load, read))
            except Exception as error:  # noqa: BLE001  whatever is wrong with the files, the process goes on
                user.refuse(error)
                read = seen | read
            used = read
        before = seen


@asynccontextmanager
async def watching(
    used: Contents,
    load: Callable[[Contents], T],
    user: User[T],
    every_s: float = LOOK_EVERY_S,
) -> AsyncIterator[None]:
    """Inside the block the files are watched, as `watch` says."""
    task = asyncio.create_task(watch(used, load, user, every_s))
    try:
        yield
    finally:
        task.cancel()


def contents(files: Iterable[Path]) -> Contents:
    """What is in each of `files` now."""
    return {file: _content(file) for file in files}


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
