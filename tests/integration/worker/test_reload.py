"""A model that changes while a worker runs, as an operator sees it."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from engine.configuration import load_folder
from engine.core.flow import InputRecord
from engine.core.source import ConfigError
from tests.build import page
from tests.integration.worker.deployment import Deployment, Program, eventually

pytestmark = pytest.mark.timeout(120)
MODEL = """
publish_from: cold
bands: {warm: 30, hot: 80}
engagement: {view: {when: {event: page_view}, points: 40}}
alerts: {hot-lead: {crosses: hot}}
"""
MISTAKES = Path(__file__).parents[2] / "golden" / "mistakes"
LEADS = [f"lead-{number}" for number in range(50)]
LOADED, GOOD = "heatline_model_last_reload_success_timestamp_seconds", "heatline_model_last_reload_successful"


async def view(deployment: Deployment, leads: list[str]) -> None:
    """A page view of each lead, now."""
    now_ms = int(time.time() * 1000)
    values = [(lead.encode(), json.dumps(page("/", now_ms, lead)).encode()) for lead in leads]
    await deployment.produce(InputRecord("visitor-events", -1, 0, now_ms, key, value) for key, value in values)


async def totals(deployment: Deployment) -> dict[str, int]:
    """What each lead was last said to stand at, rounded."""
    scores = [value["data"] for value in await deployment.values("lead-scores")]
    return {score["lead"]: round(score["total"]) for score in scores}


async def all_at(deployment: Deployment, expected: dict[str, int]) -> None:
    """Wait until leads stand there."""
    async with asyncio.timeout(30):
        while await totals(deployment) != expected:  # noqa: ASYNC110  a topic gives no sign
            await asyncio.sleep(0.2)


async def alerted(deployment: Deployment) -> list[str]:
    """The leads that became hot, in no order."""
    return sorted(value["data"]["lead"] for value in await deployment.values("lead-alerts"))


async def test_a_changed_model_takes_effect_for_all_leads_and_a_broken_one_for_none(
    deployment: Deployment, started: list[Program]
) -> None:
    """From 40 points to 45 a view for leads of two views: over 80, at once, without traffic and without an alert.

    Broken models in between are told of and change nothing; a lead that then comes to be hot by its own doing alerts.
    """
    model = deployment.folder / "model.yaml"
    model.write_text(MODEL.replace("40", "39"))
    (deployment.folder / "routing.yaml").unlink()
    worker = deployment.worker().start()
    started.append(worker)
    await view(deployment, LEADS)
    await view(deployment, LEADS[1:])
    await all_at(deployment, {LEADS[0]: 39, **dict.fromkeys(LEADS[1:], 78)})
    before = worker.metrics()
    model.write_text(MODEL.replace("40", "45"))
    await all_at(deployment, {LEADS[0]: 45, **dict.fromkeys(LEADS[1:], 90)})
    after = worker.metrics()
    version = load_folder(deployment.folder).model.version
    assert after[f"heatline_model_info {version}"] == 1
    assert (after[LOADED] > before[LOADED], after[GOOD]) == (True, 1)
    for name in ("unknown-key", "not-yaml"):
        broken = (MISTAKES / f"{name}.yaml").read_text()
        model.write_text(broken)
        with pytest.raises(ConfigError) as caught:
            load_folder(deployment.folder)
        said = str(caught.value)
        eventually(lambda: said in "\n".join(messages(worker)), "it says what is wrong")  # noqa: B023
        assert worker.metrics()[GOOD] == 0
    assert worker.metrics()[f"heatline_model_info {version}"] == 1
    await view(deployment, LEADS[:1])
    await all_at(deployment, dict.fromkeys(LEADS, 90))
    assert await alerted(deployment) == LEADS[:1]
    worker.kill()
    model.write_text(MODEL.replace("40", "30"))
    worker = deployment.worker("second").start()
    started.append(worker)
    await all_at(deployment, dict.fromkeys(LEADS, 60))
    assert await alerted(deployment) == LEADS[:1]
    assert worker.end()[0] == 0


def messages(worker: Program) -> list[str]:
    """What it has logged."""
    return [json.loads(line)["message"] for line in worker.logged().splitlines() if line.startswith("{")]
