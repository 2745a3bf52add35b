"""Conversions: what counts as one, what it is worth, and which visits brought it."""

from typing import Any

import pytest

from tests.build import DAY, HOUR, MINUTE
from tests.examples.harness import DESK, Line, Spec, at, chats, known, says, scoring, simulate, visits

SALE = {"when": {"event": "purchase"}, "value": "properties.revenue", "currency": "properties.currency"}
MODEL = scoring(conversions={"sale": SALE, "trial": {"when": {"event": "trial_start"}}})


def visit(day: int, medium: str, source: str = "x") -> Line:
    """A visit through a campaign."""
    return visits("/", day * DAY, context={"campaign": {"medium": medium, "source": source, "name": "spring"}})


def sold(after_ms: int, revenue: Any, **keys: Any) -> Line:
    return at(after_ms, "purchase", properties={"revenue": revenue, "currency": "EUR"}, **keys)


FOUR = [visit(0, "cpc"), visit(1, "email"), visit(2, "social"), visit(3, "affiliate")]


def converted(*events: Line, spec: Spec = MODEL) -> dict[str, Any]:
    (one,) = simulate(spec, *events).on("lead-conversions")
    return one


def test_credit_is_shared_four_ways_among_the_visits() -> None:
    """1000 € over four touches: all to the first, all to the last, a quarter each, 40 20 20 40 percent… of two ends."""
    sale = converted(*FOUR, sold(3 * DAY + MINUTE, 1_000))
    assert {key: sale[key] for key in ("lead", "conversion", "revenue", "currency")} == {
        "lead": "ada",
        "conversion": "sale",
        "revenue": 1_000,
        "currency": "EUR",
    }
    assert [touch["channel"] for touch in sale["touches"]] == ["paid", "email", "social", "affiliate"]
    assert sale["touches"][1] == {
        "at": "2026-11-24T00:00:00.000Z",
        "channel": "email",
        "source": "x",
        "medium": "email",
        "campaign": "spring",
    }
    assert sale["credit"] == {
        "first": [1_000, 0, 0, 0],
        "last": [0, 0, 0, 1_000],
        "linear": [250, 250, 250, 250],
        "u_shaped": [400, 100, 100, 400],
    }
    assert sale["weights"] == {
        "first": [1, 0, 0, 0],
        "last": [0, 0, 0, 1],
        "linear": [0.25, 0.25, 0.25, 0.25],
        "u_shaped": [0.4, 0.1, 0.1, 0.4],
    }
    assert (sale["cause"]["name"], sale["cause"]["offset"]) == ("purchase", 4)


@pytest.mark.parametrize(
    ("touches", "linear", "u_shaped"),
    [
        (1, [100], [100]),
        (2, [50, 50], [50, 50]),
        (3, [33.33, 33.33, 33.34], [40, 20, 40]),
    ],
)
def test_credit_adds_up_to_the_cent(touches: int, linear: list[float], u_shaped: list[float]) -> None:
    """A third of 100 is 33.33; the rest of the rounding goes to the last."""
    sale = converted(*FOUR[:touches], sold((touches - 1) * DAY + MINUTE, 100))
    assert (sale["credit"]["linear"], sale["credit"]["u_shaped"]) == (linear, u_shaped)
    for shares in sale["credit"].values():
        assert round(sum(shares), 2) == 100


def test_without_a_touch_all_goes_to_one_direct() -> None:
    """A purchase that the shop's server told of; nobody was seen in a browser."""
    sale = converted({**known(0), "type": "track", "event": "purchase", "context": {"channel": "server"}})
    assert [touch["channel"] for touch in sale["touches"]] == ["direct"]
    assert (sale["revenue"], sale["currency"], sale["credit"]["first"]) == (0, None, [0])


def test_equal_neighbours_are_one_touch() -> None:
    visited = [visit(0, "email"), visit(1, "email"), visit(2, "cpc"), visit(3, "email"), visit(4, "email", "other")]
    sale = converted(*visited, sold(4 * DAY + MINUTE, 5))
    assert [(touch["channel"], touch["source"]) for touch in sale["touches"]] == [
        ("email", "x"),
        ("paid", "x"),
        ("email", "x"),
        ("email", "other"),
    ]
    assert sale["touches"][0]["at"] == "2026-11-23T00:00:00.000Z"


def test_the_first_touch_and_the_last_19_are_kept() -> None:
    visited = [visit(day, "email", f"s{day}") for day in range(25)]
    sale = converted(*visited, sold(24 * DAY + MINUTE, 5))
    assert [touch["source"] for touch in sale["touches"]] == ["s0", *(f"s{day}" for day in range(6, 25))]


def test_the_visit_in_which_it_converts_is_a_touch() -> None:
    sale = converted(sold(0, 9, context={"campaign": {"medium": "cpc"}}))
    assert [touch["channel"] for touch in sale["touches"]] == ["paid"]


def test_a_conversion_need_not_have_a_value() -> None:
    trial = converted(visit(0, "email"), at(MINUTE, "trial_start"))
    assert (trial["conversion"], trial["revenue"], trial["currency"], trial["credit"]["last"]) == (
        "trial",
        0,
        None,
        [0],
    )


@pytest.mark.parametrize(("said", "revenue"), [("12.50", 12.5), (None, 0), ("free", 0), (-30, -30), (0.125, 0.12)])
def test_the_value_is_a_number_in_whole_cents_or_nothing(said: Any, revenue: float) -> None:
    sale = converted(visit(0, "email"), sold(MINUTE, said))
    assert (sale["revenue"], sale["credit"]["first"]) == (revenue, [revenue])


def test_a_repeat_converts_once() -> None:
    assert len(simulate(MODEL, sold(0, 5, messageId="m"), sold(1, 5, messageId="m")).on("lead-conversions")) == 1


def test_revenue_is_the_sum_of_a_leads_conversions() -> None:
    spec = scoring(
        conversions={"sale": SALE}, alerts={"big": {"when": {"event": "purchase"}, "if": {"revenue": {"gte": 100}}}}
    )
    told = simulate(spec, sold(0, 60), sold(HOUR, 39.99), sold(2 * HOUR, 0.01))
    assert told.alerts() == [("big", 2 * HOUR)]


def test_a_signal_can_be_a_conversion() -> None:
    spec = scoring(conversions={"viewed": {"when": {"signal": "video_watched", "properties.percent": 95}}})
    assert converted(at(0, "video_progress", properties={"percent": 99}), spec=spec)["conversion"] == "viewed"


def test_an_event_can_be_two_conversions() -> None:
    spec = scoring(conversions={"sale": SALE, "order": {"when": {"event": "purchase"}}})
    told = simulate(spec, sold(0, 60)).on("lead-conversions")
    assert [(one["conversion"], one["revenue"]) for one in told] == [("sale", 60), ("order", 0)]


def test_what_a_rep_has_won_is_a_conversion_named_won() -> None:
    """With its amount and currency, credited to the visits as any other."""
    spec = scoring(chats(90), conversions={"sale": SALE}, alerts={"hot": {"crosses": "hot"}})
    deal = says(DAY + HOUR, "won", amount=1_200.5, currency="USD")
    told = simulate(spec, visit(0, "cpc"), visit(1, "email"), at(DAY + 1), deal, desk={**DESK, "assign_on": ["hot"]})
    (won,) = told.on("lead-conversions")
    assert (won["conversion"], won["revenue"], won["currency"]) == ("won", 1_200.5, "USD")
    assert won["credit"]["u_shaped"] == [600.25, 600.25]
    assert won["cause"]["topic"] == "rep-events"
    assert told.score()["stage"] == "customer"
