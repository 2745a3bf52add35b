"""What the commands of this floor say, in one line, before they give up."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class LocalError(Exception):
    """The command cannot go on; the message names what, where, and what would be right."""


class SimulateError(ValueError):
    """A line that names a topic which no job reads or a partition that is not there, or is no record at all."""


def no_broker(bootstrap: str) -> LocalError:
    """For a client that finds nobody at `bootstrap`."""
    return LocalError(f"no Kafka broker answers at {bootstrap}: start it, or name another")


@contextmanager
def what_is_raised_is_said_once() -> Iterator[None]:
    """Within it aiokafka logs nothing: it logs each attempt to connect, and raises at the end."""
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
