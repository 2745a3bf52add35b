"""The conventions of tests/docs/pages.py, by small examples."""

from pathlib import Path

import pytest

from tests.docs.pages import Block, Command, Written, anchors, blocks, commands, fits, links, steps

PAGE = Path(__file__)


def test_a_block_holds_commands_with_what_they_show() -> None:
    """`> ` goes on with a command; a line of output may begin with it, too."""
    block = Block(7, "console", "", ("$ cat <<E", "> one", "> E", "one", "> two", "$ docker compose up"))
    first, second = commands(PAGE, block)
    assert (first.line, first.text, first.shown) == (7, "cat <<E\none\nE", ["one", "> two"])
    assert (second.line, second.is_container, first.is_container) == (12, True, False)


def test_a_block_that_does_not_begin_with_a_command_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="begins with"):
        commands(PAGE, Block(7, "console", "", ("heatline worker",)))


def test_a_block_in_a_list_is_read_without_its_indentation() -> None:
    [block] = blocks("* do\n\n  ```yaml config/a.yaml\n  a:\n    b: 1\n  ```\n")
    assert block == Block(4, "yaml", "config/a.yaml", ("a:", "  b: 1"))


def test_steps_are_commands_and_files_in_order(tmp_path: Path) -> None:
    """Other blocks are for reading only."""
    page = tmp_path / "page.md"
    page.write_text("```yaml a.yaml\na: 1\n```\n```yaml\nb: 1\n```\n```console\n$ cat a.yaml\n```\n")
    assert steps(page) == [Written(page, 2, "a.yaml", "a: 1\n"), Command(page, 8, "cat a.yaml")]


@pytest.mark.parametrize(
    ("shown", "output", "is_so"),
    [
        ([], "anything\n", True),
        (["a"], "a\n", True),
        (["a"], "a\nb\n", False),
        (["a", "..."], "a\nb\nc\n", True),
        (["...", "c"], "a\nb\nc\n", True),
        (["...", "c"], "a\nc\nb\n", False),
        (["a ... c"], "a b c\n", True),
        (["a…c"], "a\nc\n", False),
        (["a.c"], "abc\n", False),
    ],
)
def test_output_fits_what_is_shown(shown: list[str], output: str, is_so: bool) -> None:
    assert fits(shown, output) is is_so


def test_links_and_anchors_are_those_of_a_reader() -> None:
    """What stands in code is no link; a heading that comes twice has a number."""
    text = "# A `b` of [C](c.md)\n## Twice\n## Twice\n[d](d.md#e) `[f](f.md)`\n```text\n[g](g.md)\n# H\n```\n"
    assert [target for _, target in links(text)] == ["c.md", "d.md#e"]
    assert anchors(text) == {"a-b-of-c", "twice", "twice-1"}
