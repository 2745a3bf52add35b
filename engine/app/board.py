"""The board, wired: the read model and what people say on pages."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from engine.connecting import read_model, stream_settings
from engine.local.boardreps import known_reps
from engine.local.boardsender import board_sender
from engine.local.entrance import entrance
from engine.local.errors import LocalError
from engine.ops.settings import Settings, listed_texts
from engine.stream.logs import quiet_libraries
from engine.web.board import Board, serve_board

log = logging.getLogger(__name__)


async def run_board(settings: Settings, stop: asyncio.Event, on_ready: Callable[[str], None]) -> None:
    """Serve the board over the read model in Redis until `stop`; `on_ready` hears its address."""
    at, stream = settings.board, stream_settings(settings)
    quiet_libraries(log)
    async with (
        read_model(settings) as model,
        entrance(settings) as way,
        known_reps(settings.paths.routing) as reps,
        board_sender(stream.bootstrap, stream.security, stream.partitioner) as sender,
        named_port(at.host, at.port, "board.port"),
    ):
        board = Board(model, way, at.host, at.port, names=listed_texts(at.names), sender=sender, reps=reps)
        await serve_board(board, stop, on_ready)


@asynccontextmanager
async def named_port(host: str, port: int, setting: str) -> AsyncIterator[None]:
    """Says of an address that cannot be listened on which setting names another. Raises LocalError."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise LocalError(
            f"the board cannot be served on {host}:{port}: {reason}; name another with {setting}"
        ) from None
