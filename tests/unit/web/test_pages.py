"""What the lists show, and that visitors' text stays text."""

from html.parser import HTMLParser

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.web.gate.access import Principal, let_in
from engine.web.lists.cards import Card, card_of
from engine.web.lists.shelf import Shelf
from engine.web.lists.views import View, Wanted
from engine.web.live import News, Status
from engine.web.masking import key_of
from engine.web.pages import NAV, Listing, Pages, clock, lead_url, share
from tests.unit.readmodel.samples import AT, score
from tests.unit.web.principals import ANDY, BLIND, EAST, OPERATOR, SECRET, card

PAGES = Pages()
NOW_MS = 1_000_000
HOSTILE = (
    "</bdi></a><script>alert(1)</script>\"' onclick=alert(1) x='\u202egnp.exe\x1b[31m\r\n&lt;b&gt; javascript:alert(1)"
)


class Seen(HTMLParser):
    """The tags, attributes and texts that a browser would make of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def shape(self) -> list[str]:
        """What markup alone decides: the tags and the names of their attributes."""
        return sorted([*self.tags, *(name for name, _ in self.attributes)])

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def shelf(*cards: Card) -> Shelf:
    filled = Shelf()
    for one in cards:
        filled.put(one)
    filled.loaded()
    return filled


def shown(who: Principal, wanted: Wanted, *cards: Card, cursor: str | None = None, alerts: str = "") -> str:
    held = shelf(*cards)
    page = held.page(who, wanted, cursor, 2)
    return PAGES.list(Listing(who, wanted, cursor, page, held.facets(who), held.mark), alerts, NOW_MS)


def page_of(text: str) -> Seen:
    """A list in which every text that a visitor or a file can choose is `text`."""
    made = score("x", traits={"name": text, "company": text, "email": text, "phone": text})
    hostile = card_of(made, None, key_of(SECRET, "x"))
    fields = dict.fromkeys(("source", "product", "persona", "owner", "team", "region", "band", "grade", "reason"), text)
    several = [
        card(f"{n}", **fields, territories=(text,), name=hostile.name, place=hostile.place, email=hostile.email)
        for n in range(3)
    ]
    news = News("id", "~key", text, text, "high", text, text, 1.0, 2.0, NOW_MS)
    alerts = PAGES.alerts([news])
    return Seen(shown(OPERATOR, Wanted(band=text), *several, alerts=alerts) + shown(OPERATOR, Wanted(q=text)))


def test_hostile_text_stays_text() -> None:
    """The markup of a page is the same whatever people call themselves; nothing turns the text around."""
    seen = page_of(HOSTILE)
    assert seen.shape == page_of("plain").shape
    assert [name for name, _ in seen.attributes].count("data-key") == 2
    assert "\u202e" not in seen.text
    assert "\x1b" not in seen.text
    assert "<script>alert(1)</script>" in seen.text


@settings(max_examples=20)
@given(text=st.text(min_size=1, max_size=60))
def test_no_text_changes_the_markup(text: str) -> None:
    """Nor does any other, whether it shows or not."""
    assert set(page_of(text).tags) <= set(page_of("plain").tags) | {"span"}


def test_nothing_is_inline_and_nothing_is_foreign() -> None:
    """No script or style stands in the page, and every address is the board's own."""
    seen = Seen(shown(EAST, Wanted(), *(card(f"{n}", region="east") for n in range(3))))
    assert not {name for name, _ in seen.attributes if name.startswith("on") or name == "style"}
    assert "style" not in seen.tags
    addresses = [value or "" for name, value in seen.attributes if name in {"href", "src", "action"}]
    assert addresses
    assert all(one[:1] in {"/", "#"} and not one.startswith("//") for one in addresses)


@pytest.mark.parametrize(
    ("view", "who", "heading"),
    [
        ("hottest", OPERATOR, "Hottest leads"),
        ("day", ANDY, "My day"),
        ("day", OPERATOR, "Every open case"),
        ("open", EAST, "Without contact"),
    ],
)
def test_each_list_says_what_it_is(view: View, who: Principal, heading: str) -> None:
    """In its heading, in the title, and in what it says while it is empty."""
    seen = Seen(shown(who, Wanted(view=view)))
    assert seen.text.startswith(f"{heading} · Heatline")
    assert "0 leads" in seen.text


def test_an_empty_search_says_why() -> None:
    """A filter that nothing fits is another matter than a board that has nothing."""
    assert "No lead fits these filters." in shown(OPERATOR, Wanted(band="hot"), card("ada", band="cold"))
    assert "No lead is worth showing yet." in shown(OPERATOR, Wanted())


def test_filters_keep_what_was_chosen() -> None:
    """Each with how many leads there are; a value that no lead has any more stays chosen."""
    html = shown(OPERATOR, Wanted(band="hot", owner="gone", q="a"), card("ada", band="hot", owner="andy"))
    assert '<option value="hot" selected>hot (1)</option>' in html
    assert '<option value="gone" selected>gone</option>' in html
    assert '<option value="andy">andy (1)</option>' in html
    assert 'value="a"' in html
    html = shown(OPERATOR, Wanted(territory="maine"), card("ada", territories=("maine", "north")), card("bob"))
    assert '<option value="maine" selected>maine (1)</option>' in html
    assert '<option value="north">north (1)</option>' in html


def test_the_next_page_is_a_link() -> None:
    """Without a script one goes on by it; it keeps filters, and the path says the view."""
    cards = [card(f"{n}", total=50.0 - n, state="assigned", since_ms=n, asked_ms=n, owner="andy") for n in range(3)]
    html = shown(ANDY, Wanted(view="day", q="o"), *(card_ for card_ in cards))
    assert 'href="/day?q=o&amp;cursor=' not in shown(ANDY, Wanted(view="day"))
    (more,) = [value for name, value in Seen(html).attributes if name == "href" and value and "cursor=" in value]
    assert more.startswith("/day?")
    assert "view=" not in more


@pytest.mark.parametrize("who", [BLIND, OPERATOR])
def test_names_are_for_who_may_know_them(who: Principal) -> None:
    """Nobody else gets a name, an address, a company or the file with all of them."""
    html = shown(who, Wanted(), card("ada", name="Ada Lovelace", email="ada@example.com", place="Analytical"))
    assert [text in html for text in ("Ada Lovelace", "ada@example.com", "Analytical", "/leads.csv")] == [
        who.personal
    ] * 4


def test_what_is_late_is_marked() -> None:
    """From the deadline on, in the page as the server sends it, too."""
    late = card("ada", state="assigned", since_ms=1, due_ms=NOW_MS - 1)
    assert " over" in PAGES.row(late, "hottest", OPERATOR, NOW_MS)
    assert " over" not in PAGES.row(late, "hottest", OPERATOR, NOW_MS - 2)


def test_the_frame_is_for_who_asks() -> None:
    """Name, lists and the way out for who came in; nothing of it for who did not."""
    request = make_mocked_request("GET", "/day")
    assert "Log out" not in PAGES.message(request, "No", "because")
    let_in(request, ANDY)
    PAGES.say(Status("late", "7 s behind"))
    seen = Seen(PAGES.message(request, "No", "because"))
    assert "7 s behind" in seen.text
    assert all(text in seen.text for _, text in NAV)
    assert ("aria-current", "page") in seen.attributes


def test_parts() -> None:
    """Small things that pages say."""
    assert lead_url("~a/b?c") == "/leads/~a%2Fb%3Fc"
    assert (clock(AT), clock(1_000), clock("soon")) == ("18 Nov 2026, 11:06 UTC", "1 Jan 1970, 00:00 UTC", "soon")
    assert [share(points) for points in (-1.0, 0.0, 33.33, 250.0)] == [0.0, 0.0, 33.3, 100.0]
