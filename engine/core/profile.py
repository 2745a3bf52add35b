"""The row of one lead: everything Heatline remembers of it, packed."""

from typing import Any

import msgspec

from engine.core.ledger import Ledger

PAGES_MAX = 10
RECENT_IDS_MAX = 64
RECENT_WITHIN_S = 24 * 3_600
ID_BYTES = 8
TIME_BYTES = 4
STORED_CHARS_MAX = 64
EMAIL_CHARS_MAX = 254


class Published(msgspec.Struct, array_like=True, gc=False):
    """What the lead's last record on `lead-scores` said, as far as it decides whether to write the next."""

    lead: str
    at: int
    total: int
    band: str
    visible: bool


class Row(msgspec.Struct, array_like=True):
    """A lead's row.

    `born_ms` is the time of the event that made it, in ms since the epoch. Every other time is in ms after that one,
    negative before it: small numbers pack small, and a site has millions of rows.
    `now` is the latest event time or due time seen, `first` and `last` those of the earliest and the latest event.
    `pages` are the last ten, oldest first, each packed (`StoredPage`). `recent_ids` holds the last 64 messageIds as
    8-byte hashes, `recent_s` the time of each in seconds since the epoch modulo 2³². `alerts` maps an alert to (fired,
    the row's now when it last did). `traits` maps a trait to (time, value).
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

    @property
    def now_ms(self) -> int:
        """The row's now in ms since the epoch."""
        return self.born_ms + self.now

    @property
    def known(self) -> bool:
        """Whether the lead is a person and not just a browser."""
        return self.user is not None or not self.anonymous


class StoredPage(msgspec.Struct, array_like=True, gc=False):
    """A page in a row; path and title are cut to 64 characters."""

    at: int
    path: str
    title: str | None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Row)
_page_decoder = msgspec.msgpack.Decoder(StoredPage)


def pack(row: Row) -> bytes:
    """The row as bytes."""
    return _encoder.encode(row)


def unpack(packed: bytes) -> Row:
    """The row that `packed` holds."""
    return _decoder.decode(packed)


def packed_page(at: int, path: str, title: str | None) -> msgspec.Raw:
    """A page as it stands in `Row.pages`."""
    page = StoredPage(at, path[:STORED_CHARS_MAX], None if title is None else title[:STORED_CHARS_MAX])
    return msgspec.Raw(_encoder.encode(page))


def pages(row: Row) -> list[StoredPage]:
    """The row's pages, oldest first."""
    return [_page_decoder.decode(page) for page in row.pages]
