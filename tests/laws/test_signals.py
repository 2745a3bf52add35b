"""Signals come as the definitions say: from the order of a lead's events, and on time from its silence."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.build import DAY, HOUR, MINUTE, SECOND
from tests.build import model as loaded
from tests.laws.engine import cause_ms, folded, records
from tests.laws.models import LAW
from tests.laws.watched import START_MS
from tests.reference.events import Seen, Spec
from tests.reference.score import score
from tests.reference.signals import derived

SIGNALS = "session_start session_end bounce return_visit form_abandoned cart_abandoned checkout_abandoned dwell".split()
SPEC: Spec = {
    "bands": {"warm": 30, "hot": 80},
    "engagement": {
        **{name: {"when": {"signal": name}, "points": 1, "decay": "none"} for name in SIGNALS},
        "long-read": {
            "when": {"signal": "dwell", "page.path": "/pricing*", "properties.seconds": {"gt": 60}},
            "points": 1,
            "decay": "none",
        },
        "fading": {"when": {"signal": "form_abandoned"}, "points": 8, "half_life": "1h"},
    },
    "alerts": {name: {"when": {"signal": name}, "cooldown": "0s"} for name in SIGNALS if name != "dwell"},
}
MODEL = loaded(SPEC)
READING = ("page_view", "page_view", "heartbeat", "page_leave")
FORMS = ("form_start", "form_start", "form_submit", "page_view", "unsubscribe")
CARTS = ("add_to_cart", "add_to_cart", "purchase", "page_view", "unsubscribe")
CHECKOUTS = ("begin_checkout", "begin_checkout", "purchase", "page_view")
_gaps = st.sampled_from(
    (SECOND, 30 * SECOND, MINUTE, 61 * SECOND, 29 * MINUTE, 30 * MINUTE - 1, 30 * MINUTE, HOUR - 1, HOUR, DAY, 7 * DAY)
)


@st.composite
def sessions(draw: st.DrawFn, names: tuple[str, ...]) -> list[Seen]:
    """What one browser did, in order, never two things at once."""
    at_ms, events = START_MS, []
    acts = st.tuples(st.sampled_from(names), _gaps, st.sampled_from(("/", "/pricing")))
    for place, (name, gap_ms, path) in enumerate(draw(st.lists(acts, min_size=1, max_size=14))):
        at_ms += gap_ms
        events.append(Seen(name, at_ms, path if name == "page_view" else None, id=f"m{place}"))
    return events


@pytest.mark.parametrize("names", [READING, FORMS, CARTS, CHECKOUTS], ids=["reading", "forms", "carts", "checkouts"])
def test_signals_score_and_alert_as_the_reference_derives_them(names: tuple[str, ...]) -> None:
    """Each exactly as often and, where an alert tells of it, when the definitions say; also over silence."""

    @LAW
    @given(sessions(names))
    def law(events: list[Seen]) -> None:
        at_ms = events[-1].at_ms + 2 * HOUR
        lane = folded(MODEL, [[record] for record in records(("ada", seen) for seen in events)], at_ms, restarting=True)
        signals = derived(events, at_ms)
        came = Counter((alert["data"]["alert"], cause_ms(alert)) for alert in lane.alerts())
        assert came == Counter((seen.signal, seen.at_ms) for seen in signals if seen.signal in SPEC["alerts"])
        wanted = score(SPEC, signals, at_ms)
        said = lane.scores(at_ms)["ada"]
        assert counts(said) == {rule: count for (_, rule), (_, count) in wanted.contributions.items()}
        assert abs(said["total"] - wanted.total) <= wanted.tolerance

    law()


def counts(said: dict[str, Any]) -> dict[str, int]:
    return {one["rule"]: one["count"] for one in said["contributions"]}


@LAW
@given(sessions((*READING, *FORMS)))
def test_a_cut_of_the_input_changes_no_signal(events: list[Seen]) -> None:
    """One chunk or many: what falls due between two records happens between them."""
    at_ms = events[-1].at_ms + 2 * HOUR
    whole = records(("ada", seen) for seen in events)
    one, many = folded(MODEL, [whole], at_ms), folded(MODEL, [[record] for record in whole], at_ms)
    assert [alert["id"] for alert in one.alerts()] == [alert["id"] for alert in many.alerts()]
    assert one.scores(at_ms) == many.scores(at_ms)
