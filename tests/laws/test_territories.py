"""However many territories there are, a lead is held as if each of them were asked for each of its entries."""

import json
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from engine.core.reader import Reader
from engine.routing.territories import Territories
from engine.routing.territoryfile import read_territories
from tests.stories import BROAD
from tests.unit.routing.examples import request

REPS = ("andy", "bea", "carla")
COUNTRIES = ("US", "DE")
STATES = ("MA", "IA", "Bavaria")
CITIES = ("Salem", "Boston")
PRODUCTS = ("insurance", "loans")
ONE_ZIP = st.text("019", min_size=2, max_size=3) | st.sampled_from(("SW1A 1AA", "sw1b", "01-290"))

Spec = dict[str, Any]
Row = tuple[str, str]


@st.composite
def written_zips(draw: st.DrawFn) -> str:
    """One zip, a prefix or a range."""
    first, last = sorted((draw(ONE_ZIP), draw(ONE_ZIP)))
    # Where both are digits of equal length their order as text is that of their numbers.
    return draw(st.sampled_from((first, first[:2] + "*", f"{first}-{last}")))


def one_or_more(values: Sequence[str]) -> st.SearchStrategy[Any]:
    return st.sampled_from(values) | st.lists(st.sampled_from(values), min_size=1, max_size=2)


ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "country": one_or_more(COUNTRIES),
        "state": one_or_more(STATES),
        "city": one_or_more((*CITIES, "S*")),
        "product": one_or_more(PRODUCTS),
        "zip": st.lists(written_zips(), min_size=1, max_size=3),
        "zip_file": st.sampled_from(("a.csv", "b.csv")),
        "total": st.sampled_from((10, 50)).map(lambda bound: {"gt": bound}),
    },
).filter(bool)
TERRITORIES = st.dictionaries(st.sampled_from("pqrstuvw"), ENTRIES, max_size=8)
ROWS = st.lists(st.tuples(written_zips(), st.sampled_from(REPS)), max_size=5)
FILES = st.fixed_dictionaries({"a.csv": ROWS, "b.csv": ROWS})
LISTED = st.dictionaries(st.sampled_from("pqrstuvw"), st.lists(st.sampled_from(REPS), unique=True))
LEADS = st.fixed_dictionaries(
    {
        "country": st.sampled_from((*COUNTRIES, "Germany")) | st.none(),
        "state": st.sampled_from((*STATES, "Iowa", "bavaria")) | st.none(),
        "city": st.sampled_from((*CITIES, "SALEM")) | st.none(),
        "product": st.sampled_from(PRODUCTS) | st.none(),
        "zip": ONE_ZIP | st.none(),
        "total": st.sampled_from((5.0, 10.0, 40.0, 60.0)),
    }
)


def shows(lead: Spec, field: str) -> str:
    """A field of the lead as it is compared: the names in `LEADS` are written as codes."""
    said = str(lead[field] or "")
    return {"germany": "de", "iowa": "ia"}.get(said.casefold(), said.casefold())


def is_in(written: str, said: str | None) -> bool:
    """Whether a zip is one of those that are written so."""
    if said is None:
        return False
    said, written = (text.replace(" ", "").upper() for text in (said, written))
    ends = re.fullmatch("([0-9]+)-([0-9]+)", written)
    if ends and len(ends[1]) == len(ends[2]):
        return said.isdigit() and len(said) == len(ends[1]) and int(ends[1]) <= int(said) <= int(ends[2])
    return said.startswith(written[:-1]) if written[-1] == "*" else said == written


def holds(field: str, wanted: Any, lead: Spec, files: dict[str, list[Row]]) -> bool:
    """Whether one entry of a territory holds for the lead."""
    if field == "total":
        return bool(lead["total"] > wanted["gt"])
    if field == "zip_file":
        return any(is_in(written, lead["zip"]) for written, _ in files[wanted])
    if field == "zip":
        return any(is_in(written, lead["zip"]) for written in wanted)
    said = shows(lead, field)
    texts = [wanted] if isinstance(wanted, str) else wanted
    return any(said.startswith("s") if text == "S*" else said == text.casefold() for text in texts)


A_PLACE_AND_A_RANGE = {"p": {"country": "US", "zip": ["00-99"]}, "q": {"city": ["S*", "Boston"], "zip_file": "a.csv"}}
IN_BOTH = {"country": "US", "state": None, "city": "SALEM", "product": None, "zip": "10", "total": 5.0}


@BROAD
@given(TERRITORIES, FILES, LISTED, LEADS)
@example(A_PLACE_AND_A_RANGE, {"a.csv": [("1*", "bea")], "b.csv": []}, {"p": ["andy"]}, IN_BOTH)
def test_a_lead_is_held_by_the_territories_whose_every_entry_holds(
    territories: dict[str, Spec], files: dict[str, list[Row]], listed: dict[str, list[str]], lead: Spec
) -> None:
    """In the order of the file; and by the reps who list one of them or have the lead's zip in its file."""
    texts = {name: "\n".join(map(",".join, [("zip", "rep"), *rows])) for name, rows in files.items()}
    reader = Reader("routing.yaml")
    by_name = {name: tuple(reps) for name, reps in listed.items()}
    read = read_territories(reader, reader.parse(json.dumps(territories)), REPS, by_name, texts.get)
    reader.finish()
    held = Territories(read, REPS)

    holding = [name for name, spec in territories.items() if all(holds(*entry, lead, files) for entry in spec.items())]
    holders = {rep for name in holding for rep in listed.get(name, ())}
    for name in holding:
        rows = files.get(territories[name].get("zip_file", ""), [])
        holders |= {rep for written, rep in rows if is_in(written, lead["zip"])}

    traits = {name: lead[name] for name in ("country", "state", "city", "zip")}
    asked = request(traits=traits, product=lead["product"], total=lead["total"])
    assert held.holding(asked).names == tuple(holding)
    assert held.holding(asked).reps == tuple(rep for rep in REPS if rep in holders)
