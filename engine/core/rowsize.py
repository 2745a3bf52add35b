"""How large the model's own parts of a row can become: what it counts and remembers, a visitor's text left out."""

from math import inf
from typing import Any

import msgspec

from engine.core.ledger import WINDOWS_MAX
from engine.core.model import Model, Rule
from engine.core.packing import BYTES_MAX, TEXT_BYTES
from engine.core.profile import PENDING_MAX, VIDEOS_MAX, Life, Pending, Published, Suspect, Visit
from engine.core.step import dwelt_by
from engine.core.triggers import Gains, SilentFor, When

MODEL_BYTES = BYTES_MAX - TEXT_BYTES
"""Up to here every row stays within 4 KiB, whatever its visitor does."""
MODEL_BYTES_MAX = 65_536
"""A model beyond is refused: one visitor could fill the changelog by a few thousand events."""
RULES = "engagement rules"

_TIME, _MASS, _COUNT, _SMALL = -(2**40), 0.1, 2**31, 2**15
"""Numbers as long as they come: times in ms after the first event, masses, counts and windows, days and minutes."""


def row_parts(model: Model) -> dict[str, int]:
    """The largest that each part can become, in bytes, by what it is called in messages."""
    remembered = [alert.state for alert in model.alerts]
    waiting = [
        alert.state
        for alert in model.alerts
        if isinstance(alert.trigger, SilentFor) or (isinstance(alert.trigger, When) and alert.trigger.followed)
    ]
    minutes = model.gains_minutes + 1 if any(isinstance(alert.trigger, Gains) for alert in model.alerts) else 0
    return {
        RULES: _size({rule.id: _entry(rule) for rule in model.rules.values()}),
        "counts of events": _size(dict.fromkeys(model.counted, _COUNT)),
        "alerts and actions": _size(dict.fromkeys(remembered, (True, _TIME)))
        + _size(dict.fromkeys(waiting, (_TIME, _TIME))),
        "minutes of `gains`": _size([(_COUNT, _MASS)] * minutes),
        "everything else": _rest(model),
    }


def too_large(parts: dict[str, int], bytes_max: int) -> str | None:
    """What to say of a model whose rows can come to more than `bytes_max`, None where they cannot."""
    total = sum(parts.values())
    if total <= bytes_max:
        return None
    large = sorted(parts.items(), key=lambda part: -part[1])[:3]
    return (
        f"a lead's row could take {total:,} bytes before anything that visitors write, of {bytes_max:,}: "
        + ", ".join(f"{name} {size:,}" for name, size in large)
        + "; expected fewer or shorter ones: `window` takes 13 bytes a day, `limit` 200, `gains` 15 a minute"
    )


def _entry(rule: Rule) -> Any:
    """The largest entry of a rule in the ledger (`ledger.py` has the shapes)."""
    # What counts 1 and does not fade stays a whole number.
    whole = rule.times is None and rule.half_life_ms == inf
    mass: float = _COUNT if whole else _MASS
    if rule.window_days is not None:
        days = 1 if rule.once else rule.window_days
        windows = 2 * WINDOWS_MAX if rule.limit else 0
        return (None, _TIME, [_SMALL, mass, _COUNT] * days, _COUNT, [_COUNT] * windows)
    if rule.limit:
        return (_MASS, _TIME, _COUNT, _COUNT, _COUNT, _COUNT, [_COUNT, _COUNT] * (WINDOWS_MAX - 1))
    return (mass, _TIME, _COUNT)


def _rest(model: Model) -> int:
    """Stage, visit, what was published, what is pending and watched: numbers and names of the model."""
    dwell = model.readers_of_signal("dwell")
    dwelt = [*(dwelt_by(rule) for rule in dwell.rules), *(alert.state for alert, _ in dwell.whens)]
    signal = max(model.signals, key=len, default="")
    longest = max(
        (name for names in (model.bands, model.grades) for name in (step.name for step in names)), key=len, default=""
    )
    persona = max((name for name, _ in model.personas), key=len, default="")
    parts = [
        [_TIME] * 9,
        Visit(_TIME, _TIME, _COUNT, _TIME, ended=True, dwelt=dwelt),
        Life(8, _TIME, _TIME, _TIME, _SMALL, _MASS, (_COUNT, _COUNT)),
        Published(_TIME, _COUNT, longest, longest, persona, True),
        [Pending(signal, None, _TIME, _TIME, None, None, None)] * PENDING_MAX,
        {f"{number:08x}": 95 for number in range(VIDEOS_MAX)},
        Suspect(None, 10**12, _TIME, (2**32, _TIME), (2**32, _TIME, True)),
    ]
    return _size(parts)


def _size(value: Any) -> int:
    return len(msgspec.msgpack.encode(value))
