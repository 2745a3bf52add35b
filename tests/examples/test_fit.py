"""Who a lead is: fit, grades, personas and derived traits."""

from typing import Any

import pytest

from tests.build import DAY, HOUR
from tests.examples.harness import Line, Spec, chats, known, scoring, simulate

CEO = {"when": {"traits.title": {"matches": r"\b(ceo|owner)\b"}}, "points": 10, "label": "C-level title"}
FINANCE = {"when": {"traits.industry": ["finance", "insurance", "banking"]}, "points": 5}
AGE = {"when": {"traits.age": {"between": [30, 45]}}, "points": 5}
STUDENT = {"when": {"traits.title": {"contains": "student"}}, "points": -20}
FIT = {"c-level": CEO, "finance": FINANCE, "age": AGE, "student": STUDENT}


def graded(*events: Line, **sections: Any) -> dict[str, Any]:
    return simulate(scoring(chats(1), fit=FIT, **sections), *events).score()


def test_fit_is_the_sum_of_the_rules_that_hold_and_never_decays() -> None:
    told = simulate(scoring(fit=FIT), known(0, title="CEO", industry="Banking", age=41), until=900 * DAY)
    assert (told.score()["fit"], told.total()) == (10 + 5 + 5, 20)
    assert [(one["part"], one["rule"], one["points"]) for one in told.score()["contributions"]] == [
        ("fit", "c-level", 10),
        ("fit", "age", 5),
        ("fit", "finance", 5),
    ]
    assert told.score()["contributions"][0]["label"] == "C-level title"


@pytest.mark.parametrize("traits", [{}, {"title": None, "industry": None, "age": None}, {"age": "unknown"}])
def test_a_missing_or_null_trait_gives_no_points(traits: dict[str, Any]) -> None:
    assert graded(known(0, **traits))["fit"] == 0


def test_a_list_matches_if_one_element_does() -> None:
    """Once for the list, not once for each element that does."""
    assert graded(known(0, industry=["retail", "finance", "insurance"]))["fit"] == 5


def test_a_changed_trait_rescores_fit_at_once() -> None:
    """From CEO (+10) to student (−20); a trait that is taken back gives nothing."""
    ceo, student, nothing = known(0, title="CEO"), known(HOUR, title="Student"), known(2 * HOUR, title=None)
    told = simulate(scoring(fit=FIT), ceo, student, nothing)
    published = told.on("lead-scores")
    assert [one["total"] for one in published[:3]] == [10, 0, 0]
    assert published[1]["clamps"] == [{"part": "total", "clamp": "floor", "points": 20}]
    assert published[2]["clamps"] == []


def test_a_traits_value_is_that_of_the_latest_event_time() -> None:
    """Whatever comes last; at the same time the larger bytes."""
    assert graded(known(HOUR, title="Cook"), known(0, title="CEO"))["traits"]["title"] == "Cook"
    for first, second in (("CEO", "Cook"), ("Cook", "CEO")):
        assert graded(known(0, title=first), known(0, title=second))["traits"]["title"] == "Cook"


@pytest.mark.parametrize(
    ("traits", "fit", "grade"),
    [
        ({"title": "CEO", "industry": "finance", "age": 30}, 20, "A"),
        ({"title": "CEO", "industry": "finance"}, 15, "B"),
        ({"title": "Owner"}, 10, "B"),
        ({"age": 45}, 5, "C"),
        ({}, 0, "D"),
        ({"title": "student"}, 0, "D"),
    ],
)
def test_the_grade_is_that_of_the_fit_at_or_above_a_bound(traits: dict[str, Any], fit: float, grade: str) -> None:
    score = graded(known(0, **traits), grades={"A": 20, "B": 10, "C": 1})
    assert (score["fit"], score["grade"]) == (fit, grade)


def test_grades_are_the_models_own() -> None:
    score = graded(known(0, title="CEO"), grades={"Gold": 15, "Silver": 5})
    assert score["grade"] == "Silver"


def test_the_persona_is_the_first_that_holds() -> None:
    personas = {
        "founder": {"traits.title": {"matches": "founder|owner"}},
        "manager": {"traits.title": {"exists": True}},
    }
    for title, persona in (("Founder and CEO", "founder"), ("CEO", "manager"), (None, None)):
        assert graded(known(0, title=title), personas=personas)["persona"] == persona


def derived(trait: str, **traits: Any) -> list[str]:
    """The values, of true and false or of countries, for which a fit rule on a derived trait holds."""
    values: list[Any] = [True, False] if trait != "country" else ["DE", "US", "GB"]
    fit = {str(value): {"when": {f"traits.{trait}": value}, "points": 1} for value in values}
    score = simulate(scoring(fit=fit), known(0, **traits)).score()
    return [one["rule"] for one in score["contributions"]]


@pytest.mark.parametrize(
    ("trait", "traits", "value"),
    [
        ("email_valid", {"email": "ada@example.com"}, ["True"]),
        ("email_valid", {"email": "ada@"}, ["False"]),
        ("email_valid", {}, []),
        ("email_free", {"email": "ada@gmail.com"}, ["True"]),
        ("email_free", {"email": "ada@example.com"}, ["False"]),
        ("email_disposable", {"email": "ada@mailinator.com"}, ["True"]),
        ("email_disposable", {"email": "ada@gmail.com"}, ["False"]),
        ("phone_valid", {"phone": "+49 30 901820"}, ["True"]),
        ("phone_valid", {"phone": "+49 1"}, ["False"]),
        ("phone_valid", {"phone": "030 901820", "country": "Germany"}, ["True"]),
        ("phone_valid", {}, []),
        ("country", {"country": "Germany"}, ["DE"]),
        ("country", {"address": {"country": "us"}}, ["US"]),
        ("country", {"phone": "+49 30 901820"}, ["DE"]),
        ("country", {}, []),
    ],
)
def test_derived_trait(trait: str, traits: dict[str, Any], value: list[str]) -> None:
    """What an e-mail, a phone and a country say are traits like any other."""
    assert derived(trait, **traits) == value


def test_a_place_of_the_lead_is_that_of_its_traits_else_where_its_last_event_came_from() -> None:
    def states(*events: Line) -> dict[str, float]:
        fit: Spec = {
            name: {"when": {field: value}, "points": 1}
            for name, field, value in (
                ("country", "country", "US"),
                ("state", "state", "MA"),
                ("city", "city", "boston"),
                ("zip", "zip", "02134"),
            )
        }
        score = simulate(scoring(fit=fit), *events).score()
        return {one["rule"]: one["points"] for one in score["contributions"]}

    everything = dict.fromkeys(("city", "country", "state", "zip"), 1)
    address = {"country": "USA", "state": "Massachusetts", "city": "Boston", "postalCode": "02134-1001"}
    assert states(known(0, address=address)) == everything
    location = {"country": "United States", "region": "MA", "city": "Boston", "postalCode": "02134"}
    located = {**known(HOUR), "type": "track", "event": "chat", "context": {"location": location}}
    assert states(located) == everything
    assert states(known(0, country="DE"), located) == {**dict.fromkeys(("city", "state", "zip"), 1)}
