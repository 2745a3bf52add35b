"""Territories and zip files as written: what is right is read, and everything that is wrong is said in one run."""

from collections.abc import Callable

import pytest

from engine.core.reader import Reader
from engine.core.source import ConfigError, Problem
from engine.routing import territoryfile
from engine.routing.territoryfile import read_territories
from tests.unit.routing.examples import request
from tests.unit.routing.test_territories import REPS, territories

IN_FILE = "big: {zip_file: zips.csv}"
STAR = "a star stands at the end only: expected a zip, a prefix such as 524* or a range such as 52000-52499"


def problems(text: str, read: Callable[[str], str | None] = lambda _name: None) -> list[str]:
    reader = Reader("routing.yaml")
    read_territories(reader, reader.parse(text), REPS, {}, read)
    with pytest.raises(ConfigError) as caught:
        reader.finish()
    return str(caught.value).splitlines()


def of_file(content: str) -> list[str]:
    """The problems of the file `zips.csv`."""
    return problems(IN_FILE, {"zips.csv": content}.get)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = """\
a: {}
b: US
c: {country: [US, Germny, Atlantis], state: 5, city: []}
d: {zip: 52402}
e: {zip: ['5*4', '524??', '52499-52000', 02134, '123456789012345678901234567890123']}
f: {any: [{country: US}], not: {city: Salem}}
g: {zip_fil: zips.csv, contry: US, total: {above: 5}}
h: {zip_file: zips.csv, zip: '*'}
i: {country: , zip: []}
"""
    operators = "gt, gte, lt, lte, between, in, not_in, contains, starts_with, ends_with, glob, matches, …"
    country = "there is no such country; expected a name or a code, such as Germany or DE"
    entries = "expected a mapping from fields of a lead to values, such as {country: US, zip: '524*'}"
    assert problems(text) == [
        "routing.yaml:1:4: a: an empty territory: expected at least one entry, such as {country: US}",
        f'routing.yaml:2:4: b = "US": {entries}',
        'routing.yaml:3:19: c.country[1] = "Germny": there is no such country; did you mean `Germany`?',
        f'routing.yaml:3:27: c.country[2] = "Atlantis": {country}',
        "routing.yaml:3:45: c.state = 5: expected text: quote it: '5'",
        "routing.yaml:3:54: c.city: 0 values; expected at least 1",
        "routing.yaml:4:10: d.zip = 52402: expected text: quote it: '52402'",
        f'routing.yaml:5:11: e.zip[0] = "5*4": {STAR}',
        f'routing.yaml:5:18: e.zip[1] = "524??": {STAR}',
        'routing.yaml:5:27: e.zip[2] = "52499-52000": nothing is between 52499 and 52000: the smaller comes first',
        "routing.yaml:5:42: e.zip[3] = 02134: expected text: quote it: '02134'",
        'routing.yaml:5:49: e.zip[4] = "123456789012345678901234567890123": 33 characters; a zip has at most 32',
        "routing.yaml:6:5: f.any: `any` has no place in a territory, all of whose entries must hold",
        "routing.yaml:6:27: f.not: `not` has no place in a territory, all of whose entries must hold",
        "routing.yaml:7:5: g.zip_fil: `zip_fil` is not known; did you mean `zip_file`?",
        "routing.yaml:7:24: g.contry: `contry` is not known; did you mean `country`?",
        f"routing.yaml:7:44: g.total.above: `above` is not known; expected one of {operators}",
        'routing.yaml:8:15: h.zip_file = "zips.csv": there is no such file beside this one',
        "routing.yaml:9:5: i.country: expected text, not nothing",
        "routing.yaml:9:21: i.zip: 0 texts; expected at least 1",
    ]


def test_territories_are_names_with_entries() -> None:
    assert problems("[us]") == ["routing.yaml:1:1: expected a mapping from names to territories, not a list"]
    assert problems("'': {country: US}") == ['routing.yaml:1:1: "" is no name: expected 1 to 64 printable characters']


def test_how_many_there_may_be_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(territoryfile, "TERRITORIES_MAX", 1)
    monkeypatch.setattr(territoryfile, "ZIPS_MAX", 2)
    assert problems("a: {zip: ['1', '2', '3']}\nb: {country: US}") == [
        "routing.yaml:1:1: 2 entries; at most 1 are supported",
        "routing.yaml:1:10: a.zip: 3 entries; at most 2 are supported",
    ]


FILES = [
    "zip,rep\n52402,andy\n524 99 , bea \n",
    "\ufeffREP, Zip\r\nandy,52402\r\n,\r\n\r\n   \r\nbea,52499",
    'zip,rep\n"52402","andy"\n\n52499,bea\n52499,bea\n52402,andy\n',
    "zip,rep\n5240*,andy\n52450-52499,bea\n",
]


@pytest.mark.parametrize("content", FILES)
def test_a_zip_file_has_a_line_of_columns_then_a_zip_a_line(content: str) -> None:
    """The columns stand in any order; empty lines, spaces, quotes, a byte order mark and repetition say nothing."""
    known = territories(IN_FILE, zips=content)
    held_by = {code: known.holding(request(traits={"zip": code})).reps for code in ("52402", "52499", "52411")}
    assert held_by == {"52402": ("andy",), "52499": ("bea",), "52411": ()}


def test_a_zip_file_may_be_empty_but_for_its_columns() -> None:
    """It holds no lead."""
    known = territories(IN_FILE, {"big": ("andy",)}, zips="zip")
    assert known.holding(request(traits={"zip": "52402"})).names == known.holding(request(traits={})).names == ()


@pytest.mark.parametrize("header", ["", "52402,andy", "rep", "zip,zip", "zip;rep", "zip,rep,city"])
def test_the_columns_are_zip_and_rep(header: str) -> None:
    """A column that nobody reads would be one that somebody relies on."""
    expected = f'zips.csv:1:1: columns = "{header}": expected zip or zip,rep in the first line'
    assert of_file(f"{header}\n52402,andy\n") == [expected]


def test_what_is_wrong_in_a_zip_file_is_told_by_line_and_column() -> None:
    content = """\
rep,zip
andi,52402
,52403
andy,
andy,5*2
bea,52402,x
bea
andi,52499-52000
"""
    assert of_file(content) == [
        'zips.csv:2:1: rep = "andi": there is no such rep; did you mean `andy`?',
        'zips.csv:3:1: rep = "": expected a rep; leave the line out if it is nobody\'s zip',
        'zips.csv:4:6: zip = "": expected a zip, such as 52402, 524* or 52000-52499',
        f'zips.csv:5:6: zip = "5*2": {STAR}',
        'zips.csv:6:1: line = "bea,52402,x": 3 values; expected 2: rep,zip',
        'zips.csv:7:1: line = "bea": 1 values; expected 2: rep,zip',
        'zips.csv:8:1: rep = "andi": there is no such rep; did you mean `andy`?',
        'zips.csv:8:6: zip = "52499-52000": nothing is between 52499 and 52000: the smaller comes first',
    ]


def test_reps_are_named_in_their_order() -> None:
    told = 'zips.csv:2:7: rep = "x": there is no such rep; expected one of andy, bea, carla, ravi'
    assert of_file("zip,rep\n52402,x\n") == [told]


def test_of_many_mistakes_the_first_are_told() -> None:
    """Twenty lines, and how many more are wrong."""
    told = of_file("zip,rep\n" + "52402,nobody\n" * 1_000)
    assert len(told) == 21
    assert told[-1] == "zips.csv:22:1: … and 980 more"


def test_a_quote_that_is_left_open_is_told_where_it_opens() -> None:
    """It swallows the rest of the file, up to what the format bears."""
    assert of_file('zip,rep\n52402,andy\n"52403,bea\n52404,bea\n') == [
        'zips.csv:3:1: line = "\\"52403,bea": 1 values; expected 2: zip,rep'
    ]
    endless = of_file('zip\n"' + "5" * 140_000)
    assert endless == ["zips.csv:2:1: not CSV: field larger than field limit (131072)"]


def test_the_size_of_a_zip_file_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(territoryfile, "LINES_MAX", 2)
    assert of_file("zip\n1\n2\n") == [
        'routing.yaml:1:17: big.zip_file = "zips.csv": 8 characters in 3 lines; at most 50,000,000 in 2 are read'
    ]
    monkeypatch.setattr(territoryfile, "FILE_CHARS_MAX", 4)
    assert of_file("zip\n1")[0].endswith("5 characters in 1 lines; at most 4 in 2 are read")


def test_a_file_that_cannot_be_read_is_told_as_its_reader_says() -> None:
    def read(name: str) -> str:
        raise ConfigError([Problem(name, 1, 1, "", None, "not UTF-8")])

    assert problems(IN_FILE, read) == ["zips.csv:1:1: not UTF-8"]


def test_a_file_is_read_once_for_all_territories() -> None:
    """Its mistakes are told once."""
    asked: list[str] = []

    def read(name: str) -> str:
        asked.append(name)
        return "zip\n5*2\n"

    assert len(problems("a: {zip_file: zips.csv}\nb: {zip_file: zips.csv}", read)) == 1
    assert asked == ["zips.csv"]
