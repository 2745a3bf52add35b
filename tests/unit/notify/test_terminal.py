"""`heatline notify list`: what could not be sent, and nothing that a terminal would obey or that names a lead."""

import io
import json

from rich.console import Console

from engine.notify.port import Counts, Dead, Entry, Queue, Waiting
from engine.notify.terminal import described, summary, table
from engine.ops.logs import lead_hash
from tests.unit.notify.samples import HOSTILE, hostile

LETTER = Dead(
    Entry("k1", Queue("crm", HOSTILE), "id-1", "lead.alerted", "ada@example.com", 1, 2, hostile().event),
    10,
    1_795_000_000_000,
    f"answered 400 {HOSTILE}\x1b]8;;http://e\x07",
)


def test_a_letter_says_what_is_needed_to_act_and_no_more() -> None:
    told = described(LETTER)
    assert told["since"] == "2026-11-18T11:06:40.000Z"
    assert (told["channel"], told["record"], told["attempts"], told["key"]) == ("crm", "lead.alerted", 10, "k1")
    assert told["lead"] == lead_hash("ada@example.com")
    assert "ada@example.com" not in json.dumps(told)


def test_no_terminal_obeys_it() -> None:
    """No escape, no mark-up of rich, no reversed text; tables and JSON alike."""
    written = io.StringIO()
    Console(file=written, width=500, force_terminal=True, color_system=None).print(table([LETTER]))
    for text in (
        written.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", ""),
        json.dumps(described(LETTER), ensure_ascii=False),
    ):
        assert not any(mark in text for mark in ("\x1b", "\u202e", "\x07", "\r"))
    assert "[a](http://e.example)" in written.getvalue()


def test_it_is_summed_up() -> None:
    """What is to be typed is shown as a shell takes it."""
    disabled = {Queue("crm", ""): "answered 410\x1b", Queue("the reps", "rep:andy"): "x"}
    assert summary(Counts(3, 1_000), [], disabled) == [
        "3 waiting, 1,000 dead letters",
        "channel crm is disabled: answered 410; `heatline notify retry --channel crm` enables it",
        "channel the reps to rep:andy is disabled: x; `heatline notify retry --channel 'the reps'` enables it",
    ]


def test_what_waits_is_summed_up_by_channel() -> None:
    """Of several receivers: all that waits, the oldest, who is next, and why the one fails that waits longest."""
    second_ms = 1_795_000_000_000
    waiting = [
        Waiting(Queue("crm", ""), 1_200, second_ms, second_ms + 9_000, "answered 500\x1b"),
        Waiting(Queue("reps", "rep:andy"), 2, second_ms + 2_000, second_ms + 3_000, "late"),
        Waiting(Queue("reps", "rep:bea"), 1, second_ms + 1_000, second_ms + 5_000, "full"),
        Waiting(Queue("reps", "rep:carl"), 1, second_ms + 4_000, second_ms + 4_000, ""),
    ]
    crm, reps = summary(Counts(1_204, 0), waiting, {})[1:]
    assert crm == (
        "channel crm: 1,200 waiting, the oldest since 2026-11-18T11:06:40.000Z;"
        " the last attempt failed: answered 500; the next not before 2026-11-18T11:06:49.000Z"
    )
    assert reps == (
        "channel reps: 4 waiting, the oldest since 2026-11-18T11:06:41.000Z;"
        " the last attempt of 2 of 3 receivers failed: full; the next not before 2026-11-18T11:06:43.000Z"
    )
