"""Which records can be told of, and what conditions read of them."""

import pytest

from engine.core.erasure import pseudonym
from engine.core.flow import InputRecord
from engine.notify.records import FIELDS, KINDS, NAMES, Erasure, Notice, has, notice, read
from engine.readmodel.events import Foreign, Malformed, itself
from tests.unit.notify import samples
from tests.unit.readmodel.samples import NOW_MS, alerted, as_record, assigned, scored


def test_a_record_is_read_with_whose_it_is() -> None:
    """Its id and bytes stay what they are; the lead's id is hashed as the worker does."""
    made, key = alerted(), pseudonym(b"k" * 32)
    told = read(as_record(made), key)
    assert isinstance(told, Notice)
    assert (told.kind, told.lead, told.pseudonym, told.time_ms) == ("lead.alerted", "ada", key("ada"), NOW_MS)
    assert told.event == made.value
    assert notice(told.event) == told._replace(pseudonym="")


def test_an_erasure_is_obeyed() -> None:
    assert samples.erasure(samples.erased("hash")) == Erasure("hash", NOW_MS)


def test_what_cannot_be_read_is_named() -> None:
    """Whatever is in it: no JSON, nesting, no event, a tombstone, too much, no time."""
    good = as_record(alerted())
    wrong = [None, b"", b"{", b"[" * 100_000, b"{}", b" " * 300_000, (good.value or b"").replace(b"2026", b"26", 1)]
    for value in wrong:
        record = InputRecord("lead-alerts", 0, 0, 0, b"k", value)
        assert isinstance(read(record, itself), Malformed)
    assert read(as_record(scored()), itself) == Foreign("lead.score_changed")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("record", "lead.alerted"), ("priority", "high"), ("band", "hot"), ("total", 84.0), ("from", 64.0)],
        *[("rep", "andy"), ("owner", "andy"), ("last_touch.source", "google"), ("traits.plan.name", "pro")],
        *[("cause.name", "page_view"), ("team", None)],
    ],
)
def test_conditions_read_the_fields_of_a_record(name: str, value: object) -> None:
    getter = FIELDS(name)
    assert not isinstance(getter, str)
    assert getter(samples.notice(alerted(owner="andy", traits={"plan": {"name": "pro"}}))) == value


def test_the_rep_of_an_assignment_is_who_gets_the_lead() -> None:
    assert samples.notice(assigned(rep="bea")).rep == "bea"
    assert samples.notice(assigned(rep=None)).rep is None
    assert samples.notice(samples.moved()).rep is None


def test_it_is_known_which_record_has_which_field() -> None:
    assert has("lead.alerted", "traits.email")
    assert has("lead.action_requested", "data.template")
    assert not has("lead.assigned", "traits.email")
    assert not has("lead.stage_changed", "rep")
    assert "priority" in NAMES["lead.alerted"]
    assert "priority" not in NAMES["lead.assigned"]
    assert {"lead.call_due", "lead.won", "lead.merged", "lead.converted"} <= set(KINDS)
    assert "lead.erased" not in KINDS
