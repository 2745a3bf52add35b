"""What those see of a lead who may not see who it is: neither names nor addresses nor ids, nor what people wrote.

Personal values are left out where they have their place, and taken out of texts that a visitor may have put them in:
the path of a page, a campaign, a reason.
"""

import hmac
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

import msgspec
import re2
from msgspec.structs import replace

from engine.core.records import Ids, LeadAlert, LeadAssignment, LeadScore, Page, Touch, TraceStep
from engine.readmodel.case import Case
from engine.readmodel.dossier import Entry
from engine.web.lists.cards import TELLING_CHARS_MIN, Card, Lead, company_of, email_of, name_of, telling, tells

KEY_CHARS = 22
"""132 bits: nobody guesses one, and no two leads share one."""

TELLING_NUMBER_MIN = 100_000
"""Smaller numbers among the traits are years, sizes and codes of many."""

GONE = "…"
"""What stands in the place of a personal value."""

_WRITTEN = frozenset({"text"})
"""What of a timeline's entry people wrote, whatever its type; the reason that a rep gives is that, too."""

_BY_REPS = frozenset({"lead.declined", "lead.disqualified", "lead.lost"})
_MERGED = "lead.merged"

Told = TypeVar("Told", LeadScore, LeadAlert)


def key_of(secret: bytes, lead: str) -> str:
    """What stands for a lead's id in addresses, logs and answers: `~` and a part of its keyed hash."""
    digest = hmac.digest(secret, lead.encode("utf-8", "surrogatepass"), sha256)
    return "~" + urlsafe_b64encode(digest)[:KEY_CHARS].decode()


def masked_name(key: str) -> str:
    """What a lead is called where its name must not be seen."""
    return f"lead {key}"


def masked_card(card: Card) -> Card:
    """A card that tells how it stands with the lead, and not who it is."""
    values = telling([card.name, card.email, card.place, card.phone, card.lead])
    product = GONE if card.product and tells(card.product, values) else card.product
    return replace(card, lead="", name=masked_name(card.key), place="", email="", phone="", product=product)


def masked_lead(lead: Lead) -> Lead:
    """The same lead for who may not see who it is."""
    card, score, dossier = lead
    mask = Mask(card.key, card.lead, score.traits, score.ids)
    case = None if dossier.case is None else mask.case(dossier.case)
    timeline = [mask.entry(entry) for entry in dossier.timeline]
    return Lead(mask.card(card), mask.told(score), replace(dossier, case=case, timeline=timeline, others=[]))


class Mask:
    """Takes what is personal out of everything that is told of one lead, who is called by its key."""

    def __init__(self, key: str, lead: str, traits: Mapping[str, Any] = {}, ids: Ids | None = None) -> None:
        """`traits` and `ids` are what is known of the lead; their values are what texts must not have."""
        self.key = key
        name = name_of(lead, traits)
        several = [lead, name, *name.split(), email_of(lead, traits), company_of(traits), *_texts(traits)]
        several += [] if ids is None else [ids.user or "", *ids.anonymous]
        ways = (str, quote, _quoted, quote_plus)
        spelled = {
            way(written)
            for value in several
            if len(value) >= TELLING_CHARS_MIN
            for written in _written(value)
            for way in ways
        }
        self._has_values = bool(spelled)
        options = re2.Options()
        options.case_sensitive = False
        options.longest_match = True
        options.log_errors = False
        self._personal = re2.compile("|".join(map(re2.escape, sorted(spelled))).encode(), options)

    def text(self, text: str) -> str:
        """The text without the lead's values."""
        if not self._has_values:
            return text
        # Bytes, since RE2's own translation of text spoils what it puts in.
        return bytes(self._personal.sub(GONE.encode(), text.encode())).decode()

    def card(self, card: Card) -> Card:
        """`masked_card`, with all that is known of the lead at hand."""
        return masked_card(replace(card, source=self.text(card.source), product=self._maybe(card.product)))

    def told(self, data: Told) -> Told:
        """A score or an alert."""
        masked = replace(
            data,
            lead=self.key,
            traits={},
            ids=Ids(None, []),
            product=self._maybe(data.product),
            pages=[Page(page.at, self.text(page.path), None, page.seconds) for page in data.pages],
            first_touch=self._touch(data.first_touch),
            last_touch=self._touch(data.last_touch),
        )
        if isinstance(masked, LeadAlert):
            return replace(masked, reason=self.text(masked.reason), cause=replace(masked.cause, event=None))
        return replace(masked, counts=self._counts(masked.counts))

    def assignment(self, data: LeadAssignment) -> LeadAssignment:
        """A decision of the desk: who was considered stays, what was asked of the lead does not."""
        return replace(
            data,
            lead=self.key,
            alert="",
            reason=self.reason(data.reason),
            trace=self._trace(data.trace),
            cause=replace(data.cause, event=None),
        )

    def case(self, case: Case) -> Case:
        """How it stands at the desk."""
        return replace(case, of="", alert="", reason=self.reason(case.reason), trace=self._trace(case.trace))

    def entry(self, entry: Entry) -> Entry:
        """What a timeline shows of a record."""
        hidden = _WRITTEN | ({"reason"} if entry.type in _BY_REPS else {"from"} if entry.type == _MERGED else set())
        shown = {name: value for name, value in msgspec.json.decode(entry.data).items() if name not in hidden}
        told = {
            name: self.reason(value) if name == "reason" else self.text(value) if isinstance(value, str) else value
            for name, value in shown.items()
        }
        return Entry("", entry.at_ms, entry.type, msgspec.json.encode(told))

    def reason(self, reason: str) -> str:
        """A reason of the engine; what a rep said, or what a rule found in the lead, stands behind its first colon."""
        return self.text(reason.partition(":")[0])

    def _counts(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Events are named by who sends them: by the address of a form, for one."""
        told: Counter[str] = Counter()
        for name, number in counts.items():
            told[self.text(name)] += number
        return dict(told)

    def _trace(self, trace: Iterable[TraceStep]) -> list[TraceStep]:
        return [replace(one, why=self.reason(one.why)) for one in trace]

    def _touch(self, touch: Touch | None) -> Touch | None:
        if touch is None:
            return None
        source, medium, campaign = map(self._maybe, (touch.source, touch.medium, touch.campaign))
        return replace(touch, source=source, medium=medium, campaign=campaign)

    def _maybe(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)


def _quoted(value: str) -> str:
    return quote(value, safe="")


def _written(value: str) -> set[str]:
    """A value in large and in small letters: quoted, letters beyond ASCII have nothing in common in both."""
    return {value} if value.isascii() else {value, value.upper(), value.lower(), value.title()}


def _texts(value: object) -> Iterator[str]:
    """Every text in a trait, and every number that is too long to count something, such as one of a phone."""
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, int | float) and abs(value) >= TELLING_NUMBER_MIN:
        yield f"{value:.0f}"
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
