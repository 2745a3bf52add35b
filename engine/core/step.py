"""One step of a lead: what came counts, and what the score then is."""

from typing import Any

from msgspec.structs import replace

from engine.core.comparisons import number_of
from engine.core.effects import Converted
from engine.core.events import Event
from engine.core.ledger import counted
from engine.core.model import Conversion, Model, Readers, Rule
from engine.core.profile import Life, Row, Visit
from engine.core.scoring import Score, fit_now, score_at
from engine.core.standing import Standing
from engine.core.text import printable
from engine.core.triggers import Alert, When
from engine.core.visits import count_seen

TRIGGER_AGE_MS_MAX = 3_600_000
"""An event that is older than its row's now by more than this fires no event trigger and gains nothing."""
CURRENCY_CHARS_MAX = 8
REVENUE_MAX = 1e12
AMOUNT_MAX = 1e15
"""What an event counts for at most, where the rule states no `times_max`: sums of it stay finite."""


class Step:
    """A row on its way from one state to the next: it is changed in place, what it holds is replaced, never changed.

    `event` is what came, None on a wake-up, and `name` what a cause is called. `gained` is what it brought before
    decay and clamps, `deducted` whether any of it speaks against the lead. `triggered` are the alerts and actions whose
    `when` held, each with what it held for; `fast` is the rule that qualified the lead at once, if one did, `top` the
    one that weighed most. `quiet`: nothing may fire.
    """

    gained = 0.0
    deducted = False
    fast: Rule | None = None
    top: Rule | None = None
    triggered: tuple[tuple[Alert, Event], ...] = ()
    converted: tuple[Converted, ...] = ()
    _standing: Standing | None = None
    _before: Score | None = None
    _after: Score | None = None

    def __init__(self, model: Model, before: Row, row: Row, event: Event | None, name: str, *, quiet: bool) -> None:
        """`row` has come to the instant of the step and nothing has counted yet; `before` is as it was."""
        self.model = model
        self.row = row
        self.event = event
        self.name = name
        self.quiet = quiet
        self.in_time = event is None or row.born_ms + row.now - event.time_ms <= TRIGGER_AGE_MS_MAX
        self._row_before = before

    def count(self, event: Event) -> None:
        """Let every rule, conversion and trigger that reads it see `event`."""
        name, model = event.name, self.model
        if not event.signal:
            readers = model.readers_by_event.get(name, model.readers_of_any)
        else:
            readers = model.readers_of_signal(name)
            count_seen(model, self.row, name)
        rules = readers.rules if readers.by_path is None else readers.by_path(event.page.path)
        for rule in rules:
            if rule.holds(event) and (rule.sources is None or event.source in rule.sources):
                self._count_for(rule, event)
        if readers.conversions:
            self._convert(readers.conversions, event)
        if readers.followers or readers.whens:
            self._trigger(readers, event)

    def _count_for(self, rule: Rule, event: Event) -> None:
        """Count `event` for `rule`, which holds for it."""
        row = self.row
        amount: float = 1
        if rule.times is not None:
            amount = _amount(rule, event)
            if amount <= 0:
                return
        if event.signal and event.name == "dwell" and not self._first_dwell(dwelt_by(rule)):
            return
        time = event.time_ms - row.born_ms
        if row.life is not None and row.life.over is not None and time < row.life.over:
            return
        if rule.fast_track:
            self._qualify(rule)
        entry = counted(rule, row.ledger.get(rule.id), time, row.now, row.born_ms, amount)
        if entry is None:
            return
        if row.ledger is self._row_before.ledger:
            row.ledger = row.ledger.copy()
        row.ledger[rule.id] = entry
        if rule.points < 0:
            self.deducted = True
        if self.top is None or rule.points > self.top.points:
            self.top = rule
        if self.in_time:
            self.gained += rule.points * amount

    def _qualify(self, rule: Rule) -> None:
        row = self.row
        if not row.fast_track:
            row.fast_track = row.changed = True
        if self.in_time:
            self.fast = self.fast or rule

    def _first_dwell(self, who: str) -> bool:
        """Whether `who` counts the open page's dwell for the first time; it is remembered then."""
        visit: Visit | None = self.row.visit
        if visit is None or who in visit.dwelt:
            return visit is None
        self.row.visit = replace(visit, dwelt=[*visit.dwelt, who])
        return True

    def _convert(self, conversions: tuple[Conversion, ...], event: Event) -> None:
        for one in conversions:
            if one.holds(event):
                value = None if one.value is None else number_of(one.value(event))
                currency = None if one.currency is None else one.currency(event)
                self.convert(one.id, value, currency, event.name)

    def convert(self, conversion: str, value: float | None, currency: Any, name: str) -> None:
        """Note a conversion of this value."""
        revenue = max(-REVENUE_MAX, min(value or 0.0, REVENUE_MAX))
        life = self.row.life or Life()
        self.row.life = replace(life, revenue=life.revenue + revenue)
        text = printable(currency[:CURRENCY_CHARS_MAX]).upper() if isinstance(currency, str) else None
        self.converted = (*self.converted, Converted(conversion, revenue, text or None, name))

    def _trigger(self, readers: Readers, event: Event) -> None:
        row = self.row
        time = event.time_ms - row.born_ms
        waits_before = row.waits
        for alert, holds in readers.followers:
            if holds(event):
                row.waits = {**row.waits, alert.state: _followed(alert, row.waits.get(alert.state), time)}
        if not self.in_time or self.quiet:
            return
        for alert, holds in readers.whens:
            if not holds(event) or (event.name == "dwell" and event.signal and not self._first_dwell(alert.state)):
                continue
            trigger = alert.trigger
            if isinstance(trigger, When) and trigger.followed is not None:
                wait = _awaited(trigger, row.waits.get(alert.state), waits_before.get(alert.state), time)
                row.waits = {**row.waits, alert.state: wait}
            else:
                self.triggered = (*self.triggered, (alert, event))

    @property
    def lowered(self) -> bool:
        """Whether the score may be lower than just before: a deduction counted, or the lead is known for another."""
        return self.deducted or self.row.traits is not self._row_before.traits

    @property
    def before(self) -> Score:
        """The score just before: at the instant of the event, on a wake-up when the lead was last looked at."""
        if self._before is None:
            was = self._row_before
            at = was.now if self.event is None else self.row.now
            self._before = score_at(self.model, was, at, fit_now(self.model, was))
        return self._before

    @property
    def after(self) -> Score:
        """The score after everything that came has counted."""
        if self._after is None:
            self._after = score_at(self.model, self.row, self.row.now, fit_now(self.model, self.row))
        return self._after

    @property
    def standing(self) -> Standing:
        """Where the lead stands after the step."""
        if self._standing is None:
            score = self.after
            standing = self._standing = Standing(self.model, self.row, self.event)
            standing.engagement, standing.fit = max(score.engagement, 0.0), max(score.fit, 0.0)
            standing.total = score.total
        return self._standing

    def recount(self) -> None:
        """The score has changed once more."""
        self._after = self._standing = None


def dwelt_by(rule: Rule) -> str:
    """What a visit calls a rule that has counted its page; an alert goes by its state, and may be called the same."""
    return f"\x02{rule.id}"


Wait = tuple[int | None, int]
"""When what should follow is missed and the latest event that it should follow, or None and when it came last."""


def _awaited(trigger: When, wait: Wait | None, before: Wait | None, time: int) -> Wait:
    """`wait` once an event that something should follow came at `time`; `before` is as it was before that event.

    What came late may have been followed already, but nothing follows itself.
    """
    due, latest = wait or (None, time)
    if due is not None:
        return due, max(time, latest)
    if before is not None and before[0] is None and before[1] > time:
        return before
    return time + trigger.within_ms, time


def _followed(alert: Alert, wait: Wait | None, time: int) -> Wait:
    """`wait` once what should follow came at `time`."""
    due, latest = wait or (None, time)
    if due is None or time >= latest:
        return None, max(time, latest)
    within_ms = alert.trigger.within_ms if isinstance(alert.trigger, When) else 0
    return (latest + within_ms, latest) if time >= due - within_ms else (due, latest)


def _amount(rule: Rule, event: Event) -> float:
    """What the event counts for; 0 where the field is no number above 0."""
    assert rule.times is not None
    amount = number_of(rule.times(event))
    return 0.0 if amount is None else float(min(amount, rule.times_max, AMOUNT_MAX))
