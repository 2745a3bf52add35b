"""`heatline` without a clock: a lane's time is that of its records only, so that a replay of them is its oracle."""

from math import inf

from engine.cli import main
from engine.stream import lane, ticker

FAR_MS = 2**50


def stop_the_clock() -> None:
    """Change the modules in this process: no tick ever comes, and no record is ahead of the clock."""
    ticker.TICK_S = inf
    lane.wall_ms = lambda: FAR_MS


if __name__ == "__main__":
    stop_the_clock()
    main()
