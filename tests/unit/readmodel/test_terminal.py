"""What the commands print, on a terminal and elsewhere."""

import io
import json
from datetime import UTC, datetime

import pytest

from engine.core.erasure import pseudonym
from engine.core.flow import Output
from engine.core.records import Contribution
from engine.readmodel.events import project
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Batch, LeadErased, LeadScored, Progress
from engine.readmodel.terminal import ago, print_explanation, print_leads
from tests.unit.readmodel.samples import AT, NOW_MS, as_record, scored

HOSTILE = "\x1b[2J\x9b31m\u202eeve\t[bold]"


class Screen(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


async def model_of(*made: Output) -> MemoryReadModel:
    model = MemoryReadModel()
    changes = [change for change in map(project, map(as_record, made)) if isinstance(change, LeadScored)]
    await model.apply(Batch(changes, {}, {}, Progress(NOW_MS, 0.0)))
    return model


async def test_leads_without_a_terminal() -> None:
    """Tab-separated, hottest first, with instants, totals to one decimal, the largest contribution's label."""
    model = await model_of(scored("ada", 40.0), scored("bob", 80.04, owner=None))
    out = io.StringIO()
    await print_leads(model, 10, to=out)
    assert out.getvalue() == (
        "lead\ttotal\tband\towner\tlast seen\ttop reason\n"
        f"bob\t80.0\thot\t\t{AT}\tdemo-request\n"
        f"ada\t40.0\twarm\tandy\t{AT}\tRead the pricing page\n"
    )


async def test_leads_as_json() -> None:
    """A CloudEvent a line, the record as it stands on the topic, as many as asked for."""
    made = scored("zoë", 90.0)
    model = await model_of(made, scored("bob"))
    out = io.StringIO()
    await print_leads(model, 1, as_json=True, to=out)
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [json.loads(made.value or b"")]


@pytest.mark.parametrize("as_json", [False, True])
async def test_visitors_do_not_command_the_terminal(as_json: bool) -> None:
    """Escapes of a lead, owner or label never reach it; markup of the table's library is just text."""
    reason = Contribution("engagement", HOSTILE, HOSTILE, None, 40.0, 1, AT)
    model = await model_of(scored(HOSTILE, owner=HOSTILE, contributions=[reason], last_seen=HOSTILE))
    plain, screen = io.StringIO(), Screen()
    await print_leads(model, 9, as_json=as_json, to=plain)
    await print_explanation(model, HOSTILE, as_json=as_json, to=plain)
    await print_explanation(model, HOSTILE + "!", as_json=as_json, to=plain)
    assert "eve" in plain.getvalue()
    assert plain.getvalue().replace("\n", "").replace("\t", "").isprintable()
    await print_leads(model, 9, as_json=as_json, to=screen)
    for unwanted in ("\x1b[2J", "\x9b", "\u202e"):
        assert unwanted not in screen.getvalue()
    assert as_json or "[bold]" in screen.getvalue()


async def test_an_unknown_lead_is_said() -> None:
    """False, and a sentence with its id; True for one that is there."""
    model = await model_of(scored("ada"))
    out = io.StringIO()
    assert not await print_explanation(model, "eve", to=out)
    assert out.getvalue().startswith("eve: no such lead.")
    assert await print_explanation(model, "ada", to=out)
    assert "ada (known): 40.00, warm" in out.getvalue()


@pytest.mark.parametrize(
    ("instant", "told"),
    [
        ("2026-11-23T05:00:00.000Z", "0 s ago"),
        ("2026-11-23T04:59:01.000Z", "59 s ago"),
        ("2026-11-23T04:59:00.000Z", "1 min ago"),
        ("2026-11-23T03:00:00.000Z", "2 h ago"),
        ("2026-11-20T05:00:00.000Z", "3 d ago"),
        ("2026-11-23T05:00:09.000Z", "0 s ago"),
        ("soon", "soon"),
    ],
)
def test_ago(instant: str, told: str) -> None:
    """The largest whole unit; what is no instant stays."""
    assert ago(instant, datetime(2026, 11, 23, 5, tzinfo=UTC)) == told


async def test_an_erased_lead_is_said_to_be() -> None:
    """With the key, and when; without it the lead is unknown. One that came again is shown as any other."""
    hashed = pseudonym(b"key")
    model = MemoryReadModel()
    await model.apply(Batch([LeadErased("ada", hashed("ada"), NOW_MS)], {}, {}, Progress(NOW_MS, 0.0)))
    out = io.StringIO()
    assert not await print_explanation(model, "ada", pseudonym=hashed, to=out)
    assert out.getvalue().startswith(f"ada: erased, as of {AT}.")
    out = io.StringIO()
    assert not await print_explanation(model, "ada", to=out)
    assert out.getvalue().startswith("ada: no such lead.")
    again = project(as_record(scored("ada")))
    assert isinstance(again, LeadScored)
    await model.apply(Batch([again], {}, {}, Progress(NOW_MS, 0.0)))
    assert await print_explanation(model, "ada", pseudonym=hashed, to=out)
