"""The rows of a desk: what follows from a lead's row follows at once, all of it can be taken back, and rows say it."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.routing.desk import Desk, erased
from engine.routing.rows import OPEN, Held, Load, Pool, Queue, State, Turn, Wait, pack, unpack
from tests.unit.routing.examples import request, routing

ROUTING = routing()
REPS, LEADS = ("andy", "bea"), ("ada", "bob", "cy")


class Rows(dict[bytes, bytes]):
    """The rows of a lane, and when they said to be due."""

    def __init__(self, rows: dict[bytes, bytes] | None = None) -> None:
        super().__init__(rows or {})
        self.dues: list[tuple[int, bytes]] = []

    def desk(self, name: str = "main") -> Desk:
        return Desk(name, ROUTING, self, lambda due_ms, key: self.dues.append((due_ms, key)))

    def take(self, desk: Desk) -> None:
        """What a lane does with the changed rows."""
        for key, row in desk.changed.items():
            if row is None:
                self.pop(key, None)
            else:
                self[key] = row


def held(state: State = "assigned", rep: str | None = "andy", **changes: Any) -> Held:
    usual = Held(None, state, rep, None, None, None, 0, [], "p", 0, pack(request()))
    return msgspec.structs.replace(usual, **changes)


def waits(score: float, since_ms: int = 0) -> Held:
    return held("waiting", None, wait=Wait(None, score, since_ms, b""))


helds = (
    st.builds(
        held,
        st.sampled_from(["assigned", "accepted", "contacted", "closed"]),
        st.sampled_from(REPS),
        call_at=st.sampled_from([None, 5]),
        due=st.sampled_from([None, 7, 8]),
    )
    | st.builds(waits, st.sampled_from([1.0, 2.0]), st.integers(0, 2))
    | st.builds(lambda to: held("moved", None, moved=to), st.sampled_from(LEADS))
    | st.none()
)
steps = st.lists(st.tuples(st.sampled_from(LEADS), helds), max_size=5)


def follow(desk: Desk, steps: Sequence[tuple[str, Held | None]]) -> None:
    for lead, row in steps:
        desk.hold(lead, row)


def seen(desk: Desk) -> Any:
    """Everything that can be asked of a desk."""
    return (
        [desk.held(lead) for lead in LEADS],
        [desk.load(rep) for rep in REPS],
        desk.pool("p"),
        desk.queue,
        desk.waiting(),
        [desk.leads_of(rep) for rep in REPS],
        [sorted(erased(lead, desk)) for lead in LEADS],
        [desk.due_of(b"main/lead/" + lead.encode()) for lead in LEADS],
    )


@given(steps, steps)
def test_what_a_fresh_desk_sees_in_the_changed_rows_is_what_this_one_sees(
    first: Sequence[tuple[str, Held | None]], then: Sequence[tuple[str, Held | None]]
) -> None:
    """Also where rows that it has read, and what it knows of all of them, are changed again, and gone."""
    rows = Rows()
    before = rows.desk()
    follow(before, first)
    rows.take(before)
    desk = rows.desk()
    assert seen(desk) == seen(before)
    follow(desk, then)
    desk.set_pool("p", Pool(None, 1, {"andy": Turn(1.0, 1)}))
    after = Rows(rows)
    after.take(desk)
    assert seen(desk) == seen(after.desk())


@given(steps, steps)
def test_taking_back_leaves_every_row_as_it_was_when_the_record_began(
    first: Sequence[tuple[str, Held | None]], then: Sequence[tuple[str, Held | None]]
) -> None:
    rows = Rows()
    desk = rows.desk()
    desk.begin()
    follow(desk, first)
    was, changed = seen(desk), desk.changed
    desk.begin()
    follow(desk, then)
    desk.set_pool("p", Pool(None, 9, {}))
    desk.set_load("andy", Load(away_from=1))
    desk.look_at_queue(3)
    desk.take_back()
    assert seen(desk) == was
    assert {key: row for key, row in desk.changed.items() if row is not None or key in changed} == changed
    assert desk.freed == set()


@given(steps)
def test_open_counts_and_who_waits_follow_from_the_leads(steps: Sequence[tuple[str, Held | None]]) -> None:
    """A rep's open leads are those in an open state but for the ones put off until a call."""
    desk = Rows().desk()
    follow(desk, steps)
    last = {lead: row for lead, row in dict(steps).items() if row is not None}
    for rep in REPS:
        having = [row for row in last.values() if row.rep == rep and row.state in OPEN]
        put_off = [row for row in having if row.state == "contacted" and row.call_at is not None]
        assert desk.load(rep).open == len(having) - len(put_off)
    assert {lead for lead, _ in desk.waiting()} == {lead for lead, row in last.items() if row.wait is not None}
    assert desk.queue.waiting == len(desk.waiting())


def test_who_can_take_more_than_before_is_named() -> None:
    desk = Rows().desk()
    desk.begin()
    desk.hold("ada", held())
    assert desk.freed == set()
    desk.hold("ada", held(rep="bea"))
    assert desk.freed == {"andy"}
    desk.begin()
    desk.hold("ada", held("contacted", "bea"))
    assert desk.freed == set()
    desk.hold("ada", held("contacted", "bea", call_at=9))
    assert desk.freed == {"bea"}


def test_setting_what_a_rep_does_leaves_the_open_leads() -> None:
    desk = Rows().desk()
    desk.hold("ada", held())
    desk.set_load("andy", Load(open=77, away_from=5))
    assert desk.load("andy") == Load(open=1, away_from=5)


def test_those_who_wait_are_in_order_of_score_then_age_then_id() -> None:
    desk = Rows().desk()
    for lead, row in {"a": waits(1, 1), "b": waits(2, 5), "d": waits(2, 4), "c": waits(2, 4)}.items():
        desk.hold(lead, row)
    assert [lead for lead, _ in desk.waiting()] == ["c", "d", "b", "a"]


def test_a_changed_row_says_when_it_is_due() -> None:
    """Under its whole key, which names the desk."""
    rows = Rows()
    desk = rows.desk("eu")
    desk.hold("ada", held(due=70))
    desk.look_at_queue(50)
    desk.look_at_queue(None)
    assert rows.dues == [(70, b"eu/lead/ada"), (50, b"eu/queue")]
    assert (desk.due_of(b"eu/lead/ada"), desk.due_of(b"eu/queue"), desk.due_of(b"eu/lead/bob")) == (70, None, None)


def test_desks_in_one_table_see_nothing_of_each_other() -> None:
    rows = Rows()
    main, other = rows.desk(), rows.desk("main2")
    main.hold("ada", held())
    other.hold("bob", waits(1))
    for desk in (main, other):
        rows.take(desk)
    assert {key.partition(b"/")[0] for key in rows} == {b"main", b"main2"}
    assert [lead for lead, _ in rows.desk().leads_of("andy")] == ["ada"]
    assert rows.desk("main2").leads_of("andy") == []
    assert [lead for lead, _ in rows.desk("main2").waiting()] == ["bob"]
    assert rows.desk().waiting() == []


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("lead/a/b", held(due=3, missed=["andy"], wait=Wait(None, 1.5, 2, b"x"))),
        ("rep/andy", Load(open=2, day=3, assigned=1, away_from=4, away_until=5)),
        ("pool/weighted/team/us", Pool(None, 3, {"andy": Turn(0.5, 2)})),
        ("wait/ada", Wait(None, 2.0, 1, b"y")),
        ("queue", Queue(4, 2)),
    ],
)
def test_every_row_reads_as_it_was_written_and_says_kind_and_id(name: str, row: Any) -> None:
    key = b"main/" + name.encode()
    rows = Rows({key: pack(row)})
    kind, _, rest = name.partition("/")
    assert unpack(key, rows) == row
    assert rows.desk().read(key) == (kind, rest, row)
    assert rows.desk().due_of(key) == row.due
    assert rows.desk().read(b"main/lead/nobody") is None


def test_a_row_that_is_given_up_is_gone() -> None:
    rows = Rows({b"main/pool/x": pack(Pool(None, 1, {}))})
    desk = rows.desk()
    desk.give_up(b"main/pool/x")
    assert desk.changed == {b"main/pool/x": None}
    assert desk.pool("x") == Pool(None, 0, {})


def test_a_lead_is_found_under_every_id_that_it_had() -> None:
    desk = Rows().desk()
    desk.hold("browser", held("moved", None, moved="address"))
    desk.hold("address", held("moved", None, moved="ada"))
    desk.hold("ada", held())
    assert [desk.current(lead) for lead in ("browser", "address", "ada", "bob")] == ["ada", "ada", "ada", "bob"]


def test_rows_that_point_at_each_other_are_no_endless_search() -> None:
    desk = Rows().desk()
    desk.hold("a", held("moved", None, moved="b"))
    desk.hold("b", held("moved", None, moved="a"))
    assert desk.current("a") in ("a", "b")
    assert sorted(erased("a", desk)) == ["a", "b"]


def test_who_is_erased_takes_along_what_was_one_with_it_and_nothing_else() -> None:
    rows = Rows()
    desk = rows.desk()
    for lead, now in {"browser": "address", "address": "ada", "other": "bob"}.items():
        desk.hold(lead, held("moved", None, moved=now))
    rows.take(desk)
    assert sorted(erased("ada", rows.desk())) == ["ada", "address", "browser"]
    assert list(erased("browser", rows.desk())) == ["browser"]


def test_a_lead_that_moved_is_nobody_s() -> None:
    desk = Rows().desk()
    desk.hold("ada", held())
    desk.hold("ada", held("moved", None, moved="bob"))
    assert (desk.load("andy").open, desk.leads_of("andy")) == (0, [])
