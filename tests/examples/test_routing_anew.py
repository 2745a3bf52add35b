"""A lead that asks again: who missed or declined it gets it again only where nobody else is left."""

from tests.unit.routing.office import Office, Seen

DESK = """
assign_on: [hot-lead]
reps: {andy: {}, bea: {}}
teams: {us: {reps: [andy, bea]}}
rules: [{name: us, to: {team: us}}]
sla: {hot: {accept_within: 15m}}
"""
NOBODY_LEFT = "nobody else is left, so all begins anew; "


def story(told: list[Seen]) -> list[tuple[str, str | None, str]]:
    """What happened, to whom it went, and when (the day left out)."""
    return [(one.kind, one.rep, one.time.partition("T")[2]) for one in told]


def test_a_lead_that_everybody_missed_goes_by_the_rules_anew_when_it_asks_again() -> None:
    """Missed by Andy at 9:15 and by Bea at 9:30. At 12:00 both are level, Andy was picked longest ago: due at 12:15."""
    office = Office(DESK)
    office.ask("ann")
    assert story(office.until("2026-11-23T11:59")) == [("reassigned", "bea", "09:15"), ("queued", None, "09:30")]
    (again,) = office.ask("ann", "2026-11-23T12:00")
    assert again.short == ("assigned", "ann", "andy")
    assert (again.data["attempt"], again.data["due_at"]) == (1, "2026-11-23T12:15:00.000Z")
    assert again.data["reason"] == f"{NOBODY_LEFT}rule us, next in turn in team us"
    assert story(office.until("2026-11-24T00:00")) == [("reassigned", "bea", "12:15"), ("queued", None, "12:30")]


def test_its_misses_are_counted_anew_too() -> None:
    """Two before 10:00, when it asks again; at 10:15 Andy misses it, the first of this request."""
    office = Office(DESK)
    office.ask("ann")
    office.until("2026-11-23T10:00")
    office.ask("ann")
    office.until("2026-11-23T10:20")
    held = office.held("ann")
    assert held is not None
    assert (held.rep, held.attempt, held.missed) == ("bea", 2, ["andy"])


def test_so_does_one_that_everybody_declined() -> None:
    office = Office(DESK)
    office.ask("ann")
    office.say("declined", "andy", "ann")
    told = office.say("declined", "bea", "ann")
    assert [one.short for one in told] == [("declined", "ann", "bea"), ("queued", "ann", None)]
    assert office.ask("ann")[0].short == ("assigned", "ann", "andy")


def test_while_somebody_else_is_left_who_is_only_not_there_it_goes_on_waiting_for_that_one() -> None:
    """Andy missed it at 9:15; Bea begins at 14:00. Asked for again at 10:00, with Andy there, it is Bea's at 14:00."""
    office = Office(DESK.replace("bea: {}", "bea: {hours: {mon: '14:00-18:00'}}"))
    office.ask("ann")
    assert story(office.until("2026-11-23T09:59")) == [("queued", None, "09:15")]
    (again,) = office.ask("ann", "2026-11-23T10:00")
    assert again.short == ("queued", "ann", None)
    assert again.data["reason"] == "rule us: nobody of team us is there before 2026-11-23T14:00:00.000Z"
    assert story(office.until("2026-11-23T14:00")) == [("assigned", "bea", "14:00")]


def test_who_lacks_the_skill_is_not_left() -> None:
    """Andy missed it, Bea does not know loans: it waits, and is Andy's again when it asks again."""
    reps = "reps: {andy: {skills: {product: [loans]}}, bea: {skills: {product: [cards]}}}"
    config = DESK.replace("reps: {andy: {}, bea: {}}", reps)
    office = Office(config.replace("to: {team: us}", "to: {team: us}, needs: [product]"))
    office.ask("ann", product="loans")
    assert story(office.until("2026-11-23T12:00")) == [("queued", None, "09:15")]
    assert office.ask("ann", product="loans")[0].short == ("assigned", "ann", "andy")


def test_a_manager_gets_it_where_all_who_are_left_lack_the_skill() -> None:
    reps = "reps: {andy: {skills: {product: [loans]}}, bea: {skills: {product: [cards]}}, carla: {}}"
    regions = "regions: {east: {manager: carla, reps: [andy, bea]}}\n"
    config = DESK.replace("reps: {andy: {}, bea: {}}", reps) + regions
    office = Office(config.replace("to: {team: us}", "to: {team: us}, needs: [product]"))
    office.ask("ann", product="loans")
    assert story(office.until("2026-11-23T12:00")) == [("escalated", "carla", "09:15")]


def test_if_nobody_is_there_then_it_waits_for_all_of_them() -> None:
    """Bea missed it last, at 9:30, and Andy goes at 10:00: it asks at 11:00, when Bea is away as well, and is hers."""
    office = Office(DESK.replace("andy: {}", "andy: {hours: {mon: '09:00-10:00'}}"))
    office.ask("ann")
    office.until("2026-11-23T10:30")
    office.say("away", "bea", until="2026-11-23T15:00:00Z", at="2026-11-23T10:30")
    (queued,) = office.ask("ann", "2026-11-23T11:00")
    assert queued.data["reason"] == f"{NOBODY_LEFT}rule us: nobody of team us is there before 2026-11-23T15:00:00.000Z"
    assert story(office.until("2026-11-23T15:00")) == [("assigned", "bea", "15:00")]


def test_without_a_new_request_it_never_goes_back() -> None:
    """Not even when one who missed it comes back."""
    office = Office(DESK)
    office.ask("ann")
    office.until("2026-11-23T10:00")
    assert office.say("away", "andy") + office.say("available", "andy") == []
    assert office.until("2027-01-23T10:00") == []
