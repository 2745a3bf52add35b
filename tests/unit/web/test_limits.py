"""How often somebody may try, and how many may be there."""

from hypothesis import given
from hypothesis import strategies as st

from engine.web.gate.limits import Limit, Room


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def test_so_many_at_once_and_then_one_each_so_often() -> None:
    """5 at once; 10 s later one more; after 50 s of peace 5 again."""
    clock = Clock()
    limit = Limit(burst=5, every_s=10, clock=clock)
    for _ in range(5):
        assert limit.wait_s("a") == 0
        limit.take("a")
    assert limit.wait_s("a") == 10
    clock.now_s += 4
    assert limit.wait_s("a") == 6
    clock.now_s += 6
    assert limit.wait_s("a") == 0
    limit.take("a")
    assert limit.wait_s("a") == 10
    clock.now_s += 50
    for _ in range(5):
        assert limit.wait_s("a") == 0
        limit.take("a")
    assert limit.wait_s("a") == 10


def test_each_key_has_a_limit_of_its_own() -> None:
    limit = Limit(burst=1, every_s=10, clock=Clock())
    limit.take("a")
    assert (limit.wait_s("a"), limit.wait_s("b")) == (10, 0)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 30)), max_size=60), st.integers(1, 5), st.integers(1, 10))
def test_nobody_gets_more_than_the_rate(steps: list[tuple[int, float]], burst: int, every_s: int) -> None:
    """Within any span, at most the burst and one for each `every_s` of it."""
    clock = Clock()
    limit = Limit(burst, every_s, clock=clock)
    passed: dict[int, list[float]] = {}
    for key, pause_s in steps:
        clock.now_s += pause_s
        if not limit.wait_s(str(key)):
            limit.take(str(key))
            passed.setdefault(key, []).append(clock.now_s)
    for times in passed.values():
        for at, since_s in enumerate(times):
            for until, time_s in enumerate(times[at:], start=1):
                assert until <= burst + (time_s - since_s) / every_s + 1e-6


def test_only_so_many_keys_are_remembered() -> None:
    """The one that tried longest ago goes first."""
    limit = Limit(burst=1, every_s=10, keys_max=2, clock=Clock())
    for key in "aba":
        limit.take(key)
    limit.take("c")
    assert [limit.wait_s(key) > 0 for key in "abc"] == [True, False, True]


def test_nobody_takes_all_the_room() -> None:
    """Of 3 places one may have 2; who leaves makes room, who was refused takes none."""
    room = Room(of_all=3, of_one=2)
    with room.place("a") as first, room.place("a") as second, room.place("a") as third:
        assert (first, second, third) == (True, True, False)
        with room.place("b") as other, room.place("c") as too_many:
            assert (other, too_many) == (True, False)
        with room.place("c") as later:
            assert later
    with room.place("a") as again:
        assert again
    assert not room._there
