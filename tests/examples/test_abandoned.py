"""Forms, carts and check-outs that are begun and not brought to an end."""

from typing import Any

import pytest

from tests.build import DAY, HOUR, MINUTE
from tests.examples.harness import Line, at, record, scoring, simulate

RULES = [{"when": {"signal": name}, "points": 1} for name in ("form_abandoned", "cart_abandoned", "checkout_abandoned")]
MODEL = scoring(
    *RULES,
    alerts={name: {"when": {"signal": f"{name}_abandoned"}, "cooldown": "1s"} for name in ("form", "cart", "checkout")},
)


def abandoned(*events: Line, until: int = DAY) -> list[tuple[str, int]]:
    """What was abandoned, and when."""
    return simulate(MODEL, *events, until=until).alerts()


def form(after_ms: int, name: str = "form_start", form: str | None = "trial", **keys: Any) -> Line:
    return at(after_ms, name, properties={} if form is None else {"form_id": form}, **keys)


def test_a_form_is_abandoned_half_an_hour_after_it_was_begun() -> None:
    assert abandoned(form(0), until=30 * MINUTE - 1) == []
    assert abandoned(form(0), until=30 * MINUTE) == [("form", 30 * MINUTE)]
    assert simulate(MODEL, form(0), until=30 * MINUTE).total() == 1


def test_a_click_on_a_forms_button_begins_a_form_and_any_other_click_does_not() -> None:
    assert abandoned(form(0, "click")) == [("form", 30 * MINUTE)]
    assert abandoned(at(0, "click", properties={"id": "menu"})) == []


def test_the_half_hour_begins_with_the_latest_start_or_click() -> None:
    assert abandoned(form(0), form(20 * MINUTE), form(30 * MINUTE, "click")) == [("form", 60 * MINUTE)]


def test_a_submit_of_that_form_cancels_it() -> None:
    assert abandoned(form(0), form(29 * MINUTE, "form_submit")) == []
    assert abandoned(form(0), form(29 * MINUTE, "form_submit", "other")) == [("form", 30 * MINUTE)]


def test_a_submit_cancels_what_is_pending_whatever_its_time() -> None:
    """It arrives ten minutes after the start and says that it came ten minutes before."""
    late = record(form(-10 * MINUTE, "form_submit"), 10 * MINUTE)
    assert abandoned(form(0), late) == []


def test_after_it_was_abandoned_nothing_takes_it_back_and_it_can_be_begun_again() -> None:
    events = [form(0), form(31 * MINUTE, "form_submit"), form(2 * HOUR)]
    assert abandoned(*events) == [("form", 30 * MINUTE), ("form", 2 * HOUR + 30 * MINUTE)]


def test_two_forms_are_abandoned_each_in_its_time() -> None:
    assert abandoned(form(0), form(MINUTE, form="demo")) == [("form", 30 * MINUTE), ("form", 31 * MINUTE)]


def test_at_most_four_are_pending() -> None:
    """Of five forms begun, the oldest is forgotten."""
    forms = [form(place * MINUTE, form=f"f{place}") for place in range(5)]
    assert abandoned(*forms) == [("form", (30 + place) * MINUTE) for place in range(1, 5)]


def test_a_cart_is_abandoned_an_hour_after_the_latest_addition() -> None:
    assert abandoned(at(0, "add_to_cart"), until=60 * MINUTE - 1) == []
    assert abandoned(at(0, "add_to_cart")) == [("cart", 60 * MINUTE)]
    assert abandoned(at(0, "add_to_cart"), at(50 * MINUTE, "add_to_cart")) == [("cart", 110 * MINUTE)]


def test_an_abandoned_check_out_takes_the_place_of_its_cart() -> None:
    events = [at(0, "add_to_cart"), at(10 * MINUTE, "begin_checkout")]
    assert abandoned(*events) == [("checkout", 70 * MINUTE)]


@pytest.mark.parametrize("begun", ["add_to_cart", "begin_checkout"])
def test_a_purchase_cancels_cart_and_check_out(begun: str) -> None:
    assert abandoned(at(0, begun), at(59 * MINUTE, "purchase")) == []
    assert abandoned(at(0, begun), record(at(-HOUR, "purchase"), MINUTE)) == []


@pytest.mark.parametrize("begun", ["form_start", "add_to_cart", "begin_checkout"])
def test_who_unsubscribes_abandons_nothing(begun: str) -> None:
    assert abandoned(at(0, begun), at(MINUTE, "unsubscribe")) == []


def test_the_signal_has_the_page_and_the_form_it_was_begun_on() -> None:
    spec = scoring(
        {"when": {"signal": "form_abandoned", "page.path": "/trial", "properties.form_id": "trial"}, "points": 5},
        {"when": {"signal": "form_abandoned", "page.path": "/"}, "points": 50},
    )
    begun = form(0, context={"page": {"path": "/trial"}})
    elsewhere = at(MINUTE, "page_view", context={"page": {"path": "/"}})
    assert simulate(spec, begun, elsewhere, until=30 * MINUTE).total() == 5


def test_what_is_abandoned_is_told_before_an_event_of_the_same_instant() -> None:
    """A submit exactly half an hour after the start comes too late."""
    assert abandoned(form(0), form(30 * MINUTE, "form_submit")) == [("form", 30 * MINUTE)]


def test_the_cause_of_what_time_brought_about_names_no_record() -> None:
    (alert,) = simulate(MODEL, form(0), until=DAY).on("lead-alerts")
    cause = alert["cause"]
    assert (cause["topic"], cause["partition"], cause["offset"], cause["event"]) == (None, None, None, None)
    assert cause["time"] == "2026-11-23T00:30:00.000Z"
