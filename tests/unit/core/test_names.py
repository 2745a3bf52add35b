"""What other tools call an event, and what Heatline calls it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.channels import Lists
from engine.core.names import Names, Vocabulary, load_names, snake_case
from engine.core.source import ConfigError
from tests.stories import LAWFUL


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Video Shared", "video_shared"),
        ("videoShared", "video_shared"),
        ("video-shared", "video_shared"),
        ("VIDEO_SHARED", "video_shared"),
        ("HTMLPageViewed", "html_page_viewed"),
        ("GA4Event", "ga_4_event"),
        ("Step 2 Done", "step_2_done"),
        ("Cliqué Là", "cliqué_là"),
        ("!!!", ""),
        ("x" * 500, "x" * 100),
    ],
)
def test_a_name_that_nobody_maps_keeps_its_own_in_snake_case(name: str, snake: str) -> None:
    assert snake_case(name) == Names({}).canonical(name) == snake


@LAWFUL
@given(st.text(max_size=150))
def test_snake_case_is_a_name_of_letters_digits_and_underscores_and_its_own_snake_case(name: str) -> None:
    snake = snake_case(name)
    assert re.fullmatch(r"\w{0,100}", snake)
    assert Names({}).canonical(snake) == snake_case(snake)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("ORDER completed", "purchase"),
        ("  Order Completed ", "purchase"),
        ("Viewed Home Page", "page_view"),
        ("viewed  page", "page_view"),
        ("Viewed Home", "viewed_home"),
        ("What? [a]", "odd"),
        ("Whatx a x", "whatx_a_x"),
        ("First Time", "first"),
    ],
)
def test_mapped_names_are_compared_without_case_and_only_a_star_is_any_text(name: str, canonical: str) -> None:
    """The first pattern that fits counts."""
    mapping = {"Order Completed": "purchase", "Viewed * Page": "page_view", "First*": "first", "F*": "second"}
    assert Names({**mapping, "What? [*]": "odd"}).canonical(name) == canonical


def test_patterns_of_many_stars_take_no_longer_than_the_name_is() -> None:
    """One that tries every place for every star would take years."""
    names = Names({"*a" * 15 + "b": "never"})
    assert names.canonical("a" * 100) == "a" * 100


def test_long_names_are_cut_before_they_are_remembered() -> None:
    """Else a visitor's names would fill the memory."""
    names = Names({})
    for number in range(10):
        names.canonical("x" * 100 + str(number))
    assert names._cached.cache_info().currsize == 1


def test_events_yaml_maps_names_properties_and_domains() -> None:
    """Domains join those that Heatline knows; canonical names are in lower case."""
    text = """
Order Completed: Purchase
Viewed * Page: page_view
revenue: [properties.revenue, properties.total]
search_engines: [Find.example]
social_networks: [chat.example]
"""
    vocabulary = load_names(text, "events.yaml")
    assert vocabulary.names == {"Order Completed": "purchase", "Viewed * Page": "page_view"}
    assert vocabulary.paths == {"revenue": ("properties.revenue", "properties.total")}
    assert vocabulary.lists.search_engines == Lists().search_engines | {"find.example"}
    assert vocabulary.lists.social_networks == Lists().social_networks | {"chat.example"}


def test_an_empty_events_yaml_maps_nothing() -> None:
    assert load_names("", "events.yaml") == Vocabulary()


def test_mistakes_in_events_yaml_are_named() -> None:
    text = """
revenue: [total, 5]
Order Completed: 5
search_engines: [https://find.example]
social_networks: chat.example
total: []
"""
    with pytest.raises(ConfigError) as caught:
        load_names(text, "events.yaml")
    assert str(caught.value).splitlines() == [
        'events.yaml:2:11: revenue[0] = "total": expected the path of a property, such as properties.total',
        "events.yaml:2:18: revenue[1] = 5: expected text: quote it: '5'",
        "events.yaml:3:18: Order Completed = 5: expected text: quote it: '5'",
        'events.yaml:4:18: search_engines[0] = "https://find.example": expected a domain, such as duckduckgo.com',
        'events.yaml:5:18: social_networks = "chat.example": expected a list of domains',
        "events.yaml:6:8: total: 0 property paths; expected at least 1",
    ]
