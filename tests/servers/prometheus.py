"""A real Prometheus, loopback only, that scrapes programs of this machine under the shipped rules."""

import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML

from tests.monitoring import PROMETHEUS
from tests.servers.install import prometheus
from tests.servers.process import HOST, Server


class PrometheusServer(Server):
    """Scrapes every second: the jobs and rules of config/prometheus, at `targets`, the ports of each job."""

    name = "prometheus"

    def __init__(self, directory: Path, targets: Mapping[str, list[int]], port: int | None = None) -> None:
        """Nothing runs before `start`."""
        super().__init__(directory, port)
        self._targets = targets

    def command(self) -> list[str]:
        """Write the shipped configuration with addresses of this machine."""
        yaml = YAML(typ="safe")
        config = yaml.load(PROMETHEUS / "prometheus.yml")
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(PROMETHEUS / name) for name in config["rule_files"]]
        for job in config["scrape_configs"]:
            del job["dns_sd_configs"]
            ports = self._targets.get(job["job_name"], [])
            job["static_configs"] = [{"targets": [f"{HOST}:{port}" for port in ports]}]
        file = self.directory / "prometheus.yml"
        yaml.dump(config, file)
        data = f"--storage.tsdb.path={self.directory / 'data'}"
        return [prometheus(), f"--config.file={file}", data, f"--web.listen-address={HOST}:{self.port}"]

    def answers(self) -> bool:
        """It says itself that it is ready."""
        with urllib.request.urlopen(f"http://{HOST}:{self.port}/-/ready", timeout=5) as response:
            return bool(response.status == 200)

    def query(self, query: str) -> list[dict[str, Any]]:
        """The series that a query comes to now. Raises HTTPError where it is none."""
        found: list[dict[str, Any]] = self._get("query?" + urllib.parse.urlencode({"query": query}))["result"]
        return found

    def rules(self) -> dict[str, dict[str, Any]]:
        """The alert rules by name: `health`, `state`, `alerts`."""
        groups = self._get("rules")["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{HOST}:{self.port}/api/v1/{path}", timeout=10) as response:
            return msgspec.json.decode(response.read())["data"]
