"""`heatline notify check`: what is printed, and the exit status that scripts rely on."""

from pathlib import Path

from typer.testing import CliRunner

from engine.cli import app
from tests.unit.notify.samples import SECRET

ROUTING = "assign_on: []\nreps: {andy: {}, bea: {email: bea@example.com}}\nrules: []\n"
GOOD = """\
channels: {crm: {webhook: {url: 'https://crm.example.com', secret_file: key}}, reps: {mail: {to: '{rep.email}'}}}
rules: [{records: [lead.assigned], to: [crm]}, {records: [lead.assigned], to: [reps]}]
"""


def check(path: Path, *arguments: str) -> tuple[int, list[str]]:
    found = CliRunner().invoke(app, ["notify", "check", "--config", str(path), *arguments])
    return found.exit_code, found.stdout.replace(f"{path}/", "").splitlines()


def folder(path: Path, notify: str, routing: str = ROUTING) -> Path:
    (path / "notify.yaml").write_text(notify)
    (path / "routing.yaml").write_text(routing)
    (path / "key").write_text(SECRET)
    return path


def test_the_shipped_file_needs_nothing_and_tells_nobody() -> None:
    status, lines = check(Path(__file__).parents[2] / "config", "--strict")
    assert status == 0
    assert lines[-1].endswith("notify.yaml: usable, 0 warnings; 0 channels, 0 rules")


def test_a_good_file_is_summed_up_and_with_strict_warnings_fail(tmp_path: Path) -> None:
    """Secret files are beside it."""
    lines = [
        "notify.yaml:1:80: warning: channels.reps: routing.yaml has no e-mail address of andy",
        "notify.yaml: usable, 1 warning; 2 channels, 2 rules",
    ]
    assert check(folder(tmp_path, GOOD)) == (0, lines)
    assert check(tmp_path, "--strict") == (1, lines)


def test_what_is_surely_not_meant_is_warned_of(tmp_path: Path) -> None:
    text = (
        GOOD.replace("https:", "http:")
        .replace("to: [crm]", "to: [reps]")
        .replace("lead.assigned]", "lead.converted]", 1)
    )
    status, lines = check(folder(tmp_path, text, ROUTING.replace("andy: {}, ", "")))
    assert status == 0
    assert [line.split(": ", 2)[2] for line in lines[:-1]] == [
        "channels.crm: no rule uses this channel",
        "channels.crm: everybody on the way can read what is sent by http: use https",
        "rules[0]: lead.converted has no rep, so that `reps` tells nobody of it: name another channel",
    ]


def test_every_mistake_is_told_in_one_run(tmp_path: Path) -> None:
    """A routing that cannot be used hides none of them."""
    status, lines = check(folder(tmp_path, GOOD.replace("key", "none").replace("[reps]", "[rep]"), "reps: 5"))
    assert status == 1
    assert [line.split(": ")[0] for line in lines] == [
        *("notify.yaml:1:73", "notify.yaml:2:80", "routing.yaml:1:1", "notify.yaml"),
    ]
    assert lines[-1] == "notify.yaml: not usable: 2 mistakes, 1 warning"


def test_a_folder_without_the_file_is_told_where_to_find_one(tmp_path: Path) -> None:
    status, lines = check(tmp_path)
    assert status == 1
    assert "there is no such file: it states who is told of what" in lines[0]
