"""`heatline` without a clock: a lane's time is that of its records only, so that a replay of them is its oracle."""

from math import inf

from engine.cli import main
from engine.stream import ticker

if __name__ == "__main__":
    ticker.TICK_S = inf
    main()
