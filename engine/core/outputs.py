"""What a lead's row and an alert look like to others: the records of `lead-scores` and `lead-alerts`."""

from typing import NamedTuple

from engine.core.cloudevents import derived_id, kind_of, output
from engine.core.decode import TEXT_CHARS_MAX
from engine.core.events import Event
from engine.core.flow import Output, Record
from engine.core.fold import Fired
from engine.core.instants import LAST_MS, to_rfc3339
from engine.core.messages import REQUESTS_TOPIC, LeadRequested, OwnerChanged, encode
from engine.core.model import Crosses, Model
from engine.core.profile import Published, Row, pages
from engine.core.records import Cause, Ids, LeadAlert, LeadScore, Page
from engine.core.scoring import explain, next_band
from engine.core.standing import standing_of
from engine.core.text import clean

SCORES_TOPIC = "lead-scores"
ALERTS_TOPIC = "lead-alerts"
SCORE_CHANGED = "lead.score_changed"
ALERTED = "lead.alerted"
DESK = "main"
DESK_PARTITION = 0
TOP_MAX = 5
REPUBLISH_MS = 60_000
TRACE_HEADER = "traceparent"
TRACE_BYTES_MAX = 512
"""W3C's has 55 today; a longer one would be for nobody and could make a record too large for the broker."""


class Profile(NamedTuple):
    """A row with the key it stands under."""

    key: str
    row: Row

    @property
    def lead(self) -> str:
        """The lead's id: the person's where the row is known, the browser's until then."""
        return self.row.user or self.key

    @property
    def ids(self) -> Ids:
        """Every id the lead is known by."""
        if self.row.anonymous:
            return Ids(user=self.row.user, anonymous=[self.key])
        return Ids(user=self.key, anonymous=[])

    def pages(self) -> list[Page]:
        """The last ten pages, oldest first."""
        return [Page(to_rfc3339(self.row.born_ms + page.at), page.path, page.title, None) for page in pages(self.row)]


def cause_of(record: Record, event: Event) -> Cause:
    """`event`, in `record`, as the cause of an output."""
    message_id = None if event.id is None else clean(event.id, TEXT_CHARS_MAX)
    return Cause(record.topic, record.partition, record.offset, message_id, event.name, to_rfc3339(event.time_ms))


def trace_headers(record: Record) -> tuple[tuple[str, bytes | None], ...]:
    """The headers of `record` that its outputs carry on: the first traceparent, unless it is no such thing."""
    traces = (header for header in record.headers if header[0] == TRACE_HEADER)
    first = next(traces, None)
    return () if first is None or len(first[1] or b"") > TRACE_BYTES_MAX else (first,)


def identity_of(cause: Cause | Record) -> str:
    """What tells one cause from another, the same on every replay."""
    return f"{cause.topic}/{cause.partition}/{cause.offset}"


def score_of(model: Model, profile: Profile, at_ms: int) -> LeadScore:
    """The lead's score at `at_ms`, its row's now or later, with the arithmetic."""
    row = profile.row
    born_ms = row.born_ms
    total, explanation = explain(model, row, at_ms - born_ms)
    standing = standing_of(model, row, total)
    next_at = next_band(model, row.ledger, at_ms - born_ms, total)
    return LeadScore(
        lead=profile.lead,
        known=standing.known,
        engagement=explanation.engagement,
        fit=standing.fit,
        total=total,
        band=standing.band,
        grade=standing.grade,
        stage=standing.stage,
        owner=row.owner,
        persona=None,
        product=None,
        fast_track=row.fast_track,
        at=to_rfc3339(at_ms),
        contributions=explanation.contributions,
        clamps=explanation.clamps,
        next_band_at=None if next_at is None or born_ms + next_at > LAST_MS else to_rfc3339(born_ms + next_at),
        first_seen=to_rfc3339(born_ms + row.first),
        last_seen=to_rfc3339(born_ms + row.last),
        sessions=row.sessions,
        counts=dict(sorted(row.counts.items())),
        pages=profile.pages(),
        first_touch=None,
        last_touch=None,
        traits=standing.traits,
        ids=profile.ids,
        model=model.version,
    )


def score_output(model: Model, profile: Profile, at_ms: int, time_ms: int, *identity: str) -> Output:
    """The record of `lead-scores` for the lead as of `at_ms`, caused by what happened at `time_ms`."""
    return output(SCORES_TOPIC, SCORE_CHANGED, profile.lead, time_ms, score_of(model, profile, at_ms), *identity)


def publication(
    model: Model, profile: Profile, total: float, cause: Record | OwnerChanged, time_ms: int
) -> list[Output]:
    """What `lead-scores` must be told now that the row stands at `total`; noted in the row, too.

    `cause`, which happened at `time_ms`, changed the row last.

    As `records.md` says: a lead at or above `publish_from`, or known, when something that is shown changed or the
    last record is 60 s old; a last record for one that sinks below; a tombstone for an id that the lead has left.
    """
    row = profile.row
    last = row.published
    visible = total >= model.publish_from or row.known
    if not visible and (last is None or not last.visible):
        return []
    now = Published(profile.lead, row.now, round(total), model.band(total).name, visible)
    if (
        last is not None
        and not row.changed
        and row.now - last.at < REPUBLISH_MS
        and (last.total, last.band, last.visible) == (now.total, now.band, now.visible)
    ):
        return []
    row.published = now
    row.changed = False
    # A new owner comes of the same record as the score before it.
    identity = f"{identity_of(cause.cause)}/owner" if isinstance(cause, OwnerChanged) else identity_of(cause)
    outputs = [score_output(model, profile, row.now_ms, time_ms, identity)]
    if last is not None and last.lead != now.lead:
        outputs.insert(0, Output(SCORES_TOPIC, last.lead.encode(), None))
    return outputs


def _reason(fired: Fired) -> str:
    trigger = fired.alert.trigger
    what = "" if fired.rule is None else (fired.rule.label or fired.rule.id)
    if isinstance(trigger, Crosses):
        bound = f"{trigger.bound:g}" if trigger.band is None else f"{trigger.band} ({trigger.bound:g})"
        rose = f"score went from {fired.before:.1f} to {fired.after:.1f}, across {bound}"
        return f"{what}: {rose}" if what else rose
    return f"{what}: qualifies at once, at a score of {fired.after:.1f}"


def alert_outputs(
    model: Model,
    profile: Profile,
    fired: Fired,
    record: Record,
    event: Event,
    partition: int,
    assign_on: frozenset[str],
) -> list[Output]:
    """The record of `lead-alerts`, and the request for a rep where `assign_on` names the alert.

    `partition` is the lane of the profile, to which the desk sends its answer.
    """
    row = profile.row
    cause = cause_of(record, event)
    standing = standing_of(model, row, fired.after)
    _, explanation = explain(model, row, row.now)
    alert = LeadAlert(
        lead=profile.lead,
        alert=fired.alert.id,
        label=fired.alert.label,
        priority=fired.alert.priority,
        reason=_reason(fired),
        engagement=explanation.engagement,
        fit=standing.fit,
        total=fired.after,
        band=standing.band,
        grade=standing.grade,
        stage=standing.stage,
        from_=fired.before,
        to=fired.after,
        top=explanation.contributions[:TOP_MAX],
        pages=profile.pages(),
        product=None,
        first_touch=None,
        last_touch=None,
        traits=standing.traits,
        ids=profile.ids,
        owner=row.owner,
        cause=cause,
        model=model.version,
    )
    headers = trace_headers(record)
    identity = (fired.alert.id, identity_of(cause))
    alerted = output(ALERTS_TOPIC, ALERTED, profile.lead, event.time_ms, alert, *identity, headers=headers)
    if fired.alert.id not in assign_on:
        return [alerted]
    request = LeadRequested(
        lead=profile.lead,
        profile=profile.key,
        partition=partition,
        desk=DESK,
        alert=derived_id(kind_of(ALERTED), profile.lead, *identity),
        alert_name=fired.alert.id,
        at=row.now_ms,
        cause=cause,
        **standing._asdict(),
    )
    return [alerted, Output(REQUESTS_TOPIC, DESK.encode(), encode(request), DESK_PARTITION, headers)]
