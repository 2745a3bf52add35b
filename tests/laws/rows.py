"""Rows as no stream of events makes them in few steps: with something in every field, or with all that fits."""

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from engine.core.fold import fold_event, new_row
from engine.core.model import STAGES
from engine.core.packing import packed_touch
from engine.core.profile import Life, Pending, Row, StoredTouch, Suspect, Visit
from tests.build import DAY, HOUR, MINUTE, T0, decoded, model, page

MODEL = model(
    {
        "engagement": {
            "chat": {"when": {"event": "chat"}, "points": 60, "half_life": "1d"},
            "page": {"when": {"event": "page_view"}, "points": 1, "half_life": "1d", "limit": "2 per 1h"},
            "visit": {"when": {"event": "call"}, "points": 1, "window": "3d", "limit": "2 per 6h"},
            "first": {"when": {"event": "sign_up"}, "points": 5, "limit": "once", "half_life": "2d"},
        },
        "alerts": {"surge": {"gains": 30, "within": "10m"}},
    }
)


def folded(events: Iterable[dict[str, Any]]) -> Row:
    """The row of who did this, in this order."""
    after: Row | None = None
    for event in events:
        one = decoded(MODEL, event, T0 + 2 * DAY)
        came = fold_event(MODEL, after or new_row(one, anonymous=True), one)
        after = after if came is None else came.row
    assert after is not None
    return after


def plain(one: Any) -> Any:
    """A row as lists and numbers; what is mapped in order of its keys."""
    return msgspec.msgpack.decode(msgspec.msgpack.Encoder(order="sorted").encode(one))


class Draw(Random):
    """Draws what a row may hold, few values of each, so that two rows meet in most."""

    def time(self) -> int:
        return self.randint(-2 * DAY, 2 * DAY)

    def maybe(self, value: Any) -> Any:
        return value if self.random() < 0.7 else None

    def name(self) -> str:
        return self.choice("abc")

    def some(self, most: int, one: Callable[[], Any]) -> list[Any]:
        return [one() for _ in range(self.randint(0, most))]

    def row(self) -> Row:
        """A row with something in every field."""
        ids = [self.maybe(self.name()) for _ in range(self.randint(1, 12))]
        seen = [page(f"/{self.name()}", T0 + self.time(), messageId=id_) for id_ in ids]
        return replace(
            folded(seen),
            anonymous=self.random() < 0.5,
            now=4 * DAY + self.randint(0, 20) * MINUTE,
            first=self.time(),
            last=self.time(),
            sessions=self.randint(0, 3),
            ledger={name: entry for name, entry in self.entries().items() if self.random() < 0.8},
            counts={self.name(): self.randint(1, 3) for _ in range(2)},
            visit=self.maybe(self.visit()),
            touches=[packed_touch(touch) for touch in self.some(3, self.touch)],
            gains=[value for minute in range(18, -1, -3) for value in (4 * 1_440 - minute, self.randint(1, 9))],
            products={self.name(): (self.randint(1, 3), 0.5) for _ in range(2)},
            falls=self.maybe(self.time()),
            browsers=list({self.name() + self.name() for _ in range(5)}),
            fast_track=self.random() < 0.5,
            alerts={self.name(): (self.random() < 0.5, self.maybe(self.time())) for _ in range(2)},
            traits={self.name(): (self.choice((-DAY, 0, DAY)), self.choice(("x", 1, None, [1]))) for _ in range(2)},
            quiet=self.random() < 0.5,
            life=self.maybe(self.life()),
            pending=self.some(4, self.pending),
            waits={self.name(): (self.maybe(self.time()), self.time()) for _ in range(2)},
            videos={self.name() + self.name(): self.choice((25, 50, 95)) for _ in range(8)},
            place={self.name(): self.name() for _ in range(2)},
            suspect=self.maybe(self.suspect()),
        )

    def entries(self) -> dict[str, tuple[Any, ...]]:
        hour, day = (T0 + self.time()) // HOUR, (T0 + self.time()) // DAY
        before = [number for age in sorted(self.sample(range(1, 9), 4)) for number in (hour - age, self.randint(1, 2))]
        counts = [self.randint(1, 2) for _ in range(2)]
        days = [day, sum(counts), sum(counts)]
        return {
            "chat": (self.choice((1.0, 2.5)), self.time(), self.randint(1, 3)),
            "page": (9.0, hour * HOUR - T0, 20, 3_600, hour, self.randint(1, 2), before),
            "visit": (None, day * DAY - T0, days, 21_600, [day * 4 + 1, counts[1], day * 4, counts[0]]),
            "first": (1, self.time(), 1),
            "\x03left": (self.time(), 1.0, self.time(), 1),
        }

    def visit(self) -> Visit:
        begin, last = sorted((self.time(), self.time()))
        open_at = self.maybe(last)
        dwelt = [] if open_at is None else self.some(2, self.name)
        return Visit(begin, last, self.randint(1, 3), open_at, self.random() < 0.5, dwelt)

    def touch(self) -> StoredTouch:
        return StoredTouch(self.time(), self.choice(("direct", "paid")), self.maybe(self.name()), None, None)

    def life(self) -> Life:
        stage = self.randrange(len(STAGES))
        actions = (self.randint(1, 2), self.randint(0, 3))
        due, over = self.maybe(self.time()), self.maybe(self.time())
        return Life(stage, self.time(), due, over, self.randint(0, 7), float(self.randint(0, 9)), actions)

    def pending(self) -> Pending:
        signal = self.choice(("form_abandoned", "cart_abandoned", "checkout_abandoned"))
        form = self.name() if signal == "form_abandoned" else None
        return Pending(signal, form, self.time(), self.time(), self.name(), self.name(), None)

    def suspect(self) -> Suspect:
        clicked = (self.randint(0, 3), self.time(), self.random() < 0.5)
        delivered = (self.randint(0, 3), self.time())
        return Suspect(None, self.randint(1, 9), self.time(), self.maybe(delivered), self.maybe(clicked))


def full(number: int) -> Row:
    """A row of which everything that a visitor can grow is at its bound, and unlike that of another number."""
    long = f"{number:02}".ljust(64, "x")
    hour = T0 // HOUR + number * 20
    hours = [value for age in range(1, 16) for value in (hour - age, 2)]
    days = [T0 // DAY + number, 2, 2]
    seen = (page(f"/{place}{long}", T0 + number * HOUR + place, messageId=f"{number}/{place}") for place in range(64))
    return replace(
        folded(seen),
        now=30 * DAY - number * HOUR,
        ledger={
            "chat": (1.0, 0, 1),
            "page": (1.0, 0, 40, 3_600, hour, 2, hours),
            "visit": (None, 0, [days[0] - 2, 4, 4, days[0] - 1, 8, 8, *days], 21_600, windows_of(days[0])),
        },
        touches=[packed_touch(StoredTouch(at, f"{number}/{at}", long, long, long)) for at in range(20)],
        gains=[value for minute in range(59, -1, -1) for value in (30 * 1_440 - number * 60 - minute, 1)],
        products={f"{long[:-1]}{place}": (place, 0.5) for place in range(5)},
        browsers=[f"{long[:-1]}{place}" for place in range(10)],
        pending=[Pending("form_abandoned", f"{long[:-1]}{at}", at, at, long, long, long) for at in range(4)],
        videos={f"{number:07}{place}": 50 for place in range(8)},
        traits={f"trait-{place}": (0, long) for place in range(20)},
        place={"city": long},
    )


def windows_of(day: int) -> list[int]:
    return [number for window in range(day * 4 + 3, day * 4 - 13, -1) for number in (window, 2)]
