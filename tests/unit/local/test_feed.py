import io
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from engine.core.instants import from_rfc3339
from engine.local.feed import Metronome, Pace, print_events, shift_ms
from engine.local.reading import EXAMPLES_MAX, Fed, Span, wall_clock_ms
from tests.unit.local.real_log import REAL_LOGS

LOG = [
    'a - - [17/May/2015:10:05:03 +0000] "GET /one HTTP/1.1" 200 1 "-" "x"',
    "broken \x1b[31mred\x1b[0m",
    'b - - [17/May/2015:12:05:03 +0000] "GET /latest HTTP/1.1" 200 1 "-" "x"',
    'a - - [17/May/2015:11:05:03 +0000] "GET /last HTTP/1.1" 200 1 "-" "x"',
]
NOW_MS = from_rfc3339("2026-11-23T12:00:00Z")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text("\n".join(LOG) + "\n")
    return path


def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def said(shown: Console) -> str:
    assert isinstance(shown.file, io.StringIO)
    return shown.file.getvalue()


def test_the_latest_line_is_now(log: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """All times move by the same, lines keep the file's order, and read = printed + unparsed."""
    before_ms = wall_clock_ms()
    fed = print_events(str(log), console())
    events = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    times = [from_rfc3339(event["timestamp"]) for event in events]
    assert [event["context"]["page"]["path"] for event in events] == ["/one", "/latest", "/last"]
    assert before_ms <= max(times) <= wall_clock_ms()
    assert [max(times) - time for time in times] == [7_200_000, 0, 3_600_000]
    assert (fed.read, fed.sent, fed.unparsed) == (4, 3, 1)


def test_kept_times_are_those_of_the_log(log: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """And the limit counts lines, those that do not parse included."""
    fed = print_events(str(log), console(), keep_times=True, limit=2)
    (event,) = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert event["timestamp"] == "2015-05-17T10:05:03.000Z"
    assert (fed.read, fed.sent, fed.unparsed) == (2, 1, 1)


def test_lines_that_do_not_parse_are_shown(log: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """With number and reason, and without what a terminal would obey; the sum is said."""
    shown = console()
    print_events(str(log), shown)
    assert "4 lines read = 3 printed + 1 that do not parse" in said(shown)
    assert "line 2: expected" in said(shown)
    assert "\x1b" not in said(shown)


@given(st.integers(0, 50))
def test_only_the_first_faults_are_kept(faults: int) -> None:
    """A file of nothing but garbage takes no more memory than a good one."""
    fed = Fed()
    for number in range(faults):
        fed.read += 1
        fed.refuse(f"fault {number}", b"x" * 1000)
    assert fed.unparsed == faults
    assert [example.line_number for example in fed.examples] == list(range(1, min(faults, EXAMPLES_MAX) + 1))


@pytest.mark.parametrize("path", REAL_LOGS, ids=str)
def test_a_real_log_is_read_to_the_line(path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Read = printed + unparsed, and the order of the file stays, though it is not that of time."""
    fed = print_events(str(path), console(), keep_times=True)
    events = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    times = [event["timestamp"] for event in events]
    assert (fed.read, fed.sent, fed.unparsed, len(events)) == (10_000, 9_999, 1, 9_999)
    assert sum(after < before for before, after in pairwise(times)) == 4_915


@given(
    st.integers(0, 10**12), st.integers(0, 10**10), st.none() | st.floats(0.01, 1e6), st.lists(st.integers(0, 10**10))
)
def test_no_event_lies_ahead_of_the_clock_when_it_is_sent(
    first_ms: int, lasts_ms: int, speed: float | None, within: list[int]
) -> None:
    """At any speed; and at the log's own pace or faster the last is now when it leaves."""
    times = [first_ms, *(first_ms + offset for offset in sorted(within) if offset <= lasts_ms), first_ms + lasts_ms]
    pace = Pace(speed=speed)
    shift = shift_ms(Span(times[0], times[-1]), pace, NOW_MS)
    metronome = Metronome(pace)
    sent_ms = [NOW_MS + 1000 * metronome.due_s(time) for time in times]
    assert all(time + shift <= sent + 1 for time, sent in zip(times, sent_ms, strict=True))
    if speed is None or speed >= 1:
        assert times[-1] + shift == pytest.approx(sent_ms[-1], abs=1)


def test_a_rate_is_so_many_events_a_second() -> None:
    metronome = Metronome(Pace(rate=4))
    assert [metronome.due_s(time) for time in (None, 5, 0, 10**15)] == [0, 0.25, 0.5, 0.75]


def test_time_does_not_run_back_where_lines_are_out_of_order() -> None:
    """A line from the past, or without a time, leaves with the one before it."""
    metronome = Metronome(Pace(speed=2))
    assert [metronome.due_s(time) for time in (None, 10_000, 14_000, 12_000, None, 16_000)] == [0, 0, 2, 2, 2, 3]


def test_as_fast_as_it_goes_waits_for_nothing() -> None:
    metronome = Metronome(Pace())
    assert [metronome.due_s(time) for time in (0, 10**12, None)] == [0, 0, 0]
