"""What routing reads of a lead that only a fold knows: the event that caused it, and the points of single rules.

A request for a rep carries it by the names of the fields, so that a desk decides as the lead's own row would.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from sys import float_info
from typing import Any

from engine.core.comparisons import Getter
from engine.core.decode import TEXT_CHARS_MAX
from engine.core.fields import POINTS, is_event_only
from engine.core.text import clean

LIST_MAX = 100
_WHOLE_MAX = 2**63

Seen = tuple[tuple[str, Getter], ...]
"""Fields by name, with what reads them of a `Standing`."""


def is_seen(name: str) -> bool:
    """Whether only a fold knows field `name` of a lead."""
    return name.startswith(POINTS) or is_event_only(name)


def seen_fields(names: Iterable[str], find: Callable[[str], Getter | str]) -> Seen:
    """Those of `names` that only a fold knows; `find` gives the getter of a field, or why there is none."""
    found = ((name, find(name)) for name in sorted(names) if is_seen(name))
    return tuple((name, get) for name, get in found if not isinstance(get, str))


def seen(fields: Seen, standing: Any) -> dict[str, Any]:
    """What `fields` are for a lead, those that are there: text of at most 500 characters, numbers, true and false.

    Of a list it is the first hundred of these. What is an object, or nested, is left out.
    """
    told = ((name, _told(get(standing))) for name, get in fields)
    return {name: value for name, value in told if value is not None}


def _told(value: Any) -> Any:
    if isinstance(value, list):
        return list(islice((told for one in value if (told := _scalar(one)) is not None), LIST_MAX))
    return _scalar(value)


def _scalar(value: Any) -> str | float | bool | None:
    if isinstance(value, str):
        return clean(value, TEXT_CHARS_MAX)
    if isinstance(value, int) and not -_WHOLE_MAX <= value < _WHOLE_MAX:
        # Rows hold no larger whole numbers; one beyond every float equals nothing and lies between nothing.
        return float(value) if abs(value) <= float_info.max else None
    return value if isinstance(value, int | float) else None
