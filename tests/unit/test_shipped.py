"""What is shipped for users to edit: the default configuration, those for four trades, and ways to share out leads."""

import contextlib
import io
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.configuration import Configuration, load_folder
from engine.core.model import STAGES
from engine.core.names import Names, load_names
from engine.local.modelcheck import check_folder
from engine.local.modeltest import read_tests, run_test
from engine.local.routingcheck import check_routing
from engine.local.testfile import ModelTest

CONFIG = Path(__file__).parents[2] / "config"
FOLDERS = [CONFIG, *sorted(folder for folder in (CONFIG / "examples").iterdir() if folder.is_dir())]
load = cache(load_folder)


def stories_of(folder: Path) -> list[Any]:
    configuration = load(folder)
    files = sorted((folder / "tests").glob("*.yaml"))
    tests = read_tests(files, configuration.model, configuration.routing, configuration.jobs(1))
    return [pytest.param(configuration, test, id=f"{folder.name}: {test.name}") for test in tests]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_shipped_folder_is_good_and_nothing_in_it_is_to_be_warned_of(folder: Path) -> None:
    """Every deduction is bounded, every rule and alert can hold, every row fits, every rep is reached; all tested."""
    for checked in (check_folder(folder), check_routing(folder)):
        assert [*checked.mistakes, *checked.warnings] == []
    assert len(stories_of(folder)) >= 5


@pytest.mark.parametrize(("configuration", "test"), [one for folder in FOLDERS for one in stories_of(folder)])
def test_a_shipped_story_comes_out_as_it_says(configuration: Configuration, test: ModelTest) -> None:
    assert run_test(configuration.model, configuration.jobs(1), test) == []


def test_the_page_of_the_examples_names_each_once() -> None:
    page = (CONFIG / "examples" / "README.md").read_text()
    assert sorted(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)) == [folder.name for folder in FOLDERS[1:]]


def test_the_zips_of_the_example_are_those_that_its_page_makes() -> None:
    """70,000 of them, in less than a megabyte."""
    page = (CONFIG / "examples" / "README.md").read_text()
    [code] = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    made = io.StringIO()
    with contextlib.redirect_stdout(made):
        exec(code, {})
    shipped = (CONFIG / "examples" / "zip-territories" / "zips.csv").read_text()
    assert made.getvalue() == shipped
    assert (shipped.count("\n"), len(shipped) < 1_000_000) == (70_001, True)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_reps_read_words_and_not_the_names_of_rules(folder: Path) -> None:
    """Everything that can stand in an alert has a label."""
    model = load(folder).model
    labels = {rule.id: rule.label for rule in model.rules.values()}
    labels |= {rule.id: rule.label for rule in model.fit}
    labels |= {alert.id: alert.label for alert in model.alerts if not alert.is_action}
    assert [name for name, label in labels.items() if not label] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_shipped_model_wakes_every_visitor_at_the_end_of_a_session(folder: Path) -> None:
    """A site's traffic is mostly cold and anonymous: an entry in the agenda for each visit would cost more than all."""
    assert not load(folder).model.signals & {"session_end", "bounce"}


def test_the_default_model_shows_every_section_and_trigger() -> None:
    """Where somebody looks for what there is."""
    model = load(CONFIG).model
    assert model.personas
    assert model.conversions
    assert [STAGES[stage] for stage, _ in model.stages] == ["lead", "marketingqualifiedlead"]
    assert model.cycle
    assert model.actions_limit == (3, 86_400_000)
    assert model.suppress is not None
    triggers = {type(alert.trigger).__name__ for alert in model.alerts}
    assert triggers == {"Crosses", "FallsBelow", "FastTrack", "Gains", "SilentFor", "Enters", "When"}


@pytest.mark.parametrize(
    ("tool", "canonical"),
    [
        *[("Order Completed", "purchase"), ("Product Added", "add_to_cart"), ("Trial Started", "trial_start")],
        *[("Email Link Clicked", "email_click"), ("Live Chat Conversation Started", "chat")],
        *[("view_search_results", "search"), ("generate_lead", "generate_lead"), ("form_start", "form_start")],
        *[("e_visited_page", "page_view"), ("Form submission", "form_submit"), ("Meeting booked", "demo_request")],
        *[("checkout_completed", "purchase"), ("product_added_to_cart", "add_to_cart"), ("page_viewed", "page_view")],
        *[("$pageview", "page_view"), ("[Amplitude] Form Started", "form_start"), ("Viewed Pricing Page", "page_view")],
        ("Live Chat Message Sent", "live_chat_message_sent"),
    ],
)
def test_the_names_of_other_tools_are_known(tool: str, canonical: str) -> None:
    names = Names(load_names((CONFIG / "events.yaml").read_text(), "events.yaml").names)
    assert names.canonical(tool) == names.canonical(tool.upper()) == canonical


def test_no_name_of_another_tool_leads_to_one_that_is_mapped_again() -> None:
    """What a line says is what rules see."""
    stated = load_names((CONFIG / "events.yaml").read_text(), "events.yaml").names
    folded = {name.casefold() for name in stated}
    assert not folded & set(stated.values())
