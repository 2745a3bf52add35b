"""A real Apache Kafka broker: one node, KRaft, loopback only."""

import shutil
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from tests.servers.install import kafka_libs, kept
from tests.servers.process import HOST, Server, free_port

CLUSTER_ID = "heatlineTestCluster000"
HEAP = "-Xmx512m"
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Starts in half of the time; under load for minutes, a broker without it does more."""
WARM = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
"""Takes the classes that an earlier broker has loaded; another Java than that broker's loads its own."""
CLASSES = "kafka.jsa"
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
    """A broker with its data in `directory`; `properties` add to `DEFAULTS` or replace them, `java` is for the JVM."""

    name = "kafka"

    def __init__(
        self,
        directory: Path,
        properties: Mapping[str, str] | None = None,
        port: int | None = None,
        java: Sequence[str] = QUICK,
    ) -> None:
        """Nothing runs before `start`."""
        super().__init__(directory, port)
        self.properties = dict(properties or {})
        self._java = java
        self._controller_port = free_port()

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:PORT`."""
        return f"{HOST}:{self.port}"

    def command(self) -> list[str]:
        """Write server.properties, and the data folder the first time."""
        data = self.directory / "data"
        config = self.directory / "server.properties"
        listeners = f"PLAINTEXT://{self.bootstrap},CONTROLLER://{HOST}:{self._controller_port}"
        _write(
            config,
            {
                **DEFAULTS,
                "listeners": listeners,
                "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
                "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
                "log.dirs": str(data),
                **self.properties,
            },
        )
        if not (data / "meta.properties").exists():
            shutil.copytree(_formatted() / "data", data)
        warm = (*WARM, f"-XX:SharedArchiveFile={warm_classes()}") if self._java == QUICK else ()
        return [*_java(*self._java, *warm), "kafka.Kafka", str(config)]

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


def _java(*options: str) -> list[str]:
    return ["java", HEAP, *options, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{kafka_libs()}/*"]


def _formatted() -> Path:
    """A folder with empty `data`, made the first time: nothing in it depends on a broker's address or properties."""
    libs = kafka_libs()
    return kept(libs.with_name(f"{libs.name}-formatted"), _format)


def _format(folder: Path) -> None:
    folder.mkdir()
    config, data = folder / "server.properties", folder / "data"
    addresses = {"listeners": f"PLAINTEXT://{HOST}:1,CONTROLLER://{HOST}:2", "controller.quorum.voters": f"1@{HOST}:2"}
    _write(config, {**DEFAULTS, **addresses, "log.dirs": str(data)})
    tool = [*_java(*QUICK), "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(config)]
    done = subprocess.run(tool, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"Kafka's data folder {data} cannot be formatted: {done.stdout}{done.stderr}")


def warm_classes() -> Path:
    """What a broker has loaded once it answers, as Java keeps it for the next ones: they start in half of the time."""
    _formatted()  # while a folder is made, no other can be
    libs = kafka_libs()
    return kept(libs.with_name(f"{libs.name}-classes"), _load) / CLASSES


def _load(folder: Path) -> None:
    KafkaServer(folder, java=(*QUICK, f"-XX:ArchiveClassesAtExit={folder / CLASSES}")).start().stop()
    if not (folder / CLASSES).exists():
        raise RuntimeError(f"Java kept no classes in {folder / CLASSES}")
    shutil.rmtree(folder / "data")


async def drop_topics(bootstrap: str) -> None:
    """Delete every topic that is not the broker's own, and wait until they are gone."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        while topics := [topic for topic in await admin.list_topics() if not topic.startswith("__")]:
            await admin.delete_topics(topics)
    finally:
        await admin.close()


def _write(config: Path, settings: Mapping[str, str]) -> None:
    config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
