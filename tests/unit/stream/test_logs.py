"""What passes of the libraries' logs."""

import logging

import pytest

from engine.stream.logs import Relay


def test_each_kind_of_line_passes_once_in_a_while_and_says_how_many_were_held(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A broker that is down makes a hundred lines a second."""
    now_s = 0.0
    relay = Relay(logging.getLogger("engine.test"), interval_s=10.0, clock=lambda: now_s)

    def say(message: str, *args: object) -> None:
        relay.emit(logging.LogRecord("aiokafka", logging.ERROR, "", 0, message, args, None))

    for number in range(100):
        say("no broker %d", number)
    say("another matter")
    now_s = 10.0
    say("no broker %d", 100)
    assert [record.getMessage() for record in caplog.records] == [
        "aiokafka: no broker 0",
        "aiokafka: another matter",
        "aiokafka: no broker 100 (99 more like it)",
    ]


def test_tracebacks_and_line_breaks_do_not_pass(caplog: pytest.LogCaptureFixture) -> None:
    """One event is one line."""
    relay = Relay(logging.getLogger("engine.test"), interval_s=10.0)
    failure = (ValueError, ValueError("broken"), None)
    relay.emit(logging.LogRecord("mode", logging.ERROR, "", 0, "crashed:\n  %s", ("here",), failure))
    (record,) = caplog.records
    assert (record.getMessage(), record.exc_info) == ("mode: crashed: here", None)
