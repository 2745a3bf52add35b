"""What the pages on which people act have in common: what they work with, and how they tell what came of it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Literal, NamedTuple

from aiohttp import web

from engine.readmodel.port import ReadModel
from engine.web.gate.access import Principal
from engine.web.gate.limits import Limit
from engine.web.lead.actions import Mistaken, NotYours, Once, Told
from engine.web.lists.index import Index
from engine.web.lists.views import Mistake, Unwanted
from engine.web.live import Status
from engine.web.port import NotSent, Reps, Sender

FORM = "application/x-www-form-urlencoded"
FORM_BYTES_MAX = 64 * 1024
SAID_AT_ONCE, SAID_EVERY_S = 30, 1.0
"""How often one may say something."""

Render = Callable[[web.Request, str, Mapping[str, object]], str]


class Notice(NamedTuple):
    """What came of something, for the person who did it."""

    level: Literal["good", "bad", "wait"]
    text: str
    status: int = 200


NOBODY_SENDS = Notice("bad", "Nothing was sent: this board is for reading only.", 503)
TOO_OFTEN = Notice("bad", "Nothing was sent: that was too often. Try again in a minute.", 429)


@dataclass(frozen=True, slots=True)
class Workplace:
    """What the pages on which people act work with.

    `render` makes a page, or a part of one, of a template; `status` is whether the board is live. Without a `sender`
    nobody can say anything. `closing` is set when the board closes.
    """

    model: ReadModel
    index: Index
    sender: Sender | None
    render: Render
    status: Callable[[], Status]
    reps: Callable[[], Reps] = dict
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    once: Once = field(default_factory=Once)
    limit: Limit = field(default_factory=lambda: Limit(SAID_AT_ONCE, SAID_EVERY_S))

    def zone_of(self, who: Principal) -> tzinfo:
        """The zone of the clock that hangs on the wall of who looks, as far as known."""
        known = self.reps().get(who.rep or "")
        return UTC if known is None else known.zone

    def refusal(self, request: web.Request, who: Principal) -> Notice | None:
        """Why nothing that a form says can be sent now, whatever it says."""
        if self.sender is None:
            return NOBODY_SENDS
        if (request.content_length or 0) > FORM_BYTES_MAX:
            return Notice("bad", "Nothing was sent: that is too long.", 413)
        if self.limit.wait_s(who.id) > 0:
            return TOO_OFTEN
        self.limit.take(who.id)
        return None


async def form_of(request: web.Request) -> Mapping[str, object]:
    """What a form says. Raises Unwanted for what is none, or not in UTF-8."""
    if request.content_type == FORM and (request.charset or "utf-8").lower() == "utf-8":
        with contextlib.suppress(ValueError):
            return await request.post()
    raise Unwanted([Mistake("form", f"cannot be read; expected {FORM} in UTF-8")])


def notice_of(told: Told, this: str, shown: str) -> Notice:
    """What the desk made of it; `this` is how it calls the lead, `shown` how people do."""
    if told.outcome == "accepted":
        return Notice("good", "Done: the desk has taken it.")
    if told.outcome == "refused":
        why = (told.why or "it does not say why").replace(this, shown)
        return Notice("bad", f"The desk refused it: {why}.", 409)
    return Notice("wait", "Sent. The desk has not answered yet; this page changes when it does.", 202)


def not_sent(error: Mistaken | NotYours | NotSent) -> Notice:
    """Why nothing was sent."""
    if isinstance(error, Mistaken):
        told = "; ".join(f"{field.replace('_', ' ')} {message}" for field, message in error.mistakes)
        return Notice("bad", f"Nothing was sent: {told}.", 422)
    if isinstance(error, NotYours):
        return Notice(
            "bad", "Nothing was sent: that is for the rep who has it, or a manager of the region, to say.", 403
        )
    return Notice("bad", f"Not confirmed: {error}. Try again in a moment.", 503)


def wants_json(request: web.Request) -> bool:
    """Whether the page's script asks, which shows the answer itself."""
    return "application/json" in request.headers.get("Accept", "")


def as_json(notice: Notice) -> web.Response:
    """The notice for the page's script."""
    return web.json_response({"level": notice.level, "text": notice.text}, status=notice.status)
