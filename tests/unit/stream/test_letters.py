"""Dead letters as they are read: whole, filtered, and harmless to a terminal whatever a stranger put in."""

import io
import json
from typing import Any

import pytest
from rich.console import Console

from engine.core.flow import InputRecord
from engine.core.records import Reason
from engine.core.rejects import TOPIC, reject
from engine.stream.letters import RECEIPT, Letter, Receipt, Wanted, described, json_line, page, read, row, table

HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold red]shop[/] \u202eevil\r\nsecond"
RECORD = InputRecord("visitor-events", 3, 41, 1_700_000_000_123, b"anna", b'{"a": 1}', (("h", None),))


def written(record: InputRecord = RECORD, reason: Reason = "json", offset: int = 12, **fields: Any) -> InputRecord:
    """The dead letter of `record` as it lies in its topic."""
    out = reject(record, reason, fields.get("field"), fields.get("message", "not JSON"), record.timestamp)
    return InputRecord(TOPIC, 0, offset, 1_700_000_001_000, out.key, out.value)


def letter(record: InputRecord = RECORD, **fields: Any) -> Letter:
    found = read(written(record, **fields))
    assert isinstance(found, Letter)
    return found


def test_a_letter_knows_its_own_place_and_that_of_its_record() -> None:
    """Either place names it on the command line."""
    found = letter()
    assert (found.id, found.original, found.at_ms) == ("dead-letters/0/12", "visitor-events/3/41", 1_700_000_001_000)


def test_a_record_without_value_and_with_the_header_is_a_receipt() -> None:
    """A receipt names the dead letter that was sent again."""
    headers = (("other", b"x"), (RECEIPT, b"dead-letters/0/12"))
    assert read(InputRecord(TOPIC, 0, 13, 0, b"k", None, headers)) == Receipt("dead-letters/0/12")


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff",
        b"[]",
        b'{"type": "io.heatline.event.rejected.v1"}',
        (written().value or b"").replace(b"event.rejected", b"event.other"),
        (written().value or b"").replace(b'"key_base64":"', b'"key_base64":"!'),
    ],
)
def test_what_others_wrote_into_the_topic_is_none_of_ours(value: bytes | None) -> None:
    """It is counted, and stops nobody."""
    assert read(InputRecord(TOPIC, 0, 1, 0, None, value)) is None


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Wanted(), True),
        (Wanted(reason="json", topic="visitor-events", since_ms=1_700_000_001_000), True),
        (Wanted(reason="size"), False),
        (Wanted(topic="rep-events"), False),
        (Wanted(since_ms=1_700_000_001_001), False),
        (Wanted(place="dead-letters/0/12"), True),
        (Wanted(place="visitor-events/3/41"), True),
        (Wanted(place="visitor-events/3/4"), False),
    ],
)
def test_every_condition_must_hold(wanted: Wanted, taken: bool) -> None:
    """`--reason`, `--topic`, `--since` and a place narrow down what is meant."""
    assert wanted.takes(letter()) is taken


def test_a_table_is_text_only() -> None:
    """A stranger's escapes, line breaks, bidirectional overrides and markup reach no terminal."""
    hostile = RECORD._replace(key=HOSTILE.encode(), value=HOSTILE.encode())
    console = Console(file=io.StringIO(), width=400, force_terminal=True, color_system=None)
    console.print(table([row(letter(hostile, message=HOSTILE, field=HOSTILE))]))
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    assert "[bold red]shop[/] evil" in text
    assert not set(text) & set("\x1b\x07\r\u202e")
    assert text.count("\n") == 2


def test_places_stay_in_one_piece_on_a_narrow_terminal() -> None:
    """They are what the next command is given."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    console.print(table([row(letter(message="word " * 50))]))
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    assert "dead-letters/0/12 " in text
    assert " visitor-events/3/41 " in text


def test_a_page_shows_everything_and_is_text_only() -> None:
    """Reason, record, key, headers and the value as far as it can be read."""
    hostile = RECORD._replace(
        key=b"\xff\x00", value=json.dumps({"t": HOSTILE}).encode(), headers=((HOSTILE, b"\x1b[31m"),)
    )
    text = page(letter(hostile, message=HOSTILE), retried=True)
    assert not set(text) & set("\x1b\x07\r\u202e")
    for part in ("dead-letters/0/12 (retried)", "visitor-events/3/41", "0xff00", "2023-11-14T22:13:20.123Z", '"t": '):
        assert part in text


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"key": None}, "key          null"),
        ({"key": b""}, 'key          ""'),
        ({"value": None}, "value        null"),
        ({"value": b""}, "value        0 bytes"),
        ({"value": b"x" * 600_000}, "value        524,288 bytes, cut"),
        ({"timestamp": 2**62}, "record time  4611686018427387904"),
        ({}, "header h     null"),
    ],
)
def test_a_page_tells_null_from_empty_and_cut_from_whole(changes: dict[str, Any], line: str) -> None:
    """Nothing about the record is left to guess."""
    assert line in page(letter(RECORD._replace(**changes)), retried=False).splitlines()


def test_a_long_value_is_shown_in_part() -> None:
    """A page stays a page; how much is missing stands below."""
    text = page(letter(RECORD._replace(value=b"x" * 10_000)), retried=False)
    assert text.endswith("x\n… 6,000 more characters")


def test_deeply_nested_json_is_shown_as_text() -> None:
    """What cannot be laid out is shown as it stands."""
    assert "[[[[" in page(letter(RECORD._replace(value=b"[" * 100_000)), retried=False)


def test_json_lines_are_ascii_and_whole() -> None:
    """For programs: every field, and nothing that a terminal would obey."""
    found = letter(message=HOSTILE)
    for line in (json_line(row(found)), json_line(described(found, retried=False))):
        assert line.isascii()
        assert "\x1b" not in line
        assert "\n" not in line
    assert json.loads(json_line(row(found)))["original"] == "visitor-events/3/41"
    assert json.loads(json_line(described(found, retried=False)))["payload"]["key"] == "anna"
