"""Files of lines, however large: plain or gzip, a path or `-` for standard input, read in blocks."""

import gzip
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from engine.local.errors import LocalError

BLOCK_BYTES = 64 * 1024
LINE_BYTES_MAX = 1_000_000
_GZIP_MAGIC = b"\x1f\x8b"


class LogFile:
    """An open file of lines. `name` is for people; `size` in bytes as stored, None where it is not known."""

    def __init__(self, name: str, raw: IO[bytes], size: int | None) -> None:
        self.name = name
        self.size = size
        self._raw = raw
        self._started = False

    def blocks(self) -> Iterator[list[bytes]]:
        """The lines from the first on, without line ends, as they come: a slow pipe's are not held back.

        A line of more than `LINE_BYTES_MAX` bytes is cut, to one byte more than that. A second call needs a file
        that was opened `twice`. Raises LocalError where the file cannot be read further.
        """
        if self._started:
            self._raw.seek(0)
        self._started = True
        try:
            zipped = self._raw.peek(2)[:2] == _GZIP_MAGIC  # type: ignore[attr-defined]
            yield from _blocks(gzip.GzipFile(fileobj=self._raw) if zipped else self._raw)
        except (OSError, EOFError, zlib.error) as error:
            raise LocalError(f"{self.name} cannot be read to its end: {error}") from error

    def position(self) -> int:
        """How many bytes of `size` are read."""
        return self._raw.tell()


@contextmanager
def open_log(path: str, *, twice: bool) -> Iterator[LogFile]:
    """The file at `path`, or standard input for `-`. Raises LocalError where there is none.

    To be read `twice`, a pipe is first copied to its end into a temporary file.
    """
    name = "standard input" if path == "-" else path
    with ExitStack() as stack:
        try:
            raw: IO[bytes] = sys.stdin.buffer if path == "-" else stack.enter_context(Path(path).open("rb"))
            seekable = raw.seekable()
            if twice and not seekable:
                pipe, raw = raw, stack.enter_context(tempfile.TemporaryFile("w+b"))
                shutil.copyfileobj(pipe, raw)
                raw.seek(0)
                seekable = True
            size = _size(raw) if seekable else None
        except OSError as error:
            raise LocalError(f"{name} cannot be opened: {error.strerror}") from error
        yield LogFile(name, raw, size)


def _size(raw: IO[bytes]) -> int:
    start = raw.tell()
    size = raw.seek(0, 2)
    raw.seek(start)
    return size


def _blocks(stream: IO[bytes] | gzip.GzipFile) -> Iterator[list[bytes]]:
    rest = b""
    while data := stream.read1(BLOCK_BYTES):  # type: ignore[union-attr]
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[: LINE_BYTES_MAX + 1]
        yield [line[: LINE_BYTES_MAX + 1].removesuffix(b"\r") for line in lines]
    if rest:
        yield [rest.removesuffix(b"\r")]
