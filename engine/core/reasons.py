"""Why an alert or action fired, in a sentence for people."""

from engine.core.effects import Fired
from engine.core.instants import to_duration
from engine.core.model import STAGES, Model
from engine.core.triggers import Crosses, Enters, FallsBelow, FastTrack, Gains, SilentFor, When


def reason_of(model: Model, fired: Fired) -> str:
    """The sentence; what counted comes first where something did."""
    trigger = fired.alert.trigger
    what = "" if fired.rule is None else (fired.rule.label or fired.rule.id)
    rose = f"score went from {fired.before:.1f} to {fired.after:.1f}"
    if isinstance(trigger, Crosses):
        return _with(what, f"{rose}, across {_bound(trigger)}")
    if isinstance(trigger, FallsBelow):
        return f"{rose}, below {_bound(trigger)}"
    if isinstance(trigger, FastTrack):
        return _with(what, f"qualifies at once, at a score of {fired.after:.1f}")
    if isinstance(trigger, Gains):
        return _with(what, f"gained at least {trigger.points:g} points within {trigger.minutes} minutes")
    if isinstance(trigger, SilentFor):
        return f"nothing came for {to_duration(trigger.for_ms)}, at a score of {fired.after:.1f}"
    if isinstance(trigger, Enters):
        return _with(what, f"is now {model.stage_names.get(STAGES[trigger.stage], STAGES[trigger.stage])}")
    return _when(fired, trigger)


def _when(fired: Fired, trigger: When) -> str:
    if trigger.followed is not None:
        return f"what was to follow did not come within {to_duration(trigger.within_ms)}"
    return f"{_seen(fired)}, at a score of {fired.after:.1f}"


def _seen(fired: Fired) -> str:
    path = None if fired.event is None else fired.event.page.path
    return fired.name if path is None else f"{fired.name} on {path}"


def _with(what: str, told: str) -> str:
    return f"{what}: {told}" if what else told


def _bound(trigger: Crosses | FallsBelow) -> str:
    bound = f"{trigger.bound:g}" if trigger.band is None else f"{trigger.band} ({trigger.bound:g})"
    return bound if trigger.score == "total" else f"{bound} of {trigger.score}"
