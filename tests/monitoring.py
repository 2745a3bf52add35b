"""What operators are shown and told: the queries of the dashboard and of the alert rules."""

import json
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PROMETHEUS = ROOT / "config" / "prometheus"
DASHBOARD = ROOT / "config" / "grafana" / "dashboards" / "heatline.json"
RULE_TESTS = sorted(PROMETHEUS.glob("*.test.yml"))


def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    document = YAML(typ="safe").load(PROMETHEUS / "heatline.rules.yml")
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def panel_queries() -> list[str]:
    """What its panels ask Prometheus."""
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]


def metrics_named() -> set[str]:
    """The samples that panels, annotations and rules name; `up` is Prometheus' own."""
    asked = [rule["expr"] for rule in rules()] + panel_queries()
    asked += [annotation["expr"] for annotation in dashboard()["annotations"]["list"]]
    return {name for query in asked for name in re.findall(r"\b(?:heatline|process)_\w+", query)}
