"""The shelf of cards that follows a read model: what every list, search and live update of the board asks."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from engine.readmodel.dossier import Dossier, unpack
from engine.readmodel.events import decode_score
from engine.readmodel.port import Mark, ReadModel, ReadModelAway
from engine.web.lists.cards import Card, Lead, card_of
from engine.web.lists.shelf import IDLE_MAX, JOURNAL_MAX, Shelf
from engine.web.masking import key_of

log = logging.getLogger(__name__)

REFRESH_S = 0.25
"""Changes that come faster are taken together."""

BATCH = 500
_TURN = 50
"""Cards made before others have their turn: some 3 ms."""

_RETRY_S = 1.0
_FAILED_RETRY_S = 10.0


class Index(Shelf):
    """The cards of a read model's leads; `run` keeps them up to date until it is cancelled.

    `loading`: not all that the model holds is here yet. `away`: why nothing new comes, None while it does.
    """

    def __init__(
        self,
        model: ReadModel,
        secret: Callable[[], bytes],
        *,
        idle_max: int = IDLE_MAX,
        journal_max: int = JOURNAL_MAX,
    ) -> None:
        """An empty index. Leads' keys are made by `secret`; where that changes, all is read anew."""
        super().__init__(idle_max=idle_max, journal_max=journal_max)
        self._model = model
        self._secret = secret
        self._made_by = secret()
        self._since: Mark | None = None
        # Cards of before the model began anew, until it has told of their leads again.
        self._unheard: set[str] = set()
        self._news = asyncio.Event()
        self._closed = False
        self.away: str | None = None

    async def run(self) -> None:
        """Follow the read model; where it is away, what was seen last stays."""
        while True:
            try:
                async with contextlib.aclosing(self._model.changed()) as changes:
                    async for _ in changes:
                        await self.catch_up()
                        await asyncio.sleep(REFRESH_S)
            except ReadModelAway as away:
                if self.away is None:
                    log.warning("the board's lists show what they last saw: %s", away)
                self.away = str(away)
                self._announce()
                await asyncio.sleep(_RETRY_S)
            except Exception:
                # A defect of ours must not leave old lists that say they are live.
                log.exception("the board's lists cannot be brought up to date")
                self.away = "the lists cannot be brought up to date"
                self._announce()
                await asyncio.sleep(_FAILED_RETRY_S)

    async def catch_up(self) -> None:
        """Take in everything that changed. Raises ReadModelAway; what was read up to then stays.

        Where the model begins anew, as it does after each erasure, cards stay until it is known which of them are
        gone: viewers see what changed, and no empty lists.
        """
        if self._secret() != self._made_by:
            self._made_by, self._since = self._secret(), None
            self.clear()
        more = True
        while more:
            touched = await self._model.touched(self._since, BATCH)
            if touched.anew:
                self._unheard = set(self.leads())
            await self._take(touched.leads)
            self._since, self.away = touched.mark, None
            more = len(touched.leads) == BATCH
        for lead in self._unheard:
            self.drop(lead)
        self._unheard.clear()
        if self.loading:
            self.loaded()
        self._announce()

    async def sought(self, name: str) -> Card | None:
        """The card of a lead by its key or its id; a lead too cold for the index is read from the model.

        Raises ReadModelAway.
        """
        if (card := self.find(name)) is not None:
            return card
        lead = await self.read(name)
        return None if lead is None else lead.card

    async def read(self, name: str) -> Lead | None:
        """The lead of this id as the model has it now; None where there is none, or another version wrote of it.

        Raises ReadModelAway.
        """
        [score], [dossier] = await self._model.scores([name]), await self._model.dossiers([name])
        return self._lead(name, score, dossier)

    def key(self, name: str) -> str:
        """The key that stands for the id of a lead, or of a record about one."""
        return key_of(self._made_by, name)

    async def beyond(self, mark: str, timeout_s: float) -> None:
        """Return when there is something newer than `mark`, when closed, or after `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.mark == mark and not self._closed:
                    await self._news.wait()

    def close(self) -> None:
        """Wake everybody who waits, now and later."""
        self._closed = True
        self._announce()

    def _announce(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _take(self, leads: Sequence[str]) -> None:
        self._unheard.difference_update(leads)
        scores, dossiers = await self._model.scores(leads), await self._model.dossiers(leads)
        for number, (lead, score, dossier) in enumerate(zip(leads, scores, dossiers, strict=True), 1):
            known = self._lead(lead, score, dossier)
            if known is None:
                self.drop(lead)
            else:
                self.put(known.card)
            if number % _TURN == 0:
                await asyncio.sleep(0)

    def _lead(self, name: str, score: bytes | None, dossier: bytes | None) -> Lead | None:
        """None without a score, or where another version of this program wrote what cannot be read."""
        if score is None:
            return None
        try:
            data, known = decode_score(score).data, Dossier() if dossier is None else unpack(dossier)
            return Lead(card_of(data, known, self.key(name)), data, known)
        except ValueError as error:
            log.warning("a lead is left out of the board's lists, since its record cannot be read: %s", error)
            return None
