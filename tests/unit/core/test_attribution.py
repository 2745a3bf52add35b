"""Credits are the revenue, shared as each weighting says, to the cent."""

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.attribution import conversion, credit
from engine.core.records import Cause, Touch

CAUSE = Cause("visitor-events", 0, 7, "m-1", "purchase", "2026-11-23T04:30:00.000Z")
CENT_LIMIT = 9e12
"""Below it a float tells cents apart."""

revenues = st.floats(-CENT_LIMIT, CENT_LIMIT) | st.integers(-100_000, 100_000).map(lambda cents: cents / 100)
counts = st.integers(0, 20)


def total(shares: list[float]) -> Decimal:
    """Their sum as somebody adds them up who reads the record."""
    return sum((Decimal(str(share)) for share in shares), Decimal(0))


def test_one_touch_earns_all() -> None:
    earned = credit(1, 99.99)
    for shares, all_of_it in ((earned.weights, [1.0]), (earned.credit, [99.99])):
        assert (shares.first, shares.last, shares.linear, shares.u_shaped) == (all_of_it,) * 4


def test_no_touch_counts_as_one() -> None:
    assert credit(0, 10.0) == credit(1, 10.0)


def test_two_touches() -> None:
    """Linear and U-shaped: half of 10.01 is 5.005, half to even 5.00; the last gets the rest, 5.01."""
    _, weights, shared = credit(2, 10.01)
    assert (weights.first, weights.last) == ([1.0, 0.0], [0.0, 1.0])
    assert weights.linear == weights.u_shaped == [0.5, 0.5]
    assert (shared.first, shared.last) == ([10.01, 0.0], [0.0, 10.01])
    assert shared.linear == shared.u_shaped == [5.0, 5.01]


def test_three_touches() -> None:
    """Linear: 100 / 3 = 33.33 twice, rest 33.34. U-shaped: 40, 20, 40 %."""
    _, weights, shared = credit(3, 100.0)
    assert weights.first == [1.0, 0.0, 0.0]
    assert weights.last == [0.0, 0.0, 1.0]
    assert weights.linear == [1 / 3, 1 / 3, 1 / 3]
    assert weights.u_shaped == [0.4, 0.2, 0.4]
    assert shared.linear == [33.33, 33.33, 33.34]
    assert shared.u_shaped == [40.0, 20.0, 40.0]


def test_four_touches_of_a_refund() -> None:
    """Linear: 0.25 × 99.99 = 24.9975 → 25.00 thrice, rest 24.99. U-shaped: 39.996 → 40, 9.999 → 10, rest 39.99."""
    earned = credit(4, -99.99)
    assert earned.revenue == -99.99
    assert earned.weights.linear == [0.25] * 4
    assert earned.weights.u_shaped == [0.4, 0.1, 0.1, 0.4]
    assert earned.credit.linear == [-25.0, -25.0, -25.0, -24.99]
    assert earned.credit.u_shaped == [-40.0, -10.0, -10.0, -39.99]


def test_twenty_touches() -> None:
    """Linear: 5 % of 123.45 = 6.1725 → 6.17 × 19 = 117.23, rest 6.22.

    U-shaped: 40 % = 49.38; 20 % / 18 = 1.3717 → 1.37 × 18 = 24.66; rest 123.45 − 49.38 − 24.66 = 49.41.
    """
    _, weights, shared = credit(20, 123.45)
    assert weights.linear == [0.05] * 20
    assert weights.u_shaped == [0.4, *[0.2 / 18] * 18, 0.4]
    assert shared.first == [123.45, *[0.0] * 19]
    assert shared.last == [*[0.0] * 19, 123.45]
    assert shared.linear == [*[6.17] * 19, 6.22]
    assert shared.u_shaped == [49.38, *[1.37] * 18, 49.41]


def test_what_is_too_small_to_share_runs_out() -> None:
    """5 % of 0.30 is 1.5 cents, half to even 2: fifteen touches take all of it, and none owes any."""
    assert credit(20, 0.30).credit.linear == [*[0.02] * 15, *[0.0] * 5]


@pytest.mark.parametrize(
    ("revenue", "rounded"),
    [(2.675, 2.68), (2.665, 2.66), (-2.675, -2.68), (0.004, 0.0), (-0.0, 0.0), (1e308, 1e308), (5e-324, 0.0)],
)
def test_a_revenue_is_rounded_half_to_even_as_it_is_written(revenue: float, rounded: float) -> None:
    """The float 2.675 lies below 2.675; what counts is what the sender wrote."""
    earned = credit(3, revenue)
    assert str(earned.revenue) == str(rounded)
    assert earned.credit.first == [rounded, 0.0, 0.0]


@given(counts, revenues)
def test_credits_sum_to_the_revenue_to_the_cent(count: int, revenue: float) -> None:
    earned = credit(count, revenue)
    assert abs(Fraction(str(earned.revenue)) - Fraction(str(revenue))) <= Fraction(1, 200)
    for shares in msgspec.structs.astuple(earned.credit):
        assert len(shares) == max(count, 1)
        assert total(shares) == Decimal(str(earned.revenue))
        assert all(share * earned.revenue >= 0 for share in shares)


@given(counts, revenues)
def test_weights_are_no_debts_and_sum_to_one(count: int, revenue: float) -> None:
    """They do not depend on the revenue; a credit is off its share by half a cent at most, the last by ten."""
    earned = credit(count, revenue)
    assert earned.weights == credit(count, 1.0).weights
    for weights, shared in zip(*map(msgspec.structs.astuple, (earned.weights, earned.credit)), strict=True):
        assert all(weight >= 0 for weight in weights)
        assert sum(weights) == pytest.approx(1, abs=1e-12)
        if abs(revenue) > 1:
            shares = [weight * earned.revenue for weight in weights]
            assert shared[:-1] == pytest.approx(shares[:-1], abs=0.005001, rel=1e-9)
            assert shared[-1] == pytest.approx(shares[-1], abs=0.1, rel=1e-9)


def test_a_conversion_without_a_touch_is_direct() -> None:
    converted = conversion("ada", "sale", 100.0, "EUR", [], CAUSE)
    assert converted.touches == [Touch(CAUSE.time, "direct", None, None, None)]
    assert converted.credit.u_shaped == [100.0]


def test_a_conversion_names_its_touches_in_the_order_of_their_shares() -> None:
    touches = [Touch(CAUSE.time, channel, None, None, None) for channel in ("paid", "email")]
    converted = conversion("ada", "sale", 10.005, None, touches, CAUSE)
    assert (converted.revenue, converted.touches) == (10.0, touches)
    assert converted.credit.first == [10.0, 0.0]
    assert converted.cause == CAUSE
