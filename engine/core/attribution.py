"""Which visits brought a conversion, and how its revenue is shared among them.

A touch is the start of a web session with where it came from. Money is counted in whole cents, whatever the currency:
a revenue is rounded to two decimals, half to even, from the shortest decimal that reads back as its float.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from engine.core.profile import TOUCHES_MAX
from engine.core.records import Cause, LeadConversion, Shares, Touch

DIRECT = "direct"
"""The channel of a lead that converts without a touch."""


class Credit(NamedTuple):
    """A revenue, rounded to the cent, and how it is shared."""

    revenue: float
    weights: Shares
    credit: Shares


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
