"""Logs: one JSON object a line off a terminal, masked, limited, harmless."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from engine.ops.logs import AUDIT, JsonFormatter, RateLimit, TextFormatter, clean, lead_hash, setup_logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave the interpreter's loggers as they were."""
    names = ("", "engine", "faust", "mode", "aiokafka")
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = logging.getLogger().handlers
    yield
    logging.captureWarnings(capture=False)
    logging.getLogger().handlers = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("engine.stream.lane", logging.WARNING, __file__, 1, message, args, None)
    made.created = 1_763_872_200.25
    made.__dict__.update(extra)
    return made


def test_off_a_terminal_each_line_is_one_json_object() -> None:
    """With the place of the record in Kafka, and the lead as a hash."""
    stream = io.StringIO()
    setup_logs("info", "auto", stream)
    logging.getLogger("engine.stream").info("two\nlines", extra={"topic": "visitor-events", "offset": 7, "lead": "u1"})
    (line,) = stream.getvalue().splitlines()
    read = json.loads(line)
    assert read["message"] == "two\nlines"
    assert (read["level"], read["logger"], read["topic"], read["offset"]) == (
        "info",
        "engine.stream",
        "visitor-events",
        7,
    )
    assert read["lead_hash"] == lead_hash("u1")
    assert "lead" not in read
    assert read["time"].endswith("Z")


def test_on_a_terminal_lines_are_text_unless_asked_otherwise() -> None:
    """`auto` looks at the stream."""
    for form, is_json in (("auto", False), ("text", False), ("json", True)):
        stream = Terminal()
        setup_logs("info", form, stream)  # type: ignore[arg-type]  # a parametrised Literal
        logging.getLogger("engine").info("hello")
        assert stream.getvalue().startswith("{") == is_json


def test_a_level_is_for_our_own_loggers_only() -> None:
    """`debug` must not make Faust and aiokafka build a record for each of their calls."""
    stream = io.StringIO()
    setup_logs("debug", "text", stream)
    logging.getLogger("engine.core").debug("ours")
    for name in ("faust.worker", "mode.services", "aiokafka.consumer", "asyncio"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
    assert logging.getLogger().level == logging.WARNING
    assert "ours" in stream.getvalue()


def test_addresses_are_masked_everywhere() -> None:
    """In messages, arguments, fields and traces."""
    try:
        raise ValueError("for jane.doe+x@mail.example.co.uk")
    except ValueError:
        failed = record("of %s", "Bob@example.com", event="bob@example.com")
        failed.exc_info = sys.exc_info()
    for formatter in (JsonFormatter(), TextFormatter()):
        line = formatter.format(failed)
        assert "example" not in line
        assert line.count("***@***") == 4, "the trace shows its source line, too"
    assert clean("no address: a@b, @handle, user@localhost") == "no address: a@b, @handle, user@localhost"


def test_what_a_terminal_obeys_is_shown_instead() -> None:
    """A visitor's page title cannot clear the screen or start a line of its own."""
    line = TextFormatter().format(record("title %s", "\x1b[2J\r\nfake\u202e", topic="\x9b1m"))
    assert line.isprintable()
    assert "\\x1b[2J\\r\\nfake\\u202e" in line
    assert json.loads(JsonFormatter().format(record("\x1b[2J")))["message"] == "\x1b[2J"
    assert "\x1b" not in JsonFormatter().format(record("\x1b[2J"))


def test_a_flood_of_one_message_is_counted_and_others_pass() -> None:
    """At most so many of a key in a window; the first after it tells how many were held back."""
    now_s = 0.0
    limit = RateLimit(passed=2, window_s=10.0, clock=lambda: now_s)
    assert [limit.filter(record("broker %s away", n)) for n in range(5)] == [True, True, False, False, False]
    assert limit.filter(record("another"))
    now_s = 10.0
    again = record("broker %s away", 9)
    assert limit.filter(again)
    assert again.getMessage() == "broker 9 away (3 more like it)"


def test_no_line_of_who_did_what_is_held_back() -> None:
    """All of them have one message: what they say is its argument."""
    limit = RateLimit(passed=1, clock=lambda: 0.0)
    lines = [logging.LogRecord(AUDIT, logging.INFO, "", 0, "%s", (n,), None) for n in range(50)]
    assert all(limit.filter(line) for line in lines)


def test_the_memory_of_keys_is_bounded() -> None:
    """Messages that were made with an f-string are a new key each time."""
    limit = RateLimit(passed=1, clock=lambda: 0.0)
    for n in range(5_000):
        limit.filter(record(f"message {n}"))
    assert len(limit._seen) <= 1_000


def test_a_lead_has_one_hash_and_any_id_has_one() -> None:
    """Lone surrogates come from hostile JSON."""
    assert lead_hash("a") == lead_hash("a") != lead_hash("b")
    assert len(lead_hash("\ud800")) == 12
