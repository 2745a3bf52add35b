"""What `config/notify.yaml` states: who is told of which records, by which way, and when not. `notifyfile` reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from engine.core.conditions import Condition
from engine.notify.records import Notice
from engine.ops.values import Secret
from engine.routing.calendars import Calendar

REP_EMAIL = "{rep.email}"
REP_TARGET = "rep:"
"""Before the id of the rep to whom something is sent; no address begins so."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Records as they are, signed, to `url`. `secrets` are keys, several while one takes the place of another."""

    url: str
    secrets: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Slack:
    """Messages to the channel of an incoming webhook."""

    url: Secret


@dataclass(frozen=True, slots=True)
class Mail:
    """Mails to addresses, of which `{rep.email}` is that of whoever has the lead."""

    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Push:
    """Messages to whatever `apprise` speaks to at these addresses."""

    urls: tuple[Secret, ...]


Way = Webhook | Slack | Mail | Push


@dataclass(frozen=True, slots=True)
class Rule:
    """Records of these kinds for which `when` holds (None: all) go to these channels.

    `digest_ms`: many in one message, at the end of each such span of time, counted from 1970; 0: each at once.
    """

    records: frozenset[str]
    when: Condition | None
    to: tuple[str, ...]
    digest_ms: int = 0


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told of what. `loud` has the channels with quiet hours, and when they may be used; others always may.

    `version` changes with whatever was read.
    """

    channels: Mapping[str, Way] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    loud: Mapping[str, "Loud"] = field(default_factory=dict)
    version: str = ""

    def wanted(self, notice: Notice) -> dict[str, int]:
        """The channels that are to tell of it, each with its `digest_ms`, the shortest where several rules say so."""
        wanted: dict[str, int] = {}
        for rule in self.rules:
            if notice.kind in rule.records and (rule.when is None or rule.when.holds(notice)):
                for channel in rule.to:
                    wanted[channel] = min(rule.digest_ms, wanted.get(channel, rule.digest_ms))
        return wanted

    def targets(self, channel: str, notice: Notice) -> tuple[str, ...]:
        """Whom a channel tells of it: an address, a rep as `rep:<id>`, or nobody in particular, as an empty text."""
        way = self.channels[channel]
        if not isinstance(way, Mail):
            return ("",)
        named = (_rep_target(notice) if one == REP_EMAIL else one for one in way.to)
        return tuple(dict.fromkeys(one for one in named if one))


def _rep_target(notice: Notice) -> str:
    return f"{REP_TARGET}{notice.rep}" if notice.rep else ""


class Loud:
    """When a channel may be used: what its quiet hours leave, on the wall clock of a time zone."""

    def __init__(self, zone: tzinfo, hours: tuple[tuple[tuple[int, int], ...], ...]) -> None:
        """`zone` where nobody's own is known; `hours` as those of calendars, the quiet ones left out."""
        self._zone = zone
        self._hours = hours
        self._calendars: dict[tzinfo, Calendar] = {}

    def from_ms(self, at_ms: int, zone: tzinfo | None = None) -> int:
        """The first instant at or after `at_ms` at which it may be used, on the clock of `zone`."""
        zone = zone or self._zone
        calendar = self._calendars.setdefault(zone, Calendar(zone, self._hours, None))
        opens_ms = calendar.opens_ms(at_ms)
        # A reader refuses a week without a loud minute.
        assert opens_ms is not None
        return opens_ms
