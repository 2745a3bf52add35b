"""The shipped model: the points that it says, and when it warms and heats."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.core.model import Model
from engine.core.modelfile import load_model
from engine.core.names import load_names
from tests.build import DAY, T0, Profiles, page, segment

CONFIG = Path(__file__).parents[3] / "config"


@cache
def shipped() -> Model:
    vocabulary = load_names((CONFIG / "events.yaml").read_text(), "events.yaml")
    return load_model((CONFIG / "model.yaml").read_text(), "model.yaml", vocabulary)


@pytest.mark.parametrize(
    ("event", "points"),
    [
        (page("/"), 1),
        (page("/Pricing/teams"), 11),
        (segment("File Downloaded"), 10),
        (segment("Email Opened"), 1),
        (segment("Email Link Clicked"), 5),
        (segment("email_reply"), 10),
        (segment("webinar_register"), 10),
        (segment("webinar_attend"), 15),
        (segment("Form Submitted"), 20),
        (segment("Meeting booked"), 25),
        (segment("Quote Requested"), 25),
        (segment("Trial Started"), 25),
        (page("/careers"), -9),
        (segment("Unsubscribed"), -20),
        (segment("demo_cancel"), -15),
        (segment("Email Bounced"), -5),
        (segment("Video Shared"), 0),
    ],
)
def test_the_shipped_model_gives_the_points_it_says(event: dict[str, Any], points: float) -> None:
    fed = Profiles(shipped())
    fed.feed(event)
    assert sum(one["points"] for one in fed.score()["contributions"]) == points


def test_the_shipped_model_warms_and_heats_as_it_says() -> None:
    """A demo request alerts at once, and again a day later; 80 is crossed again only after a score below 70."""
    fed = Profiles(shipped())
    fed.feed(segment("Demo Requested"), *[page("/pricing") for _ in range(4)])
    fed.feed(segment("File Downloaded"), segment("Form Submitted"))
    assert fed.alerts() == ["fast-track", "hot-lead"]
    score = fed.score()
    # 25 + 20, and of the web 4 + 3 × 10 + 10 = 44, which is 40.
    assert (score["total"], score["band"], score["fast_track"]) == (85, "hot", True)
    assert score["clamps"] == [{"part": "engagement", "clamp": "group:web", "points": -4.0}]
    fed.feed(segment("webinar_attend", T0 + DAY), segment("demo_request", T0 + 40 * DAY))
    assert fed.alerts() == ["fast-track", "hot-lead", "fast-track"]
