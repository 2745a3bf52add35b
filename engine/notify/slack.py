"""Slack's incoming webhooks: blocks of plain text, so that nothing a visitor wrote is mark-up there."""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from engine.notify import sending
from engine.notify.addresses import CheckedResolver
from engine.notify.config import Slack
from engine.notify.sending import Message, Outcome
from engine.notify.telling import OPEN, tell, title_of
from engine.notify.webhook import Answer, outcome_of, post

BLOCKS_MAX = 50
SECTION_CHARS_MAX = 3_000
HEADER_CHARS_MAX = 150
PAUSE_MS = 1_000

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_LONGEST_ESCAPE = 5


class SlackSender:
    """Posts messages to one channel, one a second."""

    at_once = 1
    pause_ms = PAUSE_MS

    def __init__(
        self,
        slack: Slack,
        session: aiohttp.ClientSession,
        resolver: CheckedResolver,
        board: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`session` must connect by `resolver`; `board` as in `tell`; `clock` in seconds since the epoch."""
        self._board = board
        self._url = URL(slack.url)
        self._session = session
        self._resolver = resolver
        self._clock = clock

    async def send(self, message: Message) -> Outcome:
        """410 says that the channel is archived, 400 that Slack will never take this message."""
        body = msgspec.json.encode(payload(message, self._board))
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        answer = await post(self._session, self._resolver, self._url, body, headers)
        if isinstance(answer, Answer) and answer.status == HTTPStatus.BAD_REQUEST:
            return sending.Refused(f"answered 400 {answer.body.decode('utf-8', 'replace')}")
        return outcome_of(answer, self._clock) if isinstance(answer, Answer) else answer


def payload(message: Message, board: str = "") -> dict[str, Any]:
    """What Slack takes: a text for notifications, and blocks; `board` as in `tell`."""
    return {
        "text": escaped(title_of(message.notices), SECTION_CHARS_MAX),
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": list(_blocks(message, board)),
    }


def _blocks(message: Message, board: str) -> Iterator[dict[str, Any]]:
    yield {"type": "header", "text": _plain(title_of(message.notices), HEADER_CHARS_MAX)}
    room = BLOCKS_MAX - 2
    for notice in message.notices[:room]:
        told = tell(notice, board)
        lines = [told.headline, *told.lines] if len(message.notices) > 1 else told.lines
        # Mark-up, but all in it is ours: of the lead's id nothing is left that is no letter, digit or percent sign.
        link = {"fields": [{"type": "mrkdwn", "text": f"<{told.link}|{OPEN}>"}]} if told.link else {}
        yield {"type": "section", "text": _plain("\n".join(lines), SECTION_CHARS_MAX), **link}
    left = len(message.notices) - room
    if left > 0:
        yield {"type": "section", "text": _plain(f"and {left} more", SECTION_CHARS_MAX)}


def _plain(text: str, chars_max: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": escaped(text, chars_max), "emoji": False}


def escaped(text: str, chars_max: int) -> str:
    """`text` with what Slack reads as mark-up escaped, in at most so many characters, no escape cut in two."""
    whole = text[:chars_max].translate(_ESCAPES)
    if len(text) <= chars_max and len(whole) <= chars_max:
        return whole
    cut = whole[: chars_max - 1]
    begun = cut.rfind("&", max(0, len(cut) - _LONGEST_ESCAPE))
    if begun >= 0 and ";" not in cut[begun:]:
        cut = cut[:begun]
    return cut + "…"
