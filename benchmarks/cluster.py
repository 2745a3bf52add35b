"""A broker with the catalog's topics and worker processes, all on loopback and gone at the end."""

import asyncio
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from engine.stream import admin, catalog
from tests.servers.install import ROOT
from tests.servers.kafka import KafkaServer
from tests.servers.process import HOST, Server, free_port

CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
EVENTS_TOPIC = "visitor-events"


class Program(Server):
    """One of our processes; what it says goes to its log."""

    name = "program"

    def __init__(self, directory: Path, command: list[str]) -> None:
        """Nothing runs before `start`."""
        super().__init__(directory)
        self._command = command

    def command(self) -> list[str]:
        """As it was given."""
        return self._command

    def answers(self) -> bool:
        """From its first line on."""
        return bool(self.said())

    def said(self, prefix: str = "") -> list[str]:
        """What stands behind `prefix` in the whole lines that it has written so far."""
        lines = self.log.read_text().split("\n")[:-1] if self.log.exists() else []
        return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]

    @property
    def cpu_s(self) -> float:
        """Processor seconds that it has used, all threads."""
        stat = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / CLOCK_TICKS_PER_S

    @property
    def rss_bytes(self) -> int:
        """Resident memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Worker(Program):
    """`heatline worker`, as an operator starts it."""

    name = "worker"

    def __init__(self, cluster: "Cluster", number: int = 0, config: Path = ROOT / "config") -> None:
        """Nothing runs before `start`; `number` tells workers of one cluster apart; `config` holds what they read."""
        directory = cluster.directory / f"worker-{number}"
        self.ops_port = free_port()
        command = [
            *(str(Path(sys.executable).with_name("heatline")), "worker", "--settings", os.devnull),
            f"--kafka.bootstrap={cluster.kafka.bootstrap}",
            f"--worker.ops_port={self.ops_port}",
            f"--paths.catalog={cluster.catalog_file}",
            f"--paths.data_dir={directory / 'data'}",
            *(f"--paths.{name}={config / name}.yaml" for name in ("model", "events", "routing")),
        ]
        super().__init__(directory, command)

    def answers(self) -> bool:
        """Ready: partitions are assigned and recovered."""
        try:
            return bool(self._get("/readyz"))
        except urllib.error.HTTPError:
            return False

    def sample(self, metric: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels; 0 where there are none yet."""
        families = text_string_to_metric_families(self._get("/metrics").decode())
        samples = (sample for family in families for sample in family.samples if sample.name == metric)
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def consumed(self) -> float:
        """Visitor events read and committed since it started."""
        return self.sample("heatline_events_consumed_total", topic=EVENTS_TOPIC)

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://{HOST}:{self.ops_port}{path}", timeout=5) as answer:
            body: bytes = answer.read()
            return body


class Cluster:
    """A running broker with the catalog's topics; lanes as asked for, everything else as shipped."""

    def __init__(self, directory: Path, kafka: KafkaServer, catalog_file: Path, stack: ExitStack) -> None:
        """`running_cluster` makes one."""
        self.directory = directory
        self.kafka = kafka
        self.catalog_file = catalog_file
        self._stack = stack

    def worker(self, number: int = 0, config: Path = ROOT / "config") -> Worker:
        """A worker that is killed with the cluster; not started."""
        worker = Worker(self, number, config)
        self._stack.callback(worker.kill)
        return worker

    def program(self, name: str, *arguments: str) -> Program:
        """A module of this package in a process of its own, killed with the cluster; not started."""
        command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
        program = Program(self.directory / name, command)
        self._stack.callback(program.kill)
        return program


@contextmanager
def running_cluster(lanes: int) -> Iterator[Cluster]:
    """A new broker in a temporary folder, with `lanes` partitions of visitor events."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="heatline-bench-")))
        kafka = KafkaServer(directory / "kafka", java=())
        stack.callback(kafka.kill)
        kafka.start()
        catalog_file = directory / "catalog.yaml"
        _write_catalog(catalog_file, lanes)
        asyncio.run(_apply(catalog_file, kafka.bootstrap))
        yield Cluster(directory, kafka, catalog_file, stack)


def _write_catalog(file: Path, lanes: int) -> None:
    yaml = YAML()
    stated = yaml.load(catalog.SHIPPED)
    for topic in catalog.CO_PARTITIONED[0]:
        stated["topics"][topic]["partitions"] = lanes
    yaml.dump(stated, file)


async def _apply(file: Path, bootstrap: str) -> None:
    report = await admin.apply(catalog.read(file), bootstrap)
    if report.problems:
        raise RuntimeError("; ".join(report.problems))


def until(condition: Callable[[], bool], what: str, timeout_s: float, every_s: float = 0.05) -> float:
    """The time (`time.monotonic`) at which `condition` held; raises TimeoutError naming `what` where it does not."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(every_s)
    return time.monotonic()
