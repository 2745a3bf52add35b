"""What `heatline route` answers: as the desk would, for a lead as it is described or as a record shows it."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.configuration import load_folder
from engine.core.instants import from_rfc3339
from engine.local.dryrun import decide, lead_of, lines, request_of
from engine.local.errors import LocalError
from engine.local.simulate import Simulation
from engine.routing.config import Routing
from engine.routing.routingfile import load_routing
from tests.build import model, segment

CONFIG = Path(__file__).parents[3] / "config"
AT_MS = from_rfc3339("2026-11-23T15:00:00Z")
MODEL = model("engagement: {view: {when: {event: page_view}, points: 20}}\nbands: {warm: 30, hot: 80}\n")
ROUTING = """\
assign_on: []
reps:
  andy: {territories: [boston]}
  bea: {hours: {mon-fri: '09:00-12:00'}, skills: {product: [loans]}}
  carla: {skills: {product: [loans]}}
  dora: {}
territories: {boston: {country: US, zip: '021*'}}
regions: {east: {reps: [andy], manager: carla}}
teams: {loans: {reps: [andy, bea, carla]}}
rules:
  - {name: best, when: {total: {gt: 90}}, to: {rep: carla}, override: true}
  - {name: viewer, when: {points.view: {gte: 40}}, to: {rep: dora}}
  - {name: own, to: territory}
  - {name: german, when: {country: Germany, language: de}, to: {rep: bea}}
  - {name: lenders, when: {traits.industry: banking}, to: {team: loans}, needs: [product]}
  - {name: rest, to: {rep: dora}}
sla: {hot: {accept_within: 15m}}
"""


def routing(text: str = ROUTING, **files: str) -> Routing:
    return load_routing(text, "routing.yaml", read=files.get)


def answer(lead: dict[str, Any], at_ms: int = AT_MS, by: Routing | None = None) -> Any:
    return decide(by or routing(), request_of(lead, MODEL, at_ms), at_ms)


def told(lead: dict[str, Any]) -> list[str]:
    return list(lines(answer(lead)))


@pytest.mark.parametrize(
    ("lead", "rule", "rep"),
    [
        ({}, "rest", "dora"),
        ({"total": 90}, "rest", "dora"),
        ({"total": 90.01}, "best", "carla"),
        ({"country": "United States", "zip": "02134-1000"}, "own", "andy"),
        ({"zip": "02134"}, "rest", "dora"),
        ({"traits": {"address": {"country": "USA", "postalCode": "02134"}}}, "own", "andy"),
        ({"traits": {"country": "US", "zip": "02134"}, "zip": "10001"}, "rest", "dora"),
        ({"country": "Deutschland", "language": "de-DE"}, "german", "bea"),
        ({"traits": {"industry": "Banking"}, "product": "loans"}, "lenders", "carla"),
        ({"points.view": 40}, "viewer", "dora"),
    ],
)
def test_the_rule_decides_that_would_for_a_lead_that_asks(lead: dict[str, Any], rule: str, rep: str) -> None:
    """Places may be named, and what is said beside the record comes before what the record says.

    At three in the afternoon bea has gone: she waits for nobody where others are there.
    """
    found = answer(lead)
    if rule == "german":
        assert (found.rule, found.rep) == ("rest", "dora")
        assert "bea" in [step.candidate for step in found.trace]
        assert answer(lead, AT_MS - 4 * 3_600_000).rep == "bea"
    else:
        assert (found.rule, found.rep) == (rule, rep)


def test_a_record_of_lead_scores_is_read_as_it_is(tmp_path: Path) -> None:
    """With or without its envelope; what its rules give is in its contributions."""
    contribution = {"part": "engagement", "rule": "view", "label": None, "group": None, "count": 2, "last": None}
    data = {
        "lead": "u1", "known": True, "engagement": 40, "fit": 0, "total": 40, "band": "warm", "grade": "D",
        "stage": "lead", "owner": None, "persona": None, "product": "loans", "fast_track": False,
        "at": "2026-11-23T09:00:00Z", "contributions": [{**contribution, "points": 40}], "traits": {"country": "FR"},
        "counts": {"page_view": 2}, "first_touch": {"at": "2026-11-23T09:00:00Z", "channel": "direct", "source": None,
        "medium": None, "campaign": None, "page": None}, "sessions": 1, "ids": {"user": "u1", "anonymous": []},
    }  # fmt: skip
    file = tmp_path / "lead.json"
    for content in (data, {"specversion": "1.0", "type": "io.heatline.lead.score_changed.v1", "data": data}):
        file.write_text(json.dumps(content))
        assert answer(lead_of(file, {})).rule == "viewer"
        assert answer(lead_of(file, {"total": 95.0, "zip": None})).rule == "best"


def test_who_has_the_lead_keeps_it_unless_a_rule_overrides() -> None:
    """An owner who is no rep keeps nothing."""
    kept = answer({"owner": "bea", "total": 50})
    assert (kept.rep, kept.rule, kept.reason) == ("bea", None, "bea owns the lead")
    assert (answer({"owner": "bea", "total": 95}).rep, answer({"owner": "zoe"}).rep) == ("carla", "dora")


@pytest.mark.parametrize(
    "traits",
    [
        {"country": "US", "address": {"postalCode": "11215-3404"}},
        {"country": "US", "state": "TX", "employees": 2500},
        {"country": "France", "language": "fr-FR"},
        {"company_type": "broker", "title": "\x1b[31mCEO"},
    ],
)
def test_the_answer_is_the_one_that_the_lead_got(tmp_path: Path, traits: dict[str, Any]) -> None:
    """By the record of its score but for the owner, rule by rule, rep by rep: under the shipped configuration."""
    loaded = load_folder(CONFIG)
    simulation = Simulation(loaded.jobs(1), 1)
    events = [
        segment("identify", AT_MS, "browser", userId="u1", traits=traits),
        segment("quote_request", AT_MS, "browser", userId="u1", properties={"product": "pensions"}),
    ]
    outputs = [out for n, event in enumerate(events) for out in simulation.line(json.dumps(event).encode(), n)]
    scores, assigned = (
        [out.value for out in outputs if out.topic == topic] for topic in ("lead-scores", "lead-assignments")
    )
    got = json.loads(assigned[-1] or b"")["data"]
    file = tmp_path / "lead.json"
    score = json.loads(scores[-1] or b"")
    assert score["data"]["owner"] == got["rep"]
    file.write_text(json.dumps({**score, "data": {**score["data"], "owner": None}}))
    found = decide(loaded.routing, request_of(lead_of(file, {}), loaded.model, AT_MS), AT_MS)
    assert (found.rule, found.rep, found.due_at) == (got["rule"], got["rep"], got["due_at"])
    assert msgspec.to_builtins(found.trace) == got["trace"]


def test_the_lines_say_every_step_then_who_where_and_by_when() -> None:
    """15 minutes of an always open rep's time from three o'clock on."""
    assert told({"country": "US", "zip": "02134", "total": 85}) == [
        "rule best: passed over: does not hold: total = 85.0",
        "rule viewer: passed over: does not hold: points.view = 0.0",
        "rule own: matched: has no condition",
        "  rep andy: picked: next in turn in the territory",
        "this lead goes to andy: rule own, next in turn in the territory",
        "desk main, region east, territory boston, due at 2026-11-23T15:15:00.000Z",
    ]


def test_a_lead_that_nobody_can_take_waits_and_it_says_until_when() -> None:
    only_bea = "assign_on: []\nreps: {bea: {hours: {mon-fri: '09:00-12:00'}}}\nrules: [{name: all, to: {rep: bea}}]\n"
    found = list(lines(answer({}, by=routing(only_bea))))
    assert found[-2] == "this lead waits: rule all: nobody of bea is there before 2026-11-24T09:00:00.000Z"
    assert "outside hours: Monday 15:00 in UTC" in found[-3]


def test_the_desk_is_the_first_that_holds() -> None:
    text = ROUTING + "desks: {eu: {when: {country: [Germany]}, file: eu.yaml}}\n"
    eu = {"eu.yaml": "assign_on: []\nreps: {emil: {}}\nrules: [{name: all, to: {rep: emil}}]\n"}
    found = answer({"country": "DE"}, by=load_routing(text, "routing.yaml", read=eu.get))
    assert (found.desk, found.rep) == ("eu", "emil")


@pytest.mark.parametrize(
    ("lead", "said"),
    [
        ({"total": "90"}, "total"),
        ({"total": True}, "total"),
        ({"total": float("nan")}, "total = NaN: expected a number"),
        ({"known": "yes"}, "known"),
        ({"traits": ["a"]}, "traits"),
        ({"counts": {"page_view": "many"}}, "counts"),
        ({"last_touch": 7}, "last_touch"),
        ({"zip": ["02134"]}, 'zip = ["02134"]: expected text'),
        ({"country": 7}, "country = 7: expected text"),
        ({"city": "Rome", "state": {"\x1b[31m": "\u202e"}}, r'state = {"\u001b[31m": "\u202e"}: expected text'),
        ({"contributions": [{"rule": 7}]}, "contributions"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(lead: dict[str, Any], said: str) -> None:
    with pytest.raises(LocalError) as caught:
        answer(lead)
    message = str(caught.value)
    assert message.startswith("the lead cannot be read: ")
    assert said in message
    assert message.isprintable()


@pytest.mark.parametrize("content", [b"", b"7", b"[]", b"{", b"\xff", b'{"a":1e999}', b"[" * 100_000, b"{}{}"])
def test_a_file_that_holds_no_lead_is_said(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "lead.json"
    file.write_bytes(content)
    with pytest.raises(LocalError, match=r"lead\.json: not a JSON object"):
        lead_of(file, {})


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(LocalError, match="cannot be read"):
            lead_of(file, {})


def test_what_a_stranger_wrote_cannot_steer_the_terminal() -> None:
    """Escapes, control characters and overrides of direction in any text are gone; a line stays one line."""
    hostile = "\x1b[31m\x9b2J\u202eB\r\nthis lead goes to mallory" + "x" * 100_000
    seen = dict.fromkeys(("country", "state", "county", "city", "zip", "language"), hostile)
    read = {"traits": {"industry": hostile}, "product": hostile, "owner": hostile, "band": hostile}
    text = ROUTING.replace("{traits.industry: banking}", "{traits.industry: {exists: true}}")
    more = "- {name: all, when: {city: {not_in: [a]}, product: {not_in: [a]}, owner: {not_in: [a]}}, to: {rep: dora}}"
    by = routing(text.replace("- {name: rest", f"{more}\n  - {{name: rest"))
    found = list(lines(answer({**seen, **read}, by=by)))
    assert all(line.isprintable() for line in found)
    assert max(map(len, found)) < 400
    assert "goes to mallory" not in "\n".join(line for line in found if line.startswith("this lead"))


def test_a_total_has_the_band_of_the_model() -> None:
    assert [request_of({"total": total}, MODEL, 0).band for total in (29.9, 30, 80)] == ["cold", "warm", "hot"]
