"""The whole product as a function: lines in, lines out, byte for byte."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.configuration import Configuration, load_folder
from engine.core.instants import to_rfc3339
from engine.core.partitioner import by_murmur2
from engine.local.errors import SimulateError
from engine.local.simulate import read_lines, run
from tests.build import DAY, HOUR, T0, page, segment
from tests.stories import LAWFUL

STORY = Path(__file__).parents[2] / "golden" / "story"
INTERNAL = {"routing-requests", "lead-inbox"}
MODEL = """
publish_from: cold
engagement: {view: {when: {event: page_view}, points: 40}, chat: {when: {event: chat}, points: 1}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model only."""
    path = tmp_path_factory.mktemp("config")
    (path / "model.yaml").write_text(MODEL)
    return path


@pytest.fixture(scope="module")
def shown(folder: Path) -> Configuration:
    return load_folder(folder)


def raw(configuration: Configuration, *lines: bytes, partitions: int = 1, **options: Any) -> bytes:
    out = io.BytesIO()
    run(configuration.model, configuration.jobs(partitions), lines, out, partitions=partitions, **options)
    return out.getvalue()


def simulate(configuration: Configuration, *lines: Any, **options: Any) -> list[dict[str, Any]]:
    """The output lines of input lines that are bytes or go into JSON."""
    packed = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return [json.loads(line) for line in raw(configuration, *packed, **options).splitlines()]


def rejected(line: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Reason and payload of a dead letter."""
    data = line["value"]["data"]
    assert line["topic"] == "dead-letters"
    return data["failure"]["reason"], data["payload"]


def test_a_story_with_an_alert_and_an_assignment_is_the_golden_file_twice() -> None:
    """It is `heatline simulate in.jsonl --config . --partitions 2 --final --internal`, to the byte but for rows."""
    for _ in range(2):
        configuration = load_folder(STORY)
        lines = read_lines([STORY / "in.jsonl"])
        told = raw(configuration, *lines, partitions=2, final=True, internal=True)
        assert re.sub(rb'"row":"[^"]+"', b'"row":"packed"', told) == (STORY / "out.jsonl").read_bytes()


def test_internal_messages_and_final_scores_are_printed_when_asked_for_only() -> None:
    golden = (STORY / "out.jsonl").read_bytes().splitlines()
    topics = [json.loads(line)["topic"] for line in golden]
    lines = list(read_lines([STORY / "in.jsonl"]))
    leads = 2
    wanted = [line for line, topic in zip(golden[:-leads], topics, strict=False) if topic not in INTERNAL]
    assert raw(load_folder(STORY), *lines, partitions=2).splitlines() == wanted
    assert INTERNAL.issubset(topics)


@LAWFUL
@given(
    st.lists(
        st.builds(page, st.sampled_from(("/a", "/b")), st.integers(T0, T0 + HOUR), st.sampled_from("abc")), max_size=8
    ),
    st.integers(1, 7),
)
def test_the_number_of_partitions_changes_no_score(events: list[dict[str, Any]], partitions: int) -> None:
    configuration = load_folder(STORY)
    one, many = (simulate(configuration, *events, partitions=count, final=True) for count in (1, partitions))
    assert [line["value"] for line in one] == [line["value"] for line in many]
    assert all(line["partition"] == by_murmur2(line["key"].encode(), partitions) for line in many)


def test_a_bare_events_key_is_its_anonymous_id_else_its_user_id_and_offsets_count_per_partition(
    shown: Configuration,
) -> None:
    events = [{"type": "?", "anonymousId": "ada", "userId": "u"}, {"type": "?", "userId": "u"}, {"type": "?"}]
    letters = [rejected(line)[1] for line in simulate(shown, *events, events[0], partitions=3)]
    assert [letter["key"] for letter in letters] == ["ada", "u", None, "ada"]
    places = [by_murmur2(key, 3) for key in (b"ada", b"u", b"", b"ada")]
    assert [letter["partition"] for letter in letters] == places
    assert [letter["offset"] for letter in letters] == [places[:place].count(at) for place, at in enumerate(places)]


def test_a_bare_events_record_time_is_the_first_that_it_states_and_never_goes_back(shown: Configuration) -> None:
    """The largest of receivedAt, else timestamp, else originalTimestamp, and the clock; 1970 where nothing says."""
    names = ("receivedAt", "timestamp", "originalTimestamp")
    stamps = dict(zip(names, map(to_rfc3339, (T0 + 3, T0 + 2, T0 + 1)), strict=True))
    events = [
        {"type": "?"},
        {"type": "?", "originalTimestamp": stamps["originalTimestamp"]},
        {"type": "?", "timestamp": "yesterday"},
        {"type": "?", "originalTimestamp": stamps["originalTimestamp"], "timestamp": stamps["timestamp"]},
        {"type": "?", **stamps},
        {"type": "?", "timestamp": to_rfc3339(T0 - DAY)},
    ]
    times = [rejected(line)[1]["timestamp"] for line in simulate(shown, *events)]
    assert times == [to_rfc3339(at) for at in (0, T0 + 1, T0 + 1, T0 + 2, T0 + 3, T0 + 3)]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda event: {"message": event, "userId": "u", "topic": "visitor-events"},
        lambda event: {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": event},
    ],
    ids=["RudderStack", "CloudEvents"],
)
def test_a_wrapped_bare_event_has_the_key_and_time_of_the_event_in_it(shown: Configuration, wrap: Any) -> None:
    wrapped, bare = (simulate(shown, event, partitions=5) for event in (wrap(page("/")), page("/")))
    assert wrapped == bare


def test_a_line_that_is_no_json_is_a_record_of_those_bytes(shown: Configuration) -> None:
    lines = [b"not json\r\n", b'{"a":NaN}\n', b'"text"', b"\xff\xfe", b"[" * 5_000]
    letters = [rejected(line) for line in simulate(shown, *lines)]
    assert [reason for reason, _ in letters] == ["json"] * len(lines)
    values = [base64.b64decode(payload["value_base64"]) for _, payload in letters]
    assert values == [line.strip(b"\r\n") for line in lines]


def test_empty_lines_are_no_records(shown: Configuration) -> None:
    assert simulate(shown, b"\n", b"\r\n", b"") == []


@pytest.mark.parametrize("timestamp", [T0, to_rfc3339(T0)])
def test_a_record_line_is_the_record_it_states(shown: Configuration, timestamp: Any) -> None:
    """Its value may be any JSON, to the byte, or base64; times may go back, the clock never does."""
    away = (by_murmur2(b"ada", 3) + 1) % 3
    headers = {"a": "1", "b": None}
    stated = {"topic": "visitor-events", "key": "k", "timestamp": timestamp, "headers": headers, "partition": away}
    values: list[dict[str, Any]] = [{"value": None}, {"value": 5}, {"value_base64": base64.b64encode(b"\xff").decode()}]
    later = page("/", T0 + DAY)
    stateds = [{**stated, **value} for value in values]
    _, *lines, last = simulate(shown, later, *stateds, {"type": "?"}, partitions=3)
    assert rejected(last)[1]["timestamp"] == to_rfc3339(T0 + DAY)
    payloads = [rejected(line)[1] for line in lines]
    packed = [payload["value_base64"] and base64.b64decode(payload["value_base64"]) for payload in payloads]
    assert packed == [None, b"5", b"\xff"]
    for offset, payload in enumerate(payloads):
        assert (payload["key"], payload["partition"], payload["offset"]) == ("k", away, offset)
        assert payload["timestamp"] == to_rfc3339(T0)
        assert payload["headers"] == [["a", base64.b64encode(b"1").decode()], ["b", None]]


def test_numbers_that_nobody_reads_may_be_of_any_size(shown: Configuration) -> None:
    line = json.dumps(page("/"))[:-1].encode() + b',"n":1e999,"m":' + b"9" * 5_000 + b"}"
    assert simulate(shown, line) == simulate(shown, page("/"))
    stated = b'{"topic":"visitor-events","key":"ada","timestamp":%d,"value":%s}' % (T0, line)
    assert simulate(shown, stated) == simulate(shown, page("/"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"topic": "lead-scores", "value": 1}, "line 2: topic = 'lead-scores': expected one of lead-inbox, rep-events"),
        ({"topic": 5, "value": 1}, "line 2: not a record: Expected `str`, got `int`"),
        ({"topic": "visitor-events", "value_base64": "?"}, "line 2: not a record: "),
        ({"topic": "visitor-events", "value": 1, "timestamp": "now"}, "line 2: timestamp = 'now': expected RFC 3339"),
        ({"topic": "visitor-events", "value": 1, "partition": 1}, "line 2: partition = 1: visitor-events has those"),
        ({"topic": "rep-events", "value": 1, "partition": -1}, "line 2: partition = -1: rep-events has those"),
    ],
)
def test_a_line_that_states_no_possible_record_ends_the_run_with_its_number(
    shown: Configuration, line: Any, message: str
) -> None:
    with pytest.raises(SimulateError) as caught:
        simulate(shown, page("/"), line)
    assert str(caught.value).startswith(message)


def test_internal_messages_are_handled_at_once_also_between_lanes(shown: Configuration) -> None:
    """An event in another partition than its lead's is forwarded, on one line however it was written."""
    away = 1 - by_murmur2(b"ada", 2)
    value = base64.b64encode(json.dumps(page("/"), indent=2).encode()).decode()
    stated = {"topic": "visitor-events", "partition": away, "timestamp": T0, "value_base64": value}
    forwarded, score = simulate(shown, stated, partitions=2, internal=True)
    assert (forwarded["topic"], forwarded["value"]) == ("lead-inbox", page("/"))
    assert (score["topic"], score["partition"], score["key"]) == ("lead-scores", 1 - away, "ada")


def test_final_ends_with_every_lead_in_order_each_as_of_its_own_now(shown: Configuration) -> None:
    lines = simulate(shown, page("/", T0, "bob"), page("/", T0 + DAY, "ada"), segment("chat", T0, "cy"), final=True)
    final = [line["value"]["data"] for line in lines[-3:]]
    assert [lead["lead"] for lead in final] == ["ada", "bob", "cy"]
    assert [lead["at"] for lead in final] == [to_rfc3339(at) for at in (T0 + DAY, T0, T0)]
    assert [lead["total"] for lead in final] == [40, 40, 1]


def test_final_is_as_of_until(shown: Configuration) -> None:
    until = to_rfc3339(T0 + 30 * DAY)
    *_, final = simulate(shown, page("/"), final=True, until=until)
    assert (final["value"]["data"]["at"], final["value"]["data"]["total"]) == (until, 20)


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    path = tmp_path_factory.mktemp("timed")
    (path / "model.yaml").write_text(
        f"{MODEL}alerts: {{cooled: {{falls_below: 20}}, left: {{when: {{signal: form_abandoned}}}}}}"
    )
    return load_folder(path)


def alerted(lines: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Lead, alert and the instant of its cause."""
    alerts = [line["value"]["data"] for line in lines if line["topic"] == "lead-alerts"]
    return [(alert["lead"], alert["alert"], alert["cause"]["time"]) for alert in alerts]


def test_what_falls_due_behind_the_last_line_happens_up_to_until(timed: Configuration) -> None:
    """40 points halve in 30 days to exactly 20, so the lead is below 20 a millisecond later."""
    falls = T0 + 30 * DAY + 1
    assert alerted(simulate(timed, page("/"))) == []
    assert alerted(simulate(timed, page("/"), until=to_rfc3339(falls - 1))) == []
    assert alerted(simulate(timed, page("/"), until=to_rfc3339(falls))) == [("ada", "cooled", to_rfc3339(falls))]


def test_what_falls_due_before_a_line_happens_before_it_in_whatever_partition(timed: Configuration) -> None:
    """A form is abandoned after half an hour: before a line of that very instant, not before an earlier one."""
    form = segment("form_start", T0, "ada", properties={"form_id": "trial"})
    abandoned = T0 + HOUR // 2
    for lead, partitions in (("bob", 1), ("bob", 5), ("cy", 5)):
        early, late = segment("chat", abandoned - 1, lead), segment("chat", abandoned, lead)
        lines = simulate(timed, form, early, late, partitions=partitions)
        topics = [
            (line["topic"], line["key"]) for line in lines if line["topic"] == "lead-alerts" or line["key"] == lead
        ]
        assert topics == [("lead-scores", lead), ("lead-alerts", "ada"), ("lead-scores", lead)]
        assert alerted(lines) == [("ada", "left", to_rfc3339(abandoned))]


def test_final_leaves_out_leads_that_were_given_up_on_the_way(timed: Configuration) -> None:
    """An anonymous lead with less than a point, 1 · 2^-1 = 0.5, that was silent for 30 days has no row any more."""
    events = segment("chat"), page("/", T0, "bob")
    for until_ms, leads in ((T0 + 30 * DAY - 1, ["ada", "bob"]), (T0 + 30 * DAY, ["bob"])):
        until = to_rfc3339(until_ms)
        without = simulate(timed, *events, partitions=2, until=until)
        final = simulate(timed, *events, partitions=2, until=until, final=True)[len(without) :]
        assert [line["key"] for line in final] == leads
        assert {line["value"]["data"]["at"] for line in final} == {until}


@pytest.mark.parametrize("until", ["tomorrow", "", "2026-11-23"])
def test_until_must_be_a_time(shown: Configuration, until: str) -> None:
    with pytest.raises(SimulateError, match="expected a time such as"):
        simulate(shown, until=until)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SimulateError, match=r"missing\.jsonl: cannot be read: No such file"):
        list(read_lines([tmp_path / "missing.jsonl"]))
