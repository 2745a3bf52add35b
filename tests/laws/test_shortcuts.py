"""What the model says nobody need look at would be looked at in vain: rows and records are the same either way."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.build import DAY, SECOND, T0, Profiles, model, page
from tests.laws.engine import Arrival, folded, records
from tests.laws.models import LAW
from tests.laws.streams import streams

READING = {
    "engagement": {
        "views": {"when": {"event": "page_view"}, "points": 4},
        "asked-twice": {"when": {"event": "chat"}, "points": 12, "limit": "2 per 1d"},
        "bought": {"when": {"event": "purchase"}, "points": 30},
        "asked": {"when": {"event": "demo_request"}, "points": 1, "fast_track": True},
        "looked-for-work": {"when": {"page.path": "/careers"}, "points": -9, "max": 20},
        "long": {"when": {"signal": "dwell", "properties.seconds": {"gte": 1500}}, "points": 7},
    },
    "stages": {
        "lead": {"known": True},
        "marketingqualifiedlead": {"any": [{"total": {"gt": 30}, "band": ["warm", "hot"]}, {"fast_track": True}]},
    },
    "alerts": {
        "read": {"when": {"signal": "dwell", "properties.seconds": {"between": [61, 300]}, "page.path": "/pricing*"}},
        "moved": {"enters": "marketingqualifiedlead", "cooldown": "1m"},
    },
    "publish_from": "cold",
}
MODEL = model(READING)
ASKING_ALWAYS = replace(MODEL, dwell_s_min=0.0, stages_from=0.0)


def test_the_model_has_shortcuts() -> None:
    assert (MODEL.dwell_s_min, MODEL.stages_from) == (61, 30)


def test_a_dwell_that_nobody_looks_at_is_counted() -> None:
    """Of 10 s and of 100 s; the rule asks for 25 minutes."""
    fed = Profiles(MODEL)
    fed.feed(*(page("/", T0 + seconds * SECOND, messageId=str(seconds)) for seconds in (0, 10, 110)))
    assert fed.row().counts == {"page_view": 3, "dwell": 2}


@LAW
@given(streams(), st.booleans())
def test_no_shortcut_changes_a_row_or_a_record(stream: Sequence[Arrival], in_order: bool) -> None:
    arrivals = sorted(stream, key=lambda arrival: arrival[1].at_ms) if in_order else stream
    quick, thorough = (folded(one, [records(arrivals)], T0 + 6 * DAY) for one in (MODEL, ASKING_ALWAYS))
    assert quick.outputs == thorough.outputs
    assert quick.rows == thorough.rows
