"""Which visits brought a conversion, and how its revenue is shared among them.

A touch is the start of a web session with where it came from. Money is counted in whole cents, whatever the currency:
a revenue is rounded to two decimals, half to even, from the shortest decimal that reads back as its float.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import msgspec

from engine.core.records import Cause, Touch

TOUCHES_MAX = 20
"""Of a lead: the first and the last 19."""
DIRECT = "direct"
"""The channel of a lead that converts without a touch."""


class Visit(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A touch as a row keeps it; `at` is its instant in ms, counted from where the row counts."""

    at: int
    channel: str
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None

    @property
    def origin(self) -> tuple[str, str | None, str | None, str | None]:
        """Where the visit came from: neighbours of one origin are one touch."""
        return self.channel, self.source, self.medium, self.campaign


class Shares(msgspec.Struct):
    """One number per touch, in their order, for each way of weighting them.

    As `weights` each list sums to 1, as `credit` to the revenue, to the cent.
    """

    first: list[float]
    last: list[float]
    linear: list[float]
    u_shaped: list[float]


class LeadConversion(msgspec.Struct):
    """`lead-conversions`: what the lead did, what it is worth, and which touches earned it.

    `revenue` is rounded to the cent, 0 where the conversion states none, below 0 for a refund; `currency` is what the
    event says, null where it says none.
    """

    lead: str
    conversion: str
    revenue: float
    currency: str | None
    touches: list[Touch]
    weights: Shares
    credit: Shares
    cause: Cause


class Credit(NamedTuple):
    """A revenue, rounded to the cent, and how it is shared."""

    revenue: float
    weights: Shares
    credit: Shares


def added(visits: Sequence[Visit], visit: Visit) -> list[Visit]:
    """`visits` with the latest one: a new touch unless it came from where the one before did."""
    if visits and visits[-1].origin == visit.origin:
        return list(visits)
    return _cut([*visits, visit])


def united(visits: Iterable[Visit]) -> list[Visit]:
    """The touches of one lead out of those of several ids, by time; the same in whatever order they are given."""
    kept: list[Visit] = []
    for visit in sorted(visits, key=lambda visit: (visit.at, *(part or "" for part in visit.origin))):
        if not kept or kept[-1].origin != visit.origin:
            kept.append(visit)
    return _cut(kept)


def credit(touch_count: int, revenue: float) -> Credit:
    """How `revenue`, any finite number, is shared among so many touches; no touch counts as one.

    Each touch gets its share rounded to the cent, half to even, but never more than is left, and the last gets the
    rest. So credits sum to the revenue to the cent, and none has the other sign.
    """
    ways = _ways(max(touch_count, 1))
    cents = round(Fraction(repr(revenue)) * 100)
    return Credit(
        revenue=cents / 100,
        weights=Shares(*(_fractions(parts) for parts in ways)),
        credit=Shares(*([share / 100 for share in _shared(cents, parts)] for parts in ways)),
    )


def conversion(
    lead: str, name: str, revenue: float, currency: str | None, touches: Sequence[Touch], cause: Cause
) -> LeadConversion:
    """The record of a conversion; one without a touch is credited to one `direct` at the cause's time."""
    credited = list(touches) or [Touch(cause.time, DIRECT, None, None, None)]
    earned = credit(len(credited), revenue)
    return LeadConversion(lead, name, earned.revenue, currency, credited, earned.weights, earned.credit, cause)


def _fractions(parts: Sequence[int]) -> list[float]:
    parts_sum = sum(parts)
    return [part / parts_sum for part in parts]


def _cut(visits: list[Visit]) -> list[Visit]:
    return visits if len(visits) <= TOUCHES_MAX else [visits[0], *visits[1 - TOUCHES_MAX :]]


@lru_cache(TOUCHES_MAX)
def _ways(count: int) -> tuple[tuple[int, ...], ...]:
    """The four weightings of `count` touches, in the order of `Shares`, in whole parts of their sum."""
    others = (0,) * (count - 1)
    linear = (1,) * count
    middle = count - 2
    # 40 %, 20 % among those in between, 40 %; of two touches a half each.
    u_shaped = (2 * middle, *(1,) * middle, 2 * middle) if middle > 0 else linear
    return (1, *others), (*others, 1), linear, u_shaped


def _shared(cents: int, parts: Sequence[int]) -> list[int]:
    sign = -1 if cents < 0 else 1
    left = whole = abs(cents)
    parts_sum = sum(parts)
    shares: list[int] = []
    for part in parts[:-1]:
        share = min(_half_even(whole * part, parts_sum), left)
        shares.append(sign * share)
        left -= share
    return [*shares, sign * left]


def _half_even(numerator: int, denominator: int) -> int:
    """The nearest whole number of a quotient that is not below 0."""
    quotient, rest = divmod(numerator, denominator)
    up = 2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1)
    return quotient + up
