"""How a lead's score went, and how it will go if nothing happens: a drawing as SVG, made here, and readable as text.

It is drawn as wide as it is shown, so that its letters stay letters on a phone.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from html import escape
from typing import NamedTuple

from engine.core.instants import DAY_MS, EPOCH, FIRST_MS, MINUTE_MS
from engine.core.text import clean
from engine.readmodel.history import Point

WIDE, NARROW = (760, 220), (340, 180)
"""Width and height: beside other things, and on a phone."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 14, 14, 26
_TICK_CHARS = 62
"""So many units of width for each date below the axis."""
_LABEL_CHARS_MAX = 120
_SPAN_MS_MIN = 60 * MINUTE_MS
_MONTHS_MS = 90 * DAY_MS
_STEPS_MS = (
    *(minutes * MINUTE_MS for minutes in (1, 5, 15, 30, 60, 180, 360, 720)),
    *(days * DAY_MS for days in (1, 2, 7, 14, 30, 90, 365)),
)


class Event(NamedTuple):
    """Something worth marking, such as an alert."""

    at_ms: int
    label: str


class Frame(NamedTuple):
    """What part of the plane is drawn: time from `start_ms` up to `end_ms`, and scores from 0 to `top`."""

    width: int
    height: int
    start_ms: int
    end_ms: int
    top: float

    def x(self, at_ms: float) -> float:
        """Where an instant lies; what lies outside is at the edge."""
        share = (at_ms - self.start_ms) / (self.end_ms - self.start_ms)
        return round(_LEFT + min(max(share, 0.0), 1.0) * (self.width - _LEFT - _RIGHT), 1)

    def y(self, total: float) -> float:
        """Where a score lies."""
        share = min(max(total / self.top, 0.0), 1.0)
        return round(self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM), 1)


def picture(
    history: Sequence[Point],
    tomorrow: Point | None,
    size: tuple[int, int] = WIDE,
    events: Iterable[Event] = (),
    scale: float = 100.0,
) -> str:
    """The drawing of a score's `history`, oldest first, as SVG; empty text where nothing is known.

    `tomorrow` is where it goes if nothing happens: dashed. Scores run from 0 to `scale`, or as far as they reach.
    """
    if not history:
        return ""
    frame = frame_of(history, tomorrow, size, scale)
    name = f"picture-{size[0]}"
    parts = [
        f'<svg class="picture" viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}"',
        f' role="img" aria-labelledby="{name}-title {name}-desc">',
        f'<title id="{name}-title">The score over time</title>',
        f'<desc id="{name}-desc">{escape(described(history, tomorrow))}</desc>',
        *_grid(frame),
        *_line(frame, history, tomorrow),
        *_marks(frame, history, events),
        f'<circle class="now" cx="{frame.x(history[-1].at_ms)}" cy="{frame.y(history[-1].total)}" r="4"/>',
        "</svg>",
    ]
    return "".join(parts)


def frame_of(history: Sequence[Point], tomorrow: Point | None, size: tuple[int, int], scale: float = 100.0) -> Frame:
    """All of the history and of what is to come, never less than an hour."""
    points = [*history, *([tomorrow] if tomorrow else [])]
    start_ms, end_ms = history[0].at_ms, max(point.at_ms for point in points)
    start_ms = max(min(start_ms, end_ms - _SPAN_MS_MIN), FIRST_MS)
    end_ms = max(end_ms, start_ms + _SPAN_MS_MIN)
    return Frame(*size, start_ms, end_ms, max(scale, *(point.total for point in points), 1.0))


def described(history: Sequence[Point], tomorrow: Point | None) -> str:
    """The drawing in words."""
    first, last = history[0], history[-1]
    highest = max(history, key=lambda point: point.total)
    told = f"From {first.total:.1f} on {_day(first.at_ms)} to {last.total:.1f} on {_day(last.at_ms)}"
    if highest.total > last.total:
        told += f", at most {highest.total:.1f} on {_day(highest.at_ms)}"
    if tomorrow is not None:
        told += f"; {tomorrow.total:.1f} a day later if nothing happens"
    return told + "."


def _grid(frame: Frame) -> Iterator[str]:
    right = frame.width - _RIGHT
    for quarter in range(5):
        total = frame.top * quarter / 4
        y = frame.y(total)
        yield f'<line class="rule" x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}"/>'
        yield f'<text class="label" x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{total:g}</text>'
    for at_ms, label in _ticks(frame):
        x = frame.x(at_ms)
        yield f'<line class="tick" x1="{x}" x2="{x}" y1="{frame.height - _BOTTOM}" y2="{frame.height - _BOTTOM + 4}"/>'
        yield f'<text class="label" x="{x}" y="{frame.height - 6}" text-anchor="middle">{label}</text>'


def _ticks(frame: Frame) -> Iterator[tuple[int, str]]:
    """Round instants that lie within the frame, as many as have room."""
    span_ms = frame.end_ms - frame.start_ms
    room = max(2, (frame.width - _LEFT - _RIGHT) // _TICK_CHARS)
    step_ms = next((step for step in _STEPS_MS if span_ms / step <= room), span_ms // room + 1)
    margin_ms = span_ms * 24 // (frame.width - _LEFT - _RIGHT)
    at_ms = -(-frame.start_ms // step_ms) * step_ms
    while at_ms <= frame.end_ms - margin_ms:
        if at_ms >= frame.start_ms + margin_ms // 2:
            yield at_ms, _told(at_ms, step_ms)
        at_ms += step_ms


def _line(frame: Frame, history: Sequence[Point], tomorrow: Point | None) -> Iterator[str]:
    places = [(frame.x(point.at_ms), frame.y(point.total)) for point in history]
    drawn = " ".join(f"{x},{y}" for x, y in places)
    floor, (last_x, last_y) = frame.height - _BOTTOM, places[-1]
    if len(places) > 1:
        yield f'<polygon class="under" points="{places[0][0]},{floor} {drawn} {last_x},{floor}"/>'
        yield f'<polyline class="line" points="{drawn}"/>'
    if tomorrow is not None and tomorrow.at_ms > history[-1].at_ms:
        x, y = frame.x(tomorrow.at_ms), frame.y(tomorrow.total)
        yield f'<line class="tail" x1="{last_x}" y1="{last_y}" x2="{x}" y2="{y}"/>'
        yield f'<circle class="end" cx="{x}" cy="{y}" r="3.5"/>'


def _marks(frame: Frame, history: Sequence[Point], events: Iterable[Event]) -> Iterator[str]:
    for event in events:
        if frame.start_ms <= event.at_ms <= frame.end_ms:
            x, y = frame.x(event.at_ms), frame.y(_total_at(history, event.at_ms))
            label = escape(clean(event.label, _LABEL_CHARS_MAX))
            yield f'<g class="mark"><title>{label}</title><circle cx="{x}" cy="{y}" r="6"/></g>'


def _total_at(history: Sequence[Point], at_ms: int) -> float:
    """The score on the line at an instant: as of the record there, else between its neighbours."""
    after = next((place for place, point in enumerate(history) if point.at_ms >= at_ms), None)
    if after is None:
        return history[-1].total
    if after == 0:
        return history[0].total
    left, right = history[after - 1], history[after]
    return left.total + (right.total - left.total) * (at_ms - left.at_ms) / (right.at_ms - left.at_ms)


def _day(at_ms: int) -> str:
    return (EPOCH + timedelta(milliseconds=at_ms)).strftime("%-d %b")


def _told(at_ms: int, step_ms: int) -> str:
    """A date below the axis: as much of it as tells it from its neighbours."""
    if step_ms >= _MONTHS_MS:
        return (EPOCH + timedelta(milliseconds=at_ms)).strftime("%b %Y")
    if at_ms % DAY_MS == 0 or step_ms >= DAY_MS:
        return _day(at_ms)
    return (EPOCH + timedelta(milliseconds=at_ms)).strftime("%H:%M")
