"""A page's reader: one shell in a fresh copy of the checkout, on servers of the test's own.

The text stays what a reader types. Addresses and ports in it stand for those of the test's servers, in commands, in
files and, the other way, in what is shown. `make` finds the environment built; Kafka's own tools run from the jars of
the test's broker.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Self

from tests.docs.pages import ROOT, Command, Written, fits
from tests.servers.process import HOST, free_port

COMMAND_TIMEOUT_S = 120.0
PATIENCE_S = 60.0
"""For a role to be ready, and for what a command that only looks shows to come."""
END_S = 10.0
_LOOKS = re.compile(
    r"heatline (leads|explain|status|doctor|export|dead-letters (list|show)|notify list)\b|curl -s(?!.* -d )"
)
_ROLE = re.compile(r"heatline (worker|projector|notifier|board)\b.*&$", re.DOTALL)
_BROKERS = re.compile(r"\b(?:kafka-\d|localhost|127\.0\.0\.1):9092\b")
_REDIS = re.compile(r"redis://(?:localhost|127\.0\.0\.1):6379/0")
_PORT = re.compile(r"\b(94\d\d|808\d)\b")
_COPIED = ("config", "topics", "Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock")
KAFKA_TOOLS = {
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
    "kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-console-producer.sh": "org.apache.kafka.tools.ConsoleProducer",
}


class Shell:
    """Runs what a page says, in order; leaving it ends all that it started."""

    def __init__(self, folder: Path, bootstrap: str, redis_url: str, kafka_jars: Path) -> None:
        """`folder` is new and becomes the reader's home, with the checkout in it."""
        self.checkout = folder / "heatline"
        self._bootstrap, self._redis_url = bootstrap, redis_url
        self._ports: dict[str, int] = {}
        self._outputs = folder / "outputs"
        self._output = self._outputs / "0"
        self._command = folder / "command"
        _copy(self.checkout)
        self._outputs.mkdir()
        _tools(folder / "bin", kafka_jars)
        env = {
            "HOME": str(folder),
            "PATH": os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HEATLINE_KAFKA_BOOTSTRAP": bootstrap,
            "HEATLINE_REDIS_URL": redis_url,
            "HEATLINE_WORKER_OPS_PORT": str(self._port("9464")),
            "HEATLINE_BOARD_PORT": str(self._port("8080")),
            "LC_ALL": "C.UTF-8",
        }
        self._told, tells = os.pipe()
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            cwd=self.checkout,
            env=env,
            pass_fds=(tells,),
            start_new_session=True,
        )
        os.close(tells)
        self._tells = tells
        self._send("set -m")

    def __enter__(self) -> Self:
        """Nothing more."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the shell and every role that it still runs."""
        _end_session(self._process.pid)
        self._process.wait()
        os.close(self._told)

    def take(self, step: Command | Written) -> None:
        """Do what a page says. Raises AssertionError with place and output where that fails or shows something else."""
        if isinstance(step, Written):
            file = self.checkout / step.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self._here(step.text))
            return
        if step.is_container:
            return
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            status, output = self._run(step)
            wrong = self._wrong(step, status, output)
            if not wrong:
                break
            if not _LOOKS.search(step.text) or time.monotonic() > deadline_s:
                raise AssertionError(f"{step.place}: {wrong}\n$ {step.text}\n{output}")
            time.sleep(0.5)
        if _ROLE.search(step.text):
            self._wait_ready(step)

    def _run(self, step: Command) -> tuple[int, str]:
        # One for each command: a role writes on into its own.
        self._output = self._outputs / str(1 + int(self._output.name))
        self._command.write_text(self._here(step.text) + "\n")
        self._send(f". {self._command} > {self._output} 2>&1 < /dev/null; echo $? >&{self._tells}")
        ready, _, _ = select.select([self._told], [], [], COMMAND_TIMEOUT_S)
        output = self._as_written(self._output.read_text(errors="replace"))
        if not ready:
            raise AssertionError(f"{step.place}: does not end within {COMMAND_TIMEOUT_S:g} s\n$ {step.text}\n{output}")
        return int(os.read(self._told, 100)), output

    def _wrong(self, step: Command, status: int, output: str) -> str:
        if status:
            return f"exit status {status}"
        return "" if fits(step.shown, output) else "shows something else than\n" + "\n".join(step.shown) + "\nbut"

    def _wait_ready(self, step: Command) -> None:
        """As a reader who waits until the role says that it is ready; the board is as soon as it answers."""
        named = _PORT.search(step.text)
        is_board = "heatline board" in step.text
        port = self._port(named[1] if named else "8080" if is_board else "9464")
        deadline_s = time.monotonic() + PATIENCE_S
        while (status := _status(port)) != HTTPStatus.OK and not (is_board and status):
            if time.monotonic() > deadline_s:
                said = self._output.read_text(errors="replace")
                raise AssertionError(f"{step.place}: not ready within {PATIENCE_S:g} s\n$ {step.text}\n{said}")
            time.sleep(0.1)

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def _port(self, written: str) -> int:
        return self._ports.setdefault(written, free_port())

    def _here(self, text: str) -> str:
        """A page's text with the addresses of this test."""
        text = _BROKERS.sub(self._bootstrap, _REDIS.sub(self._redis_url, text))
        return _PORT.sub(lambda port: str(self._port(port[1])), text)

    def _as_written(self, output: str) -> str:
        """What a command shows, with the addresses of the page."""
        output = output.replace(self._bootstrap, "127.0.0.1:9092").replace(self._redis_url, "redis://127.0.0.1:6379/0")
        here: Mapping[str, str] = {str(port): written for written, port in self._ports.items()}
        return re.sub(r"(?<=:)\d{5}\b", lambda port: here.get(port[0], port[0]), output)


def _status(port: int) -> int | None:
    """What is answered to whoever asks whether it is ready; None without an answer."""
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def _copy(checkout: Path) -> None:
    """What a reader has checked out, its environment built."""
    checkout.mkdir(parents=True)
    for name in _COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, checkout / name)
    built = checkout / ".venv"
    built.mkdir()
    (built / "bin").symlink_to(Path(sys.executable).parent)
    for stamp in (".python", ".run", ".dev"):
        (built / stamp).touch()


def _tools(folder: Path, jars: Path) -> None:
    folder.mkdir(parents=True)
    for name, main in KAFKA_TOOLS.items():
        script = folder / name
        options = "-XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error"
        script.write_text(f'#!/bin/sh\nexec java {options} -cp "{jars}/*" {main} "$@"\n')
        script.chmod(0o755)


def _end_session(session: int) -> None:
    """End every process of a session: in order first, then for good."""
    for number, wait_s in ((signal.SIGTERM, END_S), (signal.SIGKILL, END_S)):
        deadline_s = time.monotonic() + wait_s
        for pid in _members(session):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        while _members(session) and time.monotonic() < deadline_s:
            time.sleep(0.05)


def _members(session: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found
