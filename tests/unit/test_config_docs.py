"""config/README.md: every example in it is one that works."""

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from engine.configuration import load_folder
from engine.core.modelkeys import ACTION, FIT_RULE, MODEL, RULE
from engine.core.names import load_names
from engine.local.modeltest import read_tests, run_test
from engine.notify import notifykeys
from engine.notify.notifyfile import load_notify
from engine.routing import routingkeys as keys
from engine.routing.lints import lints
from engine.routing.routingfile import load_routing, read_routing
from tests.build import model

YAML_1_2 = YAML(typ="safe", pure=True)
PAGE = (Path(__file__).parents[2] / "config" / "README.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```yaml {kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", blocks("model"))
def test_every_example_of_a_model_loads(block: str) -> None:
    assert model(block).row_bytes_max > 0


def test_every_example_of_routing_loads_and_the_whole_one_gives_nothing_to_look_at() -> None:
    """Each behind the first states sections anew."""
    whole, *parts = (YAML_1_2.load(block) for block in blocks("routing"))
    assert lints(read_routing(blocks("routing")[0], "routing.yaml")) == ()
    desks = YAML_1_2.load(blocks("desks")[0])
    desk = {"assign_on": [], "reps": {"dora": {}}, "rules": []}
    beside = {"routing-eu.yaml": json.dumps(desk)}
    for part in (*parts, desks):
        load_routing(json.dumps(whole | part, default=str), "routing.yaml", read=beside.get)


def test_the_example_of_notifications_loads() -> None:
    """With a secret in each file that it names."""
    [block] = blocks("notify")
    secret, address = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "https://hooks.example.com/x"
    files = {"crm": secret, "crm-next": secret, "slack": address, "phone": "tgram://token/chat"}
    notify = load_notify(block, "notify.yaml", files.get)
    assert {name for rule in notify.rules for name in rule.to} == set(notify.channels)


def test_the_example_of_names_loads() -> None:
    [block] = blocks("events")
    assert load_names(block, "events.yaml").names["Order Completed"] == "purchase"


def test_the_example_of_tests_passes_with_the_model_on_top(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(blocks("model")[0])
    [block] = blocks("tests")
    (tmp_path / "tests.yaml").write_text(block)
    loaded = load_folder(tmp_path)
    jobs = loaded.jobs(1)
    tests = read_tests([tmp_path / "tests.yaml"], loaded.model, loaded.routing, jobs)
    assert len(tests) == 2
    assert [run_test(loaded.model, jobs, test) for test in tests] == [[], []]


ROUTING_KEYS = {*keys.ROUTING, *keys.REP, *keys.TEAM, *keys.REGION, *keys.RULE, *keys.SLA, *keys.LIMITS, *keys.STICKY}
OPTIONS = {*keys.PICKS, *keys.NOBODY, *keys.ABSENCE, *keys.REMOVED, *keys.TARGETS}


NOTIFY_KEYS = {*notifykeys.NOTIFY, *notifykeys.RULE, *notifykeys.WAYS, *notifykeys.WEBHOOK, *notifykeys.SLACK}


@pytest.mark.parametrize("key", sorted({*MODEL, *RULE, *FIT_RULE, *ACTION, *ROUTING_KEYS, *NOTIFY_KEYS}))
def test_every_key_is_explained(key: str) -> None:
    assert f"`{key}" in PAGE


@pytest.mark.parametrize("word", sorted(OPTIONS))
def test_every_choice_is_explained(word: str) -> None:
    assert word in PAGE
