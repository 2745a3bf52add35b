"""Whose turn it is: round robin, by weight, by load; newcomers, absences, capacity and skills, each counted by hand."""

from typing import Any

import pytest

from tests.build import HOUR, MINUTE
from tests.examples.harness import at, chats, reports, says, scoring, simulate
from tests.unit.routing.office import Office


def desk(reps: str, team: str, rule: str = "to: {team: us}") -> str:
    return f"""
assign_on: [hot-lead]
reps: {{{reps}}}
teams: {{us: {{{team}}}}}
rules: [{{name: us, {rule}}}]
"""


def picks(office: Office, count: int, **changes: Any) -> str:
    """The first letters of those who get the next `count` leads, `-` where one waits."""
    told = [office.ask(f"lead-{len(office.told)}-{number}", **changes) for number in range(count)]
    return "".join((one[0].rep or "-")[0] for one in told)


THREE = desk("andy: {}, bea: {}, carla: {}", "reps: [andy, bea, carla]")


def test_round_robin_is_the_order_of_the_pool_again_and_again() -> None:
    assert picks(Office(THREE), 7) == "abcabca"


def test_round_robin_ignores_weights() -> None:
    assert picks(Office(desk("andy: {weight: 5}, bea: {}", "reps: [bea, andy]")), 4) == "baba"


def test_by_weight_the_lowest_pointer_goes_and_of_equals_who_was_picked_longest_ago() -> None:
    """Andy, weight 2, moves on by 1/2, Bea by 1.

    Pointers before each pick:
    0, 0 → Andy (first in the pool); ½, 0 → Bea; ½, 1 → Andy; 1, 1 → Bea, who was picked before Andy;
    1, 2 → Andy; 1½, 2 → Andy; 2, 2 → Bea; and again. Of nine Andy gets six.
    """
    assert (
        picks(Office(desk("andy: {weight: 2}, bea: {}", "reps: [andy, bea], pick: weighted")), 10) == "abab" + "aabaab"
    )


def test_ten_tenths_are_a_whole() -> None:
    """Andy moves on by 0.1: after Bea's one lead and ten of his they are level, and Bea was picked longer ago."""
    office = Office(desk("andy: {weight: 10}, bea: {}", "reps: [andy, bea], pick: weighted"))
    assert picks(office, 12) == "ab" + "a" * 9 + "b"


def test_by_load_the_least_open_leads_by_weight_go_and_equals_take_turns() -> None:
    """Andy's weight is 2.

    Open leads ÷ weight before each pick:
    0, 0 → Andy; ½, 0 → Bea; ½, 1 → Andy; 1, 1 → Bea (longer ago); 1, 2 → Andy; 1½, 2 → Andy; 2, 2 → Bea; 2, 3 → Andy.
    Then Bea wins her three: 2½, 0 → Bea; 2½, 1 → Bea; 2½, 2 → Bea; 2½, 3 → Andy.
    """
    office = Office(desk("andy: {weight: 2}, bea: {}", "reps: [andy, bea], pick: least_loaded"))
    assert picks(office, 8) == "abab" + "aaba"
    for won in [one.lead for one in office.told if one.rep == "bea"]:
        office.say("won", "bea", won)
    assert office.load("bea").open == 0
    assert picks(office, 4) == "bbba"


def test_a_rep_s_load_is_one_number_in_all_teams() -> None:
    """Bea has two leads of the other team, so Andy gets the next two; at two each Bea's turn is longer ago."""
    config = """
assign_on: [hot-lead]
reps: {andy: {}, bea: {}}
teams: {us: {reps: [andy, bea], pick: least_loaded}, loans: {reps: [bea], pick: least_loaded}}
rules: [{name: loans, when: {product: loans}, to: {team: loans}}, {name: us, to: {team: us}}]
"""
    office = Office(config)
    assert picks(office, 2, product="loans") == "bb"
    assert picks(office, 3) == "aab"


def test_a_rule_s_own_pick_counts_before_the_team_s_and_takes_turns_of_its_own() -> None:
    """By weight Andy twice in three, by turns one each; neither moves the other's pointers."""
    config = """
assign_on: [hot-lead]
reps: {andy: {weight: 2}, bea: {}}
teams: {us: {reps: [andy, bea], pick: weighted}}
rules: [{name: loans, when: {product: loans}, to: {team: us}, pick: round_robin}, {name: us, to: {team: us}}]
"""
    office = Office(config)
    assert picks(office, 3) == "aba"
    assert picks(office, 3, product="loans") == "aba"
    assert picks(office, 3) == "baa"


def test_two_rules_with_one_team_share_its_turns() -> None:
    config = """
assign_on: [hot-lead]
reps: {andy: {}, bea: {}}
teams: {us: {reps: [andy, bea]}}
rules: [{name: loans, when: {product: loans}, to: {team: us}}, {name: us, to: {team: us}}]
"""
    office = Office(config)
    assert picks(office, 1, product="loans") + picks(office, 2) + picks(office, 1, product="loans") == "abab"


def test_a_region_is_a_pool_by_turns() -> None:
    config = """
assign_on: [hot-lead]
reps: {andy: {}, bea: {}}
regions: {east: {reps: [bea, andy]}}
rules: [{name: east, to: {region: east}}]
"""
    office = Office(config)
    assert picks(office, 3) == "bab"
    assert (office.told[0].data["region"], office.told[0].data["team"]) == ("east", None)
    assert office.told[0].data["reason"] == "rule east, next in turn in region east"


@pytest.mark.parametrize(("absence", "after"), [("parity", "babab"), ("catch_up", "bbbba")])
def test_who_was_not_there_catches_up_only_where_that_is_asked_for(absence: str, after: str) -> None:
    """Bea is away for four picks, which take Andy from 0 to 4. With parity each raises her to where Andy stood: to 3.

    So she goes first, to 4, and then they take turns. Catching up she is at 0: four in a row, then Andy, picked longest
    ago.
    """
    office = Office(desk("andy: {}, bea: {}", f"reps: [andy, bea], after_absence: {absence}"))
    office.say("away", "bea")
    assert picks(office, 4) == "aaaa"
    office.say("available", "bea")
    assert picks(office, 5) == after


def test_parity_is_what_holds_where_nothing_is_said() -> None:
    office = Office(desk("andy: {}, bea: {}", "reps: [andy, bea]"))
    office.say("away", "bea")
    assert picks(office, 4) == "aaaa"
    office.say("available", "bea")
    assert picks(office, 4) == "baba"


def test_who_missed_a_lead_and_is_off_now_does_not_catch_up_either() -> None:
    """Andy moves on by 0.1, Bea by 1. After a pick each: 0.1 and 1. A third lead comes at 16:45: Andy, 0.2.

    He misses it at 17:00, when his day ends, so it goes to Bea, at 1, and he is raised to 1; she is at 2 then. The next
    morning ten leads take him to 2, and Bea, picked longer ago, gets the eleventh.
    """
    reps = "andy: {weight: 10, hours: {mon-fri: '09:00-17:00'}}, bea: {}"
    config = desk(reps, "reps: [andy, bea], pick: weighted") + "sla: {warm: {accept_within: 15m}}"
    office = Office(config, "2026-11-23T16:00")
    assert picks(office, 2) == "ab"
    office.ask("late", "2026-11-23T16:45", band="warm")
    (moved,) = office.until("2026-11-23T17:01")
    office.say("accepted", "bea", "late")
    assert (*moved.short, moved.time) == ("reassigned", "late", "bea", "2026-11-23T17:00")
    office.until("2026-11-24T09:00")
    assert picks(office, 11) == "a" * 10 + "b"


def test_a_newcomer_starts_at_the_mean_of_the_others() -> None:
    """After three picks Andy is at 2, Bea at 1, so Carla comes in at 1½.

    Before each of the next picks:
    2, 1, 1½ → Bea; 2, 2, 1½ → Carla; 2, 2, 2½ → Andy (longest ago); 3, 2, 2½ → Bea; 3, 3, 2½ → Carla; 3, 3, 3½ → Andy.
    """
    office = Office(desk("andy: {}, bea: {}, carla: {}", "reps: [andy, bea]"))
    assert picks(office, 3) == "aba"
    office.reload(THREE)
    assert picks(office, 6) == "bcabca"


def test_turns_stay_where_they_were_over_a_restart() -> None:
    office = Office(THREE)
    assert picks(office, 2) == "ab"
    office.restart()
    assert picks(office, 2) == "ca"


def test_an_owner_who_keeps_a_lead_takes_no_turn() -> None:
    office = Office(THREE)
    office.ask("ann")
    (kept,) = office.ask("ann")
    assert (*kept.short, kept.data["reason"]) == ("assigned", "ann", "andy", "andy owns the lead")
    assert picks(office, 2) == "bc"


def test_as_many_open_leads_as_a_rep_takes() -> None:
    """Andy takes two at once. Of his two he has contacted one, which is open still, and then puts it off."""
    office = Office(desk("andy: {capacity: {open: 2}}, bea: {}", "reps: [andy, bea]"))
    assert picks(office, 5) == "ababb"
    assert office.told[-1].data["trace"][1]["why"] == "has 2 open leads of 2"
    first = office.told[0].lead
    office.say("contacted", "andy", first)
    assert picks(office, 1) == "b"
    office.say("snoozed", "andy", first, until="2027-05-23T09:00:00Z")
    assert picks(office, 2) == "ab"


def test_as_many_leads_a_day_as_a_rep_takes_by_the_date_where_the_rep_is() -> None:
    """In Kolkata, 5:30 ahead of UTC, a day ends at 18:30 UTC. A lead that is done with does not give the place back."""
    config = desk("ravi: {time_zone: Asia/Kolkata, capacity: {per_day: 2}}, mina: {}", "reps: [ravi], nobody: wait")
    office = Office(config, "2026-11-23T18:00")
    assert picks(office, 3) == "rr-"
    assert office.told[-1].data["trace"][-1]["why"] == "got 2 leads today of 2"
    assert office.told[-1].data["reason"].endswith("nobody of team us is there before 2026-11-23T18:30:00.000Z")
    office.say("lost", "ravi", office.told[0].lead)
    assert office.until("2026-11-23T18:29") == []
    (assigned,) = office.until("2026-11-23T18:30")
    assert (assigned.kind, assigned.rep, assigned.time) == ("assigned", "ravi", "2026-11-23T18:30")
    assert picks(office, 2) == "r-"


INSURER = """
assign_on: [hot-lead]
reps:
  andy: {skills: {product: [loans], language: [en, ES]}}
  bea: {skills: {product: [Insurance, loans], language: en}}
teams: {us: {reps: [andy, bea], after_absence: ABSENCE}}
rules: [{name: us, to: {team: us}, needs: [product, language]}]
"""


def test_only_who_has_every_skill_that_the_lead_asks_for_gets_it() -> None:
    office = Office(INSURER.replace("ABSENCE", "parity"))
    assert picks(office, 2, product="insurance", traits={"language": "EN"}) == "bb"
    assert office.told[0].data["trace"][1:] == [
        {"step": "rep", "candidate": "andy", "outcome": "passed over", "why": 'lacks product "insurance"'},
        {"step": "rep", "candidate": "bea", "outcome": "picked", "why": "next in turn in team us"},
    ]
    assert picks(office, 2, product="loans", traits={"language": "es"}) == "aa"
    assert picks(office, 1, product="insurance", traits={"language": "es"}) == "-"


def test_what_is_not_known_of_a_lead_asks_for_no_skill() -> None:
    assert picks(Office(INSURER.replace("ABSENCE", "parity")), 2) == "ab"


@pytest.mark.parametrize(("absence", "after"), [("parity", "abab"), ("catch_up", "aaab")])
def test_who_lacks_a_skill_counts_as_not_there(absence: str, after: str) -> None:
    """Three leads for Bea alone take her from 0 to 3, and with parity Andy to 2. Then both can: Andy, to 3, then turns.

    Catching up Andy is at 0: three in a row, then Bea, picked longer ago.
    """
    office = Office(INSURER.replace("ABSENCE", absence))
    assert picks(office, 3, product="insurance") == "bbb"
    assert picks(office, 4, product="loans") == after


@pytest.mark.parametrize(("total", "rep"), [(50.0, "bea"), (50.5, "andy")])
def test_a_rule_that_overrides_takes_a_lead_from_its_owner_strictly_above_its_bound(total: float, rep: str) -> None:
    config = """
assign_on: [hot-lead]
reps: {andy: {}, bea: {}}
rules:
  - {name: best-to-andy, when: {total: {gt: 50}}, to: {rep: andy}, override: true}
  - {name: rest, to: {rep: bea}}
"""
    office = Office(config)
    assert office.ask("ann", total=20.0)[0].rep == "bea"
    (second,) = office.ask("ann", total=total)
    assert (second.kind, second.rep) == ("reassigned" if rep == "andy" else "assigned", rep)
    assert second.data["previous"] == "bea"


def test_an_override_that_nobody_can_take_now_leaves_the_lead_where_it_is() -> None:
    config = """
assign_on: [hot-lead]
reps: {andy: {capacity: {open: 1}}, bea: {}}
rules:
  - {name: best-to-andy, when: {total: {gt: 50}}, to: {rep: andy}, override: true}
  - {name: rest, to: {rep: bea}}
"""
    office = Office(config)
    office.ask("ann", total=20.0)
    office.ask("bob", total=99.0)
    assert office.ask("ann", total=99.0)[0].short == ("assigned", "ann", "bea")
    office.say("won", "andy", "bob")
    assert office.ask("ann", total=99.0)[0].short == ("reassigned", "ann", "andy")


@pytest.mark.parametrize(
    ("first", "to", "rep"),
    [
        ("{name: ordinary, when: {total: {gt: 50}}, to: {rep: carla}}", "{rep: andy}", "bea"),
        ("{name: ordinary, when: {total: {gt: 99}}, to: {rep: carla}}", "{rep: andy}", "andy"),
        ("{name: other, when: {total: {gt: 99}}, to: {rep: carla}, override: true}", "{rep: andy}", "andy"),
        ("{name: other, when: {total: {gt: 50}}, to: {rep: carla}, override: true}", "{rep: andy}", "carla"),
        ("{name: ordinary, when: {total: {gt: 99}}, to: {rep: carla}}", "{team: us}", "bea"),
    ],
)
def test_the_first_rule_that_holds_says_whether_an_owner_is_overridden(first: str, to: str, rep: str) -> None:
    """Bea has the lead. An ordinary rule that holds ends it; one that names a team with her leaves it hers."""
    config = f"""
assign_on: [hot-lead]
reps: {{andy: {{}}, bea: {{}}, carla: {{}}}}
teams: {{us: {{reps: [andy, bea]}}}}
rules:
  - {first}
  - {{name: best, when: {{total: {{gt: 50}}}}, to: {to}, override: true}}
  - {{name: rest, to: {{rep: bea}}}}
"""
    office = Office(config)
    assert office.ask("ann", total=20.0)[0].rep == "bea"
    assert office.ask("ann", total=90.0)[0].rep == rep


def test_end_to_end_by_weight_with_load_capacity_and_a_lead_that_comes_twice() -> None:
    """Andy has weight 2: six leads, a minute apart, go Andy, Bea, Andy, Bea, Andy, Andy, as counted above.

    The third comes a second time (`chat` again, and the alert fires anew): Andy keeps it, no turn is taken, and the
    seventh goes to Bea. All seven owners stand in the scores.
    """
    leads = ["l1", "l2", "l3", "l4", "l5", "l6"]
    model = scoring(chats(85, decay="none"), alerts={"told": {"when": {"event": "chat"}, "cooldown": "1m"}})
    routing = {
        "assign_on": ["told"],
        "reps": {"andy": {"weight": 2}, "bea": {}},
        "teams": {"us": {"reps": ["andy", "bea"], "pick": "weighted"}},
        "rules": [{"name": "us", "to": {"team": "us"}}],
    }
    told = simulate(
        model,
        *(at(number * MINUTE, "chat", lead) for number, lead in enumerate(leads)),
        at(HOUR, "chat", "l3"),
        at(HOUR + MINUTE, "chat", "l7"),
        desk=routing,
    )
    assert [(one["lead"], one["rep"]) for one in told.on("lead-assignments")] == [
        *zip(leads, ["andy", "bea", "andy", "bea", "andy", "andy"], strict=True),
        ("l3", "andy"),
        ("l7", "bea"),
    ]
    assert told.owners(*leads, "l7") == ["andy", "bea", "andy", "bea", "andy", "andy", "bea"]
    assert all(one["owner"] is None for one in told.on("lead-alerts")[:6])


def test_end_to_end_least_loaded_hears_what_is_won_and_who_is_away() -> None:
    """Andy, Bea, Andy, since both had one and he was picked longer ago. He wins one and loses one: 0 open, and Bea 1.

    So the next is his, at one each the one after is Bea's, and then Bea is away.
    """
    model = scoring(chats(85, decay="none"), alerts={"hot": {"crosses": "hot"}})
    routing = {
        "assign_on": ["hot"],
        "reps": {"andy": {}, "bea": {}},
        "teams": {"us": {"reps": ["andy", "bea"], "pick": "least_loaded"}},
        "rules": [{"name": "us", "to": {"team": "us"}}],
    }
    told = simulate(
        model,
        *(at(number * MINUTE, "chat", f"l{number}") for number in (1, 2, 3)),
        says(4 * MINUTE, "won", "l1"),
        says(4 * MINUTE, "lost", "l3", reason="too dear"),
        *(at(number * MINUTE, "chat", f"l{number}") for number in (5, 6)),
        reports(7 * MINUTE, "away", "bea"),
        at(8 * MINUTE, "chat", "l8"),
        desk=routing,
    )
    assert told.owners("l1", "l2", "l3", "l5", "l6", "l8") == ["andy", "bea", "andy", "andy", "bea", "andy"]
    assert (told.score("l1")["stage"], told.score("l3")["stage"]) == ("customer", "disqualified")
