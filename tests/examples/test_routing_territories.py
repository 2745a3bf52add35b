"""Who holds a lead: each kind of territory, regions above reps, zip files, two territories and none."""

from typing import Any

import pytest

from engine.core.messages import LeadMerged
from engine.core.records import Cause, Touch
from engine.routing.routingfile import load_routing
from engine.routing.territories import TERRITORIES_TOLD_MAX
from tests.build import MINUTE
from tests.examples.harness import at, chats, known, scoring, simulate, visits
from tests.unit.routing.office import Office, Seen


def office(territory: str, files: dict[str, str] | None = None) -> Office:
    """A desk where Andy holds `territory`, and Bea gets what is left."""
    text = f"""
assign_on: [hot-lead]
territories: {{his: {territory}}}
reps: {{andy: {{territories: [his]}}, bea: {{}}}}
rules: [{{name: own, to: territory}}, {{name: rest, to: {{rep: bea}}}}]
"""
    return Office(load_routing(text, "routing.yaml", read=(files or {}).get))


def holds(territory: str, **changes: Any) -> bool:
    """Whether the lead with these changes is Andy's."""
    (told,) = office(territory).ask("ann", **changes)
    assert (told.rep, told.data["rule"]) in (("andy", "own"), ("bea", "rest"))
    return told.rep == "andy"


def lives(**traits: Any) -> dict[str, Any]:
    return {"traits": traits}


def from_us(written: str) -> dict[str, Any]:
    return lives(country="US", zip=written)


def by_mail(source: str) -> Touch:
    return Touch(at="2026-11-23T00:00:00.000Z", channel="email", source=source, medium=None, campaign=None)


@pytest.mark.parametrize(
    ("territory", "inside", "outside"),
    [
        ("{country: US}", lives(country="US"), lives(country="CA")),
        ("{country: US}", lives(country="united states"), lives(country="Kanada")),
        ("{country: [Germany, FR]}", lives(address={"country": "DE"}), lives(address={"country": "Spain"})),
        ("{country: US, state: [MA, VT]}", lives(country="US", state="Massachusetts"), lives(country="US", state="NY")),
        ("{state: Vermont}", lives(address={"state": "vt"}), lives(address={"state": "ME"})),
        ("{county: Middlesex}", lives(county="middlesex"), lives(county="Suffolk")),
        (
            "{country: US, city: Philadelphia}",
            lives(country="US", city="PHILADELPHIA"),
            lives(country="US", city="Pittsburgh"),
        ),
        (
            "{country: US, city: Cambridge}",
            lives(country="US", city="Cambridge"),
            lives(country="GB", city="Cambridge"),
        ),
        ("{zip: '52402'}", from_us("52402"), from_us("52403")),
        ("{zip: '52402'}", from_us("52402-1234"), from_us("52403-1234")),
        ("{zip: '02134'}", from_us("02134"), from_us("2134")),
        ("{zip: '524*'}", from_us("52499"), from_us("52500")),
        ("{zip: '524*'}", from_us("52400-0001"), from_us("45240")),
        ("{zip: '52000-52499'}", from_us("52000"), from_us("51999")),
        ("{zip: '52000-52499'}", from_us("52499"), from_us("52500")),
        ("{zip: '52000-52499'}", from_us("52499-9999"), from_us("520001")),
        ("{zip: [sw1a 1aa, 'EC*']}", lives(country="GB", zip="SW1A1AA"), lives(country="GB", zip="SW1A 1AB")),
        (
            "{zip: [sw1a 1aa, 'EC*']}",
            lives(address={"postalCode": "ec1a 1bb"}),
            lives(address={"postalCode": "e1 6an"}),
        ),
        ("{product: [insurance, Loans]}", {"product": "loans"}, {"product": "funds"}),
        ("{language: de}", lives(language="de"), lives(language="en")),
        ("{source: newsletter}", {"last_touch": by_mail("Newsletter")}, {"last_touch": by_mail("spring")}),
        ("{total: {gt: 50}}", {"total": 50.1}, {"total": 50.0}),
        ("{traits.company_size: {gte: 100}}", lives(company_size="100"), lives(company_size=99)),
        (
            "{country: US, product: loans, total: {gte: 80}}",
            {**lives(country="US"), "product": "loans"},
            lives(country="US"),
        ),
    ],
)
def test_each_kind_of_territory_holds_what_lies_inside_and_nothing_else(
    territory: str, inside: dict[str, Any], outside: dict[str, Any]
) -> None:
    """All entries must hold; who says nothing is in no territory."""
    assert holds(territory, **inside)
    assert not holds(territory, **outside)


@pytest.mark.parametrize("territory", ["{country: US}", "{zip: '5*'}", "{city: Rome}", "{product: loans}"])
def test_of_whom_nothing_is_known_no_territory_holds(territory: str) -> None:
    assert not holds(territory, traits={})


def test_a_zip_is_cut_to_five_digits_in_the_us_only() -> None:
    """A Brazilian CEP has eight digits: 52402-123 is no 52402."""
    assert not holds("{zip: '52402'}", **lives(country="BR", zip="52402-123"))


def test_what_looks_like_a_range_but_has_other_lengths_is_one_zip() -> None:
    """`A-B` is a range only if both sides are digits of equal length."""
    assert holds("{zip: 1000-99}", **lives(country="PL", zip="1000-99"))
    assert not holds("{zip: 1-99}", **lives(country="PL", zip="50"))


@pytest.mark.parametrize(
    ("when", "inside", "outside"),
    [
        ("{country: Deutschland}", lives(country="DE"), lives(country="AT")),
        ("{country: {not_in: [united kingdom, FR]}}", lives(country="DE"), lives(country="England")),
        ("{state: [iowa]}", lives(country="US", state="IA"), lives(country="US", state="Idaho")),
        ("{zip: sw1a 1aa}", lives(zip="SW1A1AA"), lives(zip="SW1A1AB")),
        ("{zip: 'sw1a*'}", lives(zip="SW1A 1AB"), lives(zip="SW1B 1AB")),
    ],
)
def test_rules_know_places_by_name_and_by_code_too(when: str, inside: dict[str, Any], outside: dict[str, Any]) -> None:
    config = f"""
assign_on: [hot-lead]
reps: {{andy: {{}}, bea: {{}}}}
rules: [{{name: own, when: {when}, to: {{rep: andy}}}}, {{name: rest, to: {{rep: bea}}}}]
"""
    assert [Office(config).ask("ann", **lead)[0].rep for lead in (inside, outside)] == ["andy", "bea"]


NORTH = """
assign_on: [hot-lead]
territories:
  new-england: {country: US, state: [MA, VT]}
  boston: {country: US, city: Boston}
  philadelphia: {country: US, city: Philadelphia}
  rome: {city: Rome}
regions:
  east: {manager: carla, reps: [bea, dan], territories: [philadelphia]}
reps:
  andy: {territories: [new-england, rome]}
  bea: {territories: [boston]}
  carla: {}
  dan: {}
rules:
  - {name: own, to: territory}
  - {name: us, when: {country: US}, to: {rep: carla}}
"""


def asked(office: Office, *leads: dict[str, Any]) -> list[str | None]:
    return [office.ask(f"lead-{len(office.told)}", traits=traits)[0].rep for traits in leads]


BOSTON = {"country": "US", "state": "MA", "city": "Boston"}


def test_a_lead_in_two_territories_is_for_all_who_hold_it_by_turns_in_the_order_of_reps() -> None:
    assert asked(Office(NORTH), BOSTON, BOSTON, BOSTON) == ["andy", "bea", "andy"]


def test_each_set_of_holders_takes_turns_of_its_own() -> None:
    """Vermont is Andy's alone, and does not move his place beside Bea in Boston."""
    vermont = {"country": "US", "state": "VT"}
    assert asked(Office(NORTH), BOSTON, vermont, BOSTON, vermont, BOSTON) == ["andy", "andy", "bea", "andy", "andy"]


def test_a_rep_may_have_many_territories() -> None:
    assert asked(Office(NORTH), {"city": "Rome"}, {"country": "US", "state": "VT"}) == ["andy", "andy"]


def test_a_region_s_territory_belongs_to_every_rep_in_it_but_not_to_its_manager() -> None:
    philadelphia = {"country": "US", "city": "Philadelphia"}
    office = Office(NORTH)
    assert asked(office, philadelphia, philadelphia, philadelphia) == ["bea", "dan", "bea"]
    assert office.told[0].data["region"] == "east"


def test_a_lead_in_no_territory_goes_to_the_next_rule_and_the_trace_says_so() -> None:
    office = Office(NORTH)
    assert asked(office, {"country": "US", "state": "NY"}, {"country": "FR"}) == ["carla", None]
    assert [step["why"] for step in office.told[0].data["trace"]] == [
        "has no condition",
        "no territory that a rep has holds the lead",
        'holds: country = "US"',
        "rule us names this rep",
    ]


def test_where_the_holder_is_not_there_the_lead_goes_to_the_next_rule() -> None:
    office = Office(NORTH)
    office.say("away", "andy")
    assert asked(office, {"country": "US", "state": "VT"}) == ["carla"]


def test_unless_the_rule_waits_for_the_holder() -> None:
    office = Office(NORTH.replace("to: territory}", "to: territory, nobody: wait}"))
    office.say("away", "andy")
    assert asked(office, {"country": "US", "state": "VT"}) == [None]
    assert office.say("available", "andy")[0].rep == "andy"


def in_territories(*told: Seen) -> list[list[str]]:
    return [one.data["territories"] for one in told]


def test_an_assignment_names_every_territory_that_holds_the_lead_in_the_order_of_the_file() -> None:
    """Boston is in New England, too, whoever of their reps is next; New York, whose lead Carla gets, is in none."""
    office = Office(NORTH)
    asked(office, BOSTON, BOSTON, {"country": "US", "state": "NY"}, {"country": "FR", "city": "Rome"}, {})
    assert [one.rep for one in office.told] == ["andy", "bea", "carla", "andy", None]
    assert in_territories(*office.told) == [["new-england", "boston"]] * 2 + [[], ["rome"], []]


def test_whoever_gets_it_by_whatever_rule() -> None:
    """No rule asks for territories, Boston is nobody's, and Carla has the lead by name."""
    unheld = NORTH.replace("bea: {territories: [boston]}", "bea: {}")
    office = Office(unheld.replace("to: territory}", "to: {rep: carla}}"))
    assert asked(office, BOSTON) == ["carla"]
    assert in_territories(*office.told) == [["new-england", "boston"]]


def test_what_is_told_of_a_lead_later_names_its_territories_too() -> None:
    """Reminded at 9:05 of the 10 min, missed at 9:10, declined by Bea; nobody else holds Boston, and Carla is last."""
    office = Office(NORTH + "sla: {hot: {accept_within: 10m}, remind_at: 0.5}\n")
    asked(office, BOSTON)
    office.until("2026-11-23T09:11")
    office.say("declined", "bea", "lead-0")
    office.say("snoozed", "carla", "lead-0", until="2026-11-24T09:00:00Z")
    office.until("2026-11-24T09:00")
    told = [one for one in office.told if "territories" in one.data]
    assert [(one.kind, one.rep) for one in told] == [
        ("assigned", "andy"),
        ("reminded", "andy"),
        ("reassigned", "bea"),
        ("reassigned", "carla"),
        ("call_due", "carla"),
    ]
    assert in_territories(*told) == [["new-england", "boston"]] * 5


def test_the_manager_is_told_them_and_who_loses_the_lead_by_a_merge() -> None:
    """Missed once by Bea, Philadelphia goes to her manager; then it is one with a lead that Andy has in Boston."""
    office = Office(NORTH + "sla: {hot: {accept_within: 10m}, misses_before_manager: 1}\n")
    office.ask("phil", traits={"country": "US", "city": "Philadelphia"})
    (escalated,) = office.until("2026-11-23T09:11")
    office.ask("ann", traits=BOSTON)
    cause = Cause("visitor-events", 0, 99, None, "identify", "2026-11-23T09:11:00.000Z")
    (released,) = office.send(LeadMerged("ann", "phil", "ann", 0, office.at_ms, 85.0, "hot", closed=False, cause=cause))
    assert (escalated.short, released.short) == (("escalated", "phil", "carla"), ("released", "phil", None))
    assert in_territories(escalated, released) == [["philadelphia"]] * 2


def test_they_are_those_of_the_lead_as_it_asked_last_and_of_the_file_as_it_is_now() -> None:
    """Andy keeps a lead that moves to Rome. Where the file calls that `roma`, the next record does, too."""
    office = Office(NORTH + "sla: {hot: {accept_within: 10m}, remind_at: 0.5}\n")
    office.ask("ann", traits={"country": "US", "state": "VT"})
    office.ask("ann", traits={"country": "IT", "city": "Rome"})
    assert [one.rep for one in office.told] == ["andy", "andy"]
    renamed = NORTH.replace("rome", "roma") + "sla: {hot: {accept_within: 10m}, remind_at: 0.5}\n"
    assert office.reload(renamed) == []
    office.until("2026-11-23T09:06")
    assert [one.kind for one in office.told] == ["assigned", "assigned", "reminded"]
    assert in_territories(*office.told) == [["new-england"], ["rome"], ["roma"]]


def test_an_assignment_names_no_more_than_twenty() -> None:
    """Of 25 that hold every lead in the US the first of the file; the rep of the last gets it all the same."""
    names = [f"t{number}" for number in range(25)]
    config = f"""
assign_on: [hot-lead]
territories: {{{", ".join(f"{name}: {{country: US}}" for name in names)}}}
reps: {{andy: {{territories: [t24]}}}}
rules: [{{name: own, to: territory}}]
"""
    office = Office(config)
    assert asked(office, {"country": "US"}) == ["andy"]
    assert in_territories(*office.told) == [names[:20]]
    assert TERRITORIES_TOLD_MAX == 20


ZIPS = "zip,rep\n52402,andy\n524*,carla\n\n10000-10999,bea\n 52402 ,andy\n"
BY_FILE = """
assign_on: [hot-lead]
territories: {big: {country: US, zip_file: zips.csv}}
reps: {andy: {}, bea: {}, carla: {}}
rules: [{name: own, to: territory}]
"""


def by_zip(config: str, text: str, *zips: str) -> list[str | None]:
    desk = Office(load_routing(config, "routing.yaml", read={"zips.csv": text}.get))
    return asked(desk, *({"country": "US", "zip": written} for written in zips))


def test_each_zip_of_a_file_is_held_by_the_rep_of_its_row() -> None:
    """52402 is Andy's and, by the prefix, Carla's; 52499 hers alone; the range is Bea's; 60601 is nobody's."""
    assert by_zip(BY_FILE, ZIPS, "52402", "52402", "52499", "10500", "60601") == ["andy", "carla", "carla", "bea", None]


def test_who_lists_the_territory_of_a_file_holds_all_of_it() -> None:
    """Dan beside the rep of each row, and by turns: 52402 is of Andy, Carla and Dan, 10500 of Bea and Dan."""
    config = BY_FILE.replace("carla: {}", "carla: {}, dan: {territories: [big]}")
    zips = ["52402", "52402", "52402", "10500", "10500"]
    assert by_zip(config, ZIPS, *zips) == ["andy", "carla", "dan", "bea", "dan"]


def test_a_file_without_reps_is_held_by_who_lists_it() -> None:
    config = BY_FILE.replace("bea: {}", "bea: {territories: [big]}")
    assert by_zip(config, "zip\n52402\n524*\n", "52402", "52455", "60601") == ["bea", "bea", None]


def test_seventy_thousand_zips_are_all_found() -> None:
    """Zip number n is held by rep n mod 7."""
    reps = ", ".join(f"r{number}: {{}}" for number in range(7))
    config = BY_FILE.replace("andy: {}, bea: {}, carla: {}", reps)
    text = "zip,rep\n" + "".join(f"{number:05},r{number % 7}\n" for number in range(70_000))
    assert by_zip(config, text, "00000", "00006", "52402", "69999", "70000") == ["r0", "r6", "r0", "r6", None]
    assert (52_402 % 7, 69_999 % 7) == (0, 6)


def test_end_to_end_by_what_a_lead_says_where_it_is_and_what_it_reads() -> None:
    """Found by an address, by where the event came from, by a ZIP+4 in the file, by the product whose pages it read.

    The fifth is nowhere, and waits.
    """
    model = scoring(chats(85, decay="none"), alerts={"hot": {"crosses": "hot"}}, products={"loans": "/loans*"})
    routing = {
        "assign_on": ["hot"],
        "territories": {
            "new-england": {"country": "US", "state": ["MA", "VT"]},
            "paris": {"country": "FR", "city": "Paris"},
            "zips": {"country": "US", "zip_file": "zips.csv"},
            "loans": {"product": "loans"},
        },
        "regions": {"europe": {"reps": ["carla"], "territories": ["paris"]}},
        "reps": {"andy": {"territories": ["new-england"]}, "bea": {}, "carla": {}, "dan": {"territories": ["loans"]}},
        "rules": [{"name": "own", "to": "territory"}],
    }
    paris = {"location": {"country": "France", "city": "Paris"}}
    told = simulate(
        model,
        known(0, "ann", address={"country": "USA", "state": "Vermont"}),
        at(1 * MINUTE, "chat", "", userId="ann"),
        at(2 * MINUTE, "chat", "bob", context=paris),
        known(3 * MINUTE, "cid", country="United States", zip="52402-1234"),
        at(3 * MINUTE, "chat", "", userId="cid"),
        visits("/loans/car", 4 * MINUTE, "eve"),
        at(5 * MINUTE, "chat", "eve"),
        at(6 * MINUTE, "chat", "fay"),
        desk=routing,
        files={"zips.csv": "zip,rep\n52402,bea\n"},
    )
    assert told.assignments() == [
        ("assigned", "ann", "andy", 1 * MINUTE),
        ("assigned", "bob", "carla", 2 * MINUTE),
        ("assigned", "cid", "bea", 3 * MINUTE),
        ("assigned", "eve", "dan", 5 * MINUTE),
        ("queued", "fay", None, 6 * MINUTE),
    ]
    assert told.owners("ann", "bob", "cid", "eve", "fay") == ["andy", "carla", "bea", "dan", None]
    assert [one["region"] for one in told.on("lead-assignments")] == [None, "europe", None, None, None]
    assert [one["territories"] for one in told.on("lead-assignments")] == [
        ["new-england"],
        ["paris"],
        ["zips"],
        ["loans"],
        [],
    ]
