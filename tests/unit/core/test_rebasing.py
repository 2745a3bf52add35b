"""A row whose times count from another instant: every time moves, and nothing else does."""

from typing import Any

from msgspec import msgpack
from msgspec.structs import replace

from engine.core.packing import packed_touch
from engine.core.profile import Life, Pending, Published, Row, StoredTouch, Suspect, Visit
from engine.core.rebasing import rebased
from tests.build import DAY, HOUR, MINUTE, T0, page
from tests.laws.rows import folded

DAY_NUMBER, WINDOW = T0 // DAY, T0 // HOUR
BY = 2 * MINUTE
"""How much earlier than T0 the times count from afterwards."""


def at(by: int) -> dict[str, Any]:
    """Fields of a row whose times are later by so many ms."""
    minutes = by // MINUTE
    return {
        "now": 1 + by,
        "first": 2 + by,
        "last": 3 + by,
        "ledger": {
            "plain": (1.5, 4 + by, 2),
            "limited": (0.5, 5 + by, 2, 3_600, WINDOW, 1, [WINDOW - 1, 1]),
            "by-days": (None, 6 + by, [DAY_NUMBER, 1, 1], 21_600, [DAY_NUMBER * 4, 1]),
            "\x03gone": (7 + by, 1.0, 8 + by, 1),
            "\x03gone by days": (7 + by, None, 8 + by, [DAY_NUMBER, 1, 1], 0, []),
        },
        "visit": Visit(9 + by, 10 + by, 1, 11 + by, dwelt=["r"]),
        "touches": [packed_touch(StoredTouch(12 + by, "paid", "s", "m", "c"))],
        "gains": [3 + minutes, 4, 5 + minutes, 0.5],
        "falls": 13 + by,
        "alerts": {"a": (True, 14 + by), "b": (False, None)},
        "traits": {"title": (15 + by, "ceo")},
        "published": Published(16 + by, 40, "warm", "D", None, True),
        "life": Life(1, 17 + by, 18 + by, 19 + by, 3, 2.5, (WINDOW, 1)),
        "pending": [Pending("form_abandoned", "f", 20 + by, 21 + by, None, None, None)],
        "waits": {"a": (22 + by, 23 + by), "b": (None, 24 + by)},
        "suspect": Suspect(None, 5, 25 + by, (1, 26 + by), (2, 27 + by, True)),
    }


def test_every_time_moves() -> None:
    """Days and windows count from the Unix epoch, and stay."""
    row = Row(born_ms=T0, anonymous=True, **at(0))
    assert rebased(row, T0 - BY) == Row(born_ms=T0 - BY, anonymous=True, **at(BY))
    assert rebased(rebased(row, T0 - BY), T0) == row


def test_pages_move_and_what_was_read_of_them_stays() -> None:
    row = folded([page("/a", T0), page("/b", T0 + MINUTE)])
    earlier = folded([page("/x", T0 - BY), page("/a", T0), page("/b", T0 + MINUTE)])
    assert [bytes_of(one) for one in rebased(row, T0 - BY).pages] == [bytes_of(one) for one in earlier.pages[1:]]


def bytes_of(value: Any) -> bytes:
    return msgpack.encode(value)


def test_what_is_not_there_has_no_time() -> None:
    bare = Row(born_ms=T0, anonymous=True)
    assert rebased(bare, T0 - BY) == replace(bare, born_ms=T0 - BY, now=BY, first=BY, last=BY)
    nobody = replace(bare, suspect=Suspect(delivered=(1, 0)))
    assert rebased(nobody, T0 - BY).suspect == Suspect(delivered=(1, BY))


def test_a_minute_is_that_of_the_clock() -> None:
    """Minute 1 after the one in which a row was born is 12:01, from whatever second on it counts."""
    row = Row(born_ms=T0 + 50_000, anonymous=True, gains=[1, 5])
    assert rebased(row, T0).gains == [1, 5]
    assert rebased(row, T0 - 1).gains == [2, 5]
