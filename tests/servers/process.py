"""A server process on loopback that can be stopped, killed, frozen and started again on its port and directory."""

import atexit
import random
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

HOST = "127.0.0.1"
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.05

# The kernel's parent-death signal fires when the *thread* that forked ends, so one thread that lives as long as
# the interpreter starts every server, whatever thread asks for it.
_spawner = ThreadPoolExecutor(1, thread_name_prefix="servers")


def free_port() -> int:
    """A free port below the range for outgoing connections, so that none takes it while its server is down."""
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


class Server(ABC):
    """One server: its port and directory stay the same over restarts. Dies with the process that started it.

    All methods block; on an event loop call them with `asyncio.to_thread`.
    """

    name: str

    def __init__(self, directory: Path, port: int | None = None) -> None:
        """Nothing runs before `start`; `directory` is created where it is missing."""
        self.directory = directory
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def command(self) -> list[str]:
        """Prepare the directory and return the command line that serves it."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server does its work; OSError means not yet."""

    @property
    def log(self) -> Path:
        """Where its output goes, over all restarts."""
        return self.directory / f"{self.name}.log"

    @property
    def running(self) -> bool:
        """Whether its process is there, ready or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id. Raises RuntimeError where it is not running."""
        if self._process is None:
            raise RuntimeError(f"{self.name} on port {self.port} was not started")
        return self._process.pid

    def start(self, *, wait: bool = True) -> Self:
        """Start it and wait until it answers. Raises RuntimeError with the end of its log where it does not."""
        if self.running:
            raise RuntimeError(f"{self.name} on port {self.port} runs already")
        command = self.command()
        self._process = _spawner.submit(_spawn, command, self.log).result()
        atexit.register(self.kill)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Wait until it answers."""
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while not self._ready():
            if not self.running or time.monotonic() > deadline_s:
                self.kill()
                raise RuntimeError(f"{self.name} on port {self.port} did not start: {self._log_tail()}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End it in order (SIGTERM); kill it if that takes too long."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """`stop` and `start` on the same port and directory."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _ready(self) -> bool:
        try:
            return self.answers()
        except OSError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        atexit.unregister(self.kill)
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:].strip() or "its log is empty"


def _spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    setpriv = shutil.which("setpriv")
    with_parent = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    with log.open("ab") as output:
        return subprocess.Popen(
            [*with_parent, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
