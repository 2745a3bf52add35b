"""The row of one lead: everything Heatline remembers of it, packed."""

from typing import Any

import msgspec

from engine.core.ledger import Ledger

BYTES_MAX = 4_096
PAGES_MAX = 10
TOUCHES_MAX = 20
PRODUCTS_MAX = 5
PENDING_MAX = 4
VIDEOS_MAX = 8
RECENT_IDS_MAX = 64
RECENT_WITHIN_S = 24 * 3_600
ID_BYTES = 8
TIME_BYTES = 4
STORED_CHARS_MAX = 64
EMAIL_CHARS_MAX = 254
DUE_BYTES = 6
_NEVER = b"\xff" * DUE_BYTES


class Published(msgspec.Struct, array_like=True, gc=False):
    """What the lead's last record on `lead-scores` said, as far as it decides whether to write the next.

    `as_user`: it stood under the person's id, not the row's key.
    """

    as_user: bool
    at: int
    total: int
    band: str
    grade: str
    persona: str | None
    visible: bool


class Visit(msgspec.Struct, array_like=True, gc=False):
    """The web session that is or was: when it began, its last event, how many pages it saw.

    `page_at` is the time of the page that is open, None where none is; `ended` is true once its end was told.
    `dwelt` names what has counted the open page's dwell: at most once a page.
    """

    begin: int
    last: int
    pages: int
    page_at: int | None = None
    ended: bool = False
    dwelt: list[str] = []


class Life(msgspec.Struct, array_like=True, gc=False):
    """The lead's way through the stages, by their places in `model.STAGES`.

    `cycle_due`: when it will be recycled. `over`: when its engagement started over; nothing older counts. `stale`: the
    places, as bits, of those whose condition has held since then and must become true anew. `revenue`: the sum of its
    conversions. `actions`: the window of `actions_limit` and how many actions were asked for in it.
    """

    stage: int = 0
    at: int = 0
    cycle_due: int | None = None
    over: int | None = None
    stale: int = 0
    revenue: float = 0.0
    actions: tuple[int, int] = (0, 0)


class Pending(msgspec.Struct, array_like=True, gc=False):
    """Something begun that may be abandoned: the signal that tells, its form, when, where and for which product."""

    signal: str
    form: str | None
    at: int
    due: int
    path: str | None
    title: str | None
    product: str | None


class Row(msgspec.Struct, array_like=True):
    """A lead's row.

    `born_ms` is the time of the event that made it, in ms since the epoch. Every other time is in ms after that one,
    negative before it: small numbers pack small, and a site has millions of rows.
    `now` is the latest event time or due time seen, `first` and `last` those of the earliest and the latest event.
    `quiet`: the latest event was imported, so nothing that falls due fires.
    `pages` are the last ten by time, oldest first, each packed (`StoredPage`); `touches` the first and the last 19,
    likewise (`StoredTouch`). `recent_ids` holds the last 64 messageIds as 8-byte hashes, `recent_s` the time of each
    in seconds since the epoch modulo 2³². `alerts` maps an alert's state to (fired, the row's now when it last did).
    `traits` maps a trait to (time, value), `place` says where the lead's last event came from. `waits` maps an alert
    that waits for what should follow to (the first due time, the latest event it waits behind). `gains` holds minutes
    since the epoch with the points that they brought. `videos` maps a video to the highest threshold told.
    `products` maps the foremost to (views, seconds). `falls`: a time before which the score crosses no watched bound
    by decay alone.
    `changed`: something that `lead-scores` shows besides the score changed since its last record.
    """

    born_ms: int
    anonymous: bool
    now: int = 0
    first: int = 0
    last: int = 0
    user: str | None = None
    owner: str | None = None
    fast_track: bool = False
    sessions: int = 0
    ledger: Ledger = {}
    counts: dict[str, int] = {}
    pages: list[msgspec.Raw] = []
    recent_ids: bytes = b""
    recent_s: bytes = b""
    alerts: dict[str, tuple[bool, int | None]] = {}
    traits: dict[str, tuple[int, Any]] = {}
    published: Published | None = None
    changed: bool = False
    quiet: bool = False
    visit: Visit | None = None
    touches: list[msgspec.Raw] = []
    products: dict[str, tuple[int, float]] = {}
    life: Life | None = None
    pending: list[Pending] = []
    waits: dict[str, tuple[int, int]] = {}
    gains: list[tuple[int, float]] = []
    videos: dict[str, int] = {}
    place: dict[str, str] = {}
    falls: int | None = None

    @property
    def now_ms(self) -> int:
        """The row's now in ms since the epoch."""
        return self.born_ms + self.now

    @property
    def known(self) -> bool:
        """Whether the lead is a person and not just a browser."""
        return self.user is not None or not self.anonymous

    @property
    def stage(self) -> int:
        """The place of its stage in `model.STAGES`."""
        return 0 if self.life is None else self.life.stage


class StoredPage(msgspec.Struct, array_like=True, gc=False):
    """A page in a row; path and title are cut to 64 characters. `seconds`: how long it was read, None if unknown."""

    at: int
    path: str
    title: str | None
    seconds: float | None = None


class StoredTouch(msgspec.Struct, array_like=True, gc=False):
    """A touch in a row; source, medium and campaign are cut to 64 characters."""

    at: int
    channel: str
    source: str | None
    medium: str | None
    campaign: str | None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Row)
_page_decoder = msgspec.msgpack.Decoder(StoredPage)
_touch_decoder = msgspec.msgpack.Decoder(StoredTouch)


def pack(row: Row, due_ms: int | None) -> bytes:
    """The row as bytes; first comes when it is due (ms since the epoch), so that an agenda is built without unpacking.

    At most 4 KiB: a visitor's oldest pages go first, then the touches in the middle, then remembered ids and traits.
    """
    packed = _encoder.encode(row)
    if len(packed) > BYTES_MAX - DUE_BYTES:
        packed = _fitted(row)
    return (_NEVER if due_ms is None else max(due_ms, 0).to_bytes(DUE_BYTES, "big")) + packed


def unpack(packed: bytes) -> Row:
    """The row that `packed` holds."""
    return _decoder.decode(memoryview(packed)[DUE_BYTES:])


def due_of(packed: bytes) -> int | None:
    """When the row is due, in ms since the epoch; None: never."""
    due = packed[:DUE_BYTES]
    return None if due == _NEVER else int.from_bytes(due, "big")


def packed_page(page: StoredPage) -> msgspec.Raw:
    """A page as it stands in `Row.pages`."""
    return msgspec.Raw(_encoder.encode(page))


def packed_touch(touch: StoredTouch) -> msgspec.Raw:
    """A touch as it stands in `Row.touches`."""
    return msgspec.Raw(_encoder.encode(touch))


def stored_page(packed: msgspec.Raw) -> StoredPage:
    """A page of `Row.pages`."""
    return _page_decoder.decode(packed)


def stored_touch(packed: msgspec.Raw) -> StoredTouch:
    """A touch of `Row.touches`."""
    return _touch_decoder.decode(packed)


def _fitted(row: Row) -> bytes:
    """`row` packed, with as little of a visitor's text dropped from it as makes it fit."""
    for _ in range(PAGES_MAX + TOUCHES_MAX + RECENT_IDS_MAX):
        packed = _encoder.encode(row)
        if len(packed) <= BYTES_MAX - DUE_BYTES:
            break
        if len(row.pages) > 3:
            row.pages = row.pages[1:]
        elif len(row.touches) > 2:
            row.touches = [row.touches[0], *row.touches[2:]]
        elif row.traits:
            largest = max(row.traits, key=lambda name: (len(_encoder.encode(row.traits[name])), name))
            row.traits = {name: said for name, said in row.traits.items() if name != largest}
        else:
            kept = len(row.recent_s) // TIME_BYTES // 2
            row.recent_ids = row.recent_ids[-kept * ID_BYTES :]
            row.recent_s = row.recent_s[-kept * TIME_BYTES :]
    return packed
