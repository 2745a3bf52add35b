"""Which desk a lead is for: the first that holds, and that one from then on, until sales are done with the lead."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from engine.core.conditions import Test
from engine.core.desks import Desk, Desks, only_main
from engine.core.messages import (
    FeedbackKind,
    LeadFeedback,
    LeadGone,
    LeadMerged,
    LeadRequested,
    OwnerChanged,
    Request,
    StageChanged,
    decode_request,
    encode,
)
from tests.build import DAY, MINUTE, T0, Profiles, model, record, segment
from tests.unit.routing.examples import CAUSE, request

ASSIGN_ON = ("asks",)


def country(*names: str) -> Test:
    return lambda lead: lead.traits.get("country") in names


EU = Desk("eu", 2, ASSIGN_ON, country("DE", "FR"))
FRANCE = Desk("france", 1, ("asks", "begs"), country("FR"))
MAIN = Desk("main", 0, ASSIGN_ON)
DESKS = Desks([EU, FRANCE, MAIN])


def asked_by(lead_country: str, owner: str | None = None) -> LeadRequested:
    return request(traits={"country": lead_country}, owner=owner)


@pytest.mark.parametrize(("lead_country", "desk"), [("DE", EU), ("FR", EU), ("US", MAIN)])
def test_the_first_desk_that_holds_has_the_lead_and_main_whoever_no_other_takes(lead_country: str, desk: Desk) -> None:
    assert DESKS.of(None, asked_by(lead_country)) == desk


@pytest.mark.parametrize("owner", [None, "otto"])
def test_a_lead_stays_with_the_desk_that_it_asked_first_whatever_holds_now(owner: str | None) -> None:
    assert DESKS.of("france", asked_by("DE", owner)) == FRANCE
    assert DESKS.of("main", asked_by("FR", owner)) == MAIN


def test_an_owner_without_a_desk_is_main_s() -> None:
    """The lead was given to somebody before there were other desks, or its desk is no more."""
    assert DESKS.of(None, asked_by("DE", "andy")) == MAIN
    assert DESKS.of("former", asked_by("DE", "andy")) == MAIN
    assert DESKS.of("former", asked_by("DE")) == EU


def test_all_desks_together_say_which_alerts_ask_and_where_they_are() -> None:
    assert DESKS.names == ("eu", "france", "main")
    assert DESKS.assign_on == {"asks", "begs"}
    assert DESKS.partitions == (0, 1, 2)
    assert only_main(["asks"]).of(None, asked_by("DE")) == Desk("main", 0, ["asks"])


def test_a_message_goes_to_the_partition_of_its_desk_under_its_name() -> None:
    sent = DESKS.send(LeadGone("ada", 7), "eu", (("traceparent", b"00-1"),))
    assert (sent.topic, sent.key, sent.partition) == ("routing-requests", b"eu", 2)
    assert sent.headers == (("traceparent", b"00-1"),)
    assert decode_request(sent.value) == LeadGone("ada", 7)


MODEL = {
    "engagement": {
        "chat": {"when": {"event": "chat"}, "points": 50},
        "login": {"when": {"event": "login"}, "points": 1},
    },
    "alerts": {
        "asks": {"when": {"event": "chat"}, "cooldown": "1s"},
        "begs": {"when": {"event": "login"}, "cooldown": "1s"},
    },
    "stages": {"marketingqualifiedlead": {"total": {"gte": 10}}},
    "cycle": "30d",
    "identity": {"trusted_sources": ["web"]},
}


class Site:
    """People who chat, and what the desks are sent."""

    def __init__(self, spec: Mapping[str, Any] = MODEL) -> None:
        self.fed = Profiles(model(spec), assign_on=ASSIGN_ON)
        self.fed.job.desks = DESKS
        self.at_ms = T0
        self.read = 0

    def does(self, name: str, user: str | None = "ada", browser: str | None = None, **traits: Any) -> list[Request]:
        self.at_ms += MINUTE
        said: dict[str, Any] = {"traits": traits} if name == "identify" else {}
        self.fed.feed(segment(name, self.at_ms, userId=user, anonymousId=browser, **said))
        return self.sent()

    def hears(self, message: LeadFeedback | OwnerChanged) -> list[Request]:
        key = message.profile.encode()
        self.fed.fold(record(encode(message), self.at_ms, topic="lead-inbox", key=key))
        return self.sent()

    def gets(self, owner: str | None, user: str = "ada") -> None:
        """The desk gave the lead to somebody."""
        profile = self.fed.found(user).key
        self.hears(OwnerChanged(user, profile, owner, self.at_ms, CAUSE))

    def says(self, kind: FeedbackKind, rep: str = "otto", user: str = "ada") -> list[Request]:
        profile = self.fed.found(user).key
        return self.hears(LeadFeedback(user, profile, kind, rep, self.at_ms, None, None, None, None, CAUSE))

    def sent(self) -> list[Request]:
        outputs = self.fed.outputs[self.read :]
        self.read = len(self.fed.outputs)
        return [decode_request(output.value) for output in outputs if output.topic == "routing-requests"]


def desks_of(sent: Iterable[Request]) -> list[str]:
    """The desks that were asked for a rep."""
    return [message.desk for message in sent if isinstance(message, LeadRequested)]


def test_a_lead_that_moves_house_stays_with_its_desk() -> None:
    site = Site()
    site.does("identify", country="DE")
    assert desks_of(site.does("chat")) == ["eu"]
    site.does("identify", country="US")
    assert desks_of(site.does("chat")) == ["eu"]


@pytest.mark.parametrize(
    ("kind", "desk"),
    [("recycled", "main"), ("disqualified", "main"), ("lost", "eu"), ("won", "eu"), ("contacted", "eu")],
)
def test_until_it_is_recycled_or_disqualified(kind: FeedbackKind, desk: str) -> None:
    site = Site()
    site.does("identify", country="DE")
    site.does("chat")
    site.does("identify", country="US")
    site.says(kind)
    assert desks_of(site.does("chat")) == [desk]


def test_also_one_that_was_recycled_before_and_moved_no_stage_since() -> None:
    """Without stages in the model a recycled lead stays one, whoever gets it."""
    site = Site({name: section for name, section in MODEL.items() if name not in ("stages", "cycle")})
    site.does("identify", country="DE")
    for _ in range(2):
        assert desks_of(site.does("chat")) == ["eu"]
        site.says("recycled")
    site.does("identify", country="US")
    assert desks_of(site.does("chat")) == ["main"]


def test_or_recycled_by_itself_which_every_desk_is_told() -> None:
    """Any of them may have it: who changes the desk of a lead is not known to the others."""
    site = Site()
    site.does("identify", country="DE")
    site.does("chat")
    site.does("identify", country="US")
    site.at_ms += 31 * DAY
    site.fed.wake(site.at_ms)
    told = site.sent()
    assert [(one.desk, one.stage) for one in told if isinstance(one, StageChanged)] == [
        ("eu", "recycled"),
        ("france", "recycled"),
        ("main", "recycled"),
    ]
    assert desks_of(site.does("chat")) == ["main"]


def test_an_owner_from_before_there_were_desks_keeps_the_lead_at_main() -> None:
    site = Site()
    site.does("identify", country="DE")
    site.gets("andy")
    assert desks_of(site.does("chat")) == ["main"]


def test_a_desk_is_asked_by_its_own_alerts_only() -> None:
    """France would be asked by `begs`, but eu, which is not, comes before it. And who did not ask has no desk."""
    site = Site()
    site.does("identify", country="FR")
    assert desks_of(site.does("login")) == []
    site.does("identify", country="US")
    assert desks_of(site.does("chat")) == ["main"]


def merges(sent: Iterable[Request]) -> dict[str, bool]:
    """The desks that were told of a merge: whether nobody comes to own the lead there."""
    return {message.desk: message.closed for message in sent if isinstance(message, LeadMerged)}


def test_a_merge_of_two_at_one_desk_is_for_that_desk_to_decide() -> None:
    """At the others nobody can keep the lead."""
    site = Site()
    site.does("identify", country="DE")
    site.does("chat")
    site.does("chat", None, "browser")
    told = merges(site.does("identify", "ada", "browser"))
    assert told == {"eu": False, "france": True, "main": True}


def test_a_merge_of_two_at_two_desks_leaves_the_lead_at_the_person_s() -> None:
    """The browser, of no country, is at main; the person at eu."""
    site = Site()
    site.does("identify", country="DE")
    assert desks_of(site.does("chat")) == ["eu"]
    assert desks_of(site.does("chat", None, "browser")) == ["main"]
    site.does("identify", "ada", "browser")
    assert site.fed.row().desk == "eu"
    assert desks_of(site.does("chat")) == ["eu"]


def test_who_is_released_at_another_desk_is_not_the_person_s_owner() -> None:
    """Ada waits at eu; Andy, at main, had the browser, and is released there."""
    site = Site()
    site.does("identify", country="DE")
    site.does("chat")
    site.does("chat", None, "browser")
    site.gets("andy", "browser")
    told = merges(site.does("identify", "ada", "browser"))
    assert told == {"eu": False, "france": True, "main": True}
    assert (site.fed.row().owner, site.fed.row().desk) == (None, "eu")


def test_who_never_asked_goes_on_at_the_browser_s_desk() -> None:
    site = Site()
    site.does("identify", country="DE")
    assert desks_of(site.does("chat", None, "browser")) == ["main"]
    told = merges(site.does("identify", "ada", "browser"))
    assert told == {"eu": True, "france": True, "main": False}
    assert desks_of(site.does("chat")) == ["main"]


def test_of_a_lead_that_sales_have_closed_nobody_becomes_the_owner_at_any_desk() -> None:
    site = Site()
    site.does("identify", country="DE")
    site.does("chat")
    site.says("disqualified")
    site.does("chat", None, "browser")
    told = merges(site.does("identify", "ada", "browser"))
    assert told == {"eu": True, "france": True, "main": True}
