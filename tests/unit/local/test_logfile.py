import gzip
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.local import logfile
from engine.local.errors import LocalError
from engine.local.logfile import open_log


def lines_of(path: Path | str, *, times: int = 1) -> list[bytes]:
    with open_log(str(path), twice=times > 1) as log:
        for _ in range(times):
            lines = [line for block in log.blocks() for line in block]
        return lines


_LINE = st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b""))


@given(st.lists(_LINE), st.sampled_from([b"\n", b"\r\n"]))
def test_lines_come_back_whatever_their_ends(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bytes
) -> None:
    """Also from gzip, in blocks smaller than a line, and a second time."""
    lines = [b"begins like no gzip file", *lines]
    directory = tmp_path_factory.mktemp("log")
    data = b"".join(line + end for line in lines)
    (directory / "plain").write_bytes(data)
    (directory / "zipped").write_bytes(gzip.compress(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logfile, "BLOCK_BYTES", 7)
        assert lines_of(directory / "plain") == lines
        assert lines_of(directory / "zipped", times=2) == lines


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n\ntwo")
    assert lines_of(path) == [b"one", b"", b"two"]


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    """It takes no more memory than the longest line that is read, and the line behind it is whole."""
    path = tmp_path / "log"
    path.write_bytes(b"x" * (3 * logfile.LINE_BYTES_MAX) + b"\nnext\n")
    assert [len(line) for line in lines_of(path)] == [logfile.LINE_BYTES_MAX + 1, 4]


def test_a_pipe_is_read_twice(tmp_path: Path) -> None:
    """What can be read once only is copied first."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(gzip.compress(b"one\ntwo\n"),))
    writer.start()
    assert lines_of(pipe, times=2) == [b"one", b"two"]
    writer.join()


def test_lines_of_a_slow_pipe_are_not_held_back(tmp_path: Path) -> None:
    """The first line arrives while the pipe is still open."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    release = threading.Event()

    def write() -> None:
        with pipe.open("wb", buffering=0) as end:
            end.write(b"one\n")
            release.wait(timeout=30)
            end.write(b"two\n")

    writer = threading.Thread(target=write)
    writer.start()
    with open_log(str(pipe), twice=False) as log:
        blocks = log.blocks()
        assert next(blocks) == [b"one"]
        release.set()
        assert [line for block in blocks for line in block] == [b"two"]
    writer.join()


@pytest.mark.parametrize("kept", [5, 40])
def test_gzip_that_is_cut_off_is_one_clear_error(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(os.urandom(100))[:kept])
    with pytest.raises(LocalError, match=r"log\.gz cannot be read to its end"):
        lines_of(path)


def test_a_file_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="cannot be opened: No such file"):
        lines_of(tmp_path / "nothing")
    with pytest.raises(LocalError, match="cannot be opened: Is a directory"):
        lines_of(tmp_path)
