"""A record in words for people: a headline and facts.

What a visitor or a rep wrote is in there, without line ends, control and bidirectional characters and cut to a length,
but otherwise as it came: every way of sending has to mark it as plain text, or to escape it.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from engine.core.fields import within
from engine.core.text import clean
from engine.notify.records import Notice
from engine.routing.territories import TERRITORIES_TOLD_MAX

HEADLINE_CHARS_MAX = 150
VALUE_CHARS_MAX = 300
LISTED_MAX = 5
LINK_CHARS_MAX = 1_900
"""Slack takes a field of 2,000 characters; only ids made to be long need more."""
OPEN = "Open the lead"

_HEADLINES = {
    "lead.assigned": "Lead assigned to {rep}",
    "lead.reassigned": "Lead reassigned to {rep}",
    "lead.queued": "Lead waits for a rep",
    "lead.reminded": "Reminder for {rep}",
    "lead.escalated": "Lead escalated to {rep}",
    "lead.released": "Lead released",
    "lead.call_due": "Call due for {rep}",
    "lead.stage_changed": "Stage {to}",
    "lead.merged": "Lead merged",
    "lead.converted": "Conversion {conversion}",
    "lead.action_requested": "Action {action}",
}
_SAID = "Lead {verb} by {rep}"
_FACTS = (
    *(("Name", "traits.name"), ("Title", "traits.title"), ("Company", "traits.company"), ("E-mail", "traits.email")),
    *(("Phone", "traits.phone"), ("Score", "total"), ("Score", "score"), ("Was", "from"), ("Band", "band")),
    *(("Grade", "grade"), ("Stage", "stage"), ("Why", "reason"), ("Due", "due_at"), ("Rep", "rep"), ("Owner", "owner")),
    *(("Team", "team"), ("Region", "region"), ("Rule", "rule"), ("Previous", "previous"), ("Until", "until")),
    *(("By", "channel"), ("Amount", "amount"), ("Revenue", "revenue"), ("Currency", "currency")),
    *(("Closes", "close_on"), ("Note", "text"), ("Product", "product"), ("Source", "last_touch.source")),
    *(("Campaign", "last_touch.campaign"), ("Lead", "lead")),
)
_NAMES = ("traits.name", "traits.email", "lead")
_LISTS = (
    ("Territories", "territories", (), "", TERRITORIES_TOLD_MAX),
    ("Top", "top", ("label", "rule"), "points", LISTED_MAX),
    ("Pages", "pages", ("title", "path"), "seconds", LISTED_MAX),
)


class Told(NamedTuple):
    """What people read; each fact has a name of ours and a value that may be anybody's. `link` opens the lead."""

    headline: str
    facts: tuple[tuple[str, str], ...]
    link: str | None

    @property
    def lines(self) -> list[str]:
        """The facts, a line each."""
        return [f"{name}: {value}" for name, value in self.facts]

    @property
    def lines_with_link(self) -> list[str]:
        """The link, first lest it is cut off, and the facts: for what shows an address as a link by itself."""
        return self.lines if self.link is None else [f"{OPEN}: {self.link}", *self.lines]


def tell(notice: Notice, board: str = "") -> Told:
    """The record in words, with a link to its lead where reps open a board at the address `board`."""
    headline = f"{_what(notice)}: {_who(notice)}"
    link = f"{board.rstrip('/')}/leads?id={quote(notice.lead, safe='')}" if board else ""
    fits = 0 < len(link) <= LINK_CHARS_MAX
    return Told(clean(headline, HEADLINE_CHARS_MAX), tuple(_facts(notice.data)), link if fits else None)


def title_of(notices: tuple[Notice, ...]) -> str:
    """What a message of these is about."""
    return tell(notices[0]).headline if len(notices) == 1 else f"{len(notices)} notifications"


def _what(notice: Notice) -> str:
    data = notice.data
    if notice.kind == "lead.alerted":
        return _text(data.get("label")) or _text(data.get("alert"))
    words = {name: _text(data.get(name)) or "nobody" for name in ("to", "conversion", "action")}
    verb = notice.kind.partition(".")[2].replace("_", " ")
    return _HEADLINES.get(notice.kind, _SAID).format(verb=verb, rep=_text(notice.rep) or "nobody", **words)


def _who(notice: Notice) -> str:
    first, last = (_text(_at(notice.data, f"traits.{name}")) for name in ("firstName", "lastName"))
    named = f"{first} {last}".strip()
    return named or next((text for name in _NAMES if (text := _text(_at(notice.data, name)))), notice.lead)


def _facts(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, path in _FACTS:
        text = _text(_at(data, path))
        if text:
            yield name, text
    for name, key, words, number, at_most in _LISTS:
        listed = data.get(key)
        parts = [_listed(one, words, number) for one in (listed if isinstance(listed, list) else [])[:at_most]]
        text = clean("; ".join(part for part in parts if part), VALUE_CHARS_MAX)
        if text:
            yield name, text


def _listed(one: Any, words: tuple[str, ...], number: str) -> str:
    if not isinstance(one, dict):
        return _text(one)
    word = next((text for name in words if (text := _text(one.get(name)))), "")
    amount = _text(one.get(number))
    return f"{word} ({amount}{' s' if number == 'seconds' else ''})" if amount else word


def _at(data: dict[str, Any], path: str) -> Any:
    return within(data, path.split("."))


def _text(value: Any) -> str:
    """What people read of a value; nothing for what is no text and no number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return (
        clean(value, VALUE_CHARS_MAX)
        if isinstance(value, str)
        else f"{value:.10g}"
        if value == value // 1
        else f"{value:.1f}"
    )
