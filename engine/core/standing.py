"""Where a lead stands at an instant: what conditions on leads, alerts and routing look at."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from engine.core.events import Event
from engine.core.instants import to_rfc3339
from engine.core.model import STAGES, Model
from engine.core.packing import stored_touch
from engine.core.points import points_of
from engine.core.profile import Row, StoredTouch
from engine.core.records import Touch


class Standing:
    """A lead as conditions on leads read it; what is not asked for is not worked out.

    `engagement` and `fit` are as shown, never below 0. `event` is what caused the fold, None on a wake-up. Fit and
    personas are decided on a standing whose scores are still 0: they may not read them.
    """

    def __init__(self, model: Model, row: Row, event: Event | None = None) -> None:
        """Of `row`, whose scores are set once they are known."""
        self.model = model
        self.row = row
        self.event = event
        self.engagement = 0.0
        self.fit = 0.0
        self.total = 0.0

    @property
    def band(self) -> str:
        """The name of the total's band."""
        return self.model.band(self.total).name

    @property
    def grade(self) -> str:
        """The letter of the fit."""
        return self.model.grade(self.fit)

    @property
    def stage(self) -> str:
        """The id of the stage."""
        return STAGES[self.row.stage]

    @property
    def known(self) -> bool:
        """Whether the lead is a person and not just a browser."""
        return self.row.known

    @property
    def owner(self) -> str | None:
        """The rep who has the lead."""
        return self.row.owner

    @property
    def fast_track(self) -> bool:
        """Whether it has qualified at once."""
        return self.row.fast_track

    @property
    def counts(self) -> Mapping[str, int]:
        """Times seen by event and signal."""
        return self.row.counts

    @cached_property
    def points(self) -> Mapping[str, float]:
        """The decayed points of each rule that contributes, before every clamp."""
        return points_of(self.model, self.row.ledger, self.row.now, self.row.born_ms)

    @property
    def revenue(self) -> float:
        """The sum of its conversions."""
        return 0.0 if self.row.life is None else self.row.life.revenue

    @property
    def sessions(self) -> int:
        """How many web sessions there were."""
        return self.row.sessions

    @cached_property
    def traits(self) -> dict[str, Any]:
        """The lead's traits by name, without the times they were said."""
        return {name: value for name, (_, value) in sorted(self.row.traits.items())}

    @cached_property
    def persona(self) -> str | None:
        """The first persona that holds."""
        return next((name for name, holds in self.model.personas if holds(self)), None)

    @property
    def product(self) -> str | None:
        """The product of interest: the one seen most, then longest."""
        return max(self.row.products, key=self._interest, default=None)

    def _interest(self, product: str) -> tuple[int, float, str]:
        views, seconds = self.row.products[product]
        return views, seconds, product

    @cached_property
    def first_touch(self) -> Touch | None:
        """Where the lead first came from."""
        return self._touch(0) if self.row.touches else None

    @cached_property
    def last_touch(self) -> Touch | None:
        """Where it came from last."""
        return self._touch(-1) if self.row.touches else None

    def _touch(self, place: int) -> Touch:
        return shown_touch(stored_touch(self.row.touches[place]), self.row.born_ms)

    @property
    def place(self) -> Mapping[str, str]:
        """Where its last event came from: country, state, county, city, zip, language, as far as they are read."""
        return self.row.place


def shown_touch(touch: StoredTouch, born_ms: int) -> Touch:
    """A touch as records show it."""
    return Touch(to_rfc3339(born_ms + touch.at), touch.channel, touch.source, touch.medium, touch.campaign)
