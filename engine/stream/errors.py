"""Why a worker ends: each error is one sentence that says what is wrong and what would be right."""


class StreamError(Exception):
    """The stream layer cannot go on; its text is one line for the person who started the worker."""


class BrokerUnreachable(StreamError):
    """No broker answered in time."""


class ClusterMismatch(StreamError):
    """The cluster's topics are not the ones the worker was built for, or the worker may not use them."""


class DataDirectoryError(StreamError):
    """The data directory cannot be made or written."""


class LostPositions(StreamError):
    """A committed position lies outside its input's log: records are gone that nobody has read."""


class OtherWriter(StreamError):
    """The changelog was written under another app id, whose workers this one would not fence."""


class DeliveryHole(StreamError):
    """A chunk does not begin where the one before it ended: a record was skipped or repeated on the way."""


class RecordTooLarge(StreamError):
    """A row, or a batch, exceeds what the broker takes."""


class JobFailed(StreamError):
    """A job raised; that is a bug, since jobs answer for every record."""


class WriteFailed(Exception):
    """A lane's transaction did not become readable, or nobody knows whether it did.

    `reason` is `fenced` where another producer took the lane over, else `error`.
    """

    def __init__(self, reason: str, text: str) -> None:
        """`text` says what happened, in one line."""
        super().__init__(text)
        self.reason = reason
