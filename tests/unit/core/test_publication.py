"""When `lead-scores` is told: only what is worth seeing, a last word for what sinks, a tombstone for an id left."""

import json
from typing import Any

from engine.core.flow import Output
from engine.core.messages import OwnerChanged, encode
from engine.core.records import Cause
from tests.build import DAY, MINUTE, SECOND, T0, Profiles, data_of, model, page, record, segment

SPEC = {
    "engagement": {
        "view": {"when": {"event": "page_view"}, "points": 0.1},
        "chat": {"when": {"event": "chat"}, "points": 30},
        "demo": {"when": {"event": "demo_request"}, "points": 0, "fast_track": True},
    },
    "defaults": {"half_life": "1d"},
}
CAUSE = Cause("visitor-events", 0, 7, None, "chat", "2026-11-23T00:00:00.000Z")


def profiles(**changes: Any) -> Profiles:
    return Profiles(model({**SPEC, **changes}))


def published(outputs: list[Output]) -> list[tuple[str, bool]]:
    """(lead, whether it is a record and no tombstone) of what went to `lead-scores`."""
    scores = [output for output in outputs if output.topic == "lead-scores"]
    return [((output.key or b"").decode(), output.value is not None) for output in scores]


def test_a_cold_anonymous_lead_costs_nothing_and_a_warm_one_is_published() -> None:
    fed = profiles()
    assert published(fed.feed(page("/"))) == []
    assert published(fed.feed(segment("chat"))) == [("ada", True)]
    assert data_of(fed.outputs[-1])["total"] == 30.1


def test_publish_from_cold_publishes_every_lead() -> None:
    assert published(profiles(publish_from="cold").feed(page("/"))) == [("ada", True)]


def test_publish_from_is_warm_and_without_a_warm_the_lowest_band_unless_said() -> None:
    own = profiles(bands={"luke": 10, "hot": 60})
    assert published(own.feed(segment("chat"))) == [("ada", True)]
    usual = profiles(bands={"warm": 20, "hot": 60, "luke": 5})
    assert published(usual.feed(*[page("/") for _ in range(99)])) == []
    assert published(usual.feed(*[page("/") for _ in range(101)])) == [("ada", True)]


def test_a_known_lead_is_published_however_cold() -> None:
    assert published(profiles().feed(segment("identify", userId="u"))) == [("u", True)]


def test_nothing_new_is_told_again_after_a_minute_only() -> None:
    fed = profiles()
    fed.feed(segment("chat"))
    assert published(fed.feed(page("/", T0 + MINUTE - SECOND))) == []
    assert published(fed.feed(page("/", T0 + MINUTE))) == [("ada", True)]


def test_another_rounded_total_is_told_at_once() -> None:
    fed = profiles()
    fed.feed(segment("chat"), *[page("/") for _ in range(4)])
    assert published(fed.outputs) == [("ada", True)]
    assert published(fed.feed(page("/"), page("/"))) == [("ada", True)]


def test_a_trait_an_owner_and_a_fast_track_are_told_at_once() -> None:
    fed = profiles()
    fed.feed(segment("chat"))
    assert published(fed.feed(segment("identify", traits={"title": "CEO"}))) == [("ada", True)]
    assert published(fed.feed(segment("identify", traits={"title": "CEO"}))) == []
    assert published(fed.feed(segment("demo_request"))) == [("ada", True)]
    owned = record(encode(OwnerChanged("ada", "ada", "andy", T0, CAUSE)), topic="lead-inbox", key=b"ada")
    assert published(fed.fold(owned).outputs) == [("ada", True)]
    assert data_of(fed.outputs[-1])["owner"] == "andy"
    assert published(fed.fold(owned).outputs) == []


def test_a_chunk_tells_a_lead_once_with_its_last_state() -> None:
    fold = profiles().fold(*[record(segment("chat"), offset=offset) for offset in range(3)])
    assert published(fold.outputs) == [("ada", True)]
    assert data_of(fold.outputs[-1])["total"] == 90


def test_a_lead_that_sinks_below_gets_one_last_record() -> None:
    fed = profiles()
    fed.feed(segment("chat"))
    assert published(fed.feed(page("/", T0 + DAY))) == [("ada", True)]
    assert data_of(fed.outputs[-1])["band"] == "cold"
    assert published(fed.feed(page("/", T0 + 2 * DAY))) == []


def test_a_lead_that_becomes_known_leaves_a_tombstone_under_its_old_id() -> None:
    """Also where its last record there was of a lead that sank. The person is told of, merged and then at its event."""
    for sunk in ([], [page("/", T0 + DAY)]):
        fed = profiles()
        fed.feed(segment("chat"), *sunk)
        identify = segment("identify", T0 + 2 * DAY, userId="u")
        assert published(fed.feed(identify)) == [("ada", False), ("u", True), ("u", True)]


def test_a_lead_never_published_leaves_no_tombstone() -> None:
    fed = profiles()
    assert published(fed.feed(page("/"), segment("identify", userId="u"))) == [("u", True)]


def test_a_score_record_is_a_cloud_event_of_the_lead_and_the_same_on_every_replay() -> None:
    first, again = profiles().feed(segment("chat")), profiles().feed(segment("chat"))
    assert first == again
    event = json.loads(first[0].value or b"")
    assert (event["type"], event["subject"]) == ("io.heatline.lead.score_changed.v1", "ada")
    assert event["data"]["model"] == model(SPEC).version
