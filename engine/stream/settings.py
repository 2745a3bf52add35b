"""How a worker reaches Kafka and how long it waits for what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.core.partitioner import PARTITIONERS


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """Settings of one worker; times in seconds, sizes in bytes.

    `security` goes to every aiokafka client as it stands: `security_protocol`, `ssl_context`, `sasl_mechanism`,
    `sasl_plain_username`, `sasl_plain_password`, `sasl_oauth_token_provider`.
    """

    bootstrap: str
    app_id: str = "heatline"
    data_dir: Path = Path("data")
    security: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    plain: bool = False
    """No transactions: outputs and rows are acknowledged, then the position. A crash doubles what was in flight."""
    idempotent: bool = True
    """Off only for a broker that knows no producer ids, in plain mode: a retried write may then double its records."""
    accept_loss: bool = False
    """Go on although records were lost: from the log's start, or from the beginning of a topic made anew."""
    take_over: bool = False
    """Go on with changelogs that were written under another app id, none of whose workers runs any more."""
    partitioner: str = "murmur2"

    session_timeout_s: float = 3.0
    heartbeat_s: float = 0.5
    rebalance_timeout_s: float = 15.0
    """How long the group waits for a member that rejoins; more than `ack_timeout_s`, which ends its transactions."""
    start_timeout_s: float = 60.0

    commit_after_s: float = 0.1
    commit_records: int = 8_000
    commit_bytes: int = 8 * 2**20
    """A lane commits this long after its first uncommitted record, or at so many records or bytes of input."""

    transaction_timeout_s: float = 10.0
    ack_timeout_s: float = 8.0
    """A write that takes longer has failed; less than `transaction_timeout_s`, after which the broker aborts."""
    record_bytes_max: int = 1_000_000
    """The largest record and batch written; the broker's `message.max.bytes` is 1,048,588 by default."""
    fetch_bytes: int = 2**20

    lane_queue_bytes: int = 16 * 2**20
    queue_bytes: int = 128 * 2**20
    """What may wait in one lane, and in all lanes of a worker, before it stops fetching."""

    def __post_init__(self) -> None:
        """Raise ValueError, naming the setting, where values contradict each other."""
        if self.partitioner not in PARTITIONERS:
            raise ValueError(f"partitioner is {self.partitioner!r}; must be one of {', '.join(PARTITIONERS)}")
        if not (self.idempotent or self.plain):
            raise ValueError("idempotent is off; transactions need it, only plain mode does without")
        if not self.heartbeat_s < self.session_timeout_s:
            raise ValueError(f"heartbeat_s is {self.heartbeat_s}; must be below session_timeout_s")
        if not self.ack_timeout_s < min(self.transaction_timeout_s, self.rebalance_timeout_s):
            raise ValueError(
                f"ack_timeout_s is {self.ack_timeout_s}; must be below transaction_timeout_s and rebalance_timeout_s"
            )

    @property
    def client(self) -> dict[str, Any]:
        """What every aiokafka client is made with."""
        return {"bootstrap_servers": self.bootstrap, **self.security}
