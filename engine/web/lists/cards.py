"""A card: what the lists of the board show of a lead, and what they sort and search by."""

from collections.abc import Iterable, Mapping
from sys import intern
from typing import Any, NamedTuple

import msgspec

from engine.core.instants import from_rfc3339
from engine.core.records import LeadScore
from engine.core.text import clean
from engine.readmodel.case import CaseState
from engine.readmodel.dossier import Dossier
from engine.readmodel.terminal import top_reason

OVER: frozenset[CaseState | None] = frozenset({"closed", "released", None})
"""States in which nobody has anything to do for the lead."""

TEXT_CHARS_MAX = 120
EMAIL_CHARS_MAX = 254
TELLING_CHARS_MIN = 3
"""Shorter values stand in every text, and tell nobody."""

ANONYMOUS = "Anonymous visitor"
_NAME_TRAITS = ("name", "fullName", "full_name")
_COMPANY_TRAITS = ("company", "organization")
_EMAIL_ID = "email:"


class Card(msgspec.Struct, frozen=True, gc=False):
    """A lead in a list. Texts of visitors are clean and cut; instants are in ms.

    `key` stands for the lead where its id must not be seen; `name` is what to call it, never empty. `owner`, `team`,
    `region`, `territories` and the clocks are those of the lead's case, as the desk says; without a case only `owner`
    is known.
    `sequence` is the index's count of changes when the card became as it is.
    """

    lead: str
    key: str
    total: float
    band: str
    grade: str
    stage: str
    at_ms: int
    known: bool
    name: str
    place: str
    email: str
    phone: str
    source: str
    product: str | None
    persona: str | None
    owner: str | None
    team: str | None
    region: str | None
    territories: tuple[str, ...]
    desk: str | None
    rule: str | None
    state: CaseState | None
    since_ms: int | None
    asked_ms: int | None
    due_ms: int | None
    call_ms: int | None
    contacted_ms: int | None
    reminded: bool
    fast_track: bool
    first_seen_ms: int
    last_seen_ms: int
    next_band_ms: int | None
    tomorrow: float | None
    reason: str
    sequence: int = 0


class Lead(NamedTuple):
    """What is known of a lead, as the read model has it."""

    card: Card
    score: LeadScore
    dossier: Dossier


def card_of(score: LeadScore, dossier: Dossier | None, key: str) -> Card:
    """The card of a lead. Raises ValueError where a time of the score is none."""
    case = dossier.case if dossier is not None else None
    lead, traits = score.lead, score.traits
    name, email, company = name_of(lead, traits, known=score.known), email_of(lead, traits), company_of(traits)
    phone = _text(traits.get("phone"))
    return Card(
        lead=lead,
        key=key,
        total=score.total,
        band=score.band,
        grade=score.grade,
        stage=score.stage,
        at_ms=from_rfc3339(score.at),
        known=score.known,
        name=name,
        place=company,
        email=email,
        phone=phone,
        source=_source(score, name, email, company, phone),
        product=score.product,
        persona=score.persona,
        owner=score.owner if case is None else case.rep,
        team=None if case is None else case.team,
        region=None if case is None else case.region,
        territories=() if case is None else tuple(map(intern, case.territories)),  # the same few names in every card
        desk=None if case is None else case.desk,
        rule=None if case is None else case.rule,
        state=None if case is None else case.state,
        since_ms=None if case is None else case.since_ms,
        asked_ms=None if case is None else case.asked_ms,
        due_ms=None if case is None else case.due_ms,
        call_ms=None if case is None else case.call_ms,
        contacted_ms=None if case is None else case.contacted_ms,
        reminded=False if case is None else case.reminded,
        fast_track=score.fast_track,
        first_seen_ms=from_rfc3339(score.first_seen),
        last_seen_ms=from_rfc3339(score.last_seen),
        next_band_ms=None if score.next_band_at is None else from_rfc3339(score.next_band_at),
        tomorrow=score.tomorrow,
        reason=top_reason(score),
    )


def name_of(lead: str, traits: Mapping[str, Any], *, known: bool = True) -> str:
    """What to call a lead: its name if it gave one, else what identifies it."""
    for trait in _NAME_TRAITS:
        if name := _text(traits.get(trait)):
            return name
    given = [part for part in (_text(traits.get("firstName")), _text(traits.get("lastName"))) if part]
    return " ".join(given) or (clean(lead, TEXT_CHARS_MAX) if known else ANONYMOUS) or ANONYMOUS


def company_of(traits: Mapping[str, Any]) -> str:
    """The company of a lead; empty where none is known."""
    for trait in _COMPANY_TRAITS:
        value = traits.get(trait)
        if company := _text(value.get("name") if isinstance(value, Mapping) else value):
            return company
    return ""


def email_of(lead: str, traits: Mapping[str, Any]) -> str:
    """The address that a lead gave, else the one it is known by; empty where there is neither."""
    given = _text(traits.get("email"), EMAIL_CHARS_MAX)
    return given or (clean(lead.removeprefix(_EMAIL_ID), EMAIL_CHARS_MAX) if lead.startswith(_EMAIL_ID) else "")


def telling(texts: Iterable[str]) -> list[str]:
    """What of these texts, and of their words, would tell who somebody is."""
    return [part.casefold() for text in texts for part in {text, *text.split()} if len(part) >= TELLING_CHARS_MIN]


def tells(text: str, values: Iterable[str]) -> bool:
    """Whether one of the `telling` values stands in a text."""
    folded = text.casefold()
    return any(value in folded for value in values)


def _source(score: LeadScore, *who: str) -> str:
    """Where the lead came from first. A campaign's source that names the lead itself is none, but a way of writing it.

    Sources are listed to choose from, also for those who may not see names.
    """
    touch = score.first_touch
    if touch is None or not touch.source:
        return "" if touch is None else touch.channel
    values = telling([*who, score.lead, score.ids.user or "", *score.ids.anonymous])
    return touch.channel if tells(touch.source, values) else clean(touch.source, TEXT_CHARS_MAX)


def _text(value: object, chars_max: int = TEXT_CHARS_MAX) -> str:
    """A trait as text; empty where it is none, or only blanks."""
    return clean(value, chars_max).strip() if isinstance(value, str) else ""
