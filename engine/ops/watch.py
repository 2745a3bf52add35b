"""Files that change while a process runs: read anew when they have settled, kept as they were where they are broken."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
Contents = tuple[bytes | None, ...]
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
    files: Sequence[Path],
    used: Contents,
    load: Callable[[], T],
    user: User[T],
    every_s: float = LOOK_EVERY_S,
) -> None:
    """Give `user` what `load` makes of `files` each time their contents have changed from `used`, until cancelled.

    Where `load` or the user raises, what was used last is still in force.
    """
    before = used
    while True:
        await asyncio.sleep(every_s)
        seen = await asyncio.to_thread(contents, files)
        if seen != used and seen == before:
            used = seen
            try:
                user.use(await asyncio.to_thread(load))
            except Exception as error:  # noqa: BLE001  whatever is wrong with the files, the process goes on
                user.refuse(error)
        before = seen


def contents(files: Sequence[Path]) -> Contents:
    """What is in each file; None where it cannot be read."""
    return tuple(_content(file) for file in files)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
