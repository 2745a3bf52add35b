"""One event into one row: `(row, event) → (row, what came of it)`. The row that went in is left as it was."""

import msgspec
from xxhash import xxh3_64_digest

from engine.core.abandoned import TOUCHED_BY, observe_begun
from engine.core.alerts import gains, look
from engine.core.drift import falls_after
from engine.core.effects import Effect, Moved
from engine.core.events import IMPORT, VIEWS, WEB, Event
from engine.core.lifecycle import advance
from engine.core.model import Model
from engine.core.persons import observe_person
from engine.core.profile import ID_BYTES, RECENT_IDS_MAX, RECENT_WITHIN_S, TIME_BYTES, Row, copy_of
from engine.core.step import Step
from engine.core.visits import count_seen, observe_page, observe_product, observe_video, observe_visit, turn_page

_SECONDS_MASK = 2 ** (8 * TIME_BYTES) - 1
_NONE_DUE: frozenset[str] = frozenset()


class Folded(msgspec.Struct, frozen=True, gc=False):
    """The row after a step, the total it stands at, and what came of it, in the order in which it is to be told."""

    row: Row
    total: float
    effects: list[Effect]


def new_row(event: Event, *, anonymous: bool) -> Row:
    """The row of a lead whose first event is `event`; its score is 0."""
    return Row(born_ms=event.time_ms, anonymous=anonymous, quiet=event.source == IMPORT)


def fold_event(model: Model, row: Row, event: Event) -> Folded | None:
    """`row` after `event`; None where the row has seen the event's messageId and nothing changes.

    Nothing of the row may be due before the event.
    """
    before = row
    row = copy_of(row)
    if event.id is not None and not _remember(row, event.id, event.time_ms):
        return None
    time = event.time_ms - row.born_ms
    signals = _observe(model, row, event, time)
    step = Step(model, before, row, event, event.name, quiet=event.source == IMPORT)
    for signal in signals:
        step.count(signal)
    if event.source == WEB:
        turn_page(row, event, time)
    step.count(event)
    return settle(step)


def settle(step: Step, due: frozenset[str] = _NONE_DUE, moved: Moved | None = None) -> Folded:
    """Where the row stands now that everything has counted: its stage, and the alerts and actions that fire.

    `due` are the states of the alerts and actions whose time has come, `moved` where the lead has gone already.
    """
    model, row, waiting = step.model, step.row, step.model.waiting
    moves = [] if moved is None else [moved]
    total = step.after.total
    # Most leads are cold, anonymous and nowhere yet: no stage is for them.
    if total >= model.stages_from or row.life is not None or row.fast_track or not row.anonymous:
        further = advance(step)
        if further is not None:
            moves.append(further)
    effects: list[Effect] = [*moves, *step.converted]
    gained = gains(step) if waiting.gains and (step.gained or row.gains) else []
    if (
        row.alerts
        or total >= waiting.looks_from
        or (step.lowered and step.before.total >= waiting.looks_from)
        or gained
        or step.triggered
        or step.fast is not None
        or moves
        or due
    ):
        effects += look(step, gained, [move.stage_to for move in moves], due)
    row.falls = falls_after(model, row, row.now, step.after) if total >= model.watched_from else None
    return Folded(row, total, effects)


def _remember(row: Row, message_id: str, time_ms: int) -> bool:
    """Whether `message_id` is new to the row within a day, among its last 64; it is remembered then."""
    hashed = xxh3_64_digest(message_id.encode())[:ID_BYTES]
    time_s = time_ms // 1000 & _SECONDS_MASK
    ids = row.recent_ids
    place = ids.find(hashed)
    while place >= 0:
        slot, offset = divmod(place, ID_BYTES)
        if offset == 0:
            seen_s = int.from_bytes(row.recent_s[slot * TIME_BYTES : (slot + 1) * TIME_BYTES], "big")
            if min(time_s - seen_s & _SECONDS_MASK, seen_s - time_s & _SECONDS_MASK) <= RECENT_WITHIN_S:
                return False
        place = ids.find(hashed, place + 1)
    if len(ids) >= RECENT_IDS_MAX * ID_BYTES:
        row.recent_ids = ids = ids[ID_BYTES:]
        row.recent_s = row.recent_s[TIME_BYTES:]
    row.recent_ids = ids + hashed
    row.recent_s += time_s.to_bytes(TIME_BYTES, "big")
    return True


def _observe(model: Model, row: Row, event: Event, time: int) -> list[Event]:
    """What the row learns besides the score: times, visits, pages, counts, who it is; the signals that follow."""
    name = event.name
    count_seen(model, row, name)
    signals = observe_visit(model, row, event, time) if event.source == WEB else []
    if name == "video_progress":
        signals += observe_video(model, row, event)
    if name in VIEWS:
        observe_page(row, event, time)
    row.now = max(row.now, time)
    row.quiet = row.quiet and event.source == IMPORT
    # What is imported of a lead that did something itself is no doing of the lead's.
    if time > row.last and (row.quiet or event.source != IMPORT):
        row.last = time
    elif time < row.first:
        row.first = time
    if name in TOUCHED_BY and (row.quiet or event.source != IMPORT):
        observe_begun(model, row, event, time)
    if event.product is not None:
        observe_product(row, event.product)
    observe_person(model, row, event, time)
    return signals
