"""A real Apache Kafka broker: one node, KRaft, loopback only."""

import socket
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.servers.install import kafka_libs
from tests.servers.process import HOST, Server, free_port

CLUSTER_ID = "heatlineTestCluster000"
HEAP = "-Xmx512m"
METADATA_V1 = struct.pack(">hhihi", 3, 1, 1, -1, 0)
"""A Metadata request, version 1, without client id, for no topic."""

LONG_MAX = str(2**63 - 1)
DEFAULTS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "8",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A killed broker may register again only after its old session; 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # Records keep the timestamps of the log they come from, years ago or ahead, and stay.
    "log.retention.ms": "-1",
    "log.message.timestamp.before.max.ms": LONG_MAX,
    "log.message.timestamp.after.max.ms": LONG_MAX,
}


class KafkaServer(Server):
    """A broker with its data in `directory`; `properties` add to `DEFAULTS` or replace them."""

    name = "kafka"

    def __init__(self, directory: Path, properties: Mapping[str, str] | None = None, port: int | None = None) -> None:
        """Nothing runs before `start`."""
        super().__init__(directory, port)
        self.properties = dict(properties or {})
        self._controller_port = free_port()

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:PORT`."""
        return f"{HOST}:{self.port}"

    def command(self) -> list[str]:
        """Write server.properties, format the data folder the first time."""
        java = ["java", HEAP, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{kafka_libs()}/*"]
        data = self.directory / "data"
        config = self.directory / "server.properties"
        settings = {
            **DEFAULTS,
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{HOST}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "log.dirs": str(data),
            **self.properties,
        }
        config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        if not (data / "meta.properties").exists():
            tool = [*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(config)]
            done = subprocess.run(tool, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"Kafka's data folder {data} cannot be formatted: {done.stdout}{done.stderr}")
        return [*java, "kafka.Kafka", str(config)]

    def answers(self) -> bool:
        """The broker names itself in its metadata: from then on it takes topics, records and groups."""
        with socket.create_connection((HOST, self.port), timeout=5) as connection, connection.makefile("rwb") as wire:
            wire.write(struct.pack(">i", len(METADATA_V1)) + METADATA_V1)
            wire.flush()
            head = wire.read(12)
        if len(head) < 12:
            return False
        brokers: int = struct.unpack(">iii", head)[2]
        return brokers > 0
