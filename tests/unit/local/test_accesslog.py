import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.local.accesslog import parse_line
from engine.local.parsed import Parsed, Unparsed
from tests.unit.local.real_log import REAL_LOGS

GOLDEN = Path(__file__).with_name("golden")
LINE = b'203.0.113.9 - - [10/Oct/2026:13:55:36 -0700] "GET %s HTTP/1.1" %s 12 "-" "agent"'


def parsed(line: bytes) -> Parsed:
    result = parse_line(line)
    assert isinstance(result, Parsed), result
    return result


def test_lines_become_the_events_of_the_golden_file() -> None:
    """Each line of access.log is the event, or has the fault, that access.jsonl states."""
    lines = (GOLDEN / "access.log").read_bytes().splitlines()
    expected = [json.loads(line) for line in (GOLDEN / "access.jsonl").read_text().splitlines()]
    results = [parse_line(line) for line in lines]
    assert [
        {"unparsed": result.reason}
        if isinstance(result, Unparsed)
        else {"time_ms": result.time_ms, "event": result.event}
        for result in results
    ] == expected


_FIELD = st.binary(max_size=30)


@given(st.binary(max_size=300))
@example(b'a - - [01/Jan/2026:00:00:00 +9999] "GET / HTTP/1.1" 200 1')
@example(b'a - - [01/Jan/0001:00:00:00 +2359] "GET //[ HTTP/1.1" 200 9999999999999999999')
def test_no_bytes_make_the_parser_raise(line: bytes) -> None:
    """Whatever a line holds, it is an event or has a reason."""
    assert isinstance(parse_line(line), Parsed | Unparsed)


@given(_FIELD, _FIELD, _FIELD, _FIELD)
def test_no_field_makes_the_parser_raise(target: bytes, status: bytes, referrer: bytes, agent: bytes) -> None:
    """A line that looks right but for its fields is an event that can be written as JSON, or has a reason."""
    line = b'a - - [01/Jan/2026:00:00:00 +0000] "GET %s" %s 1 "%s" "%s"' % (target, status, referrer, agent)
    result = parse_line(line)
    if isinstance(result, Parsed):
        json.dumps(result.event).encode()


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_quoted_fields_come_back_as_they_were(referrer: bytes, agent: bytes) -> None:
    """What Apache escapes in a quoted field is put back."""

    def escaped(field: bytes) -> bytes:
        return re.sub(rb'["\\]|[^ -~]', lambda m: b"\\x%02x" % m[0][0] if m[0] not in b'"\\' else b"\\" + m[0], field)

    line = b'a - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "%s" "%s"' % (escaped(referrer), escaped(agent))
    context = parsed(line).event["context"]
    assert context["page"].get("referrer", "") == ("" if referrer == b"-" else referrer.decode(errors="replace"))
    assert context.get("userAgent", "") == ("" if agent == b"-" else agent.decode(errors="replace"))


@pytest.mark.parametrize("status", [b"200", b"206", b"304"])
def test_a_file_that_was_delivered_is_a_download(status: bytes) -> None:
    event = parsed(LINE % (b"/files/Guide.PDF", status)).event
    assert (event["type"], event["event"]) == ("track", "file_download")
    assert event["properties"]["file_extension"] == "pdf"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/files/guide.pdf", b"404"),
        (b"/files/guide.pdf", b"301"),
        (b"/", b"200"),
        (b"/robots.txt", b"200"),
        (b"/v1.pdf/notes", b"200"),
    ],
)
def test_anything_else_is_a_page(target: bytes, status: bytes) -> None:
    assert parsed(LINE % (target, status)).event["type"] == "page"


def test_assets_are_pages_that_say_so() -> None:
    """So that a rule can leave them out."""
    assert parsed(LINE % (b"/style.css?v=2", b"200")).event["properties"]["asset"] is True
    assert "asset" not in parsed(LINE % (b"/style", b"200")).event["properties"]


def test_a_visitor_is_an_address_with_a_user_agent() -> None:
    """The same two give the same visitor in any log; another address or another agent is another visitor."""
    lines = [
        b'1.1.1.1 - - [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 1 "-" "x"',
        b'1.1.1.1 - - [11/Oct/2026:13:55:36 -0700] "GET /b HTTP/1.1" 200 1 "-" "x"',
        b'1.1.1.2 - - [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 1 "-" "x"',
        b'1.1.1.1 - - [10/Oct/2026:13:55:36 -0700] "GET /a HTTP/1.1" 200 1 "-" "y"',
    ]
    first, same, *others = [parsed(line).event["anonymousId"] for line in lines]
    assert first == same
    assert len({first, *others}) == 3


@pytest.mark.parametrize("path", REAL_LOGS, ids=str)
def test_a_real_log_parses_to_the_line(path: Path) -> None:
    """Each line is an event or is counted; duplicates, and only they, share a messageId; all addresses are kept."""
    lines = path.read_bytes().splitlines()
    results = [parse_line(line) for line in lines]
    events = [result.event for result in results if isinstance(result, Parsed)]
    faulty = [number for number, result in enumerate(results, start=1) if isinstance(result, Unparsed)]

    assert (len(lines), len(events), faulty) == (10_000, 9_999, [8_899])
    assert len(lines) - len(set(lines)) == 19
    assert len({event["messageId"] for event in events}) == len({line for line in lines if line != lines[8_898]})
    assert {event["context"]["ip"] for event in events} == {line.split()[0].decode() for line in lines}
    assert len({event["context"]["ip"] for event in events}) == 1_753
    assert sum("campaign" in event["context"] for event in events) == sum(b"utm_" in line for line in lines) == 153
    assert Counter(event["type"] for event in events) == {"page": 9_893, "track": 106}
