"""What a rep says on the board: checked as the desk will read it, sent, and answered by what the desk made of it."""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from engine.core.decode import TEXT_CHARS_MAX
from engine.core.events import Rejected
from engine.core.flow import InputRecord
from engine.core.instants import from_datetime, to_rfc3339
from engine.core.messages import MAIN_DESK
from engine.readmodel.answers import Answer, decode_answer
from engine.readmodel.port import ReadModel, ReadModelAway
from engine.routing.saying import read_saying
from engine.web.gate.access import Principal
from engine.web.lists.cards import Card
from engine.web.lists.views import Mistake
from engine.web.live import now_ms
from engine.web.port import Origin, Rep, Reps, Sender

WAIT_S = 5.0
AWAY_WAIT_S = 1.0
"""The desk answers what a rep says of itself only where it refuses."""
AGAIN_S = 30.0
ONCE_MAX = 10_000

Kind = Literal[
    "lead.accepted",
    "lead.declined",
    "lead.contacted",
    "lead.snoozed",
    "lead.qualified",
    "lead.disqualified",
    "lead.opportunity",
    "lead.won",
    "lead.lost",
    "lead.recycled",
    "lead.noted",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "lead.declined": ("reason",),
    "lead.contacted": ("channel",),
    "lead.snoozed": ("until", "text"),
    "lead.disqualified": ("reason",),
    "lead.opportunity": ("amount", "close_on"),
    "lead.won": ("amount", "currency"),
    "lead.lost": ("reason",),
    "lead.noted": ("text",),
}
"""What can be said with each kind beside that it is so."""


class Feedback(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What became of a lead, as on `rep-events` but for the lead and the rep, who are known.

    Only what belongs to the type can be there: `until` and `text` to snoozed, `channel` to contacted, `amount` to
    opportunity and won, `currency` to won, `close_on` to opportunity, `text` to noted, `reason` to declined,
    disqualified and lost.
    """

    type: Kind
    until: datetime | None = None
    channel: str | None = None
    amount: float | None = None
    currency: str | None = None
    close_on: date | None = None
    text: str | None = None
    reason: str | None = None


class Availability(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Whether a rep is there: away until then, or until further notice; or back."""

    type: Literal["rep.available", "rep.away"]
    until: datetime | None = None


class Mistaken(ValueError):
    """What was said cannot be right; `mistakes` has each field and what would be. Nothing was sent."""

    def __init__(self, *mistakes: Mistake) -> None:
        """With at least one mistake."""
        super().__init__("; ".join(f"{field}: {message}" for field, message in mistakes))
        self.mistakes = list(mistakes)


class NotYours(Exception):
    """Somebody may not say that: it is another's lead, or another rep. Nothing was sent."""


class Told(NamedTuple):
    """What came of it: the desk accepted it, refused it and said `why`, or it is `sent` and not answered yet."""

    outcome: Literal["accepted", "refused", "sent"]
    why: str | None
    origin: Origin


async def tell(
    sender: Sender, model: ReadModel, who: Principal, card: Card, feedback: Feedback, wait_s: float = WAIT_S
) -> Told:
    """Send what `who` says of the lead, and wait at most `wait_s` for what the desk makes of it.

    A rep speaks for itself, a manager for whoever has the lead. Raises Mistaken, NotYours and NotSent.
    """
    rep = speaker(who, card)
    value = checked(feedback, rep, card.lead, now_ms())
    origin = await sender.feedback(card.desk or MAIN_DESK, value)
    return await answer_to(model, origin, wait_s)


def speaker(who: Principal, card: Card) -> str:
    """For which rep `who` speaks of the lead. Raises NotYours."""
    if not who.may_act(card.owner, card.region):
        raise NotYours
    if who.role != "manager" and who.rep is not None:
        return who.rep
    if card.owner is None:
        raise NotYours
    return card.owner


def checked(feedback: Feedback, rep: str, lead: str, now_ms: int) -> dict[str, Any]:
    """The record for `rep-events`. Raises Mistaken for what the desk would not take, and for what it would cut."""
    said = {name: value for name in feedback.__struct_fields__ if (value := getattr(feedback, name)) is not None}
    mistakes = [
        Mistake(name, told)
        for name, value in said.items()
        if name != "type" and (told := _wrong(feedback.type, name, value, now_ms))
    ]
    needed = {"lead.snoozed": ("until", "when to call again"), "lead.noted": ("text", "the note")}
    if feedback.type in needed:
        name, what = needed[feedback.type]
        mistakes += [] if said.get(name) else [Mistake(name, f"is missing; expected {what}")]
    if mistakes:
        raise Mistaken(*mistakes)
    return _readable({**msgspec.to_builtins(said), "rep": rep, "lead": lead}, now_ms)


def _wrong(kind: Kind, name: str, value: Any, now_ms: int) -> str | None:
    fields = FIELDS.get(kind, ())
    if name not in fields:
        return f"says nothing with {kind}; expected {' and '.join(fields) or 'nothing but the type'}"
    if isinstance(value, str) and len(value) > TEXT_CHARS_MAX:
        return f"has {len(value)} characters; expected at most {TEXT_CHARS_MAX}"
    if name == "amount" and not 0 <= value < math.inf:
        return f"is {value:g}; expected a number, 0 or more"
    return _past(value, now_ms) if name == "until" else None


def _past(until: datetime, now_ms: int) -> str | None:
    # Whatever lies outside of the years that can be told is left to the desk's own reader.
    if from_datetime(until) <= now_ms:
        return f"is {until.isoformat()}, which is over; expected a time after {to_rfc3339(now_ms)}"
    return None


def _readable(value: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """`value`, once it is sure that the desk can read it."""
    try:
        read_saying(InputRecord("rep-events", 0, 0, now_ms, None, msgspec.json.encode(value)))
    except Rejected as rejected:
        raise Mistaken(Mistake(rejected.field or "type", str(rejected))) from None
    return value


async def availability(
    sender: Sender,
    model: ReadModel,
    who: Principal,
    rep: str,
    said: Availability,
    reps: Reps,
    wait_s: float = AWAY_WAIT_S,
) -> Told:
    """Send that `rep` is away, or back: said by itself, or by a manager of one of its regions.

    `sent` is all that can be known of what the desk accepts. Raises Mistaken, NotYours and NotSent.
    """
    known = reps.get(rep)
    if not may_speak_for(who, rep, reps):
        raise NotYours
    at_ms = now_ms()
    if said.until is not None and (told := _past(said.until, at_ms)):
        raise Mistaken(Mistake("until", told))
    if said.until is not None and said.type == "rep.available":
        raise Mistaken(Mistake("until", "says nothing with rep.available; expected nothing but the type"))
    value = _readable({**msgspec.to_builtins(said), "rep": rep}, at_ms)
    origin = await sender.feedback((known or Rep(rep)).desk, value)
    return await answer_to(model, origin, wait_s)


def may_speak_for(who: Principal, rep: str, reps: Reps) -> bool:
    """Whether `who` may say that `rep` is away."""
    known = reps.get(rep)
    if known is None:
        return who.rep == rep
    return any(who.may_act(rep, region) for region in (None, *known.regions))


async def answer_to(model: ReadModel, origin: Origin, wait_s: float) -> Told:
    """What came of the record; `sent` where nothing is known of it within `wait_s`, or while the store is away."""
    with contextlib.suppress(TimeoutError, ReadModelAway):
        async with asyncio.timeout(wait_s), contextlib.aclosing(model.changed()) as changes:
            async for _ in changes:
                if (found := await answered(model, origin)) is not None:
                    return Told("accepted" if found.accepted else "refused", found.why, origin)
    return Told("sent", None, origin)


async def answered(model: ReadModel, origin: Origin) -> Answer | None:
    """The answer, None where there is none yet. Raises ReadModelAway."""
    found = await model.logged("answers", str(origin))
    return None if found is None else decode_answer(found)


class Once:
    """Takes what is said again within AGAIN_S for the first time: a double click, a page that is sent again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` in seconds."""
        self._clock = clock
        self._said: dict[Hashable, tuple[float, asyncio.Task[Told]]] = {}

    async def do(self, what: Hashable, work: Callable[[], Awaitable[Told]]) -> Told:
        """What `work` comes to, or came to for the same `what` just now; what failed or was refused is tried again."""
        now_s = self._clock()
        held = self._said.get(what)
        if held is None or held[0] <= now_s:
            self._said.pop(what, None)
            self._forget(now_s)
            held = self._said[what] = now_s + AGAIN_S, asyncio.ensure_future(_awaited(work))
        try:
            # Whoever leaves does not take back what is being said.
            told = await asyncio.shield(held[1])
        except Exception:
            self._drop(what, held)
            raise
        if told.outcome == "refused":
            self._drop(what, held)
        return told

    def _drop(self, what: Hashable, held: tuple[float, asyncio.Task[Told]]) -> None:
        if self._said.get(what) is held:
            del self._said[what]

    def _forget(self, now_s: float) -> None:
        # What was said first stands first.
        while self._said:
            what, (ends_s, _) = next(iter(self._said.items()))
            if ends_s > now_s and len(self._said) < ONCE_MAX:
                return
            del self._said[what]


async def _awaited(work: Callable[[], Awaitable[Told]]) -> Told:
    return await work()
