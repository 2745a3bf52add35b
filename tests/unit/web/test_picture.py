"""The drawing of a score: it says in place and in words what the numbers say, whatever they are."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.instants import DAY_MS, FIRST_MS, LAST_MS
from engine.readmodel.history import Point
from engine.web.lead.picture import NARROW, WIDE, Event, described, picture

SVG = "{http://www.w3.org/2000/svg}"
DAY = 1_795_046_400_000
"""2026-11-19T00:00:00Z."""

instants = st.integers(FIRST_MS, LAST_MS - DAY_MS)
histories = st.lists(
    st.builds(Point, instants, st.floats(0, 1_000)), min_size=1, max_size=12, unique_by=lambda one: one.at_ms
).map(lambda points: sorted(points, key=lambda point: point.at_ms))


def drawn(svg: str) -> ET.Element:
    """The drawing as a browser reads it inside of a page."""
    return ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


@settings(max_examples=50)
@given(histories, st.none() | st.floats(0, 1_000), st.sampled_from([WIDE, NARROW]), st.lists(st.text(), max_size=3))
def test_any_history_is_drawn_within_its_frame(
    history: list[Point], tomorrow: float | None, size: tuple[int, int], labels: list[str]
) -> None:
    """Well formed, each place within the picture, and at most a few dates below, which do not overlap."""
    tail = None if tomorrow is None else Point(history[-1].at_ms + DAY_MS, tomorrow)
    events = [Event(history[0].at_ms, label) for label in labels]
    tree = drawn(picture(history, tail, size, events))
    assert [child.tag for child in tree][:2] == [f"{SVG}title", f"{SVG}desc"]
    for element in tree.iter():
        for name in ("x", "cx", "x1", "x2"):
            assert 0 <= float(element.get(name, "0")) <= size[0]
        for name in ("y", "cy", "y1", "y2"):
            assert 0 <= float(element.get(name, "0")) <= size[1]
    dates = sorted(float(text.get("x", "0")) for text in tree.iter(f"{SVG}text") if text.get("text-anchor") == "middle")
    assert all(right - left > 40 for left, right in pairwise(dates))
    assert len(list(tree.iter(f"{SVG}g"))) == len(labels)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=20, unique=True))
def test_a_higher_score_lies_higher(totals: list[float]) -> None:
    """Later ones lie further to the right."""
    history = [Point(DAY + number * DAY_MS, total) for number, total in enumerate(totals)]
    line = drawn(picture(history, None)).find(f"{SVG}polyline")
    assert line is not None
    places = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    for (_, y), total in zip(places, totals, strict=True):
        # 180 units high, 0 at 194: 100 points are 180 units.
        assert y == pytest.approx(194 - total * 1.8, abs=0.051)


def test_the_words_say_what_the_line_says() -> None:
    """From the first score to the last, the highest between, and what is to come."""
    history = [Point(DAY, 10.0), Point(DAY + DAY_MS, 84.25), Point(DAY + 2 * DAY_MS, 60.0)]
    told = described(history, Point(DAY + 3 * DAY_MS, 57.5))
    assert told == (
        "From 10.0 on 19 Nov to 60.0 on 21 Nov, at most 84.2 on 20 Nov; 57.5 a day later if nothing happens."
    )
    assert described(history[:1], None) == "From 10.0 on 19 Nov to 10.0 on 19 Nov."


def test_the_tail_to_tomorrow_is_a_line_of_its_own() -> None:
    """Dashed by its class; without a tomorrow there is none."""
    history = [Point(DAY, 10.0)]
    assert picture(history, Point(DAY + DAY_MS, 9.0)).count('class="tail"') == 1
    assert 'class="tail"' not in picture(history, None)
    assert picture([], None) == ""


def test_a_hostile_label_stays_text() -> None:
    """No element, no attribute and no direction of the page changes."""
    label = '</title><script>alert(1)</script>"\u202e'
    svg = picture([Point(DAY, 10.0)], None, events=[Event(DAY, label)])
    [title] = [mark.find(f"{SVG}title") for mark in drawn(svg).iter(f"{SVG}g")]
    assert title is not None
    assert title.text == '</title><script>alert(1)</script>"'
    assert "<script" not in svg
    assert not re.search(r"\sstyle=|\son\w+=", svg)
