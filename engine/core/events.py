"""What a visitor event, or a signal derived from one, is to the rules."""

from collections.abc import Iterable
from typing import Any, get_args

import msgspec
from msgspec import UNSET

from engine.core.records import Reason, Signal

EVENTS_TOPIC = "visitor-events"
"""Where sites write what visitors do."""
IMPORT = "import"
"""The source of events that come from a back-fill: however old they are they count, and they fire nothing."""
WEB = "web"
CANARY = "canary"
"""The type of records that are no visitor's, by which the line is tried."""
SIGNALS: frozenset[str] = frozenset(get_args(Signal))
VIEWS = frozenset({"page_view", "screen_view"})


class Rejected(Exception):
    """A record that cannot be an event: `reason` as in `dead-letters`, and the `field` at fault where there is one."""

    def __init__(self, reason: Reason, field: str | None, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.field = field


def outside_years(time_ms: int) -> Rejected:
    """A record whose time, in ms since the epoch, no calendar holds: outside of FIRST_MS and LAST_MS."""
    return Rejected("time", None, f"{time_ms} ms after 1970 is outside the years 1 to 9999")


class Canary(Rejected):
    """A record that is a canary: no visitor's event, but something to be answered. `nonce` is its messageId."""

    def __init__(self, nonce: str | None) -> None:
        super().__init__("schema", "type", f"type is {CANARY!r}, which is reserved: no visitor is a canary")
        self.nonce = nonce


class Page(msgspec.Struct, gc=False):
    """`context.page` of the Segment spec; `path` is clean, the others are as they came."""

    path: str | None = None
    url: str | None = None
    title: str | None = None
    referrer: str | None = None
    search: str | None = None


class Campaign(msgspec.Struct, gc=False):
    """`context.campaign` of the Segment spec."""

    source: str | None = None
    medium: str | None = None
    name: str | None = None
    term: str | None = None
    content: str | None = None


class Event(msgspec.Struct, gc=False):
    """An event as the rules see it. `type` is Segment's, `name` the canonical one or the signal's, `id` the messageId.

    `time_ms` is never after its record's time. At least one of `anonymous_id` and `user_id` is there, or an address in
    the traits of an `identify`. `properties`, `traits` and `context` are attribute objects that hold the keys that the
    model reads (`partial`), or None. `previous_id` is what an `alias` joins to `user_id`. `signal` is true where the
    engine derived it; then everything else is the causing event's, but for the page and the properties, which are the
    signal's own. `channel` is that of the visit, set when the event meets its row; `product` the product of interest
    that it names.
    """

    type: str
    name: str
    time_ms: int
    id: str | None
    anonymous_id: str | None
    user_id: str | None
    source: str
    page: Page
    campaign: Campaign | None
    properties: Any
    traits: Any
    context: Any = None
    product: str | None = None
    channel: str | None = None
    signal: bool = False
    previous_id: str | None = None


NO_PAGE = Page()


def attribute(key: str) -> str:
    """The attribute under which a decoded object holds `key`; keys are any text, attributes are identifiers."""
    return "key_" + key.encode("utf-8", "surrogatepass").hex()


def partial(struct: str, keys: Iterable[str]) -> Any:
    """A struct that decodes of a JSON object only `keys`, whatever they hold; what is not there is UNSET."""
    renamed = {attribute(key): key for key in sorted(set(keys))}
    return msgspec.defstruct(struct, [(name, Any, UNSET) for name in renamed], rename=renamed, gc=False)
