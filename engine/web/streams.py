"""Answers that go on for a while: news as server-sent events, and files that are made as they are sent."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import msgspec
from aiohttp import web

from engine.web.gate.access import principal_of
from engine.web.gate.guard import still_in
from engine.web.gate.limits import Room

VIEWERS_MAX = 200
VIEWERS_OF_ONE_MAX = 20
"""Lists that may be followed at once, in all and by one token, and pages of leads; each holds one connection."""

WRITE_TIMEOUT_S = 10.0
KEEP_ALIVE_TICKS = 15
_EVENTS = {"Content-Type": "text/event-stream; charset=utf-8"}


def viewers() -> Room:
    """Room for those who follow something of one kind."""
    return Room(VIEWERS_MAX, VIEWERS_OF_ONE_MAX)


async def follow(request: web.Request, room: Room, news: AsyncGenerator[str]) -> web.StreamResponse:
    """Answer with `news`, texts of events. Raises HTTPServiceUnavailable where there is no room for who asks."""
    with room.place(principal_of(request).id) as is_there:
        if not is_there:
            raise web.HTTPServiceUnavailable(text="Too many viewers.\n", headers={"Retry-After": "30"})
        return await send(request, news, _EVENTS)


async def send(request: web.Request, parts: AsyncGenerator[str], headers: Mapping[str, str]) -> web.StreamResponse:
    """Answer with `parts`, each as it comes; who does not take one within WRITE_TIMEOUT_S is let go.

    What ends so is no whole answer, and browsers see that: a download fails, a stream of events is asked for again.
    """
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        async with contextlib.aclosing(parts):
            async for part in parts:
                if part:
                    await asyncio.wait_for(response.write(part.encode()), WRITE_TIMEOUT_S)
    except (TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()
    return response


def goes_on(request: web.Request, closing: asyncio.Event) -> bool:
    """Whether who asked is there, and may still see what is told, and the board is not `closing`."""
    return not closing.is_set() and request.transport is not None and still_in(request)


def event(name: str, data: Any, mark: str | None = None) -> str:
    """An event; a browser that lost its connection says the latest `mark` when it comes back."""
    told = f"event: {name}\ndata: {msgspec.json.encode(data).decode()}\n\n"
    return told if mark is None else f"id: {mark}\n{told}"


def silence(ticks: int) -> str:
    """What is sent where there is no news: now and then a comment, so that the connection is not taken for dead."""
    return "" if ticks % KEEP_ALIVE_TICKS else ": still here\n\n"
