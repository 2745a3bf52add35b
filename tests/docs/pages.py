"""Documents as tests read them: commands with the output they show, files to write, links, anchors.

A block ```` ```console ```` holds commands. A line that begins with `$ ` is one, lines that begin with `> ` go on with
it, and what follows is the output that it must show: a line `...` stands for any lines, `...` or `…` inside one for any
text. Without any output shown, any will do. A block whose info string names a file behind its language, such as
```` ```yaml config/notify.yaml ````, is what the reader writes into that file.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
OPERATIONS = ("change-partitions", "restore", "scale-out", "upgrade")
"""How-tos whose commands take longest."""

_FENCE = re.compile(r"^(\s*)(`{3,})\s*(\S*)\s*(.*?)\s*$")
_LINK = re.compile(r"(?<!\\)\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_ANCHOR = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where its first line stands (from 1), its language, what else its info string says, its lines."""

    line: int
    language: str
    info: str
    lines: tuple[str, ...]


@dataclass(slots=True)
class Command:
    """One command of a page, with the lines of output that the page shows beneath it."""

    page: Path
    line: int
    text: str
    shown: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """`docs/page.md:12`."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_container(self) -> bool:
        """Whether it needs Docker, which tests do without."""
        return re.match(r"(?:\w+=\S*\s+)*docker\b", self.text) is not None


@dataclass(frozen=True, slots=True)
class Written:
    """A file that a page tells its reader to write."""

    page: Path
    line: int
    name: str
    text: str


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    folders = ("docs", "engine", "config", "topics", "benchmarks", "tests")
    return [*sorted(ROOT.glob("*.md")), *sorted(file for name in folders for file in (ROOT / name).rglob("*.md"))]


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page, their indentation taken off."""
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        opened = _FENCE.match(line)
        if opened is None:
            continue
        indent, fence, language, info = opened.groups()
        inner: list[str] = []
        for _, one in lines:
            if one.strip() == fence:
                break
            inner.append(one.removeprefix(indent))
        yield Block(number + 1, language, info, tuple(inner))


def steps(page: Path) -> list[Command | Written]:
    """What a reader of `page` does, in order."""
    found: list[Command | Written] = []
    for block in blocks(page.read_text()):
        if block.language == "console":
            found += commands(page, block)
        elif block.info:
            found.append(Written(page, block.line, block.info, "".join(f"{line}\n" for line in block.lines)))
    return found


def followed(is_wanted: Callable[[Path], bool]) -> list[Path]:
    """The pages with commands, of the README and docs/, for which `is_wanted` holds."""
    pages = filter(is_wanted, [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))])
    return [page for page in pages if any(isinstance(step, Command) for step in steps(page))]


def commands(page: Path, block: Block) -> list[Command]:
    """The commands of a console block. Raises ValueError where it begins with something else."""
    found: list[Command] = []
    for number, line in enumerate(block.lines, block.line):
        if line.startswith("$ "):
            found.append(Command(page, number, line[2:]))
        elif not found:
            raise ValueError(f"{page}:{number}: a console block begins with `$ `, not with {line!r}")
        elif re.match(r">( |$)", line) and not found[-1].shown:
            found[-1].text += "\n" + line[2:]
        else:
            found[-1].shown.append(line)
    return found


def fits(shown: list[str], output: str) -> bool:
    """Whether `output` is what a page shows; spaces at the ends of lines do not count."""
    if not any(line.strip() for line in shown):
        return True
    parts = []
    for line in shown:
        if line.strip() in {"...", "…"}:
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            parts.append(r"[^\n]*?".join(re.escape(one) for one in re.split(r"\.\.\.|…", line.rstrip())) + r"[ ]*\n")
    told = "".join(f"{line.rstrip()}\n" for line in output.strip("\n").splitlines())
    return re.fullmatch("".join(parts), told) is not None


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line outside of fenced blocks."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        opened = _FENCE.match(line)
        if fence:
            fence = "" if line.strip() == fence else fence
        elif opened is not None:
            fence = opened[2]
        else:
            yield number, line


def links(text: str) -> Iterator[tuple[int, str]]:
    """Line and target of each link; its words may go over the end of a line."""
    lines = {number: _CODE.sub(lambda code: "`" * len(code[0]), line) for number, line in prose(text)}
    bare = "\n".join(lines.get(number, "") for number in range(1, max(lines, default=0) + 1))
    yield from ((bare.count("\n", 0, link.start()) + 1, link[1]) for link in _LINK.finditer(bare))


def anchors(text: str) -> set[str]:
    """What a link into a page can name: its headings, as GitHub makes anchors of them, and anchors of its own."""
    found: set[str] = set()
    seen: dict[str, int] = {}
    for _, line in prose(text):
        found.update(_ANCHOR.findall(line))
        heading = _HEADING.match(line)
        if heading is None:
            continue
        name = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()).replace(" ", "-")
        count = seen.get(name, 0)
        seen[name] = count + 1
        found.add(f"{name}-{count}" if count else name)
    return found
