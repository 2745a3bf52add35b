"""What the pages show, and that visitors' text stays text."""

from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.records import Clamp, Contribution, Page, Touch
from engine.readmodel.events import decode_alerts, decode_assignments
from engine.readmodel.port import Counts
from engine.web.live import Snapshot, Status
from engine.web.pages import Pages, lead_url, place, who
from tests.unit.readmodel.samples import AT, alerted, assigned, score

PAGES = Pages()
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


def snapshot(text: str) -> Snapshot:
    """A board on which every text that a visitor can choose is `text`."""
    reason = Contribution("engagement", text, text, text, 40.0, 1, AT)
    made = score(text, contributions=[reason], traits={"name": text, "company": text}, owner=text, band=text)
    alert = alerted(text, traits={"name": text}, label=text, reason=text, band=text)
    return Snapshot(
        [made],
        decode_alerts([alert.value or b""]),
        decode_assignments([assigned(text, rep=text).value or b""]),
        Counts(1, 1, 1),
        Status("live", "Live"),
    )


def lead_page(text: str) -> str:
    """A lead's page on which every text that a visitor can choose is `text`."""
    touch = Touch(AT, text, text, text, text)
    reasons = [
        Contribution("engagement", text, text, text, 50.0, 2, AT),
        Contribution("fit", text, text, None, 1, 1, None),
    ]
    return PAGES.lead(
        score(
            text,
            contributions=reasons,
            clamps=[Clamp("engagement", f"group:{text}", -10.0)],
            traits={"name": text, "company": {"name": text}, f"{text}2": [text]},
            pages=[Page(AT, text, text, 3.0), Page(text, text, None, None)],
            first_touch=touch,
            last_touch=touch,
            owner=text,
            stage=text,
            grade=text,
            persona=text,
            product=text,
            next_band_at=text,
        )
    )


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1) | st.just(HOSTILE))
def test_no_text_becomes_markup(text: str) -> None:
    """Whatever a visitor is called, a page has the tags and attributes that it has for `ada`."""
    for hostile, harmless in zip(
        PAGES.sections(snapshot(text)).values(), PAGES.sections(snapshot("ada")).values(), strict=True
    ):
        assert Seen(hostile).shape == Seen(harmless).shape


def test_hostile_text_is_shown_inert() -> None:
    """On every page it is there to read: no script, handler, style or link of its own, no override of direction."""
    page, harmless = Seen(lead_page(HOSTILE)), Seen(lead_page("ada"))
    assert page.shape == harmless.shape
    assert any("<script>alert(1)</script>" in text for text in page.texts)
    for seen in (page, *map(Seen, PAGES.sections(snapshot(HOSTILE)).values())):
        assert not any(name == "style" or name.startswith("on") for name, _ in seen.attributes)
        assert all((value or "").startswith("/") for name, value in seen.attributes if name in {"href", "src"})
        for text in seen.texts:
            assert "\u202e" not in text
            assert "\x1b" not in text


@settings(deadline=None)
@given(st.text(min_size=1).filter(lambda lead: lead not in {".", ".."}))
def test_a_lead_s_address_names_it(lead: str) -> None:
    """One segment below /leads; unquoted it is the lead again."""
    url = lead_url(lead)
    head, _, rest = url.partition("/leads/")
    assert head == ""
    assert "/" not in rest
    assert unquote(rest) == lead


@pytest.mark.parametrize("lead", [".", ".."])
def test_dots_are_no_path(lead: str) -> None:
    """Browsers would make `/leads/..` the board."""
    assert lead_url(lead) == f"/leads?id={lead}"


@pytest.mark.parametrize(
    ("traits", "known", "name"),
    [
        ({"name": "Ada Lovelace", "firstName": "A"}, True, "Ada Lovelace"),
        ({"firstName": "Ada", "lastName": "Lovelace"}, True, "Ada Lovelace"),
        ({"lastName": "Lovelace"}, True, "Lovelace"),
        ({"name": 7, "firstName": ["x"]}, True, "u-1"),
        ({"name": " "}, False, "Anonymous visitor"),
    ],
)
def test_what_a_lead_is_called(traits: dict[str, object], known: bool, name: str) -> None:
    """Its name where it gave one that is text, else its id, or that it is anonymous."""
    assert who("u-1", traits, known=known) == name


def test_where_a_lead_is_from() -> None:
    """The company, as text or as Segment's object, else the address; nothing for anything else."""
    assert place({"company": {"name": "Acme"}, "email": "a@b.example"}) == "Acme"
    assert place({"company": {"id": 7}, "email": "a@b.example"}) == "a@b.example"
    assert place({"email": 7}) == ""


def test_the_lead_page_explains_the_score() -> None:
    """Each contribution, clamp and sum with its points, and the total."""
    made = score(total=40.0, clamps=[Clamp("total", "floor", -5.0)])
    made.total = 35.0
    texts = {text.strip() for text in Seen(PAGES.lead(made)).texts}
    assert {"Read the pricing page", "+30.00", "C-level title", "+10.00", "never below 0", "-5.00", "35.00"} <= texts
    assert "unexplained" not in texts
