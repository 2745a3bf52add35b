"""One event into one row: `(row, event) → (row, what fired)`. The row that went in is left as it was."""

from collections.abc import Iterable, Iterator
from operator import methodcaller
from typing import Any, NamedTuple, TypeVar

import msgspec
import xxhash

from engine.core.events import IMPORT, Event
from engine.core.ledger import Ledger, counted
from engine.core.model import Alert, Crosses, Model, Rule
from engine.core.profile import (
    EMAIL_CHARS_MAX,
    ID_BYTES,
    PAGES_MAX,
    RECENT_IDS_MAX,
    RECENT_WITHIN_S,
    STORED_CHARS_MAX,
    TIME_BYTES,
    Row,
    packed_page,
)
from engine.core.scoring import total_of
from engine.core.standing import standing_of
from engine.core.text import clean

E = TypeVar("E")
_copy = methodcaller("__copy__")

SESSION_GAP_MS = 30 * 60_000
TRIGGER_AGE_MS_MAX = 3_600_000
TITLE_CHARS_MAX = 300
TRAIT_BYTES_MAX = 160
"""Of a list or an object: an address fits, and a row stays small whatever a visitor sends."""
_SECONDS_MASK = 2**32 - 1


class Fired(NamedTuple):
    """An alert that fired: the score before and after its cause, and the rule that weighed most in it."""

    alert: Alert
    before: float
    after: float
    rule: Rule | None


class Folded(NamedTuple):
    """The row after an event, the total it stands at, and the alerts that the event fired, in the model's order."""

    row: Row
    total: float
    fired: list[Fired]


def new_row(event: Event) -> Row:
    """The row of a lead whose first event is `event`; its score is 0."""
    return Row(born_ms=event.time_ms, anonymous=event.anonymous_id is not None)


def fold_event(model: Model, row: Row, event: Event) -> Folded | None:
    """`row` after `event`; None where the row has seen the event's messageId and nothing changes."""
    row = _copy(row)
    if event.id is not None and not _remember(row, event.id, event.time_ms):
        return None
    time = event.time_ms - row.born_ms
    _observe(model, row, event, time)
    before_ledger = row.ledger
    matched = [rule for rule in model.rules_for(event.name) if rule.holds(event)]
    fast_track = False
    if matched:
        row.ledger = ledger = before_ledger.copy()
        for rule in matched:
            ledger[rule.id] = counted(ledger.get(rule.id), time, rule.half_life_ms)
            fast_track = fast_track or rule.fast_track
    total = total_of(model, row.ledger, row.now)
    if fast_track and not row.fast_track:
        row.fast_track = row.changed = True
    if not (fast_track or row.alerts or total >= model.crosses_from):
        return Folded(row, total, [])
    return Folded(row, total, list(_alerts(model, row, event, before_ledger, total, matched)))


def _remember(row: Row, message_id: str, time_ms: int) -> bool:
    """Whether `message_id` is new to the row within a day, among its last 64; it is remembered then."""
    hashed = xxhash.xxh3_64_digest(message_id.encode())
    time_s = time_ms // 1000 & _SECONDS_MASK
    place = row.recent_ids.find(hashed)
    while place >= 0:
        slot, offset = divmod(place, ID_BYTES)
        if offset == 0:
            seen_s = int.from_bytes(row.recent_s[slot * TIME_BYTES : (slot + 1) * TIME_BYTES], "big")
            if min(time_s - seen_s & _SECONDS_MASK, seen_s - time_s & _SECONDS_MASK) <= RECENT_WITHIN_S:
                return False
        place = row.recent_ids.find(hashed, place + 1)
    oldest = len(row.recent_ids) // ID_BYTES - RECENT_IDS_MAX + 1
    if oldest > 0:
        row.recent_ids = row.recent_ids[oldest * ID_BYTES :]
        row.recent_s = row.recent_s[oldest * TIME_BYTES :]
    row.recent_ids += hashed
    row.recent_s += time_s.to_bytes(TIME_BYTES, "big")
    return True


def _observe(model: Model, row: Row, event: Event, time: int) -> None:
    """What the row knows of the lead besides the score: times, sessions, counts, pages, who it is."""
    if event.source == "web" and (row.sessions == 0 or time - row.now > SESSION_GAP_MS):
        row.sessions += 1
    if time >= row.now:
        row.now = row.last = time
    elif time < row.first:
        row.first = time
    name = event.name
    if name in model.counted:
        row.counts = {**row.counts, name: row.counts.get(name, 0) + 1}
    if name == "page_view":
        path = event.page.path
        if path is not None:
            title = event.page.title
            row.pages = [
                *row.pages[1 - PAGES_MAX :],
                packed_page(time, path, None if title is None else clean(title, TITLE_CHARS_MAX)),
            ]
    elif event.type == "identify":
        _identify(model, row, event, time)


def _identify(model: Model, row: Row, event: Event, time: int) -> None:
    # What came before a second person's login stays with the first, and who the first is as well.
    if row.anonymous and event.user_id is not None:
        if row.user is not None and row.user != event.user_id:
            return
        row.changed = row.changed or row.user is None
        row.user = event.user_id
    said = {key: _stored(key, value) for key, value in model.decoder.traits_of(event).items()}
    if said:
        traits = {**row.traits}
        for key, value in said.items():
            held = traits.get(key)
            if held is None or _later((time, value), held):
                row.changed = row.changed or held is None or held[1] != value
                traits[key] = (time, value)
        row.traits = traits


def _later(said: tuple[int, Any], held: tuple[int, Any]) -> bool:
    """A trait's value is that of the latest event time; ties: the larger bytes."""
    if said[0] != held[0]:
        return said[0] > held[0]
    return msgspec.json.encode(said[1]) > msgspec.json.encode(held[1])


def _stored(key: str, value: Any) -> Any:
    """A trait's value as a row keeps it: text cut short, lists and objects to what fits, nothing nested deeper."""
    if isinstance(value, str):
        return clean(value, EMAIL_CHARS_MAX if key == "email" else STORED_CHARS_MAX)
    if isinstance(value, list):
        return list(_fitting(map(_scalar, value)))
    if isinstance(value, dict):
        return dict(_fitting((clean(name, STORED_CHARS_MAX), _scalar(element)) for name, element in value.items()))
    return _scalar(value)


def _fitting(elements: Iterable[E]) -> Iterator[E]:
    room = TRAIT_BYTES_MAX
    for element in elements:
        room -= len(msgspec.msgpack.encode(element))
        if room < 0:
            return
        yield element


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value, STORED_CHARS_MAX)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value) if abs(value) < 1e300 else None
    return None if isinstance(value, list | dict) else value


def _alerts(
    model: Model, row: Row, event: Event, before_ledger: Ledger, after: float, matched: list[Rule]
) -> Iterator[Fired]:
    """Fires what is due, and writes down in `row` what is armed and what has fired; an import fires nothing."""
    before = total_of(model, before_ledger, row.now)
    standing = standing_of(model, row, after)
    states = row.alerts.copy()
    in_time = row.now_ms - event.time_ms <= TRIGGER_AGE_MS_MAX
    fast = [rule for rule in matched if rule.fast_track and in_time]
    for alert in model.alerts:
        fired, fired_at = states.get(alert.id, (False, None))
        if isinstance(alert.trigger, Crosses):
            if fired and before < alert.trigger.rearm_below:
                fired = False
                states[alert.id] = (False, fired_at)
            due, rules = not fired and after >= alert.trigger.bound, matched
        else:
            due, rules = bool(fast), fast
        if due and alert.holds(standing):
            cooling = fired_at is not None and row.now - fired_at < alert.cooldown_ms
            silent = cooling or event.source == IMPORT
            states[alert.id] = (True, fired_at if silent else row.now)
            if not silent:
                yield Fired(alert, before, after, max(rules, key=lambda rule: rule.points, default=None))
    row.alerts = states
