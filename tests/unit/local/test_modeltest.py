"""Tests of a configuration: read with every mistake named, replayed as simulate does, failures shown with the why."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.configuration import Configuration, load_folder
from engine.core.source import ConfigError
from engine.local.modeltest import read_tests, run_test
from tests.build import DAY, HOUR, T0, page, segment

MODEL = """
total: {engagement: 0.5, fit: 2}
bands: {warm: 20, hot: 40}
engagement:
  view: {when: {event: page_view}, points: 8, half_life: 1d, label: Read a page}
  demo: {when: {event: demo_request}, points: 24, decay: none, fast_track: true}
fit: {boss: {when: {traits.title: ceo}, points: 10}}
stages: {lead: {known: true}}
alerts:
  hot: {crosses: hot}
  fast: {fast_track: true}
  quiet: {silent_for: 7d}
actions: {mail: {when: {event: demo_request}, data: {to: '{traits.email}'}}}
"""
ROUTING = "assign_on: [fast]\nreps: {andy: {}}\nrules: [{name: all, to: {rep: andy}}]\n"
AT, LATER = "2026-11-23T00:00:00Z", "2026-12-01T00:00:00Z"
BOSS = segment("identify", T0, userId="u1", traits={"title": "CEO"})
DEMO = segment("demo_request", T0)


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    folder = tmp_path_factory.mktemp("config")
    (folder / "model.yaml").write_text(MODEL)
    (folder / "routing.yaml").write_text(ROUTING)
    return load_folder(folder)


def told(configuration: Configuration, path: Path, *tests: Any) -> list[list[str]]:
    """What is said of each test; JSON is YAML."""
    file = path / "tests.yaml"
    file.write_text(json.dumps(tests))
    jobs = configuration.jobs(1)
    read = read_tests([file], configuration.model, configuration.routing, jobs)
    return [run_test(configuration.model, jobs, test) for test in read]


def test_everything_that_a_test_can_expect_is_compared(configuration: Configuration, tmp_path: Path) -> None:
    """24 + 8 of behaviour half, 10 of fit twice: 0.5 × 32 + 2 × 10 = 36, warm; another value of each key fails."""
    events = [BOSS, page("/"), DEMO]
    right = {
        "lead": "u1",
        "total": 36,
        "engagement": 32,
        "fit": 10,
        "band": "warm",
        "grade": "B",
        "stage": "lead",
        "alerts": ["fast"],
        "actions": ["mail"],
        "rep": "andy",
        "rule": "all",
    }
    wrong = {
        "lead": "u2",
        "total": 36 + 2e-9,
        "engagement": 31,
        "fit": 9,
        "band": "hot",
        "grade": "A",
        "stage": "subscriber",
        "alerts": ["hot"],
        "actions": [],
        "rep": None,
        "rule": None,
    }
    tests: list[dict[str, Any]] = [{"name": "right", "events": events, "expect": right}]
    tests.append({"name": "near", "events": events, "expect": {**right, "total": 36 + 5e-10}})
    tests += [{"name": key, "events": events, "expect": {**right, key: value}} for key, value in wrong.items()]
    found = told(configuration, tmp_path, *tests)
    assert found[:2] == [[], []]
    assert [lines[0].partition(":")[0] for lines in found[2:]] == list(wrong)


def test_a_failure_shows_expected_and_got_and_the_arithmetic(configuration: Configuration, tmp_path: Path) -> None:
    """Half a day is half a half-life: 8 × 2^-0.5 = 5.656854 of 8, weighed 0.5 × 5.656854 = 2.828427."""
    events = [page("/"), segment("heartbeat", T0 + DAY // 2)]
    [lines] = told(configuration, tmp_path, {"name": "n", "events": events, "expect": {"total": 4, "alerts": ["hot"]}})
    assert lines[0].startswith("total: expected 4, got 2.828427")
    assert lines[1:4] == [
        "alerts: expected [hot], got []",
        "",
        f"ada (anonymous): 2.83, cold, as of 2026-11-23T12:00:00.000Z, model {configuration.model.version}",
    ]
    assert "       +5.656854  view, Read a page, once, last 2026-11-23T00:00:00.000Z" in lines
    assert "       +2.828427  engagement, 5.656854 * 0.5" in lines


def test_time_runs_on_to_until_and_no_further(configuration: Configuration, tmp_path: Path) -> None:
    """After seven days of silence the alert fires; before that, and without `until`, it does not."""
    tests = [
        {"name": "n", "events": [page("/")], **until, "expect": {"alerts": alerts}}
        for until, alerts in (({"until": LATER}, ["quiet"]), ({"until": "2026-11-29T23:59:59Z"}, []), ({}, []))
    ]
    assert told(configuration, tmp_path, *tests) == [[], [], []]


def test_a_lead_that_waits_has_a_rule_and_no_rep_until_somebody_is_there(tmp_path: Path) -> None:
    """Reps and rules of all desks can be expected; the shift begins at nine, six hours after the demo."""
    desk = "assign_on: [fast]\nreps: {dora: {hours: {mon-sun: '09:00-17:00'}}}\nrules: [{name: own, to: {rep: dora}}]\n"
    (tmp_path / "model.yaml").write_text(MODEL)
    (tmp_path / "routing.yaml").write_text(ROUTING + "desks: {eu: {when: {known: true}, file: eu.yaml}}\n")
    (tmp_path / "eu.yaml").write_text(desk)
    asked = [BOSS, segment("demo_request", T0 + 3 * HOUR, "ada", userId="u1")]
    tests = [
        {"name": "n", "events": asked, "expect": {"rep": None, "rule": "own"}},
        {"name": "n", "events": asked, "until": "2026-11-23T09:00:00Z", "expect": {"rep": "dora", "rule": "own"}},
        {"name": "n", "events": [BOSS], "expect": {"rep": None, "rule": None}},
    ]
    assert told(load_folder(tmp_path), tmp_path, *tests) == [[], [], []]


def test_a_list_expects_several_leads_and_one_lead_needs_no_name(configuration: Configuration, tmp_path: Path) -> None:
    both = [page("/", lead="ada"), page("/", lead="bob"), page("/", lead="bob")]
    expected = [{"lead": "ada", "engagement": 8}, {"lead": "bob", "engagement": 16}]
    swapped = [{"lead": "ada", "engagement": 16}, {"lead": "zoe", "engagement": 8}]
    right, wrong, nameless, alone = told(
        configuration,
        tmp_path,
        {"name": "right", "events": both, "expect": expected},
        {"name": "wrong", "events": both, "expect": swapped},
        {"name": "nameless", "events": both, "expect": {"engagement": 8}},
        {"name": "alone", "events": both[:1], "expect": {"engagement": 8}},
    )
    assert (right, alone) == ([], [])
    assert wrong[0] == "engagement: expected 16, got 8"
    assert wrong[-1] == "lead: expected zoe, got ada, bob"
    assert nameless == ["lead: expected one lead, since no `lead` is named, got ada, bob"]


def test_an_alert_of_a_browser_that_was_identified_later_is_its_persons(
    configuration: Configuration, tmp_path: Path
) -> None:
    test = {"name": "n", "events": [DEMO, BOSS], "expect": {"lead": "u1", "alerts": ["fast"], "actions": ["mail"]}}
    assert told(configuration, tmp_path, test) == [[]]


def test_a_record_of_another_topic_is_an_event_too(configuration: Configuration, tmp_path: Path) -> None:
    """The rep who has the lead says that it is won, and it is a customer."""
    won = {"type": "lead.won", "rep": "andy", "lead": "u1", "amount": 100, "currency": "EUR", "at": AT}
    record = {"topic": "rep-events", "key": "main", "value": won, "timestamp": AT}
    tests = [
        {"name": "before", "events": [BOSS, DEMO], "expect": {"stage": "lead", "rep": "andy"}},
        {"name": "after", "events": [BOSS, DEMO, record], "expect": {"stage": "customer"}},
    ]
    assert told(configuration, tmp_path, *tests) == [[], []]


def test_a_rejected_event_fails_its_test_with_the_reason(configuration: Configuration, tmp_path: Path) -> None:
    """Else a misspelled event would look like one that scores nothing."""
    events = [page("/"), {"typ": "page", "anonymousId": "ada"}]
    [lines] = told(configuration, tmp_path, {"name": "n", "events": events, "expect": {"engagement": 8}})
    assert len(lines) == 1
    assert lines[0].startswith("events[1] was rejected, reason schema: type is missing")


def test_a_record_that_is_none_fails_its_test(configuration: Configuration, tmp_path: Path) -> None:
    record = {"topic": "visitor-events", "value_base64": "?"}
    [lines] = told(configuration, tmp_path, {"name": "n", "events": [record], "expect": {"total": 0}})
    assert lines[0].startswith("events: line 1: not a record:")


def test_events_need_no_times_and_no_ids(configuration: Configuration, tmp_path: Path) -> None:
    """Each happens when the one before it did, and the same event twice counts twice."""
    view = segment("page_view", None)
    test = {"name": "n", "events": [page("/", T0 + HOUR), view, view], "expect": {"engagement": 24}}
    assert told(configuration, tmp_path, test) == [[]]


MISTAKES = """\
- name: first
  evnts: []
  events: [{type: page, timestamp: yesterday}, 7, {topic: visitor-event, value: {}}, {type: page, zip: 02134}]
  until: soon
  expect: {totl: 3, total: "3", band: warn, grade: E, stage: mql, alerts: [hto], actions: mail, rep: zoe, rule: al}
- {name: second, events: [], expect: {lead: ada}}
- {name: third, events: [{type: page}], expect: [{total: 1}]}
- {}
"""
SAID = """\
t.yaml:2:3: [0].evnts: `evnts` is not known; did you mean `events`?
t.yaml:3:36: [0].events[0].timestamp = "yesterday": expected a time such as 2026-11-23T04:30:00Z
t.yaml:3:48: [0].events[1] = 7: expected a Segment event, such as {type: page, anonymousId: ada, …}
t.yaml:3:59: [0].events[2].topic = "visitor-event": `visitor-event` is not known; did you mean `visitor-events`?
t.yaml:3:104: [0].events[3].zip = 02134: a number with a leading zero: if it is text, such as a zip, quote it: '02134'
t.yaml:4:10: [0].until = "soon": expected a time such as 2026-11-23T04:30:00Z
t.yaml:5:12: [0].expect.totl: `totl` is not known; did you mean `total`?
t.yaml:5:28: [0].expect.total = "3": expected a number, such as 10
t.yaml:5:39: [0].expect.band = "warn": there is no such band; did you mean `warm`?
t.yaml:5:52: [0].expect.grade = "E": there is no such grade; expected one of D, C, B, A
t.yaml:5:62: [0].expect.stage = "mql": there is no such stage; expected one of subscriber, lead, \
marketingqualifiedlead, salesqualifiedlead, opportunity, customer, evangelist, disqualified, recycled
t.yaml:5:76: [0].expect.alerts[0] = "hto": there is no such alert; did you mean `hot`?
t.yaml:5:91: [0].expect.actions = "mail": expected a list of actions
t.yaml:5:102: [0].expect.rep = "zoe": there is no such rep; expected one of andy
t.yaml:5:113: [0].expect.rule = "al": there is no such rule; did you mean `all`?
t.yaml:6:26: [1].events: 0 events; expected at least 1
t.yaml:6:30: [1].expect: nothing is expected: state one of total, engagement, fit, band, grade, stage, alerts, \
actions, rep, rule
t.yaml:7:50: [2].expect[0]: `lead` is missing: in a list each says of which lead it is
t.yaml:8:3: [3]: `name` is missing
t.yaml:8:3: [3]: `events` is missing
t.yaml:8:3: [3]: `expect` is missing
"""


def said(configuration: Configuration, path: Path, **files: str) -> str:
    for name, text in files.items():
        (path / f"{name}.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_tests(sorted(path.glob("*")), configuration.model, configuration.routing, configuration.jobs(1))
    return str(caught.value).replace(f"{path}/", "") + "\n"


def test_every_mistake_of_a_test_is_named_in_one_run(configuration: Configuration, tmp_path: Path) -> None:
    assert said(configuration, tmp_path, t=MISTAKES) == SAID


def test_the_mistakes_of_all_files_are_named(configuration: Configuration, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").mkdir()
    told = said(configuration, tmp_path, a="7", b="- 7").splitlines()
    assert [line.partition(":")[0] for line in told] == ["a.yaml", "b.yaml", "c.yaml"]


def test_a_file_without_tests_has_none(configuration: Configuration, tmp_path: Path) -> None:
    (tmp_path / "none.yaml").write_text("# later\n")
    assert read_tests([tmp_path / "none.yaml"], configuration.model, configuration.routing, configuration.jobs(1)) == []
