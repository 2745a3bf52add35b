"""What `heatline erase` asks for, what it takes for a receipt, and what it says that only time takes away."""

import json

import pytest

from engine.core.cloudevents import output
from engine.core.instants import to_rfc3339
from engine.core.messages import LeadErase
from engine.core.records import LeadErased
from engine.local.erase import asked, kept_by_time, lead_id, receipt
from engine.local.errors import LocalError
from engine.stream.catalog import SHIPPED, Catalog, parse, read
from tests.build import DAY, T0

CATALOG = read()


def kept(name: str, retention: str) -> Catalog:
    """The shipped catalog with another retention of one topic."""
    text = f"{name}:\n"
    whole = (SHIPPED.read_text()).split(text)
    head, tail = whole[0], whole[1]
    before, _, after = tail.partition("retention: ")
    return parse(head + text + before + f"retention: {retention}" + after[after.index("\n") :])


@pytest.mark.parametrize(
    ("given", "lead"),
    [
        ("ada", "ada"),
        ("2f6c-browser", "2f6c-browser"),
        ("email:Ada@Example.COM", "email:ada@example.com"),
        ("email:nobody", "email:nobody"),
    ],
)
def test_a_lead_is_named_as_workers_know_it(given: str, lead: str) -> None:
    """Ids as they are; an address as it is normalised, whatever its case."""
    assert lead_id(given) == lead


@pytest.mark.parametrize("given", ["", "ada\n", "\x01ada", "a" * 501, "ada\u202e", "\ud800"])
def test_what_no_worker_could_know_is_refused(given: str) -> None:
    """Such a text would be hashed to something that is nobody's, and a receipt would promise what did not happen."""
    with pytest.raises(LocalError, match="is no id of a lead: expected one as `heatline leads` shows it"):
        lead_id(given)


def test_it_asks_as_of_now_and_says_how_long_time_keeps_the_rest() -> None:
    """The longest retention in the shipped catalog is 28 days; compacted topics have none."""
    assert asked("ada", "wrote a \x1bletter", CATALOG, T0) == LeadErase(
        "ada", T0, "wrote a letter", to_rfc3339(T0 + 28 * DAY)
    )


def test_topics_that_keep_records_forever_leave_the_date_open() -> None:
    assert asked("ada", "", kept("rep-events", "forever"), T0).time_kept_until is None


def test_every_topic_that_is_not_compacted_is_named_with_its_date() -> None:
    """And no other: what stays must be complete, what is cleaned must not be alarming."""
    told = dict(line.split(": ", 1) for line in kept_by_time(kept("rep-events", "forever"), T0))
    assert told.keys() == {name for name, topic in CATALOG.topics.items() if topic.cleanup == "delete"}
    assert told["visitor-events"] == f"7d, until {to_rfc3339(T0 + 7 * DAY)}"
    assert told["rep-events"] == "forever, as its retention says"


def test_a_receipt_is_known_among_what_stands_on_lead_stages() -> None:
    """By its type; anything else, also what is broken, is none."""
    data = LeadErased("c0ffee", to_rfc3339(T0), "asked for", None)
    made = output("lead-stages", "lead.erased", "c0ffee", T0, data, "once")
    found = receipt(made.value)
    assert found is not None
    assert (found.event, found.data) == (made.value, data)
    other = json.loads(made.value or b"") | {"type": "io.heatline.lead.merged.v1"}
    for value in (None, b"", b"{", b"[" * 9_999, json.dumps(other).encode(), b'{"type": "io.heatline.lead.erased.v1"}'):
        assert receipt(value) is None
