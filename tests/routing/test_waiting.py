"""Leads that would have been stuck, on days too rare for chance."""

from dataclasses import replace

from tests.build import HOUR, MINUTE
from tests.laws.test_calendars import WEEKDAYS, Plan
from tests.routing.days import BEGIN_MS, Ask, Day, Go, Life, Reload
from tests.routing.organisations import Organisation, Pool, Rep, Rule
from tests.unit.routing.examples import request

ALWAYS = Rep(Plan("UTC", {}, frozenset(), ()))


def moves(day: Day, for_ms: int = 0) -> list[tuple[str, str, str | None, int]]:
    """What happened to whom, and how long after the day began."""
    life = Life(day)
    moments = list(life.moments())
    moments += life.due(life.at_ms + for_ms)
    return [(told.kind, told.lead, told.rep, told.at_ms - BEGIN_MS) for moment in moments for told in moment.told]


def test_a_miss_goes_to_whom_an_earlier_rule_names_where_later_ones_have_nobody_left() -> None:
    """Ann begins at 9:00, so bob gets the lead at 8:50 by the second rule, and is late at 9:10."""
    mornings = Plan("UTC", {day: [("09:00", "12:00")] for day in WEEKDAYS}, frozenset(), ())
    rules = (Rule("rep ann"), Rule("rep bob"))
    office = Organisation({"ann": Rep(mornings), "bob": ALWAYS}, rules, limits={"accept_within": "20m"})
    day = Day(office, ((50 * MINUTE, Ask(request("ada", band="hot"))),))
    assert moves(day, 21 * MINUTE) == [
        ("assigned", "ada", "bob", 50 * MINUTE),
        ("reassigned", "ada", "ann", HOUR + 10 * MINUTE),
    ]


def test_leads_that_waited_for_the_same_reps_need_not_do_so_after_a_reload() -> None:
    """By the new rules only the one with a high score still waits for ann; bob can take the other."""
    teams = {"one": Pool(("ann",)), "two": Pool(("bob",))}
    office = Organisation({"ann": ALWAYS, "bob": ALWAYS}, (Rule("team one"),), teams)
    asks = [(0, Ask(request(lead, total=total))) for lead, total in (("ada", 95.0), ("bea", 40.0))]
    changed = replace(office, rules=(Rule("team one", above=50), Rule("team two")))
    day = Day(office, ((0, Go("away", "ann")), *asks, (HOUR, Reload(changed))))
    assert moves(day) == [("queued", "ada", None, 0), ("queued", "bea", None, 0), ("assigned", "bea", "bob", HOUR)]


def test_who_is_freed_in_the_middle_of_a_reload_does_not_hide_who_is_not_brought_up_to_it_yet() -> None:
    """Cem's team is no more, so di is freed, and the queue is looked at while bea still waits by the old rules."""
    reps = dict.fromkeys(("ann", "bob", "di"), ALWAYS)
    teams = {"one": Pool(("ann",)), "two": Pool(("bob",)), "old": Pool(("di",))}
    office = Organisation(reps, (Rule("team one", state="NY"), Rule("team old")), teams)
    place = {"country": "US", "state": "NY"}
    ada, bea = (request(lead, total=total, place=place) for lead, total in (("ada", 95.0), ("bea", 40.0)))
    left = {"one": teams["one"], "two": teams["two"]}
    changed = replace(office, rules=(Rule("team one", above=50), Rule("team two")), teams=left)
    acts = (Go("away", "ann"), Ask(ada), Ask(request("cem", total=40.0)), Ask(bea), Reload(changed))
    assert moves(Day(office, tuple((0, act) for act in acts)))[-1] == ("assigned", "bea", "bob", 0)
