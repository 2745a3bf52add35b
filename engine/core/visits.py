"""Web sessions and what they say: pages and how long they were read, where the visitor came from, videos watched.

Signals are derived once, in order of arrival, against the row's now, and never taken back (`semantics.md` 1): an event
that is older than the visit's last one neither begins nor ends anything.
"""

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace
from xxhash import xxh32_hexdigest

from engine.core.channels import channel_of
from engine.core.comparisons import number_of
from engine.core.events import NO_PAGE, VIEWS, WEB, Event, Page, attribute
from engine.core.model import Model
from engine.core.packing import packed_touch, stored_touch
from engine.core.pages import Pages, place_of, title_of, with_page, with_reading
from engine.core.profile import PRODUCTS_MAX, STORED_CHARS_MAX, TOUCHES_MAX, VIDEOS_MAX, Row, StoredTouch, Visit
from engine.core.text import clean

SESSION_GAP_MS = 30 * 60_000
RETURN_MS = 7 * 86_400_000
THRESHOLDS = (25, 50, 75, 95)
_VIDEO_PERCENT = ("percent", "video_percent", "progress")
_VIDEO_NAME = ("video_id", "video_title", "video_url", "video", "title")
VIDEO_KEYS = (*_VIDEO_PERCENT, *_VIDEO_NAME)
"""The properties of `video_progress` that are read."""


def said(event: Event, keys: Iterable[str]) -> Any:
    """The first of these properties that the event has; None where it has none of them."""
    for key in keys:
        value = getattr(event.properties, attribute(key), UNSET)
        if value is not UNSET and value is not None:
            return value
    return None


def stored_text(value: Any) -> str | None:
    """Text, or a number as text, as a row keeps it; None for anything else and for nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return clean(value, STORED_CHARS_MAX) or None if isinstance(value, str) else None


def signal(name: str, time_ms: int, event: Event | None, page: Page, properties: Mapping[str, Any]) -> Event:
    """A signal at `time_ms`, derived when `event` came (None: by time alone)."""
    return Event(
        type="track",
        name=name,
        time_ms=time_ms,
        id=None if event is None else event.id,
        anonymous_id=None if event is None else event.anonymous_id,
        user_id=None if event is None else event.user_id,
        source=WEB if event is None else event.source,
        page=page,
        campaign=None if event is None else event.campaign,
        properties=SimpleNamespace(**{attribute(key): value for key, value in properties.items()}),
        traits=None if event is None else event.traits,
        context=None if event is None else event.context,
        product=None if event is None else event.product,
        channel=None if event is None else event.channel,
        signal=True,
    )


def observe_visit(model: Model, row: Row, event: Event, time: int) -> list[Event]:
    """The signals that a web event at `time` sets off; `row`, as it was before it, learns of the visit."""
    visit = row.visit
    signals: list[Event] = []
    if visit is None or time - visit.last >= SESSION_GAP_MS:
        signals = _begin(model, row, event, time)
    elif time >= visit.last:
        if visit.page_at is not None:
            signals = _dwell(model, row, visit.page_at, event, time)
        row.visit = Visit(visit.begin, time, visit.pages, visit.page_at, visit.ended, visit.dwelt)
    if "channel" in model.reads and row.touches:
        event.channel = stored_touch(row.touches[-1]).channel
        for one in signals:
            one.channel = event.channel
    return signals


def ended(model: Model, row: Row, time: int) -> list[Event]:
    """The signals of a session that ended at `time` because nothing more came."""
    visit = row.visit
    if visit is None or visit.ended:
        return []
    row.visit = replace(visit, ended=True, page_at=None, dwelt=[])
    seconds = (visit.last - visit.begin) / 1000
    said_of_it = {"pages": visit.pages, "seconds": seconds}
    names = ["session_end", "bounce"] if visit.pages == 1 else ["session_end"]
    page = _shown(row.pages, len(row.pages) - 1) if row.pages else NO_PAGE
    return [signal(name, row.born_ms + time, None, page, said_of_it) for name in names if name in model.signals]


def _begin(model: Model, row: Row, event: Event, time: int) -> list[Event]:
    before, row.visit = row.visit, Visit(time, time, 0)
    row.sessions += 1
    _touch(model, row, event, time)
    away_ms = 0 if before is None else time - before.last
    names = ("return_visit", "session_start") if away_ms >= RETURN_MS else ("session_start",)
    properties = {"seconds": away_ms / 1000}
    return [signal(name, event.time_ms, event, event.page, properties) for name in names if name in model.signals]


def _touch(model: Model, row: Row, event: Event, time: int) -> None:
    campaign, page = event.campaign, event.page
    source = medium = name = None
    if campaign is not None:
        source, medium, name = map(stored_text, (campaign.source, campaign.medium, campaign.name))
    channel = channel_of(medium, source, page.url, page.search, page.referrer, None, model.lists)
    touch = StoredTouch(time, channel, source, medium, name)
    if row.touches and replace(stored_touch(row.touches[-1]), at=time) == touch:
        return
    row.touches = [*row.touches, packed_touch(touch)]
    if len(row.touches) > TOUCHES_MAX:
        row.touches = [row.touches[0], *row.touches[1 - TOUCHES_MAX :]]


def _dwell(model: Model, row: Row, page_at: int, event: Event, time: int) -> list[Event]:
    """How long the open page has been read, told at every event of the session until another page is opened."""
    seconds = (time - page_at) / 1000
    place = place_of(row.pages, page_at)
    page = None if place < 0 else row.pages[place]
    product = None
    if page is not None:
        row.pages = with_reading(row.pages, place, time - page_at)
        if model.products:
            product = next((name for name, matches in model.products if matches(page.path)), None)
            _read_of(row, product, seconds - (page.read_ms or 0) / 1000)
    if "dwell" not in model.signals:
        return []
    if seconds < model.dwell_s_min:
        # Nobody would look at it, so that it was is all there is to know.
        count_seen(model, row, "dwell")
        return []
    dwell = signal("dwell", event.time_ms, event, _shown(row.pages, place), {"seconds": seconds})
    dwell.product = product
    return [dwell]


def _read_of(row: Row, product: str | None, longer_s: float) -> None:
    """Note that a page about `product` was read for so much longer."""
    if product in row.products and longer_s > 0:
        views, seconds = row.products[product]
        row.products = {**row.products, product: (views, seconds + longer_s)}


def _shown(pages: Pages, place: int) -> Page:
    return NO_PAGE if place < 0 else Page(path=pages[place].path, title=title_of(pages, place))


def turn_page(row: Row, event: Event, time: int) -> None:
    """Open the page that a web event views, or close the one that it leaves; what was told of that one has counted."""
    visit = row.visit
    if visit is None or time < visit.begin:
        return
    newest = visit.page_at is None or time >= visit.page_at
    if event.name in VIEWS:
        pages = visit.pages + 1
        if newest:
            row.visit = Visit(visit.begin, visit.last, pages, time)
        else:
            row.visit = replace(visit, pages=pages)
    elif event.name == "page_leave" and newest:
        row.visit = replace(visit, page_at=None, dwelt=[])


def observe_page(row: Row, event: Event, time: int) -> None:
    """Write a page view down, among the last ten by time."""
    path, title = event.page.path, event.page.title
    if path is not None:
        title = None if title is None else clean(title, STORED_CHARS_MAX)
        row.pages = with_page(row.pages, time, path[:STORED_CHARS_MAX], title)


def count_seen(model: Model, row: Row, name: str) -> None:
    """Count an event or signal, if anybody asks how often it was seen."""
    if name in model.counted:
        row.counts = counts = row.counts.copy()
        counts[name] = counts.get(name, 0) + 1


def observe_product(row: Row, product: str) -> None:
    """Count a view of a product; a new one takes the place of the least of five."""
    product = clean(product, STORED_CHARS_MAX)
    views, seconds = row.products.get(product, (0, 0.0))
    products = {**row.products, product: (views + 1, seconds)}
    if len(products) > PRODUCTS_MAX:
        least = min(row.products, key=lambda name: (row.products[name], name))
        del products[least]
    row.products = products


def observe_video(model: Model, row: Row, event: Event) -> list[Event]:
    """`video_watched` for each threshold that a video passes for the first time."""
    percent = number_of(said(event, _VIDEO_PERCENT))
    if "video_watched" not in model.signals or percent is None:
        return []
    video = xxh32_hexdigest(str(stored_text(said(event, _VIDEO_NAME))).encode())
    told = row.videos.get(video, 0)
    passed = [threshold for threshold in THRESHOLDS if told < threshold <= percent]
    if not passed:
        return []
    videos = {name: told for name, told in row.videos.items() if name != video}
    row.videos = {**dict(list(videos.items())[1 - VIDEOS_MAX :]), video: passed[-1]}
    return [signal("video_watched", event.time_ms, event, event.page, {"percent": one}) for one in passed]
