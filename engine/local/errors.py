"""What the commands of this floor say, in one line, before they give up."""


class LocalError(Exception):
    """The command cannot go on; the message names what, where, and what would be right."""


def no_broker(bootstrap: str) -> LocalError:
    """For a client that finds nobody at `bootstrap`."""
    return LocalError(f"no Kafka broker answers at {bootstrap}: start it, or name another")
