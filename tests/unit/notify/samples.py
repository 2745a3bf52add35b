"""Records and configuration for tests of the notifier."""

from typing import Any

from engine.core.cloudevents import output
from engine.core.flow import Output
from engine.core.records import LeadErased, LeadStageChange
from engine.notify.config import Notify
from engine.notify.notifyfile import load_notify
from engine.notify.records import Erasure, Notice, read
from engine.notify.sending import Message
from engine.readmodel.events import itself
from tests.unit.readmodel.samples import AT, CAUSE, NOW_MS, alerted, as_record

SECRET, NEXT_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD4nV1Yg6QHoo="
FILES = {
    "slack": "https://hooks.slack.com/services/T/B/x\n",
    "crm": SECRET + "\n",
    "next": NEXT_SECRET,
    "push": "# mine\njson://127.0.0.1\n",
}
HOSTILE = (
    "<script>alert(1)</script> <!channel> *b* @everyone\r\nBcc: x@y.example\x1b[31m\u202eevil & [a](http://e.example)"
)
"""What a visitor may call themselves: script, mark-up, a mention, a header, a terminal escape, a reversed text."""


def configured(text: str, files: dict[str, str] = FILES) -> Notify:
    return load_notify(text, "notify.yaml", files.get)


def notice(made: Output | None = None) -> Notice:
    """The record as it is read; by default an alert."""
    told = read(as_record(made or alerted()), itself)
    assert isinstance(told, Notice)
    return told


def hostile(**changes: Any) -> Notice:
    """An alert of somebody whose every word is an attack."""
    traits = {"firstName": HOSTILE, "company": HOSTILE, "email": "ada@example.com"}
    pages = [{"at": AT, "path": HOSTILE, "title": HOSTILE, "seconds": 4.0}]
    return notice(alerted(traits=traits, reason=HOSTILE, product=HOSTILE, pages=pages, **changes))


def message(*notices: Notice, target: str = "", is_digest: bool | None = None) -> Message:
    told = notices or (notice(),)
    return Message("message-1", target, told, len(told) > 1 if is_digest is None else is_digest)


def moved(lead: str = "ada") -> Output:
    """A record of `lead-stages`."""
    change = LeadStageChange(lead, "subscriber", "lead", "known", 5.0, 12.0, CAUSE)
    return output("lead-stages", "lead.stage_changed", lead, NOW_MS, change, "cause-1")


def erased(pseudonym: str = "ada") -> Output:
    """The receipt of an erasure."""
    data = LeadErased(pseudonym, AT, "asked", None)
    return output("lead-stages", "lead.erased", pseudonym, NOW_MS, data)


def erasure(made: Output) -> Erasure:
    told = read(as_record(made), itself)
    assert isinstance(told, Erasure)
    return told
