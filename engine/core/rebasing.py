"""A row whose times count from another instant: two rows can be compared only where theirs count from the same."""

from msgspec.structs import replace

from engine.core.instants import MINUTE_MS
from engine.core.ledger import GONE, Entry
from engine.core.packing import packed_touch, stored_touch
from engine.core.profile import Life, Row, Suspect, Visit


def rebased(row: Row, born_ms: int) -> Row:
    """The row with its times in ms after `born_ms`; what counts from the Unix epoch, such as days, stays."""
    if row.born_ms == born_ms:
        return row
    by = row.born_ms - born_ms
    minutes = row.born_ms // MINUTE_MS - born_ms // MINUTE_MS
    return replace(
        row,
        born_ms=born_ms,
        now=row.now + by,
        first=row.first + by,
        last=row.last + by,
        ledger={name: _moved_entry(name, entry, by) for name, entry in row.ledger.items()},
        pages=[replace(page, at=page.at + by) for page in row.pages],
        visit=row.visit and _moved_visit(row.visit, by),
        touches=[packed_touch(replace(touch, at=touch.at + by)) for touch in map(stored_touch, row.touches)],
        gains=[number if place % 2 else number + minutes for place, number in enumerate(row.gains)],
        falls=None if row.falls is None else row.falls + by,
        alerts={state: (fired, _plus(at, by)) for state, (fired, at) in row.alerts.items()},
        traits={name: (at + by, value) for name, (at, value) in row.traits.items()},
        published=row.published and replace(row.published, at=row.published.at + by),
        life=row.life and _moved_life(row.life, by),
        pending=[replace(begun, at=begun.at + by, due=begun.due + by) for begun in row.pending],
        waits={state: (_plus(due, by), at + by) for state, (due, at) in row.waits.items()},
        suspect=row.suspect and _moved_suspect(row.suspect, by),
    )


def _plus(time: int | None, by: int) -> int | None:
    return None if time is None else time + by


def _moved_entry(name: str, entry: Entry, by: int) -> Entry:
    if name.startswith(GONE):
        return (entry[0] + by, *_moved_entry("", entry[1:], by))
    return (entry[0], entry[1] + by, *entry[2:])


def _moved_visit(visit: Visit, by: int) -> Visit:
    return replace(visit, begin=visit.begin + by, last=visit.last + by, page_at=_plus(visit.page_at, by))


def _moved_life(life: Life, by: int) -> Life:
    return replace(life, at=life.at + by, cycle_due=_plus(life.cycle_due, by), over=_plus(life.over, by))


def _moved_suspect(suspect: Suspect, by: int) -> Suspect:
    delivered, clicked = suspect.delivered, suspect.clicked
    return replace(
        suspect,
        at=suspect.at + by if suspect.owed else suspect.at,
        delivered=delivered and (delivered[0], delivered[1] + by),
        clicked=clicked and (clicked[0], clicked[1] + by, clicked[2]),
    )
