"""Rows as bytes: small, since a site has millions of them, and bounded, whatever a visitor does."""

from collections.abc import Callable

import msgspec

from engine.core.pages import without_first
from engine.core.profile import ID_BYTES, TIME_BYTES, Row, StoredTouch

BYTES_MAX = 4_096
TEXT_BYTES = 1_500
"""What a row has room for besides what the model itself keeps there."""
DUE_BYTES = 6
_NEVER = b"\xff" * DUE_BYTES
_OF_ALL = 15
"""How many fields every row has; a row of which no other is set ends behind them."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Row)
_touch_decoder = msgspec.msgpack.Decoder(StoredTouch)

_RARE = Row.__struct_fields__[_OF_ALL:]
_UNSET = b"".join(_encoder.encode(getattr(Row(0, True), name)) for name in _RARE)
_HEADER = _encoder.encode(Row(0, True))[:3]
_SHORT_HEADER = bytes([0x90 | _OF_ALL])


def pack(row: Row, due_ms: int | None, bytes_max: int = BYTES_MAX) -> bytes:
    """The row as bytes; first comes when it is due (ms since the epoch), so that an agenda is built without unpacking.

    At most `bytes_max`: the oldest pages go first, then the touches in the middle, and so on (`_LIGHTER`); what does
    is gone from `row`, too.
    """
    packed = _encoder.encode(row)
    while len(packed) > bytes_max - DUE_BYTES and any(lighter(row) for lighter in _LIGHTER):
        packed = _encoder.encode(row)
    if packed.endswith(_UNSET) and not _is_rare(row):
        packed = _SHORT_HEADER + packed[len(_HEADER) : -len(_UNSET)]
    return due_prefix(due_ms) + packed


def due_prefix(due_ms: int | None) -> bytes:
    """What a value of the table begins with: when it is due, in ms since the epoch; None: never."""
    return _NEVER if due_ms is None else max(due_ms, 0).to_bytes(DUE_BYTES, "big")


def unpack(packed: bytes) -> Row:
    """The row that `packed` holds."""
    return _decoder.decode(packed[DUE_BYTES:])


def due_of(packed: bytes) -> int | None:
    """When the row is due, in ms since the epoch; None: never."""
    due = packed[:DUE_BYTES]
    return None if due == _NEVER else int.from_bytes(due, "big")


def packed_touch(touch: StoredTouch) -> msgspec.Raw:
    """A touch as it stands in `Row.touches`; most have no campaign, and end before it."""
    is_bare = touch.source is None and touch.medium is None and touch.campaign is None
    return msgspec.Raw(_encoder.encode((touch.at, touch.channel) if is_bare else touch))


def stored_touch(packed: msgspec.Raw) -> StoredTouch:
    """A touch of `Row.touches`."""
    return _touch_decoder.decode(packed)


def _is_rare(row: Row) -> bool:
    """Whether a field is set that few rows have; the bytes alone do not tell, a visitor's number may look like them."""
    return (
        row.falls is not None
        or row.owner is not None
        or row.published is not None
        or row.life is not None
        or row.fast_track
        or row.changed
        or row.quiet
        or row.suspect is not None
        or row.erased is not None
        or row.address is not None
        or row.depth > 0
        or row.desk is not None
        or bool(row.browsers or row.alerts or row.traits or row.pending)
        or bool(row.waits or row.videos or row.place)
    )


def _fewer_pages(row: Row) -> bool:
    if len(row.pages) <= 3:
        return False
    row.pages = without_first(row.pages)
    return True


def _fewer_touches(row: Row) -> bool:
    if len(row.touches) <= 2:
        return False
    row.touches = [row.touches[0], *row.touches[2:]]
    return True


def _fewer_products(row: Row) -> bool:
    if len(row.products) <= 1:
        return False
    least = min(row.products, key=lambda name: (row.products[name], name))
    row.products = {name: seen for name, seen in row.products.items() if name != least}
    return True


def _fewer_traits(row: Row) -> bool:
    if not row.traits:
        return False
    largest = max(row.traits, key=lambda name: (len(_encoder.encode(row.traits[name])), name))
    row.traits = {name: said for name, said in row.traits.items() if name != largest}
    return True


def _fewer_browsers(row: Row) -> bool:
    changed, row.browsers = bool(row.browsers), row.browsers[1:]
    return changed


def _bare_pending(row: Row) -> bool:
    bare = [msgspec.structs.replace(begun, path=None, title=None, product=None) for begun in row.pending]
    changed, row.pending = bare != row.pending, bare
    return changed


def _no_place(row: Row) -> bool:
    changed, row.place = bool(row.place), {}
    return changed


def _fewer_ids(row: Row) -> bool:
    kept = len(row.recent_s) // TIME_BYTES // 2
    row.recent_ids = row.recent_ids[len(row.recent_ids) - kept * ID_BYTES :]
    row.recent_s = row.recent_s[len(row.recent_s) - kept * TIME_BYTES :]
    return kept > 0


def _no_pages(row: Row) -> bool:
    changed, row.pages = bool(row.pages), []
    return changed


def _bare_touches(row: Row) -> bool:
    touches = map(stored_touch, row.touches)
    bare = [packed_touch(StoredTouch(touch.at, touch.channel)) for touch in touches]
    changed, row.touches = bare != row.touches, bare
    return changed


def _fewer_pending(row: Row) -> bool:
    changed, row.pending = bool(row.pending), row.pending[1:]
    return changed


_LIGHTER: tuple[Callable[[Row], bool], ...] = (
    _fewer_pages,
    _fewer_touches,
    _fewer_products,
    _bare_pending,
    _no_place,
    _fewer_browsers,
    _fewer_traits,
    _fewer_ids,
    _no_pages,
    _bare_touches,
    _fewer_pending,
)
"""Each drops something of a visitor's from a row and says whether there was anything; in the order in which they do."""
