"""The packed row of a lead: small, bounded whatever a visitor does, and readable by what comes later."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.packing import (
    BYTES_MAX,
    due_of,
    pack,
    packed_touch,
    stored_touch,
    unpack,
)
from engine.core.profile import (
    BROWSERS_MAX,
    ID_BYTES,
    PAGES_MAX,
    PENDING_MAX,
    PRODUCTS_MAX,
    RECENT_IDS_MAX,
    TIME_BYTES,
    TOUCHES_MAX,
    Life,
    Pending,
    Published,
    Row,
    StoredPage,
    StoredTouch,
    Visit,
)
from tests.build import T0, Profiles, model, page, segment
from tests.stories import LAWFUL

SPEC = {"engagement": {"view": {"when": {"event": "page_view"}, "points": 1}}}
WIDE = "\U0001f600" * 64
"""As many bytes as 64 characters can take."""


def row(**fields: Any) -> Row:
    return Row(**{"born_ms": T0, "anonymous": True, **fields})


def same(packed: bytes) -> bytes:
    """What comes of unpacking and packing again."""
    return pack(unpack(packed), due_of(packed))


def test_rows_come_back_as_they_were() -> None:
    fed = Profiles(model(SPEC))
    fed.feed(page("/", messageId="1"), segment("identify", userId="u", traits={"email": "a@example.com"}))
    packed = fed.lanes[0][b"\x01u"]
    assert same(packed) == packed
    assert unpack(packed).traits == {"email": (0, "a@example.com")}


@LAWFUL
@given(st.none() | st.integers(0, 2**47))
def test_when_it_is_due_is_told_without_unpacking(due_ms: int | None) -> None:
    assert due_of(pack(row(), due_ms)) == due_ms


def test_what_is_due_before_1970_is_due_at_once() -> None:
    assert due_of(pack(row(), -5)) == 0


def test_a_row_of_fewer_fields_is_filled_with_defaults() -> None:
    """Fields may be added behind the others, never moved: a changelog outlives the program."""
    never = pack(row(), None)[:6]
    assert unpack(never + b"\x92\x01\xc3") == Row(born_ms=1, anonymous=True)


@pytest.mark.parametrize(
    "rare", [{"falls": 5}, {"browsers": ["b"]}, {"quiet": True}, {"life": Life(stage=1)}, {"place": {"city": "x"}}]
)
def test_a_field_that_few_rows_have_comes_back_wherever_it_stands(rare: dict[str, Any]) -> None:
    """Also where a number of the visitor's looks like what a row without them ends with."""
    assert unpack(pack(row(**rare), None)) == row(**rare)


def test_a_visitor_who_looked_at_one_page_takes_little_room() -> None:
    """Millions of them stand in memory: under 110 bytes each."""
    fed = Profiles(model(SPEC))
    fed.feed(page("/products/insurance", messageId="0f9c2d3e-1111-4222-8333-444455556666"))
    assert len(fed.lanes[0][b"ada"]) < 110


def hostile() -> Row:
    """A row in which everything that a visitor can grow is as large as it gets."""
    return row(
        now=2**40,
        browsers=["b" * 500] * BROWSERS_MAX,
        owner="o" * 100,
        recent_ids=bytes(range(ID_BYTES)) * RECENT_IDS_MAX,
        recent_s=b"123" * RECENT_IDS_MAX,
        pages=[StoredPage(2**40 + place, WIDE, f"{place}{WIDE[1:]}", 9) for place in range(PAGES_MAX)],
        touches=[packed_touch(StoredTouch(2**40 + place, "social", WIDE, WIDE, WIDE)) for place in range(TOUCHES_MAX)],
        products={f"{place}{WIDE[1:]}": (9, 9.5) for place in range(PRODUCTS_MAX)},
        traits={f"trait-{place}": (2**40, WIDE) for place in range(20)},
        place=dict.fromkeys(("country", "state", "county", "city", "zip", "language"), WIDE),
        pending=[Pending("form_abandoned", WIDE, 1, 2, WIDE, WIDE, WIDE) for _ in range(PENDING_MAX)],
        visit=Visit(1, 2, 3, 4, dwelt=["rule"]),
        published=Published(1, 2, "warm", "A", "persona", True),
    )


def test_no_row_is_larger_than_4_kib() -> None:
    packed = pack(hostile(), T0)
    assert len(packed) <= BYTES_MAX
    assert same(packed) == packed


@LAWFUL
@given(
    st.integers(0, PAGES_MAX),
    st.integers(0, TOUCHES_MAX),
    st.dictionaries(st.text(max_size=30), st.tuples(st.just(0), st.text(max_size=254)), max_size=40),
    st.integers(0, RECENT_IDS_MAX),
    st.integers(0, 500),
)
def test_whatever_a_row_holds_it_fits(
    pages: int, touches: int, traits: dict[str, Any], ids: int, browser_chars: int
) -> None:
    large = hostile()
    held = row(
        pages=large.pages[:pages],
        touches=large.touches[:touches],
        traits=traits,
        recent_ids=large.recent_ids[: ids * ID_BYTES],
        recent_s=large.recent_s[: ids * TIME_BYTES],
        browsers=["b" * browser_chars] * BROWSERS_MAX,
        products=large.products,
    )
    assert len(pack(held, None)) <= BYTES_MAX


def test_the_oldest_pages_go_first_and_the_last_three_stay() -> None:
    """Before any touch does."""
    large = hostile()
    held = row(pages=large.pages, traits={f"t{place}": (0, WIDE) for place in range(8)})
    kept = unpack(pack(held, None))
    assert 3 <= len(kept.pages) < PAGES_MAX
    assert kept.pages[-1].at == 2**40 + PAGES_MAX - 1
    assert len(kept.traits) == 8


def test_then_the_touches_in_the_middle() -> None:
    """The first touch and the last ones say where a lead came from."""
    kept = unpack(pack(row(pages=hostile().pages, touches=hostile().touches), None))
    assert len(kept.pages) == 3
    assert 2 <= len(kept.touches) < TOUCHES_MAX
    assert stored_touch(kept.touches[0]).at == 2**40
    assert stored_touch(kept.touches[-1]).at == 2**40 + TOUCHES_MAX - 1


def test_the_score_goes_never() -> None:
    """Ledger, counts, stage, alerts and that the lead is known stay, whatever else must go."""
    large = hostile()
    large.ledger = {f"rule-{place}": (0.1, 2**40, 9) for place in range(30)}
    large.counts = {f"event-{place}": 9 for place in range(20)}
    large.alerts = {"hot": (True, 2**40)}
    large.life = Life(stage=2, at=5, revenue=9.5)
    large.anonymous = False
    kept = unpack(pack(large, None))
    assert (len(kept.ledger), len(kept.counts), kept.alerts) == (30, 20, {"hot": (True, 2**40)})
    assert (kept.life, kept.anonymous) == (Life(stage=2, at=5, revenue=9.5), False)


def test_what_is_gone_from_the_bytes_is_gone_from_the_row() -> None:
    large = hostile()
    packed = pack(large, None)
    assert pack(large, None) == packed
    assert len(large.pages) == len(unpack(packed).pages)


def test_pages_and_touches_come_back_as_they_were_put() -> None:
    read, seen = StoredPage(-5, "/a", None, 90_000), StoredPage(7, "/b", "B", None)
    came = StoredTouch(0, "paid", "google", "cpc", "spring")
    kept = unpack(pack(row(pages=[read, seen], touches=[packed_touch(came)]), None))
    assert kept.pages == [read, seen]
    assert [stored_touch(one) for one in kept.touches] == [came]
