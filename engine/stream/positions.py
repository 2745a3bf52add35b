"""Where reading begins, and when it must not: records that are gone unread are never passed over in silence."""

import logging
from collections.abc import Mapping

from engine.stream.chunk import Partition
from engine.stream.errors import LostPositions

log = logging.getLogger(__name__)

FLAG = "--accept-loss"


def starting_points(
    committed: Mapping[Partition, int | None],
    ranges: Mapping[Partition, tuple[int, int]],
    *,
    accept_loss: bool,
) -> dict[Partition, int]:
    """The offset to begin at, of each input partition: its committed position, else the beginning of its log.

    `ranges` holds the first offset of each log and the one behind its last. A position outside of it means that
    records were lost: raises LostPositions, or with `accept_loss` begins at the log's first offset and warns.
    """
    starts: dict[Partition, int] = {}
    losses: list[str] = []
    for partition, position in committed.items():
        first, end = ranges[partition]
        if position is None or first <= position <= end:
            starts[partition] = first if position is None else position
            continue
        starts[partition] = first
        losses.append(_loss(partition, position, first, end))
    if losses and not accept_loss:
        raise LostPositions(f"{'; '.join(losses)}. Start with {FLAG} to go on without them")
    for loss in losses:
        log.warning("loss accepted: %s", loss)
    return starts


def _loss(partition: Partition, position: int, first: int, end: int) -> str:
    name = f"{partition.topic}[{partition.partition}]"
    if position < first:
        return f"{name} lost {first - position:,} records: read up to {position}, its log begins at {first}"
    return f"{name} was made anew: read up to {position}, its log ends at {end}, so {position - end:,} records are gone"
