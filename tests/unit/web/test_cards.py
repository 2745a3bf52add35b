"""Cards: what of a score and a dossier the lists show."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core.records import Ids, Touch
from engine.core.text import printable
from engine.readmodel.case import Case
from engine.readmodel.dossier import Dossier
from engine.web.lists.cards import ANONYMOUS, EMAIL_CHARS_MAX, TEXT_CHARS_MAX, card_of
from tests.unit.readmodel.samples import AT, NOW_MS, score


def made(traits: dict[str, Any], lead: str = "u-1", *, known: bool = True) -> Any:
    return card_of(score(lead, traits=traits, known=known), None, "~k")


@pytest.mark.parametrize(
    ("lead", "traits", "known", "name"),
    [
        ("u-1", {"name": " Ada "}, True, "Ada"),
        ("u-1", {"name": " ", "fullName": "Ada L"}, True, "Ada L"),
        ("u-1", {"firstName": "Ada", "lastName": "Lovelace"}, True, "Ada Lovelace"),
        ("u-1", {"lastName": "Lovelace"}, False, "Lovelace"),
        ("u-1", {"name": 5}, True, "u-1"),
        ("a-1", {}, False, ANONYMOUS),
        ("\x1b", {}, True, ANONYMOUS),
    ],
)
def test_a_lead_is_called_something(lead: str, traits: dict[str, Any], name: str, *, known: bool) -> None:
    """By its name if it gave one, else by its id; who is not known is anonymous."""
    assert made(traits, lead, known=known).name == name


def test_company_mail_and_phone() -> None:
    """From the traits, in the spellings there are; the id of a lead known by its address is one."""
    one = made({"company": {"name": "Engines Ltd"}, "email": "ada@example.com", "phone": "+44 1"})
    assert (one.place, one.email, one.phone) == ("Engines Ltd", "ada@example.com", "+44 1")
    other = made({"organization": "Engines", "company": " ", "phone": 44}, "email:bob@example.com")
    assert (other.place, other.email, other.phone) == ("Engines", "bob@example.com", "")


@given(st.dictionaries(st.sampled_from(["name", "company", "email", "phone", "firstName"]), st.text(max_size=400)))
def test_what_visitors_write_is_clean_and_cut(traits: dict[str, Any]) -> None:
    """No control or bidirectional characters, no more than a list can show."""
    one = made(traits)
    for text in (one.name, one.place, one.phone, one.email):
        assert text == printable(text)
    assert max(len(one.place), len(one.phone)) <= TEXT_CHARS_MAX
    assert len(one.email) <= EMAIL_CHARS_MAX


def test_owner_and_clocks_are_the_desks() -> None:
    """Its records come before the score that says so; where it took the lead from its owner there is none."""
    case = Case(state="assigned", rep="bea", team="us", region="east", since_ms=5, asked_ms=4, due_ms=9, reminded=True)
    case = replace(case, territories=("maine", "new-england"))
    one = card_of(score(), Dossier(case=case), "~k")
    assert (one.owner, one.team, one.region, one.state) == ("bea", "us", "east", "assigned")
    assert one.territories == ("maine", "new-england")
    assert (one.since_ms, one.asked_ms, one.due_ms, one.call_ms, one.reminded) == (5, 4, 9, None, True)
    assert card_of(score(), Dossier(case=Case(state="closed", since_ms=5, asked_ms=4)), "~k").owner is None
    for dossier in (None, Dossier()):
        one = card_of(score(), dossier, "~k")
        assert (one.owner, one.territories, one.state, one.due_ms) == ("andy", (), None, None)


def test_what_the_score_says() -> None:
    """Instants in ms; the source is the first touch's, its channel where none is named."""
    touch = Touch(AT, "paid", None, None, None)
    one = card_of(score(total=85.0, first_touch=touch, next_band_at=AT), None, "~k")
    assert (one.lead, one.key, one.total, one.band) == ("ada", "~k", 85.0, "hot")
    assert (one.at_ms, one.next_band_ms, one.source) == (NOW_MS, NOW_MS, "paid")
    assert card_of(score(first_touch=None), None, "~k").source == ""
    for source in ("to-ADA", "mail-for-ada", "x user-7"):
        touch = Touch(AT, "email", source, None, None)
        assert card_of(score("ada", first_touch=touch, ids=Ids("user-7", [])), None, "~k").source == "email"
    assert one.reason == "demo-request"
