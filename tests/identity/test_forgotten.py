"""Of who was erased no byte is left in rows, compacted topics, desk and read model, nor comes back to them."""

from collections.abc import Iterable, Iterator, Sequence
from random import Random

import pytest

from engine.agents.route import RouteJob
from engine.agents.score import ScoreJob
from engine.core.desks import only_main
from engine.core.erasure import pseudonym
from engine.core.flow import InputRecord, Output
from engine.core.messages import INBOX_TOPIC, LeadErase, encode
from engine.core.partitioner import by_murmur2
from engine.local.simulate import INTERNAL_TOPICS, Simulation
from engine.readmodel.events import TOPICS, Malformed, Read, read
from engine.readmodel.gathering import gather
from engine.readmodel.memory import MemoryReadModel
from engine.readmodel.port import Batch, Progress, ReadModel
from tests.build import HOUR, T0, model
from tests.identity.people import Person, people, sent
from tests.identity.truth import SPEC
from tests.unit.routing.examples import routing

LANES = 3
HASH = pseudonym(b"a key of the test's own")
ALERTS = {"hot": {"crosses": 20}, "chat": {"when": {"event": "chat"}, "cooldown": "1m"}, "new": {"enters": "lead"}}
MODEL = model({**SPEC, "publish_from": "cold", "alerts": ALERTS})
ASSIGN_ON = frozenset(ALERTS)
SEEDS = range(7_000_000, 7_000_008)
"""So large that a person's name, of which each of their ids, titles and addresses has a part, is nothing else."""


class World:
    """All lanes and the desk, with everything that left them."""

    def __init__(self) -> None:
        score = ScoreJob(MODEL, lambda key: by_murmur2(key, LANES), only_main(ASSIGN_ON), lanes=LANES, pseudonym=HASH)
        self.simulation = Simulation([score, RouteJob(routing())], LANES)
        self.outputs: list[Output] = []
        self._offset = 0

    def take(self, topic: str, key: str, value: bytes, lane: int | None = None, at_ms: int = T0) -> None:
        """Read one record, and all that follows from it."""
        self._offset += 1
        place = by_murmur2(key.encode(), LANES) if lane is None else lane
        record = InputRecord(topic, place, self._offset, at_ms, key.encode(), value)
        self.outputs += self.simulation.record(record)

    def see(self, seen: Sequence[Person], seed: int, at_ms: int = T0) -> None:
        """Read everything that these people did, some of it away from home."""
        draw = Random(seed)
        for key, value in sent(seen, seed):
            astray = draw.randrange(LANES) if draw.random() < 0.2 else None
            self.take("visitor-events", key, value, astray, at_ms)

    def erase(self, lead: str, at_ms: int = T0 + 1) -> None:
        """As the command asks for it."""
        self.take(INBOX_TOPIC, lead, encode(LeadErase(lead, at_ms, "asked for", None)))

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Every row of both tables, with its key."""
        for table, lanes in self.simulation.rows.items():
            for rows in lanes.values():
                yield from ((table, key + row) for key, row in rows.items())

    def logs(self) -> list[list[Output]]:
        """What the topics of a read model hold, those of each partition in order; compaction has not begun."""
        found: dict[tuple[str, int | None], list[Output]] = {}
        for output in self.outputs:
            if output.topic in TOPICS:
                found.setdefault((output.topic, output.partition), []).append(output)
        return list(found.values())

    def compacted(self) -> list[list[Output]]:
        """Likewise, once compaction has left of a key its last value only, and no tombstone."""
        latest = {output.key: output for output in self.outputs if output.topic == "lead-scores"}
        scores = [output for output in latest.values() if output.value is not None]
        return [scores, *(log for log in self.logs() if log[0].topic != "lead-scores")]


def projected(logs: Iterable[Sequence[Output]], draw: Random) -> Iterator[InputRecord]:
    """Records in an order in which a projector may read them: that of each partition, and any between partitions."""
    queues = [iter(log) for log in logs]
    while queues:
        place = draw.randrange(len(queues))
        output = next(queues[place], None)
        if output is None:
            queues.pop(place)
        else:
            yield InputRecord(
                output.topic, output.partition or 0, 0, T0, output.key, output.value, headers=output.headers
            )


async def shown(logs: Iterable[Sequence[Output]], seed: int) -> ReadModel:
    """A read model of what the topics hold."""
    built = MemoryReadModel()
    draw = Random(seed)
    records = list(projected(logs, draw))
    while records:
        size = draw.randrange(1, 200)
        told = [read(record, HASH) for record in records[:size]]
        assert not any(isinstance(one, Malformed) for one in told)
        changes = await gather(built, [one for one in told if isinstance(one, Read)], HASH)
        await built.apply(Batch(changes, await built.positions(), {("t", 0): len(records)}, Progress(T0, 0.0)))
        del records[:size]
    return built


async def held(built: ReadModel) -> list[tuple[str, bytes]]:
    """Everything that a read model shows."""
    leads = (await built.touched(None, 1_000_000)).leads
    dossiers = zip(leads, await built.dossiers(leads), strict=True)
    parts = {
        "leads": [lead.encode() for lead in leads],
        "dossiers": [lead.encode() + packed for lead, packed in dossiers if packed is not None],
        "scores": await built.hottest(1_000_000),
        "alerts": await built.latest("alerts", 1_000),
        "assignments": await built.latest("assignments", 1_000),
    }
    return [(where, event) for where, events in parts.items() for event in events]


def name_of(person: Person) -> str:
    return person.browsers[0].partition("-")[2]


def traces(person: Person, stored: Iterable[tuple[str, bytes]]) -> set[str]:
    """Where the person's name still stands."""
    return {where for where, value in stored if name_of(person).encode() in value}


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_byte_is_left_and_none_comes_back(seed: int) -> None:
    """Whichever id is named, in whatever order a projector reads, also one that reads all anew; others lose nothing.

    All that the person did is read once more, as retries and replays would: it is dropped. Only counts go down.
    """
    world, seen = World(), people(seed, 3)
    world.see(seen, seed)
    everywhere = [*world.stored(), *await held(await shown(world.logs(), seed))]
    person = max(seen, key=lambda one: len(traces(one, everywhere)))
    assert traces(person, everywhere) == {"profiles", "desk", "scores", "alerts", "assignments", "dossiers", "leads"}
    counts = (b"main/rep/", b"main/queue")
    before = [one for one in world.stored() if not traces(person, [one]) and not one[1].startswith(counts)]
    world.erase(Random(seed).choice([person.final, *person.browsers]))
    for _ in range(2):
        for logs in (world.logs(), world.compacted()):
            assert traces(person, await held(await shown(logs, seed))) == set()
        assert traces(person, [("lead-scores", output.value or b"") for output in world.compacted()[0]]) == set()
        assert traces(person, world.stored()) == set()
        assert set(before) <= set(world.stored())
        told = len(world.outputs)
        world.see([person], seed)
        assert {output.topic for output in world.outputs[told:]} <= INTERNAL_TOPICS
    left = [*world.stored(), *await held(await shown(world.logs(), seed))]
    assert all(traces(other, left) == traces(other, everywhere) for other in seen if other is not person)


@pytest.mark.parametrize("seed", SEEDS)
async def test_who_comes_again_is_shown_as_somebody_new(seed: int) -> None:
    """By what came after the erasure alone, also where a read model is built anew; explained, not called erased."""
    world, (person,) = World(), people(seed, 1)
    world.see([person], seed)
    world.erase(person.final)
    again = b'{"type": "track", "event": "chat", "userId": "%s", "messageId": "again"}' % person.final.encode()
    world.take("visitor-events", person.final, again, at_ms=T0 + HOUR)
    world.see([person], seed, T0 + HOUR)
    for logs in (world.logs(), world.compacted()):
        built = await shown(logs, seed)
        (score,) = await built.hottest(9)
        alerts = await built.latest("alerts", 9)
        assert await built.lead(person.final) == score
        assert b'"counts":{"chat":1}' in score
        assert b'"pages":[]' in score
        assert alerts
        assert all(b'"time":"2026-11-23T01:00' in alert for alert in alerts)
        assert await built.erased(HASH(person.final)) == T0 + 1
