"""Bad records stop nobody and vanish nowhere: each becomes a dead letter, and the events around it are scored."""

import asyncio
import json
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from engine.core.flow import InputRecord
from engine.core.packing import unpack
from engine.core.rejects import HEADERS_BYTES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX
from tests.build import DAY, HOUR, T0, page
from tests.integration.worker.deployment import TIMELESS, Deployment, Program, eventually
from tests.servers.kafka import KafkaServer

MIB = 2**20
LARGE = 12 * MIB
LEADS = 7
pytestmark = pytest.mark.timeout(300)


class Bad(NamedTuple):
    """A record that nobody can score, and why; `field` is what its dead letter names, `kept`: it can be sent again."""

    reason: str
    value: bytes | None
    field: str | None = None
    key: bytes | None = b"bad"
    headers: tuple[tuple[str, bytes | None], ...] = ()
    kept: bool = True


def _json(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()


def _with(**changes: Any) -> bytes:
    return _json(page("/pricing", lead="bad") | changes)


BAD = {
    "broken JSON": Bad("json", b'{"type":"page",'),
    "no JSON": Bad("json", b"\x00\xff\xfe\x1b[2J"),
    "no object": Bad("json", b"[1,2,3]"),
    "a bare string": Bad("json", b'"page"'),
    "null value": Bad("json", None),
    "empty value": Bad("json", b""),
    "neither key nor value": Bad("json", None, key=None),
    "NaN": Bad("json", b'{"type":"page","anonymousId":"bad","properties":{"value":NaN}}'),
    "infinity": Bad("json", b'{"type":"page","anonymousId":"bad","properties":{"value":-Infinity}}'),
    "a lone surrogate, escaped": Bad("json", rb'{"type":"page","anonymousId":"bad\ud800"}'),
    "a lone surrogate, in bytes": Bad("json", b'{"type":"page","anonymousId":"bad\xed\xa0\x80"}'),
    "not UTF-8 in what nobody reads": Bad("json", b'{"type":"page","anonymousId":"bad","other":"\xff"}'),
    "10,000 open brackets": Bad("json", b"[" * 10_000),
    "10,000 nested brackets": Bad("json", b'{"type":"page","a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    "10,000 nested objects": Bad("json", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    "type is a number": Bad("schema", _with(type=7), "type"),
    "unknown type": Bad("schema", _with(type="pigeon"), "type"),
    "properties are a list": Bad("schema", _with(properties=[1]), "properties"),
    "context is text": Bad("schema", _with(context="web"), "context"),
    "a track without a name": Bad("schema", _json({"type": "track", "anonymousId": "bad"}), "event"),
    "anonymousId is a number": Bad("schema", _with(anonymousId=12), "anonymousId"),
    "anonymousId is endless": Bad("schema", _with(anonymousId="x" * 5_000), "anonymousId"),
    "no id": Bad("identity", _json({"type": "page", "timestamp": "2026-11-23T00:00:00Z"}), "anonymousId"),
    "empty ids": Bad("identity", _with(anonymousId="", userId=""), "anonymousId"),
    "the year 1970": Bad("time", _with(timestamp="1970-01-01T00:00:00Z"), "timestamp"),
    "the year 9999": Bad("time", _with(timestamp="9999-12-31T23:59:59Z"), "timestamp"),
    "no time": Bad("schema", _with(timestamp="yesterday"), "timestamp"),
    "300 KiB": Bad("size", _with(blob="x" * 300 * 1024)),
    "10 MB": Bad("size", _with(blob="x" * 10_000_000), kept=False),
    "10 MB of brackets": Bad("size", b"[" * 10_000_000, kept=False),
    "a key of 1 MiB": Bad("json", b"{", key=b"k" * MIB, kept=False),
    "headers of 1 MiB": Bad("json", b"{", headers=tuple((f"h{n}", b"v" * 1024) for n in range(1024)), kept=False),
    "hostile headers": Bad(
        "json",
        b"{",
        headers=(
            ("\x1b]0;owned\x07", b"\x1b[2J"), ("heatline-source", b"\xff\xfe"), ("", None),
            ("heatline-forwarded", b"1 0 0 0 1 lead-scores"), ("traceparent", b"\r\n\r\nGET /"),
        ),
    ),
    "a key that is no text": Bad("json", b"{", key=b"\xff\x00\x1b[31m"),
    "a forwarding header of nonsense": Bad("json", b"{", headers=(("heatline-forwarded", b"9 x y"),)),
}  # fmt: skip


class Run(NamedTuple):
    """A worker that has read good and bad records, and is still there."""

    deployment: Deployment
    worker: Program
    sent: list[InputRecord]


def good(number: int, at_ms: int) -> InputRecord:
    """A page view of one of a few leads."""
    event = page("/pricing", at_ms, f"lead-{number % LEADS}", messageId=f"good-{number}")
    return InputRecord("visitor-events", -1, 0, at_ms, event["anonymousId"].encode(), _json(event))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Every bad record between two good ones, on a broker and a topic that take 12 MiB."""
    folder = tmp_path_factory.mktemp("bad")
    limits = {"message.max.bytes": str(LARGE), "socket.request.max.bytes": str(4 * LARGE)}
    kafka = KafkaServer(folder / "kafka", limits).start()
    deployment = Deployment(kafka.bootstrap, folder / "heatline", kafka__app_id="bad")
    deployment.change_catalog(lambda topics: topics["visitor-events"].update(max_message_bytes=LARGE))
    worker = deployment.worker(command=TIMELESS)
    try:
        deployment.run("topics", "apply")
        sent = []
        for number, bad in enumerate(BAD.values()):
            at_ms = T0 + number * 1_000
            sent += [
                good(number, at_ms),
                InputRecord("visitor-events", number % 4, 0, at_ms, bad.key, bad.value, bad.headers),
            ]
        sent.append(good(len(BAD), T0 + HOUR))
        worker.start()
        yield Run(deployment, worker, sent)
    finally:
        worker.kill()
        kafka.kill()


@pytest.fixture(scope="module")
def counted(run: Run) -> dict[str, float]:
    """The metrics once all is read."""
    asyncio.run(run.deployment.produce(run.sent))
    consumed = "heatline_events_consumed_total visitor-events"
    eventually(lambda: run.worker.metrics()[consumed] >= len(run.sent), "everything is read")
    return run.worker.metrics()


async def test_every_bad_record_is_a_dead_letter_with_its_reason(run: Run, counted: dict[str, float]) -> None:
    """One each, naming the field at fault, holding the record to the byte or cut as the contract says."""
    letters = {}
    for event in await run.deployment.values("dead-letters"):
        assert event["subject"] not in letters
        letters[event["subject"]] = event["data"]
    assert len(letters) == len(BAD)
    by_time = {letter["payload"]["timestamp"]: letter for letter in letters.values()}
    for number, (name, bad) in enumerate(BAD.items()):
        letter = by_time[f"2026-11-23T00:00:{number:02}.000Z"]
        failure, payload = letter["failure"], letter["payload"]
        assert (failure["reason"], failure["field"]) == (bad.reason, bad.field), (name, failure)
        assert failure["message"].isprintable(), name
        assert payload["truncated"] is not bad.kept, name
        assert _bytes(payload["value_base64"]) == (bad.value and bad.value[:VALUE_BYTES_MAX]), name
        assert _bytes(payload["key_base64"]) == (bad.key and bad.key[:KEY_BYTES_MAX]), name
        headers = [(key, _bytes(value)) for key, value in payload["headers"]]
        assert headers == list(bad.headers[: len(headers)]), name
        assert bad.kept is False or len(headers) == len(bad.headers), name
        assert sum(len(key) + len(value or b"") for key, value in headers) <= HEADERS_BYTES_MAX, name


async def test_the_good_events_around_them_are_scored(run: Run, counted: dict[str, float]) -> None:
    """As if nothing had been between them."""
    rows = {key.decode(): unpack(row) for key, row in (await run.deployment.rows()).items()}
    expected = Counter(f"lead-{number % LEADS}" for number in range(len(BAD) + 1))
    assert {lead: row.counts["page_view"] for lead, row in rows.items()} == expected


def test_they_are_counted_by_reason(run: Run, counted: dict[str, float]) -> None:
    """Read = scored + rejected; nothing is a defect of the core."""
    reasons = Counter(bad.reason for bad in BAD.values())
    shown = {reason: counted[f"heatline_events_rejected_total {reason}"] for reason in (*reasons, "internal")}
    assert shown == {**reasons, "internal": 0}
    consumed = counted["heatline_events_consumed_total visitor-events"]
    assert consumed == counted["heatline_events_scored_total"] + sum(reasons.values())
    assert run.worker.get("/readyz")[0] == 200
    assert "Traceback" not in run.worker.logged()


async def test_a_record_comes_back_from_the_dead_once_the_model_takes_it(run: Run, counted: dict[str, float]) -> None:
    """Listed, shown and retried by command: too late for the model, then scored after its lateness was raised."""
    late = page("/late", T0 - 6 * DAY, "late", messageId="late")
    record = InputRecord("visitor-events", -1, 0, T0 + HOUR, b"late", _json(late), (("note", b"\x1b[31mred"),))
    await run.deployment.produce([record])
    listing = ("dead-letters", "list", "--reason", "time")
    known = sum(bad.reason == "time" for bad in BAD.values())
    eventually(lambda: len(_lines(run, *listing)) > known, "the late record is rejected")
    row = _lines(run, *listing)[-1]
    assert (row["reason"], row["field"], row["retried"]) == ("time", "timestamp", False)
    shown = run.deployment.run("dead-letters", "show", row["id"]).stdout.decode()
    assert "lateness" in shown
    assert "/late" in shown
    assert "\x1b" not in shown
    (whole,) = _lines(run, "dead-letters", "show", "--json", row["original"])
    assert b64decode(whole["payload"]["value_base64"]) == record.value
    run.worker.end()
    run.deployment.change_model("lateness: 96h", "lateness: 240h")
    run.worker.kill()
    run.worker.start()
    sent = run.deployment.run("dead-letters", "retry", row["id"])
    assert sent.stderr.decode() == "1 sent, 0 kept\n"
    eventually(lambda: run.worker.metrics()["heatline_events_scored_total"] == 1, "the retried record is scored")
    assert b"late" in await run.deployment.rows()
    again = run.deployment.run("dead-letters", "retry", row["id"])
    assert again.stderr.decode() == "0 sent, 1 kept\n"
    assert _lines(run, *listing)[-1]["retried"]


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


def _lines(run: Run, *command: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.deployment.run(*command).stdout.splitlines()]
