"""The row of one lead: everything Heatline remembers of it."""

from collections.abc import Callable
from operator import methodcaller
from typing import Any

import msgspec

from engine.core.ledger import Ledger

PAGES_MAX = 10
TOUCHES_MAX = 20
PRODUCTS_MAX = 5
PENDING_MAX = 4
BROWSERS_MAX = 10
DEPTH_MAX = 16
VIDEOS_MAX = 8
RECENT_IDS_MAX = 64
RECENT_WITHIN_S = 24 * 3_600
ID_BYTES = 5
TIME_BYTES = 3
STORED_CHARS_MAX = 64
EMAIL_CHARS_MAX = 254


class Published(msgspec.Struct, array_like=True, gc=False):
    """What the lead's last record on `lead-scores` said, as far as it decides whether to write the next."""

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


class Suspect(msgspec.Struct, array_like=True, gc=False):
    """What may turn out to be no human's doing, or has.

    `bot`: the kind of robot that the row is found to be, of which then nothing counts. `owed`: thousandths of events
    that are missing from the row's bucket, as of the record time `at`. `delivered`: the last mail, as a number, and
    when. `clicked`: the last link of a mail, when, and whether by a gateway.
    """

    bot: str | None = None
    owed: int = 0
    at: int = 0
    delivered: tuple[int, int] | None = None
    clicked: tuple[int, int, bool] | None = None


class StoredPage(msgspec.Struct, array_like=True, gc=False):
    """A page in a row; path and title are cut to 64 characters. `read_ms`: how long it was read, None if unknown.

    A title of True is that of the page before it.
    """

    at: int
    path: str
    title: str | bool | None
    read_ms: int | None = None


class Row(msgspec.Struct, array_like=True):
    """A lead's row.

    `born_ms` is the time of the event that made it, in ms since the epoch. Every other time is in ms after that one,
    negative before it: small numbers pack small, and a site has millions of rows.
    `now` is the latest event time or due time seen, `first` and `last` those of the earliest and the latest event.
    `quiet`: all of it was imported, so nothing that falls due fires.
    `anonymous`: it is a browser's, else a person's, of whom `browsers` are the last ten that were joined, in order.
    `pages` are the last ten by time, oldest first (`pages.py`); `touches` the first and the last 19, each packed
    (`StoredTouch`). `recent_ids` holds the last 64 messageIds as 5-byte hashes, `recent_s` the time of each in seconds
    since the epoch modulo 2²⁴; of leads with 64 ids a day one new event in 17 thousand million (64 in 2⁴⁰) is taken for
    a repetition. `alerts` maps an alert's state to (fired, the row's now when it last did). `traits` maps a trait to
    (time, value), `place` says where the lead's last event came from. `waits` maps an alert that waits for what should
    follow to (the first due time, the latest event it waits behind), or to (None, when it followed last). `gains` holds
    minutes after that of the birth, each with the points that it brought behind it. `videos` maps a video to the
    highest threshold told. `products` maps the foremost to (views, seconds). `falls`: a time before which the score
    crosses no watched bound by decay alone.
    `address`: the e-mail address by which the person was last looked for, hashed, and on which day since the epoch.
    `depth`: over how many persons' pointers, one behind the other, events may come to it.
    `desk`: the one that was asked for a rep, as long as sales are not done with the lead.
    `erased`: when a person of this id was erased, in ms since the epoch: nothing older counts.
    `changed`: something that `lead-scores` shows besides the score changed since its last record.
    """

    born_ms: int
    anonymous: bool
    now: int = 0
    first: int = 0
    last: int = 0
    sessions: int = 0
    ledger: Ledger = {}
    counts: dict[str, int] = {}
    pages: list[StoredPage] = []
    recent_ids: bytes = b""
    recent_s: bytes = b""
    visit: Visit | None = None
    touches: list[msgspec.Raw] = []
    gains: list[int | float] = []
    products: dict[str, tuple[int, float]] = {}
    # What follows a cold and anonymous visitor does not have: such rows end here (`packing`).
    falls: int | None = None
    browsers: list[str] = []
    owner: str | None = None
    fast_track: bool = False
    alerts: dict[str, tuple[bool, int | None]] = {}
    traits: dict[str, tuple[int, Any]] = {}
    published: Published | None = None
    changed: bool = False
    quiet: bool = False
    life: Life | None = None
    pending: list[Pending] = []
    waits: dict[str, tuple[int | None, int]] = {}
    videos: dict[str, int] = {}
    place: dict[str, str] = {}
    suspect: Suspect | None = None
    erased: int | None = None
    address: tuple[int, int] | None = None
    depth: int = 0
    desk: str | None = None

    @property
    def now_ms(self) -> int:
        """The row's now in ms since the epoch."""
        return self.born_ms + self.now

    @property
    def known(self) -> bool:
        """Whether the lead is a person and not just a browser."""
        return not self.anonymous

    @property
    def is_robot(self) -> bool:
        """Whether it was found to be a robot's, so that nothing of it counts."""
        return self.suspect is not None and self.suspect.bot is not None

    @property
    def stage(self) -> int:
        """The place of its stage in `model.STAGES`."""
        return 0 if self.life is None else self.life.stage


class StoredTouch(msgspec.Struct, array_like=True, gc=False):
    """A touch in a row; source, medium and campaign are cut to 64 characters."""

    at: int
    channel: str
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None


copy_of: Callable[[Row], Row] = methodcaller("__copy__")
"""A row of its own with the same values: fields may be set, what they hold is shared and never written into."""
