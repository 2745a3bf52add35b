"""What the workers of the fault tests are fed: events whose outcome does not depend on how lanes interleave.

Each visitor is one of three kinds. At home: all events arrive in the visitor's own partition. Stray: all arrive in
one other partition, so that every one is forwarded, in order. Wanderer: each arrives anywhere, so that forwarded and
direct ones overtake each other; wanderers only look at pages, which never makes anybody hot, and decayed counts do not
depend on order. Half of the visitors send no messageId: for them nothing but transactions keeps an event from counting
twice. The others repeat themselves now and then, as clients do. Who logs in states no address: it would be asked for at
its own home, and the login come back from there behind later events.
"""

import re
from collections.abc import Iterator
from random import Random

from engine.core.flow import InputRecord
from engine.core.partitioner import by_murmur2
from engine.local.load import benchmark_events
from tests.build import T0

TOPIC = "visitor-events"
STRAY, WANDERER = 0.15, 0.10
REPEATED = 0.01
EVENTS_PER_S = 100.0
_MESSAGE_ID = re.compile(rb'"messageId":"[^"]*",')
_EMAIL = re.compile(rb'"email":"[^"]*",')


def wanders(visitor: bytes) -> bool:
    """Whether the visitor's events arrive anywhere."""
    return _lot(visitor) < WANDERER


def events(seed: int, leads: int, count: int, partitions: int) -> Iterator[InputRecord]:
    """The records, with their partitions; about `count`. Offsets are the broker's."""
    draw = Random(seed)
    for number, (key, value) in enumerate(benchmark_events(seed, leads, count, T0, EVENTS_PER_S)):
        lot = _lot(key)
        home = by_murmur2(key, partitions)
        partition = home
        if lot < WANDERER:
            if b'"type":"page"' not in value:
                continue
            partition = draw.randrange(partitions)
        elif lot < WANDERER + STRAY:
            partition = (home + 1) % partitions
        anonymous = key[-1] % 2 == 0
        sent = _EMAIL.sub(b"", value, count=1)
        if anonymous:
            sent = _MESSAGE_ID.sub(b"", sent, count=1)
        record = InputRecord(TOPIC, partition, 0, T0 + int(number * 1_000 / EVENTS_PER_S), key, sent)
        yield record
        if not anonymous and lot >= WANDERER and draw.random() < REPEATED:
            yield record


def _lot(visitor: bytes) -> float:
    return Random(visitor).random()
