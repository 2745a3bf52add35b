"""What each record of the output topics does to a read model."""

import re

import msgspec
import pytest

from engine.core import records
from engine.core.cloudevents import output
from engine.core.erasure import erased_header, pseudonym
from engine.core.flow import Output
from engine.readmodel.events import Foreign, Malformed, decode_alerts, decode_assignments, decode_score, project
from engine.readmodel.port import EVENT_BYTES_MAX, LeadErased, LeadGone, LeadScored, Logged
from tests.unit.readmodel.samples import AT, NOW_MS, alerted, as_record, assigned, scored


def test_a_score_is_kept_as_it_came() -> None:
    """Its bytes, its lead and its full total."""
    made = scored("ada", 83.123456789)
    assert project(as_record(made)) == LeadScored("ada", 83.123456789, "hot", made.value or b"")
    assert decode_score(made.value or b"").data.total == 83.123456789


def test_a_tombstone_removes_its_lead() -> None:
    """A null value on lead-scores, whatever the lead is called."""
    assert project(as_record(Output("lead-scores", "zoë".encode(), None))) == LeadGone("zoë")


def test_alerts_and_assignments_are_logged() -> None:
    """Under the id that a replay derives again, at the record's time."""
    alert, assignment = alerted("ada"), assigned("ada")
    kept = [project(as_record(made, timestamp=7)) for made in (alert, assignment)]
    alert_event, assignment_event = (
        decode_alerts([alert.value or b""])[0],
        decode_assignments([assignment.value or b""])[0],
    )
    assert kept == [
        Logged("alerts", alert_event.id, 7, alert.value or b"", "ada", NOW_MS),
        Logged("assignments", assignment_event.id, 7, assignment.value or b"", "ada", NOW_MS),
    ]
    assert (alert_event.data.from_, assignment_event.data.rep) == (64.0, "andy")


def test_with_the_key_entries_are_under_the_hash_of_their_lead() -> None:
    """So that a receipt, which does not tell the id, finds them."""
    change = project(as_record(alerted("ada")), pseudonym(b"key"))
    assert isinstance(change, Logged)
    assert change.pseudonym == pseudonym(b"key")("ada")


def test_an_erasure_is_told_by_its_tombstone_and_by_its_receipt() -> None:
    """Either may come first."""
    tombstone = Output("lead-scores", b"ada", None, headers=(erased_header("h", 7),))
    assert project(as_record(tombstone)) == LeadErased("ada", "h", 7)
    receipt = output("lead-stages", "lead.erased", "h", 7, records.LeadErased("h", AT, "asked for it", None))
    assert project(as_record(receipt)) == LeadErased(None, "h", NOW_MS)


def test_kinds_of_a_newer_version_are_foreign() -> None:
    """They are no error; neither is a field that was added, nor one that was not there yet."""
    hummed = b'{"type": "io.heatline.lead.hummed.v1", "data": {"lead": "ada"}}'
    for topic in ("lead-scores", "lead-alerts", "lead-assignments", "lead-stages", "lead-conversions"):
        assert project(as_record(Output(topic, b"ada", hummed))) == Foreign("io.heatline.lead.hummed.v1")
    grown = msgspec.json.decode(scored().value or b"")
    grown["data"]["mood"] = "curious"
    del grown["data"]["tomorrow"]
    assert isinstance(project(as_record(Output("lead-scores", b"ada", msgspec.json.encode(grown)))), LeadScored)
    older = msgspec.json.decode(assigned().value or b"")
    del older["data"]["territories"]
    assert decode_assignments([msgspec.json.encode(older)])[0].data.territories == []


GOOD = scored("ada").value or b""


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Output("lead-scores", b"ada", b""), "truncated"),
        (Output("lead-scores", b"ada", b"\xff\xfe"), "invalid"),
        (Output("lead-scores", b"ada", b"[1]"), "Expected `object`"),
        (Output("lead-scores", b"ada", b'{"type": "io.heatline.lead.score_changed.v1"}'), "required field"),
        (Output("lead-scores", b"ada", GOOD.replace(b'"total":40.0', b'"total":"much"')), r"\$.data.total"),
        (Output("lead-scores", b"ada", GOOD.replace(b'"total":40.0', b'"total":1e999')), "out of range"),
        (Output("lead-scores", b"ada", GOOD.replace(b'"title":"CEO"', b'"t":' + b"[" * 99_999)), "recursion"),
        (Output("lead-scores", b"ada", GOOD.replace(b'"CEO"', rb'"\ud800"')), "hex escape"),
        (Output("lead-scores", b"eve", GOOD), "its key is b'eve', but its lead 'ada'"),
        (Output("lead-scores", None, GOOD), "no key"),
        (Output("lead-scores", None, None), "no key"),
        (Output("lead-scores", b"\xff", None), "utf-8"),
        (Output("lead-scores", b"ada", b" " * (EVENT_BYTES_MAX + 1)), f"at most {EVENT_BYTES_MAX}"),
        (Output("lead-scores", b"ada", None, headers=(("heatline-erased", b"h"),)), "not enough values"),
        (Output("lead-stages", b"h", None), "null value"),
        (Output("lead-stages", b"h", b'{"type": "io.heatline.lead.erased.v1"}'), "required field"),
        (Output("lead-alerts", b"ada", None), "null value"),
        (Output("lead-alerts", b"ada", b'{"type": "io.heatline.lead.alerted.v1", "id": 7}'), r"\$.id|required"),
        (Output("lead-assignments", b"ada", b"null"), "Expected `object`"),
        (
            Output("lead-assignments", b"ada", (assigned().value or b"").replace(b'"due_at":null', b'"due_at":"soon"')),
            "'soon' is not a time",
        ),
        (Output("dead-letters", b"rep-events/0/1", b"{}"), "required field"),
    ],
)
def test_what_cannot_be_shown_is_told(made: Output, why: str) -> None:
    """A malformed record changes nothing and says what is wrong with it."""
    record = as_record(made)
    told = project(record)
    assert isinstance(told, Malformed)
    assert told.record is record
    assert re.search(why, told.why)
