"""Whether anything moves."""

import pytest

from engine.stream.gauges import Stuck, Watchdog


def test_what_stays_the_same_for_too_long_is_stuck_and_named() -> None:
    """Whoever moves, or is not looked at once, begins to count anew."""
    watchdog = Watchdog(looks_max=3)
    watchdog.look({"events[0]": 7, "events[1]": 1})
    watchdog.look({"events[0]": 7, "events[1]": 2})
    watchdog.look({"events[1]": 3})
    watchdog.look({"events[0]": 7, "events[1]": 4})
    watchdog.look({"events[0]": 7, "events[1]": 5})
    with pytest.raises(Stuck, match=r"^events\[0\] did not move at 3 looks in a row$"):
        watchdog.look({"events[0]": 7, "events[1]": 6})
