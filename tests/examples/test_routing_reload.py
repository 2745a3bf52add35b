"""A changed routing.yaml: leads of reps, teams and desks that are gone, other hours, and who waits."""

import json
from collections.abc import Iterable
from itertools import groupby

import pytest

from engine.core.flow import Output
from engine.core.instants import to_rfc3339
from engine.core.messages import OwnerChanged
from engine.local.simulate import Simulation, final_scores, output_line
from engine.routing.config import Routing
from engine.routing.routingfile import load_routing
from tests.build import HOUR, MINUTE, T0
from tests.examples.harness import Line, Spec, Told, at, chats, configured, says, scoring
from tests.unit.routing.office import Office, Seen

DESK = """
assign_on: [hot-lead]
reps: {andy: {}, bea: {}, carla: {}}
teams: {us: {reps: [andy, bea]}, loans: {reps: [carla, andy]}}
rules: [{name: loans, when: {product: loans}, to: {team: loans}}, {name: us, to: {team: us}}]
sla: {hot: {accept_within: 2h}}
"""
WITHOUT_ANDY = DESK.replace("andy: {}, ", "").replace("andy, ", "").replace(", andy", "")
WITHOUT_LOANS = """
assign_on: [hot-lead]
reps: {andy: {}, bea: {}, carla: {}}
teams: {us: {reps: [andy, bea]}}
rules: [{name: us, to: {team: us}}]
sla: {hot: {accept_within: 2h}}
"""


def story(told: list[Seen]) -> list[tuple[str, str, str | None, str]]:
    return [(*one.short, one.time.partition("T")[2]) for one in told]


@pytest.mark.parametrize("said", [None, "accepted", "contacted"])
def test_leads_of_a_rep_who_is_gone_go_to_another_by_all_rules(said: str | None) -> None:
    """Ann and Cid are Andy's, Bob Bea's. The new limit is from then on: 10:00 + 2 h."""
    office = Office(DESK)
    for lead in ("ann", "bob", "cid"):
        office.ask(lead)
    if said is not None:
        office.say(said, "andy", "ann")
    told = office.reload(WITHOUT_ANDY, "2026-11-23T10:00")
    assert story(told) == [("reassigned", "ann", "bea", "10:00"), ("reassigned", "cid", "bea", "10:00")]
    assert told[0].data["reason"] == "andy is no rep any more; rule us, next in turn in team us"
    assert (told[0].data["previous"], told[0].data["due_at"]) == ("andy", "2026-11-23T12:00:00.000Z")
    assert told[0].data["cause"]["name"] == "routing"
    assert office.load("bea").open == 3


def test_or_stay_where_that_is_configured_without_a_deadline() -> None:
    office = Office(DESK)
    office.ask("ann")
    assert office.reload(WITHOUT_ANDY + "removed_reps: keep", "2026-11-23T10:00") == []
    assert office.until("2026-12-23T09:00") == []
    held = office.held("ann")
    assert held is not None
    assert held.rep == "andy"
    assert office.ask("ann")[0].short == ("reassigned", "ann", "bea")


@pytest.mark.parametrize(("keep", "kept"), [("reassign", None), ("keep", "andy")])
def test_of_a_lead_that_is_done_with_the_owner_is_cleared_and_it_is_told(keep: str, kept: str | None) -> None:
    office = Office(DESK)
    office.ask("ann")
    office.say("won", "andy", "ann")
    told = office.reload(f"{WITHOUT_ANDY}removed_reps: {keep}", "2026-11-23T10:00")
    held = office.held("ann")
    assert held is not None
    assert (held.rep, held.state) == (kept, "closed")
    if kept is None:
        (released,) = told
        assert released.short == ("released", "ann", None)
        assert (released.data["previous"], released.data["reason"]) == ("andy", "andy is no rep any more")
        message = office.inbox[-1]
        assert isinstance(message, OwnerChanged)
        assert (message.lead, message.profile, message.owner) == ("ann", "browser-of-ann", None)
    else:
        assert told == []


def test_leads_of_a_team_that_is_gone_go_by_the_rules_though_their_rep_is_there() -> None:
    """Ann, for loans, is Carla's; Bob, of the other team, stays with Andy, whose turn it was there; so it is Bea's."""
    office = Office(DESK)
    office.ask("ann", product="loans")
    office.ask("bob")
    told = office.reload(WITHOUT_LOANS, "2026-11-23T10:00")
    assert story(told) == [("reassigned", "ann", "bea", "10:00")]
    assert told[0].data["reason"] == "there is no team loans any more; rule us, next in turn in team us"


def test_a_lead_that_is_done_with_keeps_its_owner_when_only_the_team_is_gone() -> None:
    office = Office(DESK)
    office.ask("ann", product="loans")
    office.say("won", "carla", "ann")
    assert office.reload(WITHOUT_LOANS, "2026-11-23T10:00") == []
    assert office.ask("ann", product="loans")[0].short == ("assigned", "ann", "carla")
    assert office.reload(WITHOUT_LOANS + "removed_reps: reassign", "2026-11-23T11:00") == []


def test_a_rep_who_comes_in_and_other_rules_move_nobody() -> None:
    office = Office(DESK)
    office.ask("ann")
    other = DESK.replace("carla: {}", "carla: {}, dora: {}").replace(
        "{name: us, to: {team: us}}", "{name: all, to: {rep: dora}}"
    )
    assert office.reload(other, "2026-11-23T10:00") == []
    assert office.ask("ann")[0].short == ("assigned", "ann", "andy")
    assert office.ask("bob")[0].short == ("assigned", "bob", "dora")


def test_clocks_run_by_the_new_hours() -> None:
    """Two hours from 9:00 are up at 11:00. Andy's hours are from 10:00 to 12:00 and from 13:00 on: up at 12:00."""
    office = Office(DESK)
    office.ask("ann")
    hours = "andy: {hours: {mon: ['10:00-12:00', '13:00-17:00']}}"
    assert office.reload(DESK.replace("andy: {}", hours), "2026-11-23T09:30") == []
    assert office.until("2026-11-23T12:00") == []
    assert story(office.until("2026-11-23T12:01")) == [("reassigned", "ann", "bea", "12:00")]


def test_a_vacation_that_is_entered_stops_the_clock_and_moves_what_was_not_contacted() -> None:
    """From the 24th for ten days, which is longer than two."""
    office = Office(DESK + "sticky: {unless_away_for: 2d}\n", "2026-11-23T23:00")
    office.ask("ann")
    vacation = (
        DESK.replace("andy: {}", "andy: {vacations: [2026-11-24/2026-12-03]}") + "sticky: {unless_away_for: 2d}\n"
    )
    assert office.reload(vacation, "2026-11-23T23:30") == []
    (moved,) = office.until("2026-11-24T00:30")
    assert (*moved.short, moved.time) == ("reassigned", "ann", "bea", "2026-11-24T00:00")


def test_who_waits_is_looked_at_at_once() -> None:
    """Nobody was there for Ann; now Carla is in the team."""
    empty = DESK.replace("[andy, bea]", "[andy]").replace("andy: {}", "andy: {capacity: {open: 1}}")
    office = Office(empty)
    office.ask("ann")
    office.ask("bob")
    office.ask("cid", total=99.0)
    told = office.reload(empty.replace("reps: [andy]", "reps: [andy, carla]"), "2026-11-23T10:00")
    assert story(told + office.until("2026-11-23T10:00")) == [
        ("assigned", "cid", "carla", "10:00"),
        ("assigned", "bob", "carla", "10:00"),
    ]


def test_what_was_not_changed_changes_nothing() -> None:
    office = Office(DESK)
    for lead in ("ann", "bob"):
        office.ask(lead)
    office.say("accepted", "andy", "ann")
    before = dict(office.rows)
    assert office.reload(DESK, "2026-11-23T10:00") == []
    assert office.rows == before


EU = "assign_on: [hot-lead]\nreps: {eva: {}}\nrules: [{name: all, to: {rep: eva}}]\n"
TWO_DESKS = DESK + "desks: {eu: {when: {country: FR}, file: eu.yaml}}\n"


def two_desks() -> Routing:
    return load_routing(TWO_DESKS, "routing.yaml", read={"eu.yaml": EU}.get)


def test_the_leads_of_a_desk_that_is_gone_ask_the_main_one() -> None:
    """Ann is Eva's, who is no rep of the main desk: Andy's. What was won is forgotten, and nothing of `eu` is left."""
    office = Office(two_desks())
    office.ask("ann", desk="eu")
    office.ask("bob", desk="eu")
    office.say("won", "eva", "bob")
    told = office.reload(DESK, "2026-11-23T10:00")
    assert story(told) == [("reassigned", "ann", "andy", "09:00")]
    assert (told[0].data["previous"], told[0].data["desk"]) == ("eva", "main")
    assert [key for key in office.rows if key.startswith(b"eu/")] == []
    assert (office.load("andy").open, office.held("bob")) == (1, None)


def test_unless_their_rep_came_along() -> None:
    office = Office(two_desks())
    office.ask("ann", desk="eu")
    told = office.reload(DESK.replace("carla: {}", "carla: {}, eva: {}"), "2026-11-23T10:00")
    assert [one.short for one in told] == [("assigned", "ann", "eva")]
    assert told[0].data["reason"] == "eva owns the lead"
    assert office.load("eva").open == 1


def test_where_nobody_at_the_main_desk_can_take_it_the_lead_has_no_owner() -> None:
    office = Office(two_desks())
    office.ask("ann", desk="eu")
    told = office.reload(DESK.replace("{name: us, to", "{name: us, when: {known: false}, to"), "2026-11-23T10:00")
    assert [one.short for one in told] == [("queued", "ann", None)]
    message = office.inbox[-1]
    assert isinstance(message, OwnerChanged)
    assert message.owner is None


class Product:
    """The whole product, with a configuration that changes as it runs; times are in ms after T0."""

    def __init__(self, model: Spec, desk: Spec) -> None:
        self.model = model
        self.outputs: list[Output] = []
        self.configuration = configured(json.dumps(model), desk, {}, None, {})
        self.simulation = Simulation(self.configuration.jobs(1), 1)

    def read(self, *lines: Line) -> None:
        for number, line in enumerate(lines, 1):
            self._take(self.simulation.line(json.dumps(line).encode(), number))

    def until(self, after_ms: int) -> None:
        self._take(self.simulation.advance(T0 + after_ms))

    def reload(self, desk: Spec, after_ms: int) -> None:
        """The routing is another from then on, and both tables are brought up to it."""
        self.until(after_ms)
        before, rows = self.configuration.jobs(1), self.simulation.rows
        self.configuration = configured(json.dumps(self.model), desk, {}, None, {})
        jobs = self.configuration.jobs(1)
        self.simulation = Simulation(jobs, 1)
        self.simulation.rows, self.simulation.clock_ms = rows, T0 + after_ms
        self.simulation.restart()
        for job, old in zip(jobs, before, strict=True):
            table, agenda = self.simulation._lane(job.table, 0)
            fold = job.restate(0, list(table), table, agenda, old.stamp, T0 + after_ms)
            self._take(self.simulation._take(job.table, 0, fold))
            self._take(self.simulation._handle_waiting())

    def told(self) -> Told:
        """All of it, with the scores at the end."""
        final = final_scores(self.configuration.model, self.simulation.rows["profiles"][0].items(), None)
        return Told([json.loads(output_line(output)) for output in [*self.outputs, *final]])

    def _take(self, outputs: Iterable[Output]) -> None:
        self.outputs += outputs


def test_end_to_end_a_rep_leaves_and_the_next_is_told_and_owns_the_leads() -> None:
    """Andy gets `a` and `c`, Bea `b`; he wins `c`. At 1:00 he is gone: `a` is Bea's, due at 3:00, and `c` nobody's.

    At 2:00 she accepts it; at 3:00 `c` asks again and is hers, the only one who is left.
    """
    model = scoring(chats(85, decay="none"), alerts={"told": {"when": {"event": "chat"}, "cooldown": "1m"}})
    desk = {
        "assign_on": ["told"],
        "reps": {"andy": {}, "bea": {}},
        "teams": {"us": {"reps": ["andy", "bea"]}},
        "rules": [{"name": "us", "to": {"team": "us"}}],
        "sla": {"hot": {"accept_within": "2h"}},
    }
    product = Product(model, desk)
    product.read(
        at(0, lead="a"),
        at(1, lead="b"),
        at(2, lead="c"),
        says(MINUTE, "won", "c"),
        says(MINUTE, "contacted", "b", "bea"),
    )
    product.reload({**desk, "reps": {"bea": {}}, "teams": {"us": {"reps": ["bea"]}}}, HOUR)
    product.read(says(2 * HOUR, "accepted", "a", "bea"), at(3 * HOUR, lead="c"))
    told = product.told()
    assert told.assignments()[5:] == [
        ("reassigned", "a", "bea", HOUR),
        ("released", "c", None, HOUR),
        ("accepted", "a", "bea", 2 * HOUR),
        ("assigned", "c", "bea", 3 * HOUR),
    ]
    assert told.on("lead-assignments")[5]["due_at"] == to_rfc3339(T0 + 3 * HOUR)
    assert told.owners("a", "b", "c") == ["bea", "bea", "bea"]
    owners = [one["owner"] for one in told.on("lead-scores", "c")]
    assert [owner for owner, _ in groupby(owners)] == [None, "andy", None, "bea"]
