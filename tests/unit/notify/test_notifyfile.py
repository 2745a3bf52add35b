"""`notify.yaml`: its whole grammar, and every mistake with its place and remedy."""

from pathlib import Path

import pytest

from engine.core.instants import from_rfc3339
from engine.core.source import ConfigError, Problem
from engine.notify.config import Mail, Push, Slack, Webhook
from engine.notify.notifyfile import is_web_address, load_notify, loud_hours, webhook_key
from engine.ops.values import Secret
from engine.routing.calendars import Hours
from tests.unit.notify.samples import FILES, NEXT_SECRET, SECRET, configured, notice
from tests.unit.readmodel.samples import alerted, assigned

GOLDEN = Path(__file__).parents[2] / "golden" / "notify"
KEYS = tuple(key for secret in (SECRET, NEXT_SECRET) if (key := webhook_key(secret)))
WHOLE = (GOLDEN / "complete.yaml").read_text()


def test_everything_that_can_be_stated_is_read() -> None:
    notify = configured(WHOLE)
    assert notify.channels["sales"] == Slack(Secret(FILES["slack"].strip()))
    assert notify.channels["crm"] == Webhook("https://crm.example.com/hooks", KEYS)
    assert notify.channels["reps"] == Mail(("{rep.email}",))
    assert notify.channels["boss"] == Mail(("boss@example.com", "{rep.email}"))
    assert notify.channels["phone"] == Push((Secret("json://127.0.0.1"),))
    assert [rule.digest_ms for rule in notify.rules] == [0, 0, 900_000]


def test_secrets_are_shown_nowhere() -> None:
    shown = repr(configured(WHOLE))
    assert not any(text.strip() in shown for name, text in FILES.items() if name != "push")
    assert "json://" not in shown
    assert repr(webhook_key(SECRET)) not in shown


def test_the_version_changes_with_file_and_secrets() -> None:
    """So that a rotated secret is taken over."""
    versions = {configured(WHOLE).version, configured(WHOLE + "\n#").version}
    versions.add(configured(WHOLE, {**FILES, "crm": NEXT_SECRET}).version)
    assert len(versions) == 3
    assert configured(WHOLE).version in versions


def test_every_mistake_is_named_with_what_would_be_right() -> None:
    files = {"empty": " ", "weak": "whsec_c2hvcnQ=", "words": "not an address", "mine": "hello"}
    with pytest.raises(ConfigError) as raised:
        load_notify((GOLDEN / "mistakes.yaml").read_text(), "notify.yaml", files.get)
    assert str(raised.value).splitlines() == (GOLDEN / "mistakes.txt").read_text().splitlines()


def test_a_secret_file_that_cannot_be_read_is_a_mistake_of_its_place() -> None:
    def unreadable(name: str) -> str:
        raise ConfigError([Problem(name, 1, 1, "", None, "cannot be read: Permission denied")])

    text = "channels: {a: {slack: {url_file: x}}}"
    with pytest.raises(ConfigError, match=r"channels.a.slack.url_file = \"x\": cannot be read: Permission denied"):
        load_notify(text, "notify.yaml", unreadable)


def test_the_shortest_digest_of_several_rules_counts() -> None:
    """A channel is told once of a record, however many rules name it."""
    notify = configured(
        "channels: {a: {mail: {to: a@example.com}}, b: {mail: {to: b@example.com}}}\n"
        "rules:\n- {records: [lead.alerted], to: [a, b], digest: 1h}\n"
        "- {records: [lead.alerted], to: [a], digest: 5m}\n"
        "- {records: [lead.alerted], if: {priority: low}, to: [b]}\n- {records: [lead.assigned], to: [b]}"
    )
    assert notify.wanted(notice()) == {"a": 300_000, "b": 3_600_000}
    assert notify.wanted(notice(alerted(priority="low"))) == {"a": 300_000, "b": 0}
    assert notify.wanted(notice(assigned())) == {"b": 0}


def test_targets_are_addresses_and_reps_each_once() -> None:
    notify = configured(WHOLE)
    assert notify.targets("reps", notice(assigned(rep="bea"))) == ("rep:bea",)
    assert notify.targets("boss", notice(assigned(rep="bea"))) == ("boss@example.com", "rep:bea")
    assert notify.targets("boss", notice(assigned(rep=None))) == ("boss@example.com",)
    assert notify.targets("reps", notice(assigned(rep=None))) == ()
    assert notify.targets("crm", notice()) == ("",)


@pytest.mark.parametrize(
    ("quiet", "loud"),
    [
        (((1_200, 1_860),), ((420, 1_200),)),  # 20:00-07:00 leaves 07:00 to 20:00
        (((720, 780),), ((0, 720), (780, 1_440))),
        (((0, 1_440),), ()),
        ((), ((0, 1_440),)),
    ],
)
def test_what_quiet_hours_leave(quiet: tuple[tuple[int, int], ...], loud: tuple[tuple[int, int], ...]) -> None:
    hours: Hours = (quiet,) * 7
    assert loud_hours(hours) == (loud,) * 7


def test_quiet_hours_of_the_day_before_go_on_over_midnight() -> None:
    quiet: Hours = (((1_380, 1_500),), *((),) * 6)  # Monday 23:00 to Tuesday 01:00
    assert loud_hours(quiet)[0:3] == (((0, 1_380),), ((60, 1_440),), ((0, 1_440),))


def test_quiet_hours_end_when_the_clock_of_the_zone_says_so() -> None:
    """20:00 to 07:00 in Berlin, an hour ahead of UTC in winter: 22:30 there is 21:30 UTC, 07:00 is 06:00 UTC."""
    loud = configured(WHOLE).loud["reps"]
    assert loud.from_ms(from_rfc3339("2026-01-10T21:30:00Z")) == from_rfc3339("2026-01-11T06:00:00Z")
    noon = from_rfc3339("2026-01-10T12:00:00Z")
    assert loud.from_ms(noon) == noon


@pytest.mark.parametrize(
    ("url", "right"),
    [
        *[("https://crm.example.com/h?a=b", True), ("http://127.0.0.1:80/", True), ("https://[::1]/", True)],
        *[("ftp://a.example", False), ("https://", False), ("https://u:p@a.example", False), ("//a.example", False)],
        *[("https://a.example:0", False), ("https://a.example:99999", False), ("https://a b", False), ("a", False)],
        *[("https://a\\b.example", False), ("https://é.example", False), ("https://a\n.example", False)],
    ],
)
def test_what_is_an_address_of_a_web_server(url: str, right: bool) -> None:
    assert is_web_address(url) is right


def test_an_empty_file_tells_nobody_of_anything() -> None:
    notify = configured("")
    assert notify.wanted(notice()) == {}
