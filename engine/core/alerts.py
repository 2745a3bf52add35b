"""Alerts and actions: what is armed, what fires, what is held back.

A score alert is armed or has fired; each step looks before the change and after it. Event triggers are held back by
`if` and the cool-down only (`semantics.md` 4). Actions are the same, with `suppress` and `actions_limit` over them.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from engine.core.effects import Fired
from engine.core.instants import MINUTE_MS
from engine.core.model import Model
from engine.core.profile import Life, Row
from engine.core.step import Step
from engine.core.triggers import Alert, Crosses, FallsBelow, Gains, SilentFor

_WHOLE_MAX = 2**53
Score = Crosses | FallsBelow


def look(step: Step, gained: list[Alert], moved_to: list[int], due: frozenset[str]) -> list[Fired]:
    """What fires in this step, in the model's order, and what is armed from now on, which is written down in the row.

    `gained` are those that wait for points and got them (`gains`), `moved_to` are the stages that the lead has
    just entered, `due` the states whose time has come.
    """
    waiting = step.model.waiting
    found: dict[str, tuple[Alert, str]] = {alert.state: (alert, step.name) for alert in gained}
    for alert in _score_alerts(step):
        found[alert.state] = (alert, step.name)
    if step.fast is not None:
        found.update({alert.state: (alert, step.name) for alert in waiting.fast_tracks})
    for alert, event in step.triggered:
        found.setdefault(alert.state, (alert, event.name))
    if moved_to:
        found.update({one.state: (one, step.name) for one, trigger in waiting.enters if trigger.stage in moved_to})
    if due:
        found.update({one.state: (one, "silent_for") for one, _ in waiting.silences if one.state in due})
        found.update({state: (one, "not_followed_by") for state, (one, _) in waiting.followed.items() if state in due})
    if not found:
        return []
    places = waiting.places
    return [
        fired
        for _, (alert, name) in sorted(found.items(), key=lambda item: places[item[0]])
        if (fired := _fire(step, alert, name)) is not None
    ]


def _fire(step: Step, alert: Alert, name: str) -> Fired | None:
    """Fires `alert`, whose trigger is there, unless something holds it back."""
    row = step.row
    if not alert.holds(step.standing) or (alert.is_action and _suppressed(step)):
        return None
    _, fired_at = row.alerts.get(alert.state, (False, None))
    held = step.quiet or (fired_at is not None and row.now - fired_at < alert.cooldown_ms)
    held = held or (alert.is_action and not _allowed(step.model, row))
    if not held or isinstance(alert.trigger, Score | Gains | SilentFor):
        row.alerts = {**row.alerts, alert.state: (True, fired_at if held else row.now)}
    if held:
        return None
    before, after = step.before.total, step.after.total
    if isinstance(alert.trigger, Score) and alert.trigger.score != "total":
        before, after = (max(0.0, getattr(score, alert.trigger.score)) for score in (step.before, step.after))
    rule = step.fast if name == step.name and alert in step.model.waiting.fast_tracks else step.top
    event = next((event for one, event in step.triggered if one is alert), step.event)
    return Fired(alert, name, before, after, rule, event)


def _suppressed(step: Step) -> bool:
    """None for who unsubscribed, or for whom `suppress` holds."""
    if step.row.counts.get("unsubscribe", 0) > 0:
        return True
    return step.model.suppress is not None and step.model.suppress(step.standing)


def _allowed(model: Model, row: Row) -> bool:
    """Whether one action more is within `actions_limit`; it is counted then."""
    if model.actions_limit is None:
        return True
    count, every_ms = model.actions_limit
    life = row.life or Life()
    window, used = row.now_ms // every_ms, 0
    if life.actions[0] == window:
        used = life.actions[1]
    if used >= count:
        return False
    row.life = replace(life, actions=(window, used + 1))
    return True


def _score_alerts(step: Step) -> Iterator[Alert]:
    """Score alerts that are armed and over their bound; what is armed anew is written down."""
    row = step.row
    states = row.alerts
    for alert, trigger in step.model.waiting.scores:
        before = max(0.0, getattr(step.before, trigger.score))
        after = max(0.0, getattr(step.after, trigger.score))
        falls = isinstance(trigger, FallsBelow)
        fired, fired_at = states.get(alert.state, (falls, None))
        if isinstance(trigger, FallsBelow):
            rearmed = before >= trigger.rearm_above or after >= trigger.rearm_above
            over = after < trigger.bound and (not fired or before >= trigger.rearm_above)
        else:
            rearmed = before < trigger.rearm_below or after < trigger.rearm_below
            over = after >= trigger.bound and (not fired or before < trigger.rearm_below)
        if fired and rearmed:
            # A new row is armed where the score is to rise, so only what has fired need be remembered there.
            row.alerts = {**row.alerts, alert.state: (False, fired_at)}
        if over:
            yield alert


def gains(step: Step) -> list[Alert]:
    """Alerts on what the last minutes brought; below what they wait for they are armed again."""
    row, model = step.row, step.model
    born = row.born_ms // MINUTE_MS
    minute = (row.born_ms + row.now) // MINUTE_MS - born
    before = row.gains
    while before and before[0] <= minute - model.gains_minutes:
        before = before[2:]
    after = before
    if step.gained and step.event is not None and not step.quiet:
        after = _gained(before, step.event.time_ms // MINUTE_MS - born, step.gained)
    row.gains = after
    found = []
    for alert, trigger in model.waiting.gains:
        first = minute - trigger.minutes
        enough = _sum(after, first) >= trigger.points
        held = row.alerts.get(alert.state)
        if held is not None and held[0]:
            if _sum(before, first) >= trigger.points:
                continue
            row.alerts = {**row.alerts, alert.state: (False, held[1])}
        if enough:
            found.append(alert)
    return found


def gained(model: Model, row: Row) -> list[Alert]:
    """The alerts that wait for what the last minutes did bring."""
    minute = row.now_ms // MINUTE_MS - row.born_ms // MINUTE_MS
    return [
        alert for alert, trigger in model.waiting.gains if _sum(row.gains, minute - trigger.minutes) >= trigger.points
    ]


def _gained(before: list[int | float], minute: int, points: float) -> list[int | float]:
    """`before` with more in one of their minutes; a whole number as one, since it packs into less."""
    place = len(before)
    while place > 0 and before[place - 2] >= minute:
        place -= 2
    if place < len(before) and before[place] == minute:
        points += before[place + 1]
        end = place + 2
    else:
        end = place
    whole = int(points) if abs(points) < _WHOLE_MAX else points
    return [*before[:place], minute, whole if whole == points else points, *before[end:]]


def _sum(minutes: list[int | float], first: int) -> float:
    """The points of the minutes after `first`."""
    if not minutes or minutes[0] > first:
        return sum(minutes[1::2])
    return _sum(minutes[2:], first)
