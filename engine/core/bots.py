"""What is no human: by what it calls itself, by what only a robot sets off, by how much of it comes, by its haste.

Judged event by event in order of arrival, by the event, its record's time and the row: a replay judges alike.
"""

from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import replace
from xxhash import xxh32_intdigest

from engine.core.crawlers import is_scanner
from engine.core.events import IMPORT, Event, attribute
from engine.core.model import Bots
from engine.core.profile import Row, Suspect

CRAWLER, HONEYPOT, BURST, GATEWAY = KINDS = ("crawler", "honeypot", "burst", "gateway")
OPENED_WITHIN_MS = 10_000
"""Who opens a mail or clicks in it so soon after its delivery is a gateway."""
CLICKED_WITHIN_MS = 2_000
"""Who clicks on two links of mails so close together is a gateway."""
MAIL_KEYS = ("email_id", "message_id", "campaign_id")
LINK_KEYS = ("link_url", "link_id", "url", "href")
"""The properties that tell a mail and its link, the first that is there; they are always read."""
_MAIL = frozenset({"email_delivered", "email_open", "email_click"})
_NOBODY = Suspect()
_ONE = 1_000
_LATE_MS = 60_000


class Verdict(NamedTuple):
    """`kind`: why the event is dropped, None where it counts; `row` is as it goes on, the one that went in or another.

    Neither way has the event been folded.
    """

    kind: str | None
    row: Row


def judge(bots: Bots, row: Row, event: Event, record_ms: int, *, is_new: bool) -> Verdict | None:
    """What is to be said of `event`, of a record of that time; None: that it counts, and nothing else.

    `is_new`: it would be the row's first. A browser's row that is found a robot's is void from then on, and every
    later event of it is dropped. A person's never is: there the one event is dropped, and what was earned stays.
    """
    suspect = row.suspect
    is_hurried = not is_new and (
        (event.time_ms - row.born_ms - row.now) * bots.per_second < _ONE or record_ms - event.time_ms > _LATE_MS
    )
    # Nearly every event ends here.
    if suspect is None and not is_hurried and event.name not in _MAIL and event.name not in bots.honeypot:
        return None
    if suspect is not None and suspect.bot is not None:
        return Verdict(suspect.bot, row)
    if event.name in bots.honeypot:
        return Verdict(HONEYPOT, _void(row, HONEYPOT))
    before = seen = suspect or _NOBODY
    if event.name in _MAIL:
        is_gateway, seen = _mailed(before, row, event)
        if is_gateway:
            return Verdict(GATEWAY, row if is_new else _with(row, seen))
    if (is_hurried or seen.owed) and event.source != IMPORT:
        drawn = _drawn(bots, seen, row, event, record_ms)
        if drawn is None:
            return Verdict(BURST, _void(row, BURST))
        seen = drawn
    return None if seen is before else Verdict(None, _with(row, seen))


def _void(row: Row, kind: str) -> Row:
    """The row without what it earned: its times and its owner are left, and what was told of it; a person's stays."""
    if not row.anonymous:
        return row
    return Row(
        born_ms=row.born_ms,
        anonymous=True,
        now=row.now,
        first=row.first,
        last=row.last,
        owner=row.owner,
        published=row.published,
        changed=True,
        # Nothing that falls due may fire.
        quiet=True,
        suspect=Suspect(bot=kind),
    )


def _with(row: Row, suspect: Suspect) -> Row:
    """`row` with what is remembered; the same where that is nothing new."""
    kept = None if suspect == _NOBODY else suspect
    return row if kept == row.suspect else replace(row, suspect=kept)


def _drawn(bots: Bots, suspect: Suspect, row: Row, event: Event, record_ms: int) -> Suspect | None:
    """`suspect` once the event is drawn from the row's bucket, None where that is empty.

    A bucket holds `burst` events and gets `per_second` back each second of record time. What is missing is written down
    in thousandths of an event, and only where it is more than the last event: events further apart than the time in
    which one comes back owe nothing, so ordinary visitors have no bucket. A sender may state times that look like that,
    but not for long: times that are late are looked at, too.
    """
    owed, at, time = suspect.owed, suspect.at, record_ms - row.born_ms
    if not owed:
        # The record before came when this one did, as far as their events tell no better.
        apart_ms = event.time_ms - row.now_ms
        owed, at = _ONE, time - apart_ms if 0 < apart_ms * bots.per_second < _ONE else time
    time = max(at, time)
    owed = max(0, owed - (time - at) * bots.per_second) + _ONE
    if owed > bots.burst * _ONE:
        return None
    return replace(suspect, owed=0, at=0) if owed <= _ONE else replace(suspect, owed=owed, at=time)


def _mailed(suspect: Suspect, row: Row, event: Event) -> tuple[bool, Suspect]:
    """Whether a gateway did what the event tells of a mail, and what is remembered of it."""
    time = event.time_ms - row.born_ms
    mail = _hashed(event, MAIL_KEYS)
    if event.name == "email_delivered":
        return False, replace(suspect, delivered=(mail, time))
    hasty = is_scanner(event)
    if suspect.delivered is not None and suspect.delivered[0] == mail:
        hasty = hasty or 0 <= time - suspect.delivered[1] < OPENED_WITHIN_MS
    if event.name == "email_open":
        return hasty, suspect
    link = _hashed(event, LINK_KEYS)
    if suspect.clicked is not None:
        link_before, at, was_hasty = suspect.clicked
        hasty = hasty or (abs(time - at) < CLICKED_WITHIN_MS and (was_hasty or link_before != link))
    return hasty, replace(suspect, clicked=(link, time, hasty))


def _hashed(event: Event, keys: tuple[str, ...]) -> int:
    """A number for what the first of these properties says."""
    for key in keys:
        value = getattr(event.properties, attribute(key), UNSET)
        if value is not UNSET and value is not None:
            return xxh32_intdigest(str(value)[:1_000].encode("utf-8", "surrogatepass"))
    return 0
