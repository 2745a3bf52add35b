"""What is deployed, as far as it can be checked without a container engine."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from engine.notify.metrics import NotifierMetrics
from engine.ops.loading import load_settings
from engine.ops.metrics import MetricsObserver, ProjectorMetrics, WorkerMetrics
from tests.monitoring import RULE_TESTS, dashboard, metrics_named, rules

ROOT = Path(__file__).parents[2]


def read(path: str) -> Any:
    return YAML(typ="safe").load(ROOT / path)


def services() -> dict[str, Any]:
    found: dict[str, Any] = read("docker-compose.yml")["services"]
    return found


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in service.get("environment", {}).items()}


@pytest.mark.parametrize(
    ("schema", "path"),
    [("compose-spec", "docker-compose.yml"), ("github-workflows", ".github/workflows/ci.yml")],
)
def test_files_follow_their_published_schemas(schema: str, path: str) -> None:
    """Whatever reads them knows every key."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_is_confined_and_reachable_from_this_host_only() -> None:
    """No capabilities, no new privileges, a fixed version, loopback ports; only Kafka writes its root file system."""
    for name, service in services().items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only", False) is (name != "kafka"), name
        assert re.search(r":v?\d", service["image"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name


def test_every_service_that_stays_has_a_health_check() -> None:
    """Its own, or the image's, which asks the ops port."""
    image = (ROOT / "Dockerfile").read_text()
    assert "HEALTHCHECK" in image
    assert "127.0.0.1:9464/livez" in image
    for name, service in services().items():
        asks_ops_port = name in {"worker", "projector", "notifier"}
        assert asks_ops_port or "healthcheck" in service, name


def test_settings_of_the_containers_are_settings() -> None:
    """`HEATLINE_*` in the compose file and the image are known, and listen where the others expect it."""
    image = dict(re.findall(r"(HEATLINE_\w+)=(\S+)", (ROOT / "Dockerfile").read_text()))
    ours = {name: service for name, service in services().items() if service["image"].startswith("heatline:")}
    assert set(ours) == {"topics", "worker", "projector", "notifier", "board"}
    for service in ours.values():
        settings = load_settings(ROOT / "config" / "heatline.toml", {**image, **environment(service)}, {})
        assert settings.kafka.bootstrap == "kafka:19092"
        assert settings.worker.ops_port == 9464
        assert settings.board.port == 8080
    assert services()["worker"]["deploy"]["replicas"] == 2


def test_containers_run_as_nobody_in_particular() -> None:
    """The last stage of the image ends as a user that owns nothing in it; Redis is not root either."""
    last_stage = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last_stage, flags=re.MULTILINE)
    assert "--require-hashes" in (ROOT / "Dockerfile").read_text()
    assert services()["redis"]["user"] == "redis"


def test_every_alert_has_severity_texts_and_a_page() -> None:
    """Whoever is woken up finds what to do: the runbook has a section for each alert."""
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        notes = rule["annotations"]
        assert notes["summary"]
        assert notes["description"]
        link = re.fullmatch(r'\{\{ or \$externalLabels\.runbook "(.+)" \}\}#(.+)', notes["runbook_url"])
        assert link is not None
        page, section = link.groups()
        headings = re.findall(r"^## (.+)$", (ROOT / page).read_text(), flags=re.MULTILINE)
        assert rule["alert"] in headings
        assert section == rule["alert"].lower()


def test_rules_and_dashboard_name_only_what_is_exported() -> None:
    """A panel of a metric that nobody exports stays empty for ever."""
    named = metrics_named()
    assert len(named) > 30
    assert named <= set(exported())


def test_every_metric_of_the_contract_is_looked_at() -> None:
    """What is counted for nobody is counted in vain; buckets of a histogram stand for it."""
    counted = {re.sub("_(bucket|sum|count)$", "_bucket", name) for name in exported() if name.startswith("heatline_")}
    unseen = {name for name in counted - metrics_named() if "info" not in name}
    assert unseen == {"heatline_identify_untrusted_total", "heatline_leads_merged_total", "heatline_leads_erased_total"}


def test_panels_lie_side_by_side() -> None:
    """None covers another, none stands out of the grid, and each has a title of its own."""
    places = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in dashboard()["panels"]
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    assert all(x < 24 for x, _ in places)
    titles = [panel["title"] for panel in dashboard()["panels"]]
    assert len(titles) == len(set(titles))


def test_every_alert_is_tested_when_it_comes_and_when_it_does_not() -> None:
    """The files that `promtool test rules` runs name each of both kinds."""
    cases = [case for file in RULE_TESTS for test in read(str(file))["tests"] for case in test["alert_rule_test"]]
    for come in (True, False):
        named = {case["alertname"] for case in cases if bool(case.get("exp_alerts")) is come}
        assert named == {rule["alert"] for rule in rules()}


def exported() -> Iterator[str]:
    """The names of all samples of a worker, a projector and a notifier."""
    worker, projector = WorkerMetrics("0"), ProjectorMetrics("0")
    worker.prepare(["visitor-events"], ["hot-lead"])
    worker.assignments.labels("us", "assigned")
    observer = MetricsObserver(worker)
    observer.assigned({"profiles": 1})
    observer.lag("visitor-events", 0, 0, 0.0)
    worker.hops.labels("1")
    worker.model("abc", 0.0)
    projector.bands({"hot": 1})
    projector.canaries(lambda stage: 0.0)
    notifier = NotifierMetrics("0")
    notifier.prepare(["crm"])
    for metrics in (worker, projector, notifier):
        for family in metrics.registry.collect():
            yield from (sample.name for sample in family.samples)


def test_prometheus_scrapes_the_services_that_export() -> None:
    """Names and port are those of the compose file."""
    jobs = read("config/prometheus/prometheus.yml")["scrape_configs"]
    targets = {job["job_name"]: job["dns_sd_configs"][0] for job in jobs}
    assert {(name, target["names"][0], target["port"]) for name, target in targets.items()} == {
        ("worker", "worker", 9464),
        ("projector", "projector", 9464),
        ("notifier", "notifier", 9464),
    }
    assert set(targets) <= set(services())
