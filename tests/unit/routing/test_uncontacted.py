"""Who waits to be contacted, read off the rows of a desk."""

from engine.routing.uncontacted import Uncontacted, uncontacted
from tests.unit.routing.office import Office, ms

ONE_REP = """
assign_on: [hot-lead]
reps: {andy: {name: Andy, capacity: {open: 1}}}
teams: {us: {reps: [andy]}}
rules: [{name: all, to: {team: us}}]
"""


def waiting(office: Office) -> dict[str, Uncontacted]:
    """Every lead that nobody has been in touch with, by id."""
    found = {key.partition(b"lead/")[2].decode(): uncontacted(key, row) for key, row in office.rows.items()}
    return {lead: one for lead, one in found.items() if one is not None}


def test_a_lead_waits_from_its_request_until_somebody_is_in_touch_with_it() -> None:
    """Also while it is with a rep, and however often it changes its state; rows of reps and pools are no leads."""
    office = Office(ONE_REP, at="2026-11-23T09:00")
    office.ask("ann")
    office.ask("bob", at="2026-11-23T09:10")
    assert waiting(office) == {
        "ann": Uncontacted(owned=True, since_ms=ms("2026-11-23T09:00")),
        "bob": Uncontacted(owned=False, since_ms=ms("2026-11-23T09:10")),
    }
    office.say("accepted", "andy", "ann", at="2026-11-23T09:20")
    assert waiting(office)["ann"] == Uncontacted(owned=True, since_ms=ms("2026-11-23T09:00"))
    office.say("contacted", "andy", "ann", at="2026-11-23T09:30", channel="phone")
    assert set(waiting(office)) == {"bob"}


def test_a_lead_that_sales_are_done_with_waits_no_more() -> None:
    """Whoever waited behind it is with the rep then."""
    office = Office(ONE_REP, at="2026-11-23T09:00")
    office.ask("ann")
    office.ask("bob", at="2026-11-23T09:10")
    office.say("disqualified", "andy", "ann", at="2026-11-23T09:20", reason="student")
    assert waiting(office) == {"bob": Uncontacted(owned=True, since_ms=ms("2026-11-23T09:10"))}
