"""Two rows of one person as one (`semantics.md` 5): as if every event had come under one id.

Commutative and associative, to rounding, in what input events leave: ledger, counts, traits, pages, gains, recent ids.
Commutative in all but the owner, the erasure and what was published. What a row has forgotten stays so: a visit, touch
or product that it no longer has is not found again by a third row.

What was derived in order of arrival, such as signals, stays as each row derived it. Two things cannot be told apart any
more: an event that both rows had counted was counted twice, and still is; and of a row that is merged with a recycled
one, what it earned before that still counts.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from engine.core.abandoned import CART, CHECKOUT
from engine.core.drift import falls_after
from engine.core.instants import MINUTE_MS
from engine.core.ledgermerge import merged_ledgers
from engine.core.model import DISQUALIFIED, MQL, RECYCLED, UNOWNED, Model
from engine.core.packing import packed_touch, stored_touch
from engine.core.pages import kept_pages, shown_pages
from engine.core.persons import is_later
from engine.core.profile import (
    BROWSERS_MAX,
    ID_BYTES,
    PENDING_MAX,
    PRODUCTS_MAX,
    RECENT_IDS_MAX,
    TIME_BYTES,
    TOUCHES_MAX,
    VIDEOS_MAX,
    Life,
    Pending,
    Row,
    StoredPage,
    Suspect,
    Visit,
)
from engine.core.rebasing import rebased
from engine.core.scoring import fit_now, score_at
from engine.core.visits import SESSION_GAP_MS

K = TypeVar("K")
V = TypeVar("V")
_CLOCK = 2 ** (8 * TIME_BYTES)
_NOBODY = Suspect()


def merged(model: Model, person: Row, other: Row) -> Row:
    """A row of everything that both hold; they are left as they were. Nothing fires and no stage moves by it.

    What was published is the person's, when they were erased, too, and so is the owner, if it has one. An alert has
    fired if it has in either, of two stages the further one stays (`_rank`). Of visits too far apart to be one the
    later stays; where the end of the earlier was not told yet, it never is.
    """
    born_ms = min(person.born_ms, other.born_ms)
    one, two = rebased(person, born_ms), rebased(other, born_ms)
    early, late = (one, two) if _latest(one) <= _latest(two) else (two, one)
    visit, sessions = _visits(one, two)
    row = Row(
        born_ms=born_ms,
        anonymous=one.anonymous and two.anonymous,
        now=max(one.now, two.now),
        first=min(one.first, two.first),
        last=max(one.last, two.last),
        sessions=sessions,
        ledger=merged_ledgers(model.rules, one.ledger, two.ledger, max(one.now, two.now), born_ms),
        counts=_added(one.counts, two.counts),
        pages=_pages(one, two),
        visit=visit,
        touches=_touches(one, two),
        gains=_gains(model, one, two),
        products=_products(one, two),
        browsers=sorted({*one.browsers, *two.browsers})[-BROWSERS_MAX:],
        owner=person.owner or (other.owner if person.desk in (None, other.desk) else None),
        fast_track=one.fast_track or two.fast_track,
        alerts=_alerts(one.alerts, two.alerts),
        traits={**one.traits, **{name: said for name, said in two.traits.items() if _wins(said, one.traits.get(name))}},
        published=one.published,
        changed=True,
        quiet=one.quiet and two.quiet,
        life=_lives(one.life, two.life),
        pending=_pending(one.pending, two.pending),
        waits=_waits(one.waits, two.waits),
        videos=_videos(one.videos, two.videos),
        place={**early.place, **late.place},
        suspect=_suspects(one.suspect, two.suspect),
        erased=person.erased,
        address=max((row.address for row in (one, two) if row.address is not None), key=_day, default=None),
        depth=max(one.depth, two.depth),
        desk=person.desk or other.desk,
    )
    if person.owner is None and row.stage in UNOWNED:
        row.owner = row.desk = None
    row.recent_ids, row.recent_s = _recent(one, two)
    score = score_at(model, row, row.now, fit_now(model, row))
    row.falls = falls_after(model, row, row.now, score) if score.total >= model.watched_from else None
    return row


def _latest(row: Row) -> tuple[int, list[tuple[str, str]]]:
    return row.last, sorted(row.place.items())


def _added(one: Mapping[K, int], other: Mapping[K, int]) -> dict[K, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {**one, **other}}


def _wins(said: tuple[int, Any], held: tuple[int, Any] | None) -> bool:
    return held is None or is_later(said, held)


def _pages(one: Row, other: Row) -> list[StoredPage]:
    pages = [*shown_pages(one.pages), *shown_pages(other.pages)]
    pages.sort(key=lambda page: (page.at, page.path, page.title or "", page.read_ms or 0))
    return kept_pages(pages)


def _touches(one: Row, other: Row) -> list[msgspec.Raw]:
    touches = sorted(
        (stored_touch(packed) for packed in (*one.touches, *other.touches)),
        key=lambda touch: (touch.at, touch.channel, touch.source or "", touch.medium or "", touch.campaign or ""),
    )
    changed = [touches[:1], *([two] for one, two in pairwise(touches) if replace(one, at=two.at) != two)]
    kept = [packed_touch(touch) for group in changed for touch in group]
    return kept if len(kept) <= TOUCHES_MAX else [kept[0], *kept[1 - TOUCHES_MAX :]]


def _gains(model: Model, one: Row, other: Row) -> list[int | float]:
    """Minutes add; those too long ago for every alert go, as at every event."""
    born_ms = one.born_ms
    now = (born_ms + max(one.now, other.now)) // MINUTE_MS - born_ms // MINUTE_MS
    minutes: dict[int | float, float] = {}
    for gains in (one.gains, other.gains):
        for minute, points in zip(gains[::2], gains[1::2], strict=True):
            minutes[minute] = minutes.get(minute, 0) + points
    kept = [minute for minute in sorted(minutes) if minute > now - model.gains_minutes]
    return [number for minute in kept for number in (minute, minutes[minute])]


def _products(one: Row, other: Row) -> dict[str, tuple[int, float]]:
    products = {
        name: tuple(map(sum, zip(one.products.get(name, (0, 0.0)), other.products.get(name, (0, 0.0)), strict=True)))
        for name in {**one.products, **other.products}
    }
    foremost = sorted(products, key=lambda name: (products[name], name))[-PRODUCTS_MAX:]
    return {name: (int(products[name][0]), products[name][1]) for name in sorted(foremost)}


def _visits(one: Row, other: Row) -> tuple[Visit | None, int]:
    """The visit that is or was last, and how many there were: those of both that are one count once."""
    sessions = one.sessions + other.sessions
    if one.visit is None or other.visit is None:
        return one.visit or other.visit, sessions
    early, late = sorted((one.visit, other.visit), key=lambda visit: (visit.last, visit.begin, visit.pages))
    if late.begin - early.last >= SESSION_GAP_MS:
        return late, sessions
    opened = max(
        (visit for visit in (early, late) if visit.page_at is not None),
        key=lambda visit: (visit.page_at, visit.dwelt),
        default=late,
    )
    visit = Visit(
        begin=min(early.begin, late.begin),
        last=late.last,
        pages=early.pages + late.pages,
        page_at=opened.page_at,
        ended=early.ended and late.ended,
        dwelt=opened.dwelt,
    )
    return visit, sessions - 1


def _alerts(
    one: Mapping[str, tuple[bool, int | None]], other: Mapping[str, tuple[bool, int | None]]
) -> dict[str, tuple[bool, int | None]]:
    alerts: dict[str, tuple[bool, int | None]] = {}
    for state in sorted({*one, *other}):
        held = [states[state] for states in (one, other) if state in states]
        times = [at for _, at in held if at is not None]
        alerts[state] = (any(fired for fired, _ in held), max(times, default=None))
    return alerts


def _day(address: tuple[int, int]) -> tuple[int, int]:
    return address[1], address[0]


def _lives(one: Life | None, other: Life | None) -> Life | None:
    """The way through the stages that led further; the other adds what it brought."""
    lives = [life for life in (one, other) if life is not None]
    if not lives:
        return None
    leading = max(lives, key=_rank)
    window = max(life.actions[0] for life in lives)
    return replace(
        leading,
        # Nobody comes to the first stage: everybody begins in it.
        at=min(life.at for life in lives if life.stage == leading.stage) if leading.stage else 0,
        over=max((life.over for life in lives if life.over is not None), default=None),
        stale=lives[0].stale | lives[-1].stale,
        revenue=sum(life.revenue for life in lives),
        actions=(window, sum(life.actions[1] for life in lives if life.actions[0] == window)),
    )


def _rank(life: Life) -> tuple[float, int, int, int]:
    """What sales set is further than what the engine did, and within each the higher stage, then what came later.

    Disqualified is the least that sales set: of a customer's second id they may say so. To be recycled is as far as to
    qualify, so that the later of both holds.
    """
    stage = {RECYCLED: MQL, DISQUALIFIED: MQL + 0.5}.get(life.stage, life.stage)
    return stage, life.at if stage else 0, life.stage, life.cycle_due or 0


def _pending(one: list[Pending], other: list[Pending]) -> list[Pending]:
    """The newest of each; a check-out that was begun supersedes a cart, which goes on in it."""
    pending = [*one, *other]
    if any(begun.signal == CHECKOUT for begun in pending):
        pending = [replace(begun, signal=CHECKOUT) if begun.signal == CART else begun for begun in pending]
    newest: dict[tuple[str, str | None], Pending] = {}
    for begun in sorted(pending, key=_begun):
        newest[begun.signal, begun.form] = begun
    return sorted(newest.values(), key=_begun)[-PENDING_MAX:]


def _begun(begun: Pending) -> tuple[int, str, str, str, str, str]:
    return (begun.at, begun.signal, begun.form or "", begun.path or "", begun.title or "", begun.product or "")


def _waits(
    one: Mapping[str, tuple[int | None, int]], other: Mapping[str, tuple[int | None, int]]
) -> dict[str, tuple[int | None, int]]:
    """What either waits for is waited for; it may have been followed under the other id only later."""
    waits: dict[str, tuple[int | None, int]] = {}
    for state in sorted({*one, *other}):
        held = [states[state] for states in (one, other) if state in states]
        waiting = [(due, latest) for due, latest in held if due is not None]
        followed = max((latest for due, latest in held if due is None), default=None)
        open_ = [wait for wait in waiting if followed is None or followed <= wait[1]]
        if open_:
            waits[state] = (min(due for due, _ in open_), max(latest for _, latest in open_))
        elif followed is not None:
            waits[state] = (None, followed)
    return waits


def _videos(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    told = {video: max(one.get(video, 0), other.get(video, 0)) for video in sorted({*one, *other})}
    return dict(list(told.items())[-VIDEOS_MAX:])


def _suspects(one: Suspect | None, other: Suspect | None) -> Suspect | None:
    """Who is one with another is no robot; the latest mail and click are remembered, and the bucket that owes more."""
    both = [suspect for suspect in (one, other) if suspect is not None]
    fuller = max(both, key=lambda suspect: (suspect.owed, suspect.at), default=_NOBODY)
    suspect = Suspect(
        owed=fuller.owed,
        at=fuller.at,
        delivered=_latest_of(suspect.delivered for suspect in both),
        clicked=_latest_of(suspect.clicked for suspect in both),
    )
    return None if suspect == _NOBODY else suspect


def _latest_of(found: Iterable[V | None]) -> V | None:
    there: list[Any] = [one for one in found if one is not None]
    return max(there, key=lambda one: (one[1], one), default=None)


def _recent(one: Row, other: Row) -> tuple[bytes, bytes]:
    """The last 64 messageIds of both by time.

    Times are modulo 2²⁴ seconds, so they are told by their distance from the later row's latest.
    """
    latest_s = max(one.born_ms + one.now, other.born_ms + other.now) // 1000
    newest: dict[bytes, int] = {}
    for row in (one, other):
        for place in range(len(row.recent_s) // TIME_BYTES):
            hashed = row.recent_ids[place * ID_BYTES : (place + 1) * ID_BYTES]
            at_s = int.from_bytes(row.recent_s[place * TIME_BYTES : (place + 1) * TIME_BYTES], "big")
            age_s = (latest_s - at_s) % _CLOCK
            newest[hashed] = min(age_s, newest.get(hashed, age_s))
    kept = sorted(newest, key=lambda hashed: (-newest[hashed], hashed))[-RECENT_IDS_MAX:]
    times = (((latest_s - newest[hashed]) % _CLOCK).to_bytes(TIME_BYTES, "big") for hashed in kept)
    return b"".join(kept), b"".join(times)
