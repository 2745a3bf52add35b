"""A row under a changed model: what the change itself did is taken note of, and told to nobody.

Points, groups, bands and fit are read anew with every look, so nothing of the ledger needs to be changed; but each
alert is set to the side on which the lead now stands, so that it does not fire for what the change did.
"""

from collections.abc import Iterator

import msgspec

from engine.core.alerts import gained
from engine.core.drift import falls_after
from engine.core.fold import Folded, settle
from engine.core.instants import DAY_MS
from engine.core.ledger import GONE, Entry
from engine.core.lifecycle import advance
from engine.core.model import Model
from engine.core.profile import Row, copy_of
from engine.core.step import Step
from engine.core.triggers import Alert, Crosses, FallsBelow

RELOAD = "model"
"""What a reload is called where it is a cause."""
UNREAD_MS_MAX = 30 * DAY_MS
"""How long the entry of a rule that is gone is kept."""


class Waiting(msgspec.Struct, array_like=True, frozen=True):
    """What an alert or action waited for: the kind of its trigger, and its fingerprint."""

    kind: str
    fingerprint: str


class Stamp(msgspec.Struct):
    """Under which model rows were written: its version, and what each alert and action waited for, by its state."""

    model: str
    alerts: dict[str, Waiting]


def stamp_of(model: Model) -> bytes:
    """What rows written under `model` depend on, as JSON."""
    alerts = {alert.state: _waiting(alert) for alert in model.alerts}
    return msgspec.json.encode(Stamp(model.version, alerts), order="sorted")


def _waiting(alert: Alert) -> Waiting:
    return Waiting(type(alert.trigger).__name__, alert.fingerprint)


def alerts_before(stamp: bytes | None) -> dict[str, Waiting] | None:
    """What the alerts under which rows were written waited for; None where that is not known."""
    try:
        return None if stamp is None else msgspec.json.decode(stamp, type=Stamp).alerts
    except msgspec.DecodeError:
        return None


def restate(model: Model, row: Row, alerts: dict[str, Waiting] | None, at_ms: int, *, fire: bool) -> Folded:
    """`row` brought up to `model`; `alerts` were those of the model before. With `fire` what crossed does fire.

    `at_ms` is how far time has come: a silence that a new alert waits for and that is over already is passed over.
    """
    before = row
    row = copy_of(row)
    _drop_unknown(model, row, at_ms)
    if row.alerts and alerts is not None:
        _forget(model, row, alerts)
    _pass_over(model, row, alerts or {}, at_ms)
    row.changed = row.changed or row.published is not None
    step = Step(model, before, row, None, RELOAD, quiet=not fire)
    if fire:
        return settle(step)
    moved = advance(step)
    total = step.after.total
    # Most leads are cold, and an operator waits for all of them.
    if row.alerts or row.gains or total >= model.waiting.looks_from:
        _take_sides(model, row, step)
    row.falls = falls_after(model, row, row.now, step.after) if total >= model.watched_from else None
    return Folded(row, total, [] if moved is None else [moved])


def _drop_unknown(model: Model, row: Row, at_ms: int) -> None:
    """Leave out what nothing in the model knows any more."""
    if not row.ledger.keys() <= model.rules.keys():
        row.ledger = dict(_kept(model, row, at_ms - row.born_ms))
    if row.pending:
        row.pending = [begun for begun in row.pending if begun.signal in model.signals]
    if row.waits:
        row.waits = {state: wait for state, wait in row.waits.items() if state in model.waiting.followed}
    if row.gains and not model.waiting.gains:
        row.gains = []
    if row.alerts:
        row.alerts = {state: held for state, held in row.alerts.items() if state in model.waiting.places}
    if row.life is not None and row.life.cycle_due is not None and not model.cycle:
        row.life = msgspec.structs.replace(row.life, cycle_due=None)


def _kept(model: Model, row: Row, at: int) -> Iterator[tuple[str, Entry]]:
    """The entries of a ledger; one whose rule is gone stands under another name, behind the time since when it is."""
    for name, entry in row.ledger.items():
        rule = name.removeprefix(GONE)
        if name == rule:
            yield (rule, entry) if rule in model.rules else (f"{GONE}{rule}", (at, *entry))
        elif rule in model.rules:
            yield rule, entry[1:]
        elif at - entry[0] <= UNREAD_MS_MAX:
            yield name, entry


def _forget(model: Model, row: Row, alerts: dict[str, Waiting]) -> None:
    """Whether an alert fired by a trigger of another kind means nothing; when it did, its cool-down asks."""
    for alert in model.alerts:
        held, was = row.alerts.get(alert.state), alerts.get(alert.state)
        if held is not None and (was is None or was.kind != _waiting(alert).kind):
            row.alerts = {**row.alerts, alert.state: (isinstance(alert.trigger, FallsBelow), held[1])}


def _pass_over(model: Model, row: Row, alerts: dict[str, Waiting], at_ms: int) -> None:
    for alert, trigger in model.waiting.silences:
        if alerts.get(alert.state) != _waiting(alert) and row.last + trigger.for_ms <= at_ms - row.born_ms:
            row.alerts = {**row.alerts, alert.state: (True, row.last + 1)}


def _take_sides(model: Model, row: Row, step: Step) -> None:
    """Set each score alert to the side on which the lead stands; one whose `if` does not hold stays armed."""
    for alert in gained(model, row):
        if alert.holds(step.standing):
            row.alerts = {**row.alerts, alert.state: (True, row.alerts.get(alert.state, (False, None))[1])}
    for alert, trigger in model.waiting.scores:
        score = max(0.0, getattr(step.after, trigger.score))
        fired, fired_at = row.alerts.get(alert.state, (not isinstance(trigger, Crosses), None))
        if isinstance(trigger, Crosses):
            over, back = score >= trigger.bound, score < trigger.rearm_below
        else:
            over, back = score < trigger.bound, score >= trigger.rearm_above
        if over and not fired and alert.holds(step.standing):
            row.alerts = {**row.alerts, alert.state: (True, fired_at)}
        elif back and fired:
            row.alerts = {**row.alerts, alert.state: (False, fired_at)}
