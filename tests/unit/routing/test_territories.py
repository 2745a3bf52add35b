"""Which territories hold a lead, and which reps."""

from collections.abc import Sequence
from typing import Any

import pytest

from engine.core.reader import Reader
from engine.core.records import Touch
from engine.routing.territories import NO_TERRITORIES, Territories
from engine.routing.territoryfile import read_territories
from tests.unit.routing.examples import request

REPS = ("andy", "bea", "carla", "ravi")


def territories(
    text: str, listed: dict[str, tuple[str, ...]] | None = None, reps: Sequence[str] = REPS, **files: str
) -> Territories:
    """Those that `text` states; `zips` is the text of the file `zips.csv`."""
    reader = Reader("routing.yaml")
    named = {f"{name}.csv": content for name, content in files.items()}
    read = read_territories(reader, reader.parse(text), reps, listed or {}, named.get)
    reader.finish()
    return Territories(read, reps)


def held(entries: str, **lead: Any) -> bool:
    """Whether a territory with these entries holds the lead."""
    return territories(f"it: {entries}").holding(request(**lead)).names == ("it",)


PLACES = [
    ("{country: US}", {"country": "usa"}, True),
    ("{country: us}", {"country": "United States"}, True),
    ("{country: Deutschland}", {"country": "DE"}, True),
    ("{country: [DE, Austria]}", {"address": {"country": "at"}}, True),
    ("{country: NO}", {"country": "Norge"}, True),
    ("{country: DE}", {"country": "FR"}, False),
    ("{country: DE}", {"country": "Atlantis"}, False),
    ("{country: DE}", {}, False),
    ("{country: DE}", {"phone": "+49 30 123456"}, True),
    ("{state: Iowa}", {"state": "IA"}, True),
    ("{state: [MA, ia]}", {"address": {"region": "US-IA"}}, True),
    ("{state: bayern}", {"state": "Bayern"}, True),
    ("{state: IA}", {"state": "IL"}, False),
    ("{county: linn}", {"county": "Linn"}, True),
    ("{county: [Polk, 'Linn*']}", {"county": "Linn County"}, True),
    ("{county: Linn}", {"county": "Polk"}, False),
    ("{city: Philadelphia}", {"city": " philadelphia "}, True),
    ("{city: {not_in: [Boston]}}", {"city": "Salem"}, True),
    ("{city: {not_in: [Boston]}}", {"city": "boston"}, False),
    ("{city: {in: [Salem], starts_with: B}}", {"city": "Salem"}, False),
    ("{city: Salem}", {}, False),
    ("{country: US, city: Salem}", {"country": "US", "city": "Salem"}, True),
    ("{country: US, city: Salem}", {"country": "DE", "city": "Salem"}, False),
    ("{country: US, city: Salem}", {"city": "Salem"}, False),
]


@pytest.mark.parametrize(("entries", "traits", "holds"), PLACES)
def test_a_place_is_one_of_the_texts_by_name_or_code(entries: str, traits: dict[str, Any], holds: bool) -> None:
    """Case says nothing; countries and US states are the same by name and by code; every entry must hold."""
    assert held(entries, traits=traits) is holds


ZIPS = [
    ("'52402'", "52402", True),
    ("'52402'", 52402, True),
    ("'52402'", "52403", False),
    ("'52402'", "524021", False),
    ("['52402', '02134']", "02134", True),
    ("'52402'", "52402-1234", True),
    ("'524*'", "52402-1234", True),
    ("'524*'", "52499", True),
    ("'524*'", "52500", False),
    ("'524*'", "524", True),
    ("'524*'", "52", False),
    ("'*'", "SW1A 1AA", True),
    ("'*'", None, False),
    ("'52000-52499'", "52000", True),
    ("'52000-52499'", "52499", True),
    ("'52000-52499'", "51999", False),
    ("'52000-52499'", "52500", False),
    ("'52000-52499'", "52402-1234", True),
    ("'52000-52499'", "520001", False),
    ("'52000-52499'", "5200A", False),
    ("'00100-00199'", "00150", True),
    ("'00100-00199'", "150", False),
    ("'52402 - 52402'", "52402", True),
    ("'520-52499'", "52100", False),
    ("'520-52499'", "520-52499", True),
    ("'01310-100'", "01310-100", True),
    ("'sw1a 1aa'", "SW1A1AA", True),
    ("'SW1A*'", "sw1a 2bb", True),
    ("'SW1A*'", "SW1 1AA", False),
    ("'5２402'", "5２402", True),
    ("'52000-52499'", "52４02", False),
]


@pytest.mark.parametrize(("written", "said", "holds"), ZIPS)
def test_a_zip_is_exact_or_a_prefix_or_a_range(written: str, said: Any, holds: bool) -> None:
    """In upper case and without spaces. A range has as many digits on both sides and includes both; else it is text."""
    assert held(f"{{zip: {written}}}", traits={"zip": said}) is holds


def test_a_zip_plus_4_is_cut_in_the_us_only() -> None:
    """Nine digits of another country are its own: a Saudi code has five digits and four more."""
    assert held("{zip: '12345'}", traits={"zip": "123456789", "country": "US"})
    assert not held("{zip: '12345'}", traits={"zip": "12345-6789", "country": "SA"})
    assert held("{zip: '12345*'}", traits={"zip": "12345-6789", "country": "SA"})


def test_ranges_may_overlap() -> None:
    """Each of those around a zip holds it: 30 lies in 10-50, 20-40 and 30-30, 20 in the first two."""
    nested = territories("a: {zip: 10-50}\nb: {zip: 20-40}\nc: {zip: 30-30}\nd: {zip: [45-60, 60-70]}")
    by_zip = {
        code: "".join(nested.holding(request(traits={"zip": code})).names)
        for code in ("09", "10", "20", "30", "50", "60")
    }
    assert by_zip == {"09": "", "10": "a", "20": "ab", "30": "abc", "50": "ad", "60": "d"}


OTHERS = [
    ("{product: insurance}", {"product": "Insurance"}, True),
    ("{product: [insurance, 'loan*']}", {"product": "loans"}, True),
    ("{product: insurance}", {"product": None}, False),
    ("{language: [de, fr]}", {"traits": {"language": "de-AT"}}, True),
    ("{source: google}", {"last_touch": Touch("2026-01-01T00:00:00.000Z", "paid", "Google", "cpc", None)}, True),
    ("{source: google}", {"last_touch": None}, False),
    ("{traits.company_size: {gte: 500}}", {"traits": {"company_size": 500}}, True),
    ("{traits.company_size: {gte: 500}}", {"traits": {"company_size": 499}}, False),
    ("{traits.industry: [banking, insurance]}", {"traits": {"industry": ["retail", "Banking"]}}, True),
    ("{total: {gt: 50}}", {"total": 50.0}, False),
    ("{score: {gt: 50}}", {"total": 50.5}, True),
    ("{known: true, total: {gt: 50}}", {"total": 60.0, "known": False}, False),
    ("{product: 5}", {"product": "5"}, True),
]


@pytest.mark.parametrize(("entries", "lead", "holds"), OTHERS)
def test_any_field_of_a_lead_is_asked_as_in_a_condition(entries: str, lead: dict[str, Any], holds: bool) -> None:
    assert held(entries, **lead) is holds


MAP = """\
iowa: {country: US, state: IA}
big: {zip_file: zips.csv}
cedar-rapids: {country: US, zip: '524*'}
rich: {total: {gt: 80}}
"""
LISTED = {"iowa": ("bea",), "cedar-rapids": ("andy", "carla"), "rich": ("andy",)}
ROWS = "zip,rep\n52402,ravi\n52402,bea\n10001,carla\n"


@pytest.mark.parametrize(
    ("traits", "total", "names", "reps"),
    [
        ({"country": "US", "state": "Iowa"}, 50.0, ("iowa",), ("bea",)),
        ({"zip": "10001"}, 50.0, ("big",), ("carla",)),
        ({"zip": "52402", "country": "US"}, 90.0, ("big", "cedar-rapids", "rich"), ("andy", "bea", "carla", "ravi")),
        ({"zip": "52403", "country": "US", "state": "IA"}, 50.0, ("iowa", "cedar-rapids"), ("andy", "bea", "carla")),
        ({"zip": "52403", "country": "DE"}, 50.0, (), ()),
        ({}, 50.0, (), ()),
    ],
)
def test_all_territories_that_hold_a_lead_and_each_of_their_reps_once(
    traits: dict[str, Any], total: float, names: tuple[str, ...], reps: tuple[str, ...]
) -> None:
    """Both in the order of the file, whichever way they were found."""
    known = territories(MAP, LISTED, zips=ROWS)
    lead = request(traits=traits, total=total)
    assert (known.holding(lead).names, known.holding(lead).reps) == (names, reps)


def test_reps_stand_in_the_order_of_the_file_however_many_there_are() -> None:
    """Not in that of the territory, nor in one that a set has by accident."""
    reps = [f"rep-{number}" for number in range(100)]
    listed = {"us": ("rep-64", "rep-9", "rep-8", "rep-1"), "all": ("rep-99", "rep-8")}
    known = territories("us: {country: US}\nall: {total: {gt: 0}}", listed, reps)
    assert known.holding(request()).reps == ("rep-1", "rep-8", "rep-9", "rep-64", "rep-99")


def test_a_row_gives_its_zip_to_one_rep_and_who_lists_the_territory_holds_all_of_it() -> None:
    """Of 10001 and 10002, andy holds the first, bea the second, and carla, who lists `big`, both."""
    known = territories("big: {zip_file: zips.csv}", {"big": ("carla",)}, zips="zip,rep\n10001,andy\n10002,bea\n")
    held_by = {code: known.holding(request(traits={"zip": code})).reps for code in ("10001", "10002", "10003")}
    assert held_by == {"10001": ("andy", "carla"), "10002": ("bea", "carla"), "10003": ()}


def test_a_zip_file_without_reps_is_held_by_those_who_list_it() -> None:
    known = territories("big: {zip_file: zips.csv}", {"big": ("andy",)}, zips="zip\n10001\n")
    assert known.holding(request(traits={"zip": "10001"})).reps == ("andy",)
    assert known.holding(request(traits={"zip": "10002"})).reps == ()


def test_a_territory_nobody_holds_holds_leads() -> None:
    known = territories("us: {country: US}")
    assert (known.holding(request()).names, known.holding(request()).reps) == (("us",), ())


def test_a_zip_file_is_one_entry_among_others() -> None:
    """All must hold, a list of zips beside it too."""
    known = territories("it: {zip_file: zips.csv, zip: '100*', country: US}", zips="zip,rep\n10001,andy\n20001,bea\n")
    us = {"country": "US"}
    assert known.holding(request(traits={"zip": "10001", **us})).reps == ("andy",)
    assert known.holding(request(traits={"zip": "20001", **us})).reps == ()
    assert known.holding(request(traits={"zip": "10002", **us})).reps == ()
    assert known.holding(request(traits={"zip": "10001", "country": "DE"})).reps == ()


def test_the_fields_that_are_read_are_known() -> None:
    """A zip asks for the country too, which decides how it is written."""
    assert territories(MAP, zips=ROWS).fields == {"country", "state", "zip", "total"}
    assert territories("it: {traits.size: {gt: 5}, city: Salem}").fields == {"traits.size", "city"}


def test_there_may_be_none() -> None:
    assert (NO_TERRITORIES.names, NO_TERRITORIES.fields, NO_TERRITORIES.holding(request()).reps) == (
        (),
        frozenset(),
        (),
    )
