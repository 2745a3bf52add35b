"""/livez, /readyz and /metrics on a port of their own.

The server runs in threads beside the event loop, so it can say that the loop hangs, and a scrape never waits for a
long fold.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

BEAT_S = 0.5
HANGS_AFTER_S = 15.0
"""A fold, a garbage collection or a slow disk may hold the loop for seconds; nothing in order holds it this long."""
REQUEST_TIMEOUT_S = 5.0
TEXT = "text/plain; charset=utf-8"


class OpsPortTakenError(Exception):
    """The port for /livez, /readyz and /metrics cannot be listened on; the message names it and the setting."""


class OpsServer:
    """Serves while its `async with` block runs. `ready` says what is missing, None when nothing is.

    `ready` and the registry's callbacks are called in other threads: they may only read. Raises OpsPortTakenError
    on entering.
    """

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        ready: Callable[[], str | None],
        hangs_after_s: float = HANGS_AFTER_S,
    ) -> None:
        """Port 0: any free one."""
        self._address = (host, port)
        self._registry = registry
        self._ready = ready
        self._hangs_after_s = hangs_after_s
        self._beat_s = 0.0

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._server.server_port

    async def __aenter__(self) -> Self:
        """Listen."""
        self._beat_s = time.monotonic()
        try:
            self._server = _Server(self._address, self._handler())
        except OSError as error:
            host, port = self._address
            raise OpsPortTakenError(
                f"cannot serve /metrics on {host}:{port}: {error.strerror}; "
                "name another with worker.ops_port (HEATLINE_WORKER_OPS_PORT), or 0 for any free one"
            ) from None
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name="ops", daemon=True)
        self._thread.start()
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._beating.cancel()
        with suppress(asyncio.CancelledError):
            await self._beating
        await asyncio.to_thread(self._server.shutdown)
        self._server.server_close()

    async def _beat(self) -> None:
        while True:
            self._beat_s = time.monotonic()
            await asyncio.sleep(BEAT_S)

    def answer(self, path: str, accept: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a GET of `path`."""
        if path == "/livez":
            still_s = time.monotonic() - self._beat_s
            if still_s > self._hangs_after_s:
                return 503, TEXT, f"the event loop has not turned for {still_s:.0f} s\n".encode()
            return 200, TEXT, b"ok\n"
        if path == "/readyz":
            missing = self._ready()
            return (200, TEXT, b"ok\n") if missing is None else (503, TEXT, f"{missing}\n".encode())
        if path == "/metrics":
            encode, content_type = choose_encoder(accept)
            return 200, content_type, encode(self._registry)
        return 404, TEXT, b"here are /livez, /readyz and /metrics\n"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            timeout = REQUEST_TIMEOUT_S

            def do_GET(self) -> None:
                status, content_type, body = server.answer(self.path.partition("?")[0], self.headers.get("Accept", ""))
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
                """Probes and scrapes come every few seconds: nothing to log."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away in the middle is no news."""
