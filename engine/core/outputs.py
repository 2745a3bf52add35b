"""What a lead's row looks like to others: its score, its alerts and actions, its stages and conversions."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from engine.core.attribution import conversion
from engine.core.cloudevents import derived_id, kind_of, output
from engine.core.desks import Desks
from engine.core.drift import next_band
from engine.core.effects import Converted, Effect, Fired, Moved
from engine.core.flow import Output
from engine.core.identity import is_email, public_id
from engine.core.instants import DAY_MS, LAST_MS, to_rfc3339
from engine.core.messages import MAIN_DESK, LeadMerge, LeadMerged, LeadRequested, StageChanged
from engine.core.model import RECYCLED, STAGES, UNOWNED, Model
from engine.core.origins import Origin
from engine.core.packing import stored_touch
from engine.core.pages import title_of
from engine.core.profile import Published, Row
from engine.core.reasons import reason_of
from engine.core.records import Ids, LeadAction, LeadAlert, LeadMergeRecord, LeadScore, LeadStageChange, Page
from engine.core.scoring import Explanation, explain, fit_now, score_at
from engine.core.seen import seen
from engine.core.standing import Standing, shown_touch

SCORES_TOPIC = "lead-scores"
ALERTS_TOPIC = "lead-alerts"
ACTIONS_TOPIC = "lead-actions"
STAGES_TOPIC = "lead-stages"
CONVERSIONS_TOPIC = "lead-conversions"
SCORE_CHANGED = "lead.score_changed"
ALERTED = "lead.alerted"
ACTION_REQUESTED = "lead.action_requested"
STAGE_CHANGED = "lead.stage_changed"
MERGED = "lead.merged"
CONVERTED = "lead.converted"
TOP_MAX = 5
REPUBLISH_MS = 60_000


class Profile(NamedTuple):
    """A row with the key it stands under."""

    key: str
    row: Row

    @property
    def lead(self) -> str:
        """The lead's id."""
        return public_id(self.key)

    @property
    def ids(self) -> Ids:
        """Every id the lead is known by."""
        if self.row.anonymous:
            return Ids(user=None, anonymous=[self.key])
        return Ids(user=None if is_email(self.key) else public_id(self.key), anonymous=self.row.browsers)

    def pages(self) -> list[Page]:
        """The last ten pages, oldest first."""
        born_ms, pages = self.row.born_ms, self.row.pages
        return [
            Page(to_rfc3339(born_ms + page.at), page.path, title_of(pages, place), _seconds(page.read_ms))
            for place, page in enumerate(pages)
        ]


def _seconds(duration_ms: int | None) -> float | None:
    return None if duration_ms is None else duration_ms / 1000


def explained(model: Model, row: Row, at: int, origin: Origin | None = None) -> tuple[Standing, Explanation]:
    """Where the lead stands at `at`, its row's now or later, and the arithmetic of it."""
    explanation = explain(model, row, at)
    standing = Standing(model, row, None if origin is None else origin.event)
    standing.engagement, standing.fit, standing.total = explanation.engagement, explanation.fit, explanation.total
    return standing, explanation


def score_of(model: Model, profile: Profile, at_ms: int) -> LeadScore:
    """The lead's score at `at_ms`, its row's now or later, with the arithmetic."""
    row = profile.row
    born_ms = row.born_ms
    at = at_ms - born_ms
    standing, explanation = explained(model, row, at)
    fit = fit_now(model, row)
    next_at = next_band(model, row, at, fit)
    return LeadScore(
        lead=profile.lead,
        known=row.known,
        engagement=standing.engagement,
        fit=standing.fit,
        total=standing.total,
        band=standing.band,
        grade=standing.grade,
        stage=STAGES[row.stage],
        owner=row.owner,
        persona=standing.persona,
        product=standing.product,
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
        first_touch=standing.first_touch,
        last_touch=standing.last_touch,
        traits=standing.traits,
        ids=profile.ids,
        model=model.version,
        tomorrow=score_at(model, row, at + DAY_MS, fit).total,
    )


def score_output(model: Model, profile: Profile, at_ms: int, time_ms: int, *identity: str) -> Output:
    """The record of `lead-scores` for the lead as of `at_ms`, caused by what happened at `time_ms`."""
    return output(SCORES_TOPIC, SCORE_CHANGED, profile.lead, time_ms, score_of(model, profile, at_ms), *identity)


def publication(model: Model, profile: Profile, total: float, origin: Origin) -> list[Output]:
    """What `lead-scores` must be told now that the row stands at `total`; noted in the row, too.

    `origin` changed the row last. As `records.md` says: a lead at or above `publish_from`, or known, when something
    that is shown changed or the last record is 60 s old; a last record for one that sinks below.
    """
    row = profile.row
    last = row.published
    visible = total >= model.publish_from or row.known
    if not visible and (last is None or not last.visible):
        return []
    grade = model.grade(max(0.0, fit_now(model, row)))
    persona = Standing(model, row).persona if model.personas else None
    now = Published(row.now, round(total), model.band(total).name, grade, persona, visible)
    if (
        last is not None
        and not row.changed
        and row.now - last.at < REPUBLISH_MS
        and (last.total, last.band, last.grade, last.persona, last.visible)
        == (now.total, now.band, now.grade, now.persona, now.visible)
    ):
        return []
    row.published = now
    row.changed = False
    return [score_output(model, profile, row.now_ms, origin.time_ms, origin.identity)]


def tombstone(profile: Profile) -> list[Output]:
    """What `lead-scores` must be told of a lead whose row is given up, or goes to another."""
    published = profile.row.published
    if published is None:
        return []
    return [Output(SCORES_TOPIC, profile.lead.encode(), None)]


def effect_outputs(
    model: Model, profile: Profile, effects: list[Effect], origin: Origin, lane: int, desks: Desks
) -> list[Output]:
    """The records of what came of a step, in order, with a request for a rep for each alert that asks one of `desks`.

    `lane` is that of the profile, to which the desk sends its answer.
    """
    outputs: list[Output] = []
    shown: tuple[Standing, Explanation] | None = None
    for effect in effects:
        if isinstance(effect, Fired):
            shown = shown or explained(model, profile.row, profile.row.now, origin)
            if effect.alert.is_action:
                outputs.append(_action(model, profile, effect, origin, shown[0]))
            else:
                outputs += _alert(model, profile, effect, origin, shown, lane, desks)
        elif isinstance(effect, Moved):
            outputs += _moved(profile, effect, origin, desks)
        else:
            outputs.append(_converted(profile, effect, origin))
    return outputs


def merge_outputs(
    model: Model,
    profile: Profile,
    total: float,
    message: LeadMerge,
    other: Row,
    origin: Origin,
    lane: int,
    desks: Desks,
) -> list[Output]:
    """What is told of a lead that is one with another from now on; the desk is, if it can know the other.

    `profile` is as it is after the merge, at `total`, in `lane`.
    """
    row, other_id, cause = profile.row, public_id(message.other), origin.cause(origin.name)
    since = 0 if row.life is None else row.life.at
    record = LeadMergeRecord(
        lead=profile.lead,
        from_=other_id,
        to=profile.lead,
        reason=f"{other_id} is {profile.lead}",
        seconds_in_stage=max(0, max(row.now_ms, origin.time_ms) - row.born_ms - since) / 1000,
        total=total,
        cause=cause,
    )
    identity = (message.other, origin.identity)
    told = output(STAGES_TOPIC, MERGED, profile.lead, origin.time_ms, record, *identity)
    if not other.alerts and other.owner is None:
        return [told]
    band = model.band(total).name
    one = LeadMerged(profile.lead, other_id, profile.key, lane, origin.time_ms, total, band, closed=False, cause=cause)
    return [told, *told_desks(desks, one, row)]


def told_desks(desks: Desks, merged: LeadMerged, row: Row) -> list[Output]:
    """Each desk is told of a merge; at another than that of `row`, the person's, nobody keeps the lead."""
    closed = {name: row.stage in UNOWNED or row.desk not in (None, name) for name in desks.names}
    return [desks.send(replace(merged, closed=closed[name], desk=name), name) for name in desks.names]


def _moved(profile: Profile, moved: Moved, origin: Origin, desks: Desks) -> list[Output]:
    cause = origin.cause(moved.name)
    change = LeadStageChange(
        lead=profile.lead,
        from_=STAGES[moved.stage_from],
        to=STAGES[moved.stage_to],
        reason=moved.reason,
        seconds_in_stage=moved.seconds,
        total=moved.total,
        cause=cause,
    )
    identity = (STAGES[moved.stage_to], origin.identity_of(moved.name))
    told = output(STAGES_TOPIC, STAGE_CHANGED, profile.lead, origin.time_ms, change, *identity, headers=origin.headers)
    if moved.stage_to != RECYCLED or origin.stated is not None:
        return [told]
    # The desk has not said so itself, and would give the lead to its owner again.
    messages = [StageChanged(profile.lead, STAGES[RECYCLED], origin.time_ms, cause, name) for name in desks.names]
    return [told, *(desks.send(message, message.desk) for message in messages)]


def _converted(profile: Profile, converted: Converted, origin: Origin) -> Output:
    row = profile.row
    touches = [shown_touch(stored_touch(touch), row.born_ms) for touch in row.touches]
    cause = origin.cause(converted.name)
    record = conversion(profile.lead, converted.conversion, converted.revenue, converted.currency, touches, cause)
    identity = (converted.conversion, origin.identity_of(converted.name))
    return output(CONVERSIONS_TOPIC, CONVERTED, profile.lead, origin.time_ms, record, *identity, headers=origin.headers)


def _action(model: Model, profile: Profile, fired: Fired, origin: Origin, standing: Standing) -> Output:
    seen = Standing(model, profile.row, fired.event)
    seen.engagement, seen.fit, seen.total = standing.engagement, standing.fit, standing.total
    templates: Mapping[str, Any] = fired.alert.data or {}
    action = LeadAction(
        lead=profile.lead,
        action=fired.alert.id,
        data={key: template.fill(seen) for key, template in templates.items()},
        traits=standing.traits,
        ids=profile.ids,
        owner=profile.row.owner,
        product=standing.product,
        reason=reason_of(model, fired),
        cause=origin.cause(fired.name),
        model=model.version,
    )
    identity = (fired.alert.id, origin.identity_of(fired.name))
    return output(
        ACTIONS_TOPIC, ACTION_REQUESTED, profile.lead, origin.time_ms, action, *identity, headers=origin.headers
    )


def _alert(
    model: Model,
    profile: Profile,
    fired: Fired,
    origin: Origin,
    shown: tuple[Standing, Explanation],
    lane: int,
    desks: Desks,
) -> list[Output]:
    row = profile.row
    standing, explanation = shown
    cause = origin.cause(fired.name)
    alert = LeadAlert(
        lead=profile.lead,
        alert=fired.alert.id,
        label=fired.alert.label,
        priority=fired.alert.priority,
        reason=reason_of(model, fired),
        engagement=standing.engagement,
        fit=standing.fit,
        total=standing.total,
        band=standing.band,
        grade=standing.grade,
        stage=STAGES[row.stage],
        from_=fired.before,
        to=fired.after,
        top=explanation.contributions[:TOP_MAX],
        pages=profile.pages(),
        product=standing.product,
        first_touch=standing.first_touch,
        last_touch=standing.last_touch,
        traits=standing.traits,
        ids=profile.ids,
        owner=row.owner,
        cause=cause,
        model=model.version,
    )
    identity = (fired.alert.id, origin.identity_of(fired.name))
    alerted = output(ALERTS_TOPIC, ALERTED, profile.lead, origin.time_ms, alert, *identity, headers=origin.headers)
    if fired.alert.id not in desks.assign_on:
        return [alerted]
    request = _request(
        model, profile, standing, fired, origin, lane, derived_id(kind_of(ALERTED), profile.lead, *identity)
    )
    desk = desks.of(row.desk, request)
    if fired.alert.id not in desk.assign_on:
        return [alerted]
    row.desk = desk.name
    return [alerted, desks.send(replace(request, desk=desk.name), desk.name, origin.headers)]


def _request(
    model: Model, profile: Profile, standing: Standing, fired: Fired, origin: Origin, lane: int, alert_id: str
) -> LeadRequested:
    row = profile.row
    return LeadRequested(
        lead=profile.lead,
        profile=profile.key,
        partition=lane,
        desk=MAIN_DESK,
        alert=alert_id,
        alert_name=fired.alert.id,
        at=row.now_ms,
        total=standing.total,
        engagement=standing.engagement,
        fit=standing.fit,
        band=standing.band,
        grade=standing.grade,
        stage=standing.stage,
        known=row.known,
        fast_track=row.fast_track,
        traits=standing.traits,
        owner=row.owner,
        cause=origin.cause(fired.name),
        persona=standing.persona,
        product=standing.product,
        counts=dict(row.counts),
        revenue=standing.revenue,
        sessions=row.sessions,
        first_touch=standing.first_touch,
        last_touch=standing.last_touch,
        place=dict(row.place),
        seen=seen(model.seen, standing),
    )
