"""The output records: CloudEvents 1.0 in JSON, one struct per `data`.

These structs are the contract with other systems: the JSON Schemas and the AsyncAPI document in `topics/` are
generated from them. Fields may be added, never renamed or removed. Scores are numbers with full precision;
times are RFC 3339 in UTC with milliseconds.
"""

from datetime import date
from typing import Annotated, Any, Literal

import msgspec

SOURCE = "heatline"

Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""RFC 3339 in UTC with milliseconds."""

Reason = Literal["json", "schema", "identity", "time", "size", "feedback", "internal"]
"""Why a record was rejected, in dead letters and in `heatline_events_rejected_total{reason}`."""

Signal = Literal[
    "dwell",
    "session_start",
    "session_end",
    "bounce",
    "return_visit",
    "form_abandoned",
    "cart_abandoned",
    "checkout_abandoned",
    "video_watched",
]
"""What the engine derives from order, silence and time."""

Stage = Literal[
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "disqualified",
    "recycled",
]
"""HubSpot's lifecycle stages, and the two ways out of them."""


class Cause(msgspec.Struct):
    """The record in `visitor-events` or `rep-events` that caused an output, also after forwarding.

    `event` is its messageId or null, `name` the event or signal.
    """

    topic: str | None
    partition: int | None
    offset: int | None
    event: str | None
    name: str
    time: Time


class Contribution(msgspec.Struct):
    """What one rule contributes now, before every clamp. `last` is the time of the latest event it counted."""

    part: Literal["engagement", "fit"]
    rule: str
    label: str | None
    group: str | None
    points: float
    count: int
    last: Time | None


class Clamp(msgspec.Struct):
    """What a clamp adds to its part: `rule:<id>`, `group:<id>` or `scale`; of `total`, `floor` or `scale`."""

    part: Literal["engagement", "fit", "total"]
    clamp: str
    points: float


class Page(msgspec.Struct):
    """A page the lead has seen; `seconds` it was read, null where that is not known."""

    at: Time
    path: str
    title: str | None
    seconds: float | None


class Touch(msgspec.Struct):
    """The start of a web session and where the lead came from."""

    at: Time
    channel: str
    source: str | None
    medium: str | None
    campaign: str | None


class Ids(msgspec.Struct):
    """Every id the lead is known by."""

    user: str | None
    anonymous: list[str]


class LeadScore(msgspec.Struct):
    """`lead-scores`: the current score with its explanation, stated for the instant `at`.

    total = Σ weight(part) × (contributions + clamps of the part) + clamps of part `total`,
    to 1e-9 × max(1, Σ |contributions|). `next_band_at`: when decay alone will change the band, or null. `tomorrow` is
    the total 24 h after `at` if nothing happens until then; records written before there was the field lack it.
    """

    lead: str
    known: bool
    engagement: float
    fit: float
    total: float
    band: str
    grade: str
    stage: str
    owner: str | None
    persona: str | None
    product: str | None
    fast_track: bool
    at: Time
    contributions: list[Contribution]
    clamps: list[Clamp]
    next_band_at: Time | None
    first_seen: Time
    last_seen: Time
    sessions: int
    counts: dict[str, int]
    pages: list[Page]
    first_touch: Touch | None
    last_touch: Touch | None
    traits: dict[str, Any]
    ids: Ids
    model: str
    tomorrow: float | None = None


class LeadAlert(msgspec.Struct):
    """`lead-alerts`: what a rep needs to act. `from` and `to` are the score before and after the cause."""

    lead: str
    alert: str
    label: str | None
    priority: Literal["low", "normal", "high"]
    reason: str
    engagement: float
    fit: float
    total: float
    band: str
    grade: str
    stage: str
    from_: float = msgspec.field(name="from")
    to: float
    top: list[Contribution]
    pages: list[Page]
    product: str | None
    first_touch: Touch | None
    last_touch: Touch | None
    traits: dict[str, Any]
    ids: Ids
    owner: str | None
    cause: Cause
    model: str


class LeadAction(msgspec.Struct):
    """`lead-actions`: something to do for the lead, such as a mail. `data` is filled in from the event and the lead."""

    lead: str
    action: str
    data: dict[str, Any]
    traits: dict[str, Any]
    ids: Ids
    owner: str | None
    product: str | None
    reason: str
    cause: Cause
    model: str


class LeadStageChange(msgspec.Struct):
    """`lead-stages`: the lead went from one stage to another. `total` is its score when it did."""

    lead: str
    from_: Stage = msgspec.field(name="from")
    to: Stage
    reason: str
    seconds_in_stage: float
    total: float
    cause: Cause


class LeadMergeRecord(msgspec.Struct):
    """`lead-stages`: the lead `from` is the lead `to` now, with everything that was known of it.

    `seconds_in_stage` and `total` are the lead's after the merge.
    """

    lead: str
    from_: str = msgspec.field(name="from")
    to: str
    reason: str
    seconds_in_stage: float
    total: float
    cause: Cause


class LeadErased(msgspec.Struct):
    """`lead-stages`: everything known of a lead was erased. `lead` is the keyed hash of the id that it had.

    `time_kept_until`: when the last topic that keeps records for a time has lost them.
    """

    lead: str
    at: Time
    reason: str
    time_kept_until: Time | None


class Shares(msgspec.Struct):
    """One number per touch, in their order, for each way of weighting them.

    As `weights` each list sums to 1, as `credit` to the revenue, to the cent.
    """

    first: list[float]
    last: list[float]
    linear: list[float]
    u_shaped: list[float]


class LeadConversion(msgspec.Struct):
    """`lead-conversions`: what the lead did, what it is worth, and which touches earned it.

    `revenue` is rounded to the cent, 0 where the conversion states none, below 0 for a refund; `currency` is what the
    event says, null where it says none.
    """

    lead: str
    conversion: str
    revenue: float
    currency: str | None
    touches: list[Touch]
    weights: Shares
    credit: Shares
    cause: Cause


class TraceStep(msgspec.Struct, gc=False):
    """One rule or rep that was considered, and why it was taken or passed over."""

    step: str
    candidate: str
    outcome: str
    why: str


class LeadAssignment(msgspec.Struct):
    """`lead-assignments`: who gets a lead, and how that was decided. `alert` is the id of the alert that asked.

    `territories` names those of the desk's file, as it is when the record is written, that hold the lead as it was for
    that alert, whoever gets it: the first 20, in the order of the file. Records from before there was the field lack
    it.
    """

    lead: str
    rep: str | None
    team: str | None
    rule: str | None
    attempt: int
    previous: str | None
    due_at: Time | None
    reason: str
    trace: list[TraceStep]
    alert: str
    score: float
    band: str
    desk: str
    region: str | None
    remind_at: Time | None
    cause: Cause
    territories: list[str] = []


class Failure(msgspec.Struct):
    """Why a record was rejected: the reason as counted, the field at fault where there is one, a sentence, the time."""

    reason: Reason
    field: str | None
    message: str
    time: Time


class Payload(msgspec.Struct):
    """The rejected record, whole, so that a retry is lossless.

    `truncated` where the value was cut at 512 KiB, or the key or the headers at 16 KiB.
    `key` is the key as text where it is UTF-8, `key_base64` its bytes; header values are base64, null where the header
    has none. `timestamp` is RFC 3339, milliseconds where no calendar holds it.
    """

    topic: str
    partition: int
    offset: int
    timestamp: str
    key: str | None
    key_base64: str | None
    headers: list[tuple[str, str | None]]
    value_base64: str | None
    truncated: bool


class Processor(msgspec.Struct):
    """What rejected the record."""

    name: str
    version: str


class DeadLetter(msgspec.Struct):
    """`dead-letters`: a record that could not be processed, with its reason and its original bytes."""

    failure: Failure
    payload: Payload
    processor: Processor


class LeadFeedbackRecord(msgspec.Struct):
    """`lead-assignments`: what the rep who has the lead said about it at the instant `at`.

    Only what belongs to the type can be there: `until` and `text` to snoozed, `channel` to contacted, `amount` to
    opportunity and won, `currency` to won, `close_on` to opportunity, `text` to noted, `reason` to declined,
    disqualified and lost, `due_at` to accepted: when the lead is to be contacted at the latest. `cause` is the record
    in `rep-events`, its `event` null.
    """

    lead: str
    rep: str
    at: Time
    until: Time | None
    channel: str | None
    amount: float | None
    currency: str | None
    close_on: date | None
    text: str | None
    reason: str | None
    cause: Cause
    due_at: Time | None


class CanaryAnswer(msgspec.Struct):
    """`lead-alerts`, `lead-assignments`: a synthetic lead came this far; nobody is to be told, and nothing to be done.

    `nonce` is the messageId of its record in `visitor-events`, which is the `cause`.
    """

    nonce: str
    cause: Cause
