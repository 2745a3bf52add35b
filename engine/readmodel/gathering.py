"""From records to one batch of changes, dossiers included: what is read, folded and written of them at once."""

from collections.abc import Iterable, Sequence

from engine.core.erasure import Pseudonym
from engine.core.records import LeadMergeRecord
from engine.readmodel.dossier import Dossier, News, fold, follows, leave, opened, pack, since, unite
from engine.readmodel.events import Read
from engine.readmodel.port import Change, DossierKept, LeadErased, ReadModel

MOVES_MAX = 8
"""How often a lead is looked for under its next id."""


async def gather(model: ReadModel, told: Iterable[Read], pseudonym: Pseudonym) -> list[Change]:
    """The changes that records make, in order, and then the dossiers that they touch as they are after all of them.

    It reads the dossiers that there are; so the changes hold only where `model` is as it was.
    """
    reads = list(told)
    folding = _Folding(model, pseudonym)
    await folding.look_up(reads)
    for one in reads:
        if isinstance(one.change, LeadErased):
            folding.erase(one.change)
        if one.news is not None:
            folding.fold(one.news)
    changes = [one.change for one in reads if one.change is not None]
    return [*changes, *folding.kept()]


class _Folding:
    """The dossiers of one batch, and who was erased."""

    def __init__(self, model: ReadModel, pseudonym: Pseudonym) -> None:
        self._model = model
        self._pseudonym = pseudonym
        self._dossiers: dict[str, Dossier | None] = {}
        self._erased: dict[str, int] = {}
        self._named: dict[str, str] = {}
        self._touched: dict[str, None] = {}

    async def look_up(self, reads: Sequence[Read]) -> None:
        """Read what the batch needs: in one look, but where leads have moved."""
        hashes = {one.change.pseudonym for one in reads if isinstance(one.change, LeadErased)}
        wanted = {one.change.lead for one in reads if isinstance(one.change, LeadErased) and one.change.lead}
        for one in reads:
            if one.news is not None:
                wanted.add(one.news.lead)
                if isinstance(one.news.data, LeadMergeRecord):
                    wanted.add(one.news.data.from_)
        wanted |= {lead for lead in await self._model.named(sorted(hashes)) if lead is not None}
        for _ in range(MOVES_MAX + 1):
            await self._read(sorted(wanted))
            moves = [dossier.moved for lead in wanted if (dossier := self._dossiers[lead]) and dossier.moved]
            wanted = {moved.lead for moved in moves} - self._dossiers.keys()
            if not wanted:
                break
        self._named = {self._pseudonym(lead): lead for lead in self._dossiers}

    async def _read(self, leads: Sequence[str]) -> None:
        packed = await self._model.dossiers(leads)
        # One that cannot be read is begun anew.
        self._dossiers |= {lead: opened(value) for lead, value in zip(leads, packed, strict=True)}
        hashes = [self._pseudonym(lead) for lead in leads]
        known = await self._model.erasures(hashes)
        self._erased |= {name: at_ms for name, at_ms in zip(hashes, known, strict=True) if at_ms is not None}

    def fold(self, news: News) -> None:
        """Take it into the dossier where it belongs, unless it is of somebody erased since."""
        lead, of, merged_ms = self._home(news.lead, news.time_ms)
        if self._is_erased(news.lead, news.time_ms) or self._is_erased(lead, news.time_ms):
            return
        if isinstance(news.data, LeadMergeRecord):
            self._merge(news, news.data.from_, lead)
        else:
            self._put(lead, fold(self._dossiers.get(lead), news, of, merged_ms))

    def erase(self, erased: LeadErased) -> None:
        """Forget what happened up to then."""
        self._erased[erased.pseudonym] = max(erased.at_ms, self._erased.get(erased.pseudonym, erased.at_ms))
        for lead in {erased.lead, self._named.get(erased.pseudonym)}:
            dossier = None if lead is None else self._dossiers.get(lead)
            if lead is not None and dossier is not None:
                self._put(lead, since(dossier, erased.at_ms))

    def kept(self) -> list[Change]:
        """The dossiers that changed; of those gone nothing is left to say."""
        found = ((lead, self._dossiers[lead]) for lead in self._touched)
        return [DossierKept(lead, pack(one), self._pseudonym(lead)) for lead, one in found if one is not None]

    def _merge(self, news: News, other: str, lead: str) -> None:
        left = None if self._is_erased(other, news.time_ms) else self._dossiers.get(other)
        if other == lead or follows(left, news.time_ms) is not None:
            self._put(lead, fold(self._dossiers.get(lead), news))
            return
        self._put(lead, unite(self._dossiers.get(lead), left, news))
        if not self._is_erased(other, news.time_ms):
            self._put(other, leave(left, news))

    def _home(self, lead: str, time_ms: int) -> tuple[str, str, int]:
        """The lead whose dossier it is by now, of which lead it was where that is another, and when that was merged."""
        of, merged_ms = "", 0
        for _ in range(MOVES_MAX):
            moved = follows(self._dossiers.get(lead), time_ms)
            if moved is None or moved.lead == lead:
                break
            lead, of, merged_ms = moved.lead, lead, moved.told_ms
        return lead, of, merged_ms

    def _is_erased(self, lead: str, time_ms: int) -> bool:
        at_ms = self._erased.get(self._pseudonym(lead))
        return at_ms is not None and time_ms <= at_ms

    def _put(self, lead: str, dossier: Dossier | None) -> None:
        if dossier is self._dossiers.get(lead):
            return
        self._dossiers[lead] = dossier
        self._named[self._pseudonym(lead)] = lead
        self._touched[lead] = None
