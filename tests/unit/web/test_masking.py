"""What those see of a lead who may not see who it is."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.records import Cause, Ids, LeadAlert, LeadAssignment, Page, Touch, TraceStep
from engine.core.text import printable
from engine.readmodel.case import Case
from engine.readmodel.dossier import Entry
from engine.web.lists.cards import card_of
from engine.web.masking import GONE, KEY_CHARS, Mask, key_of
from tests.unit.readmodel.samples import AT, alerted, assigned, score
from tests.unit.web.principals import SECRET

LEAD = "email:ada@example.com"
KEY = key_of(SECRET, LEAD)
TRAITS: dict[str, Any] = {
    "name": "Ada Lovelace",
    "firstName": "Ada",
    "email": "ada@example.com",
    "phone": "+44 20 7946 0000",
    "company": {"name": "Engines Ltd"},
    "tags": ["countess"],
}
IDS = Ids("user-7", ["anon-8"])
PERSONAL = ["Ada", "Lovelace", "ada@example.com", "+44 20 7946 0000", "Engines", "countess", "user-7", "anon-8", LEAD]


def everywhere(value: str) -> dict[str, Any]:
    """A value of a visitor in every text that a visitor can fill."""
    return {
        "pages": [Page(AT, f"/u/{value}", value, 1.0)],
        "product": value,
        "first_touch": Touch(AT, "paid", value, value, value),
        "last_touch": Touch(AT, "paid", None, None, f"to-{value.upper()}"),
        "traits": TRAITS,
        "ids": IDS,
    }


texts = st.text().map(printable)


def bytes_of(*told: object) -> str:
    return msgspec.json.encode(told).decode()


@pytest.mark.parametrize("value", ["Ada Lovelace", "ada@example.com", "user-7", "anon-8", "countess", "Engines Ltd"])
def test_nothing_personal_is_in_a_masked_score_card_or_alert(value: str) -> None:
    """Wherever the visitor put it; what the engine found stays."""
    mask = Mask(KEY, LEAD, TRAITS, IDS)
    made = score(LEAD, 85.0, **everywhere(value))
    event = msgspec.json.decode(alerted(LEAD, **everywhere(value)).value or b"")
    alert = msgspec.convert(event["data"], LeadAlert)
    alert = msgspec.structs.replace(alert, reason=f"read /u/{value}", cause=Cause("t", 0, 1, value, "page_view", AT))
    text = bytes_of(mask.card(card_of(made, None, KEY)), mask.told(made), mask.told(alert))
    for personal in PERSONAL:
        assert personal.casefold() not in text.casefold()
    assert (mask.told(made).total, mask.told(made).contributions) == (85.0, made.contributions)
    assert mask.card(card_of(made, None, KEY)).name == f"lead {KEY}"


def test_addresses_in_addresses() -> None:
    """A path may have a value quoted."""
    mask = Mask(KEY, LEAD, TRAITS, IDS)
    for path in ("/u/ada%40example.com", "/u?m=ADA%40EXAMPLE.COM&n=Ada+Lovelace", "/u/Ada%20Lovelace"):
        assert "ada" not in mask.text(path).casefold()


@pytest.mark.parametrize(
    "path", ["/u/ZO%C3%8B+QUARTZ", "/u/zo%C3%AB%20quartz", "/u/ZOË-quartz", "/cb?tel=491701234567", "/hi/quartz?u=7"]
)
def test_values_that_are_written_otherwise(path: str) -> None:
    """Large letters beyond ASCII look otherwise once quoted; a phone may be a number; a path may have half a name."""
    told = Mask(KEY, "user-5", {"name": "Zoë Quartz", "phone": 491701234567, "employees": 250}).text(path)
    for personal in ("zo%c3", "zoë", "quartz", "4917"):
        assert personal not in told.casefold()
    assert Mask(KEY, "user-5", {"employees": 250}).text("total is 250") == "total is 250"


def test_events_are_counted_without_the_names_in_them() -> None:
    """What is the same without a value is counted together."""
    counts = {"page_view": 3, "contact ada@example.com": 2, "contact countess": 1}
    assert Mask(KEY, LEAD, TRAITS, IDS).told(score(LEAD, counts=counts)).counts == {"page_view": 3, "contact …": 3}


def test_what_reps_wrote_is_hidden_and_what_the_desk_decided_is_not() -> None:
    """The reason of a decision ends where a rep's words begin, and that of a rule where the lead's traits do."""
    mask = Mask(KEY, LEAD, TRAITS, IDS)
    event = msgspec.json.decode(assigned(LEAD).value or b"")
    trace = [
        TraceStep("rule", "us", "passed over", "does not hold: zip is 12345"),
        TraceStep("rep", "bea", "passed over", "declined it: knows her mother"),
        TraceStep("rep", "andy", "picked", "next in team us"),
    ]
    data = msgspec.convert(event["data"], LeadAssignment)
    data = msgspec.structs.replace(data, trace=trace, reason="bea declined it: knows her mother")
    case = Case(state="assigned", since_ms=1, asked_ms=1, trace=trace, reason=data.reason, of=LEAD, rep="andy")
    text = bytes_of(mask.assignment(data), mask.case(case))
    for hidden in ("mother", "12345", "ada@"):
        assert hidden not in text
    assert [step.why for step in mask.case(case).trace] == ["does not hold", "declined it", "next in team us"]
    assert (mask.case(case).rep, mask.case(case).reason) == ("andy", "bea declined it")


@pytest.mark.parametrize(
    ("kind", "data", "shown"),
    [
        ("lead.noted", {"rep": "bea", "text": "likes tea"}, {"rep": "bea"}),
        ("lead.snoozed", {"rep": "bea", "until": AT, "text": "is ill"}, {"rep": "bea", "until": AT}),
        ("lead.lost", {"rep": "bea", "reason": "is ill"}, {"rep": "bea"}),
        ("lead.declined", {"rep": "bea", "reason": "is ill"}, {"rep": "bea"}),
        ("lead.merged", {"from": "anon-9", "reason": "identify"}, {"reason": "identify"}),
        ("lead.stage_changed", {"from": "lead", "to": "customer"}, {"from": "lead", "to": "customer"}),
        ("lead.contacted", {"rep": "bea", "channel": "to ada@example.com"}, {"rep": "bea", "channel": f"to {GONE}"}),
        ("lead.won", {"rep": "bea", "amount": 5.0}, {"rep": "bea", "amount": 5.0}),
    ],
)
def test_a_timeline_says_what_happened_and_not_to_whom(kind: str, data: dict[str, Any], shown: dict[str, Any]) -> None:
    """Notes, reasons of reps and the other id of a merge are hidden; the id of a record could be derived from an id."""
    entry = Mask(KEY, LEAD, TRAITS, IDS).entry(Entry("id", 5, kind, msgspec.json.encode(data)))
    assert (entry.id, entry.at_ms, entry.type) == ("", 5, kind)
    assert msgspec.json.decode(entry.data) == shown


@given(st.text(min_size=3).map(printable).filter(lambda name: len(name.strip()) > 2), texts, texts)
def test_a_text_never_has_a_value(name: str, before: str, after: str) -> None:
    """Whatever signs the value has."""
    masked = Mask("~", "", {"name": name}).text(before + name + after)
    assert name not in masked or name in GONE


def test_masking_takes_linear_time() -> None:
    """A hundred long values that almost occur in a long text."""
    traits = {f"t{number}": "a" * 60 + str(number) for number in range(100)}
    text = "a" * 100_000
    assert Mask(KEY, LEAD, traits).text(text) == text


@given(st.text(), st.text())
def test_a_key_is_short_and_one_leads_own(one: str, other: str) -> None:
    """The same for the same lead and secret, and only then; it needs no quoting in an address."""
    key = key_of(SECRET, one)
    assert len(key) == KEY_CHARS + 1
    assert (key == key_of(SECRET, other)) == (one == other)
    assert key != key_of(b"another", one)
    assert all(sign.isascii() and (sign.isalnum() or sign in "~-_") for sign in key)
