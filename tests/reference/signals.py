"""What follows from the order of a lead's events and from their silence: signals, by their definitions.

The events are web events in order of time, each as old as its record.
"""

from collections.abc import Collection, Iterator, Sequence

from tests.reference.events import DAY_MS, MINUTE_MS, Seen

SESSION_GAP_MS = 30 * MINUTE_MS
RETURN_MS = 7 * DAY_MS
FORM_MS = 30 * MINUTE_MS
CART_MS = 60 * MINUTE_MS

Step = tuple[int, list[Seen]]
"""What happens in one fold at an instant: an event with the signals it brings about, or what fell due."""


def steps(events: Sequence[Seen], until_ms: int) -> list[Step]:
    """The events with all that is derived from them, in order; what is due at an event's instant comes before it."""
    found = [(seen.at_ms, 1, place, [seen, *_with(events, place)]) for place, seen in enumerate(events)]
    found += [(signal.at_ms, 0, place, [signal]) for place, signal in enumerate(_silences(events))]
    return [(at_ms, seens) for at_ms, _, _, seens in sorted(found, key=lambda one: one[:3]) if at_ms <= until_ms]


def derived(events: Sequence[Seen], until_ms: int) -> list[Seen]:
    """The events with their signals, in order."""
    return [seen for _, seens in steps(events, until_ms) for seen in seens]


def _signal(name: str, at_ms: int, seen: Seen | None = None, seconds: float | None = None) -> Seen:
    """A signal, about the page view `seen` if there is one."""
    properties = {} if seconds is None else {"seconds": seconds}
    view = None if seen is None else (seen.at_ms, seen.id)
    return Seen("", at_ms, None if seen is None else seen.path, properties=properties, signal=name, view=view)


def _with(events: Sequence[Seen], place: int) -> Iterator[Seen]:
    """The signals that an event brings about."""
    now_ms = events[place].at_ms
    gap_ms = None if place == 0 else now_ms - events[place - 1].at_ms
    if gap_ms is None or gap_ms >= SESSION_GAP_MS:
        yield _signal("session_start", now_ms)
        if gap_ms is not None and gap_ms >= RETURN_MS:
            yield _signal("return_visit", now_ms)
        return
    viewed = _open_view(events[:place])
    if viewed is not None:
        yield _signal("dwell", now_ms, viewed, (now_ms - viewed.at_ms) / 1_000)


def _open_view(before: Sequence[Seen]) -> Seen | None:
    """The page that the visitor is on: the last one viewed in this session, if it has not been left."""
    for seen, earlier in zip(reversed(before), [*reversed(before[:-1]), None], strict=True):
        if seen.name == "page_leave":
            return None
        if seen.name == "page_view":
            return seen
        if earlier is None or seen.at_ms - earlier.at_ms >= SESSION_GAP_MS:
            return None
    return None


def _silences(events: Sequence[Seen]) -> Iterator[Seen]:
    for place, seen in enumerate(events):
        rest = events[place + 1 :]
        if not rest or rest[0].at_ms - seen.at_ms >= SESSION_GAP_MS:
            yield from _session_end(events[: place + 1])
        if seen.name == "form_start":
            yield from _abandoned("form_abandoned", seen, rest, FORM_MS, {"form_start", "form_submit", "unsubscribe"})
        if seen.name == "add_to_cart":
            over = {"add_to_cart", "begin_checkout", "purchase", "unsubscribe"}
            yield from _abandoned("cart_abandoned", seen, rest, CART_MS, over)
        if seen.name == "begin_checkout":
            yield from _abandoned(
                "checkout_abandoned", seen, rest, CART_MS, {"begin_checkout", "purchase", "unsubscribe"}
            )


def _abandoned(name: str, seen: Seen, rest: Sequence[Seen], after_ms: int, over: Collection[str]) -> Iterator[Seen]:
    due_ms = seen.at_ms + after_ms
    if not any(later.name in over and later.at_ms < due_ms for later in rest):
        yield _signal(name, due_ms)


def _session_end(so_far: Sequence[Seen]) -> Iterator[Seen]:
    """The end of the session whose last event is the last of these; a bounce if it had one page."""
    session = _last_session(so_far)
    end_ms = session[-1].at_ms + SESSION_GAP_MS
    yield _signal("session_end", end_ms)
    if sum(seen.name == "page_view" for seen in session) == 1:
        yield _signal("bounce", end_ms)


def _last_session(so_far: Sequence[Seen]) -> list[Seen]:
    gaps = [place for place in range(1, len(so_far)) if so_far[place].at_ms - so_far[place - 1].at_ms >= SESSION_GAP_MS]
    return list(so_far[gaps[-1] if gaps else 0 :])
