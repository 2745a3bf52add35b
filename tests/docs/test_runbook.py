"""Commands of the runbook: who is woken up types them as they stand."""

import re
import shlex
from typing import Any

import pytest
import typer

from engine.cli import app
from tests.monitoring import PROMETHEUS

NAMES_NOTHING = {"again", "dry_run", "limit"}
"""What `retry` takes and what does not say which."""


def commands() -> list[str]:
    """Each `heatline …` of the page, which may go over the end of a line."""
    text = re.sub(r"\s+", " ", (PROMETHEUS / "runbook.md").read_text())
    return sorted(set(re.findall(r"`(heatline [^`]+)`", text)))


def parsed(words: list[str]) -> tuple[str, dict[str, Any]]:
    """The command that they name and what it is given. Raises a UsageError where there is no such one."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        assert words[0] in command.commands, f"{command.name} has no command {words[0]}"
        command = command.commands[words.pop(0)]
    return command.name, command.make_context(command.name, words).params


@pytest.mark.parametrize("command", commands())
def test_every_command_can_be_typed_as_it_stands(command: str) -> None:
    """Its options and values are known, and a `retry` says what is to be sent again."""
    name, given = parsed(shlex.split(command)[1:])
    assert name != "retry" or {key for key, value in given.items() if value} - NAMES_NOTHING


@pytest.mark.parametrize("words", [["dead-letters", "retry", "--sence", "x"], ["status", "--limit", "1"]])
def test_a_command_with_an_unknown_option_is_seen(words: list[str]) -> None:
    """Or else the test above could not fail."""
    with pytest.raises(Exception, match="No such option"):
        parsed(words)
